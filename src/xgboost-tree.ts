/** One tree as XGBoost's JSON format writes it. Knows nothing about ensembles or reading. */

import type { Tree } from './tree-ensemble.ts'

/** A tree of the format: parallel lists, one element per node; those of floats are typed. */
export interface XgboostTree {
  readonly base_weights: Float32Array
  /** Categories that go right, of all nodes that split by them, one after the other. */
  readonly categories: readonly number[]
  readonly categories_nodes: readonly number[]
  readonly categories_segments: readonly number[]
  readonly categories_sizes: readonly number[]
  readonly default_left: readonly number[]
  readonly id: number
  readonly left_children: readonly number[]
  readonly loss_changes: Float32Array
  readonly parents: readonly number[]
  readonly right_children: readonly number[]
  /** Thresholds, and the values of leaves. */
  readonly split_conditions: Float32Array
  readonly split_indices: readonly number[]
  /** 1 for a split by category. */
  readonly split_type: readonly number[]
  readonly sum_hessian: Float32Array
  readonly tree_param: Readonly<Record<string, string>>
}

/** The parent of a root. */
const noParent = 2 ** 31 - 1

/**
 * The document of a tree.
 *
 * @param id its number in the ensemble
 * @param features of the ensemble
 */
export function treeDocument(tree: Tree, id: number, features: number): XgboostTree {
  const { feature, threshold, left, right, missingLeft, value, gain, cover } = tree
  const size = feature.length
  const parents = new Array<number>(size).fill(noParent)
  for (const children of [left, right]) {
    for (const [node, child] of children.entries()) if (child >= 0) parents[child] = node
  }
  const nodes = [...tree.categories.keys()].sort((a, b) => a - b)
  const sets = nodes.map((node) => codesOf(tree.categories.get(node)!))
  let begin = 0
  const segments = sets.map(({ length }) => {
    begin += length
    return begin - length
  })
  return {
    base_weights: value,
    categories: sets.flat(),
    categories_nodes: nodes,
    categories_segments: segments,
    categories_sizes: sets.map(({ length }) => length),
    default_left: [...missingLeft],
    id,
    left_children: [...left],
    loss_changes: gain,
    parents,
    right_children: [...right],
    split_conditions: threshold.map((cut, i) => (feature[i]! < 0 ? value[i]! : cut)),
    split_indices: Array.from(feature, (f) => Math.max(0, f)),
    split_type: Array.from(feature, (_, node) => (tree.categories.has(node) ? 1 : 0)),
    sum_hessian: cover,
    tree_param: {
      num_deleted: '0',
      num_feature: String(features),
      num_nodes: String(size),
      size_leaf_vector: '1',
    },
  }
}

/** The codes in a bit set, in order. */
function codesOf(bits: Uint32Array): number[] {
  return [...bits].flatMap((word, at) => {
    return Array.from({ length: 32 }, (_, bit) => at * 32 + bit).filter(
      (code) => ((word >>> (code & 31)) & 1) === 1,
    )
  })
}

/**
 * The text of a document: floats in the fewest digits that are the same 32-bit float, and always
 * with an exponent, since XGBoost does not take a whole number for a float.
 */
export function floatJson(value: unknown): string {
  if (value instanceof Float32Array) return `[${Array.from(value, floatText).join(',')}]`
  if (Array.isArray(value)) return `[${value.map(floatJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, item]) => {
    return `${JSON.stringify(key)}:${floatJson(item)}`
  })
  return `{${members.join(',')}}`
}

/** A 32-bit float as text. */
export function floatText(value: number): string {
  for (let digits = 5; digits < 8; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential(8)
}

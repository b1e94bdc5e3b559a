/**
 * Ensembles of trees in XGBoost's JSON model format: what Python's `xgboost` reads and writes, and
 * what is checked before a tree from a file is walked. Knows nothing about files or training.
 */

import { z } from 'zod'
import { messageOf, RidecastError } from './errors.ts'
import {
  maxCategory,
  maxTreeDepth,
  type Tree,
  TreeEnsemble,
  type TreeFeature,
} from './tree-ensemble.ts'
import { floatJson, floatText, treeDocument } from './xgboost-tree.ts'

/** Numbers, and the true and false of older versions as 1 and 0. */
const numbers = z
  .custom<(number | boolean)[]>((value) => {
    return Array.isArray(value) && value.every((item) => /^(number|boolean)$/.test(typeof item))
  }, 'expected numbers')
  .transform((items) => items.map(Number))

const treeSchema = z.object({
  left_children: numbers,
  right_children: numbers,
  split_indices: numbers,
  split_conditions: numbers,
  default_left: numbers,
  sum_hessian: numbers,
  loss_changes: numbers,
  base_weights: numbers,
  // Absent before categories were known.
  split_type: numbers.optional(),
  categories: numbers.default([]),
  categories_nodes: numbers.default([]),
  categories_segments: numbers.default([]),
  categories_sizes: numbers.default([]),
})

const documentSchema = z.object({
  learner: z.object({
    feature_names: z.array(z.string()).default([]),
    feature_types: z.array(z.string()).default([]),
    gradient_booster: z.object({
      name: z.string(),
      model: z.object({ trees: z.array(treeSchema) }).optional(),
    }),
    learner_model_param: z.object({
      base_score: z.string(),
      num_class: z.string().default('0'),
      num_feature: z.string(),
      num_target: z.string().default('1'),
    }),
    objective: z.object({ name: z.string() }),
  }),
})

/** A tree of the format, checked for its types. */
type ParsedTree = z.output<typeof treeSchema>

/** Objectives whose sums are minutes as they are. */
const objectives = [
  'reg:squarederror',
  'reg:absoluteerror',
  'reg:pseudohubererror',
  'reg:quantileerror',
]

/** Words of 32 categories that the sets of a tree may take. */
const mostSetWords = 2 ** 20

/**
 * The text of a model file, in the form of version 2, which later ones and other tools read.
 * Categories are their codes.
 */
export function xgboostJson({ features, trees, base }: TreeEnsemble): string {
  const count = String(trees.length)
  return floatJson({
    learner: {
      attributes: {},
      feature_names: features.map(({ name }) => name),
      feature_types: features.map(({ kind }) => (kind === 'category' ? 'c' : 'float')),
      gradient_booster: {
        model: {
          gbtree_model_param: { num_parallel_tree: '1', num_trees: count },
          iteration_indptr: Array.from({ length: trees.length + 1 }, (_, i) => i),
          tree_info: trees.map(() => 0),
          trees: trees.map((tree, id) => treeDocument(tree, id, features.length)),
        },
        name: 'gbtree',
      },
      learner_model_param: {
        base_score: floatText(base),
        boost_from_average: '1',
        num_class: '0',
        num_feature: String(features.length),
        num_target: '1',
      },
      objective: { name: 'reg:squarederror', reg_loss_param: { scale_pos_weight: '1' } },
    },
    version: [2, 1, 4],
  })
}

/**
 * An ensemble from a document of the format, of any version since 1.0, that was trained by
 * regression. Predicts the same to the bit as XGBoost, categories given as codes.
 *
 * @param document parsed JSON
 * @throws artifact_corrupt when it does not have the shape, or a tree cannot be walked;
 *   artifact_format for boosters and objectives other than those of regression by trees
 */
export function readXgboost(document: unknown): TreeEnsemble {
  const parsed = documentSchema.safeParse(document)
  if (!parsed.success) {
    const fault = parsed.error.issues[0]
    throw corrupt(`${fault?.path.join('.')}: ${fault?.message}`)
  }
  const { learner } = parsed.data
  const { gradient_booster: booster, learner_model_param: model, objective } = learner
  if (booster.name !== 'gbtree') throw unread('booster', booster.name, 'gbtree')
  if (!objectives.includes(objective.name)) {
    throw unread('objective', objective.name, objectives.join(', '))
  }
  if (!['0', '1'].includes(model.num_class)) throw unread('classes', model.num_class, '0')
  if (model.num_target !== '1') throw unread('targets', model.num_target, '1')
  const base = baseOf(model.base_score)
  const trees = booster.model?.trees ?? []
  const features = featuresOf(learner, trees)
  const read = trees.map((tree, t) => {
    try {
      return treeOf(tree, features)
    } catch (error) {
      throw corrupt(`tree ${t}: ${messageOf(error)}`)
    }
  })
  return new TreeEnsemble(features, read, base)
}

/**
 * As {@link readXgboost}, from the text of a file.
 *
 * @throws as {@link readXgboost}, and artifact_corrupt when it is not JSON
 */
export function parseXgboost(text: string): TreeEnsemble {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    throw corrupt(messageOf(error))
  }
  return readXgboost(document)
}

function corrupt(what: string): RidecastError {
  return new RidecastError(
    'artifact_corrupt',
    `the XGBoost model does not have the expected shape: ${what}`,
  )
}

function unread(what: string, found: string, expected: string): RidecastError {
  return new RidecastError(
    'artifact_format',
    `the XGBoost model has ${what} ${found}, expected ${expected}`,
  )
}

/** `1.5E1`, or since version 3 `[1.5E1]`. */
function baseOf(text: string): number {
  const base = Math.fround(Number(/^\[?([-+.\dEe]+)\]?$/.exec(text)?.[1] ?? Number.NaN))
  if (Number.isFinite(base)) return base
  throw corrupt(`learner.learner_model_param.base_score: expected a number, found ${text}`)
}

function featuresOf(
  {
    feature_names: names,
    feature_types: types,
    learner_model_param: model,
  }: {
    feature_names: string[]
    feature_types: string[]
    learner_model_param: { num_feature: string }
  },
  trees: readonly ParsedTree[],
): TreeFeature[] {
  const count = Number(model.num_feature)
  if (!Number.isInteger(count) || count < 0 || count > 65_536) {
    throw corrupt(`learner.learner_model_param.num_feature: found ${model.num_feature}`)
  }
  for (const list of [names, types]) {
    if (list.length === 0 || list.length === count) continue
    throw corrupt(`${list.length} names or types for ${count} features`)
  }
  // Without types, a category is what is split by a set.
  const sets = new Set(
    trees.flatMap(({ categories_nodes: nodes, split_indices: indices }) => {
      return nodes.map((node) => indices[node])
    }),
  )
  return Array.from({ length: count }, (_, f) => {
    const isCategory = types.length > 0 ? types[f] === 'c' : sets.has(f)
    return { name: names[f] ?? `f${f}`, kind: isCategory ? 'category' : 'number' }
  })
}

/** A tree without the nodes that pruning has cut off. */
function treeOf(parsed: ParsedTree, features: readonly TreeFeature[]): Tree {
  const size = checkSizes(parsed)
  const sets = setsOf(parsed)
  const nodes = reachedNodes(parsed, size)
  const numbers = new Int32Array(size)
  for (const [number, node] of nodes.entries()) numbers[node] = number
  const pick = (values: readonly number[]): number[] => nodes.map((node) => values[node]!)
  const renumber = (children: readonly number[]): Int32Array =>
    Int32Array.from(pick(children), (child) => (child < 0 ? -1 : numbers[child]!))
  const left = renumber(parsed.left_children)
  const categories = new Map<number, Uint32Array>()
  const feature = nodes.map((node, i) => {
    if (left[i] === -1) return -1
    const set = sets.get(node)
    if (set) categories.set(i, set)
    return featureOf(parsed, node, features, set !== undefined)
  })
  const conditions = finite(pick(parsed.split_conditions), 'split_conditions')
  const weights = finite(pick(parsed.base_weights), 'base_weights')
  const cover = finite(pick(parsed.sum_hessian), 'sum_hessian')
  if (cover.some((rows) => rows < 0)) throw new Error('a sum_hessian is below 0')
  return {
    feature: Int32Array.from(feature),
    threshold: conditions.map((condition, i) => {
      return left[i] === -1 || categories.has(i) ? 0 : condition
    }),
    categories,
    left,
    right: renumber(parsed.right_children),
    missingLeft: Uint8Array.from(pick(parsed.default_left)),
    value: weights.map((weight, i) => (left[i] === -1 ? conditions[i]! : weight)),
    gain: finite(pick(parsed.loss_changes), 'loss_changes'),
    cover,
  }
}

/** The nodes that are reached from the root, in order, each of them once. */
function reachedNodes(parsed: ParsedTree, size: number): number[] {
  const nodes: number[] = [0]
  const depths = new Int32Array(size).fill(-1)
  depths[0] = 0
  for (const node of nodes) {
    const [left, right] = [parsed.left_children[node]!, parsed.right_children[node]!]
    if (left === -1) continue
    const depth = depths[node]! + 1
    if (depth > maxTreeDepth) throw new Error(`deeper than ${maxTreeDepth} splits`)
    for (const child of [left, right]) {
      if (!(Number.isInteger(child) && child > 0 && child < size)) {
        throw new Error(`node ${node} has child ${child}, expected one from 1 to ${size - 1}`)
      }
      if (depths[child] !== -1) throw new Error(`node ${child} is reached twice`)
      depths[child] = depth
      nodes.push(child)
    }
  }
  return nodes.sort((a, b) => a - b)
}

function checkSizes(parsed: ParsedTree): number {
  const size = parsed.left_children.length
  if (size === 0) throw new Error('no nodes')
  const lists = [
    parsed.right_children,
    parsed.split_indices,
    parsed.split_conditions,
    parsed.default_left,
    parsed.sum_hessian,
    parsed.loss_changes,
    parsed.base_weights,
    parsed.split_type ?? parsed.left_children,
  ]
  const other = lists.find(({ length }) => length !== size)
  if (other) throw new Error(`lists of ${size} and ${other.length} nodes`)
  return size
}

function featureOf(
  { split_indices: indices, split_type: types }: ParsedTree,
  node: number,
  features: readonly TreeFeature[],
  hasSet: boolean,
): number {
  const feature = features[indices[node]!]
  if (!feature)
    throw new Error(`node ${node} splits by feature ${indices[node]}, which is not there`)
  if (hasSet !== (types?.[node] === 1) || hasSet !== (feature.kind === 'category')) {
    throw new Error(`node ${node} splits ${feature.kind} ${feature.name} in another way`)
  }
  return indices[node]!
}

function finite(values: readonly number[], name: string): Float32Array {
  const floats = Float32Array.from(values)
  const bad = floats.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) throw new Error(`${name} holds ${values[bad]}`)
  return floats
}

/** Bit sets by node. */
function setsOf(parsed: ParsedTree): Map<number, Uint32Array> {
  const { categories, categories_nodes: nodes, categories_segments: begins } = parsed
  const sets = new Map<number, Uint32Array>()
  let words = 0
  for (const [i, node] of nodes.entries()) {
    const begin = begins[i] ?? -1
    const size = parsed.categories_sizes[i] ?? -1
    if (!(begin >= 0 && size >= 0 && begin + size <= categories.length)) {
      throw new Error(`the categories of node ${node} are not there`)
    }
    const codes = categories.slice(begin, begin + size)
    const bad = codes.find((code) => !(Number.isInteger(code) && code >= 0 && code < maxCategory))
    if (bad !== undefined) throw new Error(`node ${node} has category ${bad}`)
    const most = codes.reduce((high, code) => Math.max(high, code), 0)
    words += (most >>> 5) + 1
    if (words > mostSetWords) throw new Error(`sets take more than ${mostSetWords} words`)
    const bits = new Uint32Array((most >>> 5) + 1)
    for (const code of codes) bits[code >>> 5]! |= 1 << (code & 31)
    sets.set(node, bits)
  }
  return sets
}

/**
 * Which leaves of a tree a value leaves over, as bits from left to right: the lowest bit that all
 * features leave is the leaf that a row falls into (the idea of QuickScorer, Lucchese et al. 2015,
 * tabulated by value). Knows nothing about how rows are gone through.
 */

import type { ValueBins } from './tree-bins.ts'
import type { Tree } from './tree-ensemble.ts'

/** What one feature does to a tree. */
interface FeatureMasks {
  readonly feature: number
  /** By bin of the feature: the number of its mask. Bins that the tree does not tell apart share one. */
  readonly ranks: Uint16Array
}

/** The tables of a tree. */
export interface TreeMasks {
  /** Of the features that the tree splits by, ascending. */
  readonly features: readonly FeatureMasks[]
  /** (masks x words): mask 0 leaves all leaves. */
  readonly masks: Int32Array
  /** What leaves add, from left to right. */
  readonly values: Float32Array
}

/** A split, and the leaves that what goes right does not reach: from `from` up to `to`. */
interface MaskedNode {
  readonly node: number
  readonly from: number
  readonly to: number
}

/** Leaves of a tree. */
export const leavesOf = ({ feature }: Tree): number => (feature.length + 1) / 2

/**
 * The masks of a tree.
 *
 * @param words of 32 bits that a mask takes, enough for the leaves
 */
export function treeMasks(tree: Tree, bins: readonly ValueBins[], words: number): TreeMasks {
  const values: number[] = []
  const nodes = new Map<number, MaskedNode[]>()
  const visit = (node: number): void => {
    const feature = tree.feature[node]!
    if (feature < 0) {
      values.push(tree.value[node]!)
      return
    }
    const from = values.length
    visit(tree.left[node]!)
    const own = nodes.get(feature)
    const masked = { node, from, to: values.length }
    if (own) own.push(masked)
    else nodes.set(feature, [masked])
    visit(tree.right[node]!)
  }
  visit(0)
  const masks: Int32Array[] = [new Int32Array(words).fill(-1)]
  const features = [...nodes.keys()]
    .sort((a, b) => a - b)
    .map((feature): FeatureMasks => {
      const { isCategory, thresholds, size } = bins[feature]!
      const own = nodes.get(feature)!
      const ranks = isCategory
        ? categoryRanks(tree, own, size, words, masks)
        : numberRanks(tree, own, thresholds, words, masks)
      return { feature, ranks }
    })
  const all = new Int32Array(masks.length * words)
  for (const [i, mask] of masks.entries()) all.set(mask, i * words)
  return { features, masks: all, values: Float32Array.from(values) }
}

/** Writes masks of a number: of missing values, then between the tree's own thresholds. */
function numberRanks(
  tree: Tree,
  nodes: readonly MaskedNode[],
  thresholds: Float32Array,
  words: number,
  masks: Int32Array[],
): Uint16Array {
  const ranks = new Uint16Array(thresholds.length + 2)
  const missing = new Int32Array(words).fill(-1)
  for (const masked of nodes) {
    if (tree.missingLeft[masked.node] === 0) clear(missing, masked)
  }
  ranks[0] = masks.push(missing) - 1
  const sorted = [...nodes].sort((a, b) => tree.threshold[a.node]! - tree.threshold[b.node]!)
  // Below all thresholds everything is left over.
  let mask = masks[0]!
  let place = -1
  for (const masked of sorted) {
    const cut = tree.threshold[masked.node]!
    while (thresholds[place] !== cut) place++
    // Splits by the same threshold share a mask.
    if (ranks[place + 2] === 0) {
      mask = mask.slice()
      ranks[place + 2] = masks.push(mask) - 1
    }
    clear(mask, masked)
  }
  for (let bin = 2; bin < ranks.length; bin++) if (ranks[bin] === 0) ranks[bin] = ranks[bin - 1]!
  return ranks
}

/** Writes masks of a category: codes that are in the same sets share one. */
function categoryRanks(
  tree: Tree,
  nodes: readonly MaskedNode[],
  size: number,
  words: number,
  masks: Int32Array[],
): Uint16Array {
  const classes = new Uint16Array(size)
  let count = 1
  const sent = nodes.map((masked) => ({ masked, right: binsRight(tree, masked.node, size) }))
  for (const { right } of sent) {
    // Each class is parted into those that go left, which keep its number, and those that go right.
    const split = new Map<number, number>()
    const kept = new Uint8Array(count)
    for (let bin = 0; bin < size; bin++) {
      if (right[bin] === 0) kept[classes[bin]!] = 1
    }
    for (let bin = 0; bin < size; bin++) {
      const own = classes[bin]!
      if (kept[own] === 0 || right[bin] === 0) continue
      const known = split.get(own) ?? count++
      split.set(own, known)
      classes[bin] = known
    }
  }
  const numbers = new Int32Array(count).fill(-1)
  return classes.map((own, bin) => {
    if (numbers[own] === -1) {
      const mask = new Int32Array(words).fill(-1)
      for (const { masked, right } of sent) if (right[bin] === 1) clear(mask, masked)
      numbers[own] = masks.push(mask) - 1
    }
    return numbers[own]!
  })
}

/** By bin: 1 where a node sends a category right; the last bin is for codes that are in no set. */
function binsRight(tree: Tree, node: number, size: number): Uint8Array {
  const right = new Uint8Array(size)
  const set = tree.categories.get(node) ?? new Uint32Array(0)
  right[0] = tree.missingLeft[node] === 0 ? 1 : 0
  for (let code = 0; code < set.length * 32; code++) {
    right[code + 1] = (set[code >>> 5]! >>> (code & 31)) & 1
  }
  return right
}

function clear(mask: Int32Array, { from, to }: MaskedNode): void {
  for (let w = from >>> 5; w << 5 < to; w++) {
    const above = from > w << 5 ? -1 << (from & 31) : -1
    const below = to < (w + 1) << 5 ? ~(-1 << (to & 31)) : -1
    mask[w]! &= ~(above & below)
  }
}

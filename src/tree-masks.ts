/**
 * Finds the leaf of every tree without walking: for each value of a feature it is known which leaves
 * of a tree can still be reached, as bits from left to right, and the leftmost bit that all features
 * leave is the leaf (the idea of QuickScorer, Lucchese et al. 2015, tabulated by value). Knows
 * nothing about what leaves add up to.
 */

import type { Tree, TreeFeature } from './tree-ensemble.ts'

/** What one feature can do to an ensemble. */
interface MaskFeature {
  readonly index: number
  /** Numbers: distinct thresholds in order. */
  readonly thresholds: Float32Array
  /** Categories: codes from here on are in no set. */
  readonly codes: number
  readonly isCategory: boolean
  /** Number of the first row of masks: missing values, then numbers or codes, then other codes. */
  readonly first: number
  readonly size: number
}

/** Features that are looked up in one pass. */
const together = 4

/** Masks of an ensemble; holds buffers for one row of values. */
export class TreeMasks {
  private readonly features: readonly MaskFeature[]
  /** Words of bits of all trees; a tree of more than 32 leaves has several. */
  private readonly words: number
  /** By tree and one more: its first word. */
  private readonly firstWord: Int32Array
  /** By word and bit: what the leaf adds. */
  private readonly values: Float32Array
  /** (rows x words). */
  private readonly masks: Int32Array
  private readonly left: Int32Array
  private readonly rows: Int32Array

  /** Masks of trees, undefined where they would take more than `most` words of 4 bytes. */
  static of(
    features: readonly TreeFeature[],
    trees: readonly Tree[],
    most: number,
  ): TreeMasks | undefined {
    const used = usedFeatures(features, trees)
    const words = trees.reduce((sum, tree) => sum + wordsOf(tree), 0)
    const rows = used.reduce((sum, { size }) => sum + size, 1)
    return words * rows > most ? undefined : new TreeMasks(used, trees, words, rows)
  }

  private constructor(
    features: readonly MaskFeature[],
    trees: readonly Tree[],
    words: number,
    rows: number,
  ) {
    this.features = features
    this.words = words
    this.firstWord = new Int32Array(trees.length + 1)
    this.values = new Float32Array(words * 32)
    // Row 0 leaves every leaf: it fills up the last pass.
    this.masks = new Int32Array(words * rows).fill(-1)
    this.left = new Int32Array(words)
    this.rows = new Int32Array(Math.max(1, Math.ceil(features.length / together)) * together)
    const byIndex = new Map(features.map((feature) => [feature.index, feature]))
    let word = 0
    for (const [t, tree] of trees.entries()) {
      this.firstWord[t] = word
      this.fill(tree, 0, word, 0, byIndex)
      word += wordsOf(tree)
    }
    this.firstWord[trees.length] = word
  }

  /** Numbers the leaves below a node from left to right; the number after them. */
  private fill(
    tree: Tree,
    node: number,
    word: number,
    leaf: number,
    byIndex: ReadonlyMap<number, MaskFeature>,
  ): number {
    const feature = byIndex.get(tree.feature[node]!)
    if (!feature) {
      this.values[word * 32 + leaf] = tree.value[node]!
      return leaf + 1
    }
    const middle = this.fill(tree, tree.left[node]!, word, leaf, byIndex)
    for (let value = 0; value < feature.size; value++) {
      if (goesRight(tree, node, feature, value))
        this.clear(feature.first + value, word, leaf, middle)
    }
    return this.fill(tree, tree.right[node]!, word, middle, byIndex)
  }

  /** What goes right does not reach the leaves on the left, here those from `from` up to `to`. */
  private clear(row: number, word: number, from: number, to: number): void {
    const at = row * this.words + word
    for (let w = from >>> 5; w << 5 < to; w++) {
      const above = from > w << 5 ? -1 << (from & 31) : -1
      const below = to < (w + 1) << 5 ? ~(-1 << (to & 31)) : -1
      this.masks[at + w]! &= ~(above & below)
    }
  }

  /**
   * What the leaves add to a start, in the order of the trees, rounded to a 32-bit float each time.
   *
   * @param values one per feature, missing are NaN
   */
  sum(start: number, values: Float32Array): number {
    const { features, rows, left, masks, words } = this
    for (let f = 0; f < features.length; f++) {
      const feature = features[f]!
      rows[f] = (feature.first + place(feature, values[feature.index]!)) * words
    }
    for (let f = 0; f < rows.length; f += together) {
      const [a, b, c, d] = [rows[f]!, rows[f + 1]!, rows[f + 2]!, rows[f + 3]!]
      if (f === 0) {
        for (let w = 0; w < words; w++) {
          left[w] = masks[a + w]! & masks[b + w]! & masks[c + w]! & masks[d + w]!
        }
      } else {
        for (let w = 0; w < words; w++) {
          left[w]! &= masks[a + w]! & masks[b + w]! & masks[c + w]! & masks[d + w]!
        }
      }
    }
    return this.add(start)
  }

  private add(start: number): number {
    const { firstWord, left, values } = this
    let sum = start
    for (let t = 0; t + 1 < firstWord.length; t++) {
      let word = firstWord[t]!
      let bits = left[word]!
      while (bits === 0) bits = left[++word]!
      const leaf = 31 - Math.clz32(bits & -bits)
      sum = Math.fround(sum + values[word * 32 + leaf]!)
    }
    return sum
  }
}

const wordsOf = ({ feature }: Tree): number => Math.ceil((feature.length + 1) / 2 / 32)

function usedFeatures(features: readonly TreeFeature[], trees: readonly Tree[]): MaskFeature[] {
  const thresholds = features.map(() => new Set<number>())
  const codes = features.map(() => 0)
  for (const { feature, threshold, categories } of trees) {
    for (const [node, f] of feature.entries()) {
      if (f < 0) continue
      const bits = categories.get(node)
      if (bits) codes[f] = Math.max(codes[f]!, bits.length * 32)
      else thresholds[f]!.add(threshold[node]!)
    }
  }
  let first = 1
  return features.flatMap(({ kind }, index) => {
    if (codes[index] === 0 && thresholds[index]!.size === 0) return []
    const isCategory = kind === 'category'
    const size = isCategory ? codes[index]! + 2 : thresholds[index]!.size + 2
    first += size
    const sorted = Float32Array.from(thresholds[index]!).sort()
    return {
      index,
      thresholds: sorted,
      codes: codes[index]!,
      isCategory,
      first: first - size,
      size,
    }
  })
}

/** Where a value stands among the rows of its feature. */
function place({ thresholds, codes, isCategory }: MaskFeature, value: number): number {
  if (Number.isNaN(value)) return 0
  if (isCategory) return value >= 0 && value < codes ? 1 + Math.trunc(value) : codes + 1
  let low = 0
  let high = thresholds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value < thresholds[middle]!) high = middle
    else low = middle + 1
  }
  return low + 1
}

function goesRight(tree: Tree, node: number, feature: MaskFeature, value: number): boolean {
  if (value === 0) return tree.missingLeft[node] === 0
  if (!feature.isCategory) {
    return value > 1 && feature.thresholds[value - 2]! >= tree.threshold[node]!
  }
  const word = tree.categories.get(node)?.[(value - 1) >>> 5] ?? 0
  return ((word >>> ((value - 1) & 31)) & 1) === 1
}

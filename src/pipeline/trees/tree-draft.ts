/** A tree while it grows: nodes, thresholds and category sets. Knows nothing about gains or rows. */

import type { Tree } from '../../tree-ensemble.ts'
import type { FeatureBins } from './binning.ts'
import type { Split } from './split.ts'

/** The threshold that parts all numbers from missing values. */
const aboveAll = (2 - 2 ** -23) * 2 ** 127

/** Collects the nodes of a tree. */
export class TreeDraft {
  private readonly bins: readonly FeatureBins[]
  private readonly rate: number
  private readonly parts: Tree
  private readonly categories = new Map<number, Uint32Array>()
  private size = 0

  /**
   * @param leaves at most
   * @param rate what values are multiplied by
   */
  constructor(bins: readonly FeatureBins[], leaves: number, rate: number) {
    this.bins = bins
    this.rate = rate
    const most = 2 * leaves - 1
    this.parts = {
      feature: new Int32Array(most).fill(-1),
      threshold: new Float32Array(most),
      categories: this.categories,
      left: new Int32Array(most).fill(-1),
      right: new Int32Array(most).fill(-1),
      missingLeft: new Uint8Array(most),
      value: new Float32Array(most),
      gain: new Float32Array(most),
      cover: new Float32Array(most),
    }
  }

  /** Adds the root; its number. */
  addRoot(value: number, rows: number): number {
    return this.add(value, rows)
  }

  private add(value: number, rows: number): number {
    this.parts.value[this.size] = value * this.rate
    this.parts.cover[this.size] = rows
    return this.size++
  }

  /** What a node adds, as the model has it. */
  valueOf(node: number): number {
    return this.parts.value[node]!
  }

  /** Splits a leaf; the numbers of its children. */
  split(node: number, split: Split): [left: number, right: number] {
    const { parts } = this
    const { cuts, kind } = this.bins[split.feature]!
    parts.feature[node] = split.feature
    parts.gain[node] = split.gain
    parts.missingLeft[node] = split.missingLeft ? 1 : 0
    if (kind === 'number') parts.threshold[node] = cuts[split.cut - 1] ?? aboveAll
    else this.categories.set(node, bitsOf(split.right))
    parts.left[node] = this.add(split.leftValue, split.leftSums.rows)
    parts.right[node] = this.add(split.rightValue, split.rightSums.rows)
    return [parts.left[node], parts.right[node]]
  }

  /** The tree so far. */
  tree(): Tree {
    const { parts, size } = this
    return {
      feature: parts.feature.slice(0, size),
      threshold: parts.threshold.slice(0, size),
      categories: this.categories,
      left: parts.left.slice(0, size),
      right: parts.right.slice(0, size),
      missingLeft: parts.missingLeft.slice(0, size),
      value: parts.value.slice(0, size),
      gain: parts.gain.slice(0, size),
      cover: parts.cover.slice(0, size),
    }
  }
}

/** A bit set of codes; bin 0 is for missing values, bin 1 for code 0. */
function bitsOf(bins: readonly number[]): Uint32Array {
  const codes = bins.filter((bin) => bin > 0).map((bin) => bin - 1)
  const bits = new Uint32Array(codes.length === 0 ? 1 : (Math.max(...codes) >>> 5) + 1)
  for (const code of codes) bits[code >>> 5] = bits[code >>> 5]! | (1 << (code & 31))
  return bits
}

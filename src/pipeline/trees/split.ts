/**
 * The best split of a histogram: where squared error falls most. Numbers are split at a cut, with
 * missing values on the better side; categories by the order of their mean gradients, as LightGBM
 * publishes it. Knows nothing about rows.
 */

import type { FeatureBins } from './binning.ts'
import type { TreeSettings } from './settings.ts'

/** Sums over the rows of a node. */
export interface NodeSums {
  /** Sum of gradients, minutes. */
  readonly gradient: number
  readonly rows: number
}

/** Values that a node may take, from monotone features above it. */
export interface Bounds {
  readonly least: number
  readonly most: number
}

/** How a node is split. */
export interface Split {
  readonly feature: number
  /** By how much the loss falls, without what the recipe demands at least. */
  readonly gain: number
  /** Bins of a category that go right, by number; 0 is for missing values. Empty for a number. */
  readonly right: readonly number[]
  /** The bin whose upper end is the threshold: those behind it go right. Of numbers only. */
  readonly cut: number
  readonly missingLeft: boolean
  readonly leftSums: NodeSums
  readonly rightSums: NodeSums
  /** Minutes, before the learning rate. */
  readonly leftValue: number
  readonly rightValue: number
}

/** Gains below this share of what the node gains by itself are rounding. */
const noise = 1e-12

/** Up to this many categories each is tried against all others. */
const fewCategories = 4

interface Candidate {
  gain: number
  feature: number
  cut: number
  missingLeft: boolean
  leftGradient: number
  leftRows: number
  /** Of categories: which ones are picked, as a run of the sorted ones. */
  picked: number[] | undefined
  l2: number
}

/** Finds splits; holds buffers for one histogram at a time. */
export class SplitFinder {
  private readonly settings: TreeSettings
  private readonly bins: readonly FeatureBins[]
  private readonly scale: number
  private readonly minRows: number
  private readonly direction: readonly (-1 | 0 | 1)[]
  private readonly gradients: Float64Array
  private readonly counts: Float64Array
  private bounds: Bounds = unbounded
  private isBounded = false
  private best: Candidate = noCandidate()

  /** @param scale of the histograms' counts, 2^k */
  constructor(settings: TreeSettings, bins: readonly FeatureBins[], scale: number) {
    this.settings = settings
    this.bins = bins
    this.scale = scale
    this.minRows = Math.max(settings.minRows, Math.ceil(settings.minHessian))
    this.direction = bins.map(({ name }) => settings.monotone[name] ?? 0)
    const widest = Math.max(...bins.map(({ size }) => size))
    this.gradients = new Float64Array(widest)
    this.counts = new Float64Array(widest)
  }

  /** Minutes of a node, before the learning rate. */
  value({ gradient, rows }: NodeSums, { least, most }: Bounds, l2 = this.settings.l2): number {
    const { l1 } = this.settings
    const value = -shrink(gradient, l1) / (rows + l2)
    return value === 0 ? 0 : Math.min(most, Math.max(least, value))
  }

  /**
   * The best split, undefined where none lowers the loss enough.
   *
   * @param quantum minutes of a whole number in the histogram
   * @param features that may be used
   */
  find(
    sums: Float64Array,
    quantum: number,
    node: NodeSums,
    bounds: Bounds,
    features: readonly number[],
  ): Split | undefined {
    const { settings } = this
    this.bounds = bounds
    this.isBounded = bounds.least > -Infinity || bounds.most < Infinity
    const own = this.gain(node.gradient, node.rows, settings.l2)
    const least = own + Math.max(settings.minGain, Math.abs(own) * noise)
    this.best = noCandidate()
    this.best.gain = least
    for (const f of features) {
      const { first, size, kind } = this.bins[f]!
      this.unpack(sums, first, size, quantum)
      if (kind === 'number') this.scanCuts(f, size, node)
      else this.scanCategories(f, size, node)
    }
    return this.best.feature < 0 ? undefined : this.splitOf(this.best, node, own)
  }

  private unpack(sums: Float64Array, first: number, size: number, quantum: number): void {
    const { gradients, counts, scale } = this
    for (let bin = 0; bin < size; bin++) {
      const packed = sums[first + bin]!
      const whole = Math.floor(packed / scale)
      gradients[bin] = whole * quantum
      counts[bin] = packed - whole * scale
    }
  }

  private gain(gradient: number, rows: number, l2: number): number {
    const g = shrink(gradient, this.settings.l1)
    if (!this.isBounded) return (g * g) / (rows + l2)
    const value = this.value({ gradient, rows }, this.bounds, l2)
    return -(2 * g * value + (rows + l2) * value * value)
  }

  private scanCuts(feature: number, size: number, node: NodeSums): void {
    const { gradients, counts } = this
    const missing = counts[0]!
    let gradient = 0
    let rows = 0
    for (let bin = 1; bin < size; bin++) {
      if (counts[bin] === 0) continue
      gradient += gradients[bin]!
      rows += counts[bin]!
      if (missing === 0) {
        if (rows === node.rows) return
        this.offer(feature, bin, rows * 2 >= node.rows, gradient, rows, node)
      } else {
        this.offer(feature, bin, false, gradient, rows, node)
        if (rows + missing === node.rows) return
        this.offer(feature, bin, true, gradient + gradients[0]!, rows + missing, node)
      }
    }
  }

  private offer(
    feature: number,
    cut: number,
    missingLeft: boolean,
    leftGradient: number,
    leftRows: number,
    node: NodeSums,
  ): void {
    const { minRows, best, settings } = this
    const rightRows = node.rows - leftRows
    if (leftRows < minRows || rightRows < minRows) return
    const rightGradient = node.gradient - leftGradient
    const { l2 } = settings
    const gain = this.gain(leftGradient, leftRows, l2) + this.gain(rightGradient, rightRows, l2)
    if (!(gain > best.gain)) return
    const direction = this.direction[feature]!
    if (direction !== 0) {
      const left = this.value({ gradient: leftGradient, rows: leftRows }, this.bounds)
      const right = this.value({ gradient: rightGradient, rows: rightRows }, this.bounds)
      if ((right - left) * direction < 0) return
    }
    best.gain = gain
    best.feature = feature
    best.cut = cut
    best.missingLeft = missingLeft
    best.leftGradient = leftGradient
    best.leftRows = leftRows
    best.l2 = l2
    best.picked = undefined
  }

  private scanCategories(feature: number, size: number, node: NodeSums): void {
    const { gradients, counts, settings } = this
    const { categorySmoothing, maxCategories } = settings
    let present = 0
    for (let bin = 0; bin < size; bin++) if (counts[bin]! > 0) present++
    if (present < 2) return
    const sorted: number[] = []
    const few = present <= fewCategories
    for (let bin = 0; bin < size; bin++) {
      if (counts[bin]! > 0 && (few || counts[bin]! >= categorySmoothing)) sorted.push(bin)
    }
    if (few) {
      for (const bin of sorted) {
        this.offerPick(feature, [bin], gradients[bin]!, counts[bin]!, settings.l2, node)
      }
      return
    }
    const rank = (bin: number): number => gradients[bin]! / (counts[bin]! + categorySmoothing)
    sorted.sort((a, b) => rank(a) - rank(b) || a - b)
    const most = Math.min(maxCategories, (sorted.length + 1) >> 1)
    this.scanSorted(feature, sorted, most, node)
    this.scanSorted(feature, sorted.reverse(), most, node)
  }

  /** Picks categories from the beginning of a sorted list. */
  private scanSorted(feature: number, sorted: number[], most: number, node: NodeSums): void {
    const { gradients, counts, settings, minRows } = this
    const l2 = settings.l2 + settings.categoryL2
    const minRight = Math.max(minRows, settings.minCategoryRows)
    let gradient = 0
    let rows = 0
    let step = 0
    for (let i = 0; i < most; i++) {
      const bin = sorted[i]!
      gradient += gradients[bin]!
      rows += counts[bin]!
      step += counts[bin]!
      if (rows < minRows) continue
      if (node.rows - rows < minRight) return
      if (step < settings.minCategoryRows) continue
      step = 0
      const before = this.best.gain
      this.offerPick(feature, sorted, gradient, rows, l2, node)
      // What is picked is copied once it is known to be better.
      if (this.best.gain > before) this.best.picked = sorted.slice(0, i + 1)
    }
  }

  private offerPick(
    feature: number,
    picked: number[],
    pickedGradient: number,
    pickedRows: number,
    l2: number,
    node: NodeSums,
  ): void {
    const { minRows, best } = this
    const leftRows = node.rows - pickedRows
    if (pickedRows < minRows || leftRows < minRows) return
    const leftGradient = node.gradient - pickedGradient
    const gain = this.gain(pickedGradient, pickedRows, l2) + this.gain(leftGradient, leftRows, l2)
    if (!(gain > best.gain)) return
    best.gain = gain
    best.feature = feature
    best.cut = 0
    best.leftGradient = leftGradient
    best.leftRows = leftRows
    best.picked = picked
    best.l2 = l2
    // Like a category that was not picked, unless it was picked itself: see splitOf.
    best.missingLeft = true
  }

  private splitOf(best: Candidate, node: NodeSums, own: number): Split {
    const { feature, cut, picked, l2 } = best
    const { size } = this.bins[feature]!
    const others = {
      gradient: node.gradient - best.leftGradient,
      rows: node.rows - best.leftRows,
    }
    let leftSums: NodeSums = { gradient: best.leftGradient, rows: best.leftRows }
    let rightSums: NodeSums = others
    let right = picked ?? []
    let missingLeft = picked ? !picked.includes(0) : best.missingLeft
    if (picked?.length === 1 && picked[0] === 0) {
      // A set has to hold a category: all that are known go right, missing and other ones left.
      right = range(1, size)
      missingLeft = true
      ;[leftSums, rightSums] = [rightSums, leftSums]
    }
    return {
      feature,
      gain: best.gain - own,
      right: right.toSorted((a, b) => a - b),
      cut,
      missingLeft,
      leftSums,
      rightSums,
      leftValue: this.value(leftSums, this.bounds, l2),
      rightValue: this.value(rightSums, this.bounds, l2),
    }
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

/** No bounds. */
export const unbounded: Bounds = { least: -Infinity, most: Infinity }

function noCandidate(): Candidate {
  return {
    gain: 0,
    feature: -1,
    cut: 0,
    missingLeft: false,
    leftGradient: 0,
    leftRows: 0,
    picked: undefined,
    l2: 0,
  }
}

/** Moves a sum of gradients towards 0. */
function shrink(gradient: number, l1: number): number {
  if (l1 === 0) return gradient
  return Math.sign(gradient) * Math.max(0, Math.abs(gradient) - l1)
}

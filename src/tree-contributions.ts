/**
 * Why an ensemble predicts what it does: what each feature adds for one row, by path-dependent
 * TreeSHAP (Lundberg et al. 2018, algorithm 2): Shapley values where features that are not known
 * follow the training rows down both branches. Knows nothing about training.
 */

import { goesLeft, type Tree, type TreeEnsemble } from './tree-ensemble.ts'

/** Bits that contributions keep below the largest sum: then doubles add them up exactly. */
const keptBits = 44

/** Explains rows of an ensemble; holds buffers for one of them. */
export class TreeContributions {
  /**
   * What every explanation starts from: the mean prediction of the trees over their training rows,
   * rounded to a 32-bit float.
   */
  readonly intercept: number
  private readonly ensemble: TreeEnsemble
  private readonly row: Float32Array
  // A path: features that were met, and the shares of rows and of subsets that come this way. Each
  // depth of the walk has its own copy.
  private readonly features: Int32Array
  private readonly zeros: Float64Array
  private readonly ones: Float64Array
  private readonly weights: Float64Array
  private sums: Float64Array = new Float64Array(0)

  constructor(ensemble: TreeEnsemble) {
    this.ensemble = ensemble
    this.row = new Float32Array(ensemble.features.length)
    const depth = Math.max(0, ...ensemble.trees.map((tree) => depthOf(tree)))
    const room = ((depth + 2) * (depth + 3)) / 2
    this.features = new Int32Array(room)
    this.zeros = new Float64Array(room)
    this.ones = new Float64Array(room)
    this.weights = new Float64Array(room)
    const means = ensemble.trees.map((tree) => meanOf(tree, 0))
    this.intercept = Math.fround(means.reduce((sum, mean) => sum + mean, ensemble.base))
  }

  /**
   * What each feature adds to the intercept; added to it in order, the sum is the prediction
   * exactly (unless it is below a 2^29th of the sums that cancelled). What 32-bit rounding of the
   * prediction leaves goes to the feature that adds most.
   *
   * @param values one per feature, as for `TreeEnsemble.predict`
   * @param contributions one per feature, written
   * @returns the prediction
   */
  explain(values: ArrayLike<number>, contributions: Float64Array): number {
    const { ensemble, row } = this
    const prediction = ensemble.predict(values)
    for (const [f, { kind }] of ensemble.features.entries()) {
      const value = values[f] as number
      row[f] = kind === 'category' && value < 0 ? Number.NaN : value
    }
    contributions.fill(0)
    this.sums = contributions
    for (const tree of ensemble.trees) this.walk(tree, 0, 0, 0, 1, 1, -1)
    settle(this.intercept, contributions, prediction)
    return prediction
  }

  /**
   * Goes down a tree with the path to a node.
   *
   * @param from where the path of the parent begins; this node's begins behind it
   * @param length of the parent's path
   * @param zero share of the rows that come this way where the feature is not known
   * @param one 1 where the row itself comes this way
   */
  private walk(
    tree: Tree,
    node: number,
    from: number,
    length: number,
    zero: number,
    one: number,
    feature: number,
  ): void {
    const at = from + length
    this.features.copyWithin(at, from, at)
    this.zeros.copyWithin(at, from, at)
    this.ones.copyWithin(at, from, at)
    this.weights.copyWithin(at, from, at)
    this.extend(at, length, zero, one, feature)
    let size = length + 1
    const own = tree.feature[node]!
    if (own < 0) {
      this.collect(tree.value[node]!, at, size)
      return
    }
    const left = tree.left[node]!
    const right = tree.right[node]!
    let [zeroBefore, oneBefore] = [1, 1]
    for (let i = 1; i < size; i++) {
      if (this.features[at + i] !== own) continue
      zeroBefore = this.zeros[at + i]!
      oneBefore = this.ones[at + i]!
      this.unwind(at, size, i)
      size--
      break
    }
    const goes = goesLeft(tree, node, this.row[own]!)
    const share = shareOf(tree, left, right)
    this.walk(tree, left, at, size, zeroBefore * share, goes ? oneBefore : 0, own)
    this.walk(tree, right, at, size, zeroBefore * (1 - share), goes ? 0 : oneBefore, own)
  }

  /** A leaf's value, by the features on its path. */
  private collect(value: number, at: number, size: number): void {
    for (let i = 1; i < size; i++) {
      const weight = this.unwoundSum(at, size, i)
      const share = this.ones[at + i]! - this.zeros[at + i]!
      this.sums[this.features[at + i]!]! += weight * share * value
    }
  }

  /** Adds a feature to a path: its subsets with it and without it. */
  private extend(at: number, length: number, zero: number, one: number, feature: number): void {
    const { weights } = this
    this.features[at + length] = feature
    this.zeros[at + length] = zero
    this.ones[at + length] = one
    weights[at + length] = length === 0 ? 1 : 0
    for (let i = length - 1; i >= 0; i--) {
      weights[at + i + 1]! += (one * weights[at + i]! * (i + 1)) / (length + 1)
      weights[at + i] = (zero * weights[at + i]! * (length - i)) / (length + 1)
    }
  }

  /** Takes a feature out of a path. */
  private unwind(at: number, size: number, index: number): void {
    const { weights, features, zeros, ones } = this
    const zero = zeros[at + index]!
    const one = ones[at + index]!
    let next = weights[at + size - 1]!
    for (let i = size - 2; i >= 0; i--) {
      if (one !== 0) {
        const weight = weights[at + i]!
        weights[at + i] = (next * size) / ((i + 1) * one)
        next = weight - (weights[at + i]! * zero * (size - 1 - i)) / size
      } else {
        weights[at + i] = zero === 0 ? 0 : (weights[at + i]! * size) / (zero * (size - 1 - i))
      }
    }
    for (let i = at + index; i < at + size - 1; i++) {
      features[i] = features[i + 1]!
      zeros[i] = zeros[i + 1]!
      ones[i] = ones[i + 1]!
    }
  }

  /** The sum of the weights that a path would have without a feature. */
  private unwoundSum(at: number, size: number, index: number): number {
    const { weights } = this
    const zero = this.zeros[at + index]!
    const one = this.ones[at + index]!
    let next = weights[at + size - 1]!
    let sum = 0
    for (let i = size - 2; i >= 0; i--) {
      if (one !== 0) {
        const weight = (next * size) / ((i + 1) * one)
        sum += weight
        next = weights[at + i]! - (weight * zero * (size - 1 - i)) / size
      } else if (zero !== 0) {
        sum += (weights[at + i]! * size) / (zero * (size - 1 - i))
      }
    }
    return sum
  }
}

/** The share of a node's training rows that went left; half where there were none. */
function shareOf({ cover }: Tree, left: number, right: number): number {
  const all = cover[left]! + cover[right]!
  return all > 0 ? cover[left]! / all : 0.5
}

function meanOf(tree: Tree, node: number): number {
  if (tree.feature[node]! < 0) return tree.value[node]!
  const [left, right] = [tree.left[node]!, tree.right[node]!]
  const share = shareOf(tree, left, right)
  return share * meanOf(tree, left) + (1 - share) * meanOf(tree, right)
}

function depthOf(tree: Tree, node = 0): number {
  if (tree.feature[node]! < 0) return 0
  return 1 + Math.max(depthOf(tree, tree.left[node]!), depthOf(tree, tree.right[node]!))
}

/**
 * Rounds contributions so that they add up to the prediction to the bit.
 *
 * @param intercept a 32-bit float, and so is `prediction`
 * @param contributions in minutes, overwritten
 */
export function settle(intercept: number, contributions: Float64Array, prediction: number): void {
  let largest = 0
  let size = Math.abs(intercept) + Math.abs(prediction)
  for (let f = 0; f < contributions.length; f++) {
    size += Math.abs(contributions[f]!)
    if (Math.abs(contributions[f]!) > Math.abs(contributions[largest]!)) largest = f
  }
  if (contributions.length === 0 || size === 0) return
  const grid = 2 ** (Math.ceil(Math.log2(size)) - keptBits)
  for (let f = 0; f < contributions.length; f++) {
    // Adding zero makes one zero of both.
    contributions[f] = Math.round(contributions[f]! / grid) * grid + 0
  }
  const sum = contributions.reduce((partial, minutes) => partial + minutes, intercept)
  contributions[largest]! += prediction - sum
}

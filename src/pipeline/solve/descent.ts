/**
 * Coordinate descent for a squared error with a penalty on absolute values and squares: single
 * sweeps on the Gram matrix, and the duality gap. Columns are centred without filling the matrix.
 * Knows nothing about when to stop.
 */

import { addPairsProductTo, zeroSums } from '../double-double.ts'
import { columnsOf, type Gram, type GramColumns, gramOf, multiply } from './gram.ts'
import type { System } from './system.ts'

/** A least squares problem whose columns and target are looked at around their means. */
export interface Centred {
  readonly system: System
  readonly gram: Gram
  readonly columns: GramColumns
  /** Means of the columns, the intercept left out. */
  readonly means: Float64Array
  /** Sums of squares of the centred columns; 0 for a column that is constant. */
  readonly squares: Float64Array
  /** Products of the centred columns with the centred target. */
  readonly right: Float64Array
  /** Sum of squares of the centred target, minutes^2. */
  readonly targetSquares: number
}

/** Slopes, and what they leave. */
export interface State {
  /** By coordinate, without the intercept. */
  readonly slopes: Float64Array
  /** X'(y - X b) by coordinate, uncentred; at the intercept the sum of what is left. */
  readonly left: Float64Array
}

/** (n * squares - sum^2) / n of sums that are pairs: nothing is lost to a mean far from 0. */
function spread(
  n: number,
  squares: readonly [number, number],
  sum: readonly [number, number],
): number {
  const total = zeroSums(1)
  addPairsProductTo(total, 0, squares[0], squares[1], n, 0)
  addPairsProductTo(total, 0, sum[0], sum[1], -sum[0], -sum[1])
  return Math.max(0, ((total.hi[0] as number) + (total.lo[0] as number)) / n)
}

/** Prepares a system, whose own penalty is not looked at. */
export function centre(system: System): Centred {
  const { n, numericAt, numericCount: width, interceptAt, numericSums, numericSquares } = system
  const gram = gramOf(system)
  const means = new Float64Array(interceptAt)
  const squares = new Float64Array(interceptAt)
  for (let j = 0; j < numericAt; j++) {
    const count = gram.diagonal[j] as number
    means[j] = count / n
    squares[j] = (count * (n - count)) / n
  }
  for (let p = 0; p < width; p++) {
    const sum = [numericSums.hi[p] as number, numericSums.lo[p] as number] as const
    const at = p * (width + 1)
    const own = [numericSquares.hi[at] as number, numericSquares.lo[at] as number] as const
    means[numericAt + p] = sum[0] / n
    squares[numericAt + p] = spread(n, own, sum)
  }
  const { hi, lo } = system.rhs
  const total = [hi[interceptAt] as number, lo[interceptAt] as number] as const
  const { targetSquares: y } = system
  return {
    system,
    gram,
    columns: columnsOf(gram),
    means,
    squares,
    right: means.map((mean, j) => (hi[j] as number) - mean * total[0]),
    targetSquares: spread(n, [y.hi, y.lo], total),
  }
}

/** The state of some slopes, by default all 0: what they leave is summed anew. */
export function startAt({ gram, system }: Centred, slopes?: Float64Array): State {
  const left = system.rhs.hi.slice()
  const own = slopes ? slopes.slice(0, system.interceptAt) : new Float64Array(system.interceptAt)
  if (own.some((slope) => slope !== 0)) {
    const padded = new Float64Array(system.size)
    padded.set(own)
    const fitted = new Float64Array(system.size)
    multiply(gram, padded, fitted)
    for (let i = 0; i < left.length; i++) left[i] = (left[i] as number) - (fitted[i] as number)
  }
  return { slopes: own, left }
}

/** Product of centred column `j` with what is left. */
export function correlation({ means, system }: Centred, { left }: State, j: number): number {
  return (left[j] as number) - (means[j] as number) * (left[system.interceptAt] as number)
}

/** What one sweep has done. */
export interface Sweep {
  /** Largest change of a slope. */
  readonly change: number
  /** Largest slope. */
  readonly largest: number
  /** Largest change of fitted values by one slope: its change times the length of its column. */
  readonly moved: number
}

/**
 * Sets each of the slopes in turn to its best value, the others held.
 *
 * @param order coordinates
 * @param l1 penalty on absolute values, of the sum of squares halved: n * alpha * l1 ratio
 * @param l2 penalty on squares halved
 */
export function sweep(
  problem: Centred,
  state: State,
  order: Int32Array,
  l1: number,
  l2: number,
): Sweep {
  const { columns, squares } = problem
  const { slopes, left } = state
  let [change, largest, moved] = [0, 0, 0]
  for (const j of order) {
    const square = squares[j] as number
    if (square === 0) continue
    const before = slopes[j] as number
    const along = correlation(problem, state, j) + before * square
    const after = (Math.sign(along) * Math.max(Math.abs(along) - l1, 0)) / (square + l2)
    if (after !== before) {
      slopes[j] = after
      columns.add(j, before - after, left)
      const step = Math.abs(after - before)
      change = Math.max(change, step)
      moved = Math.max(moved, step * Math.sqrt(square))
    }
    largest = Math.max(largest, Math.abs(after))
  }
  return { change, largest, moved }
}

/**
 * Duality gap of |y - Xb|^2 / 2 + l1 |b|_1 + l2 / 2 |b|^2 at a state: what the objective may be above
 * its minimum, at most. The dual point is the scaled residual (S. Kim et al., IEEE Journal of
 * Selected Topics in Signal Processing 1, 2007).
 */
export function lassoGap(problem: Centred, state: State, l1: number, l2: number): number {
  const { right, targetSquares, system } = problem
  let [fitted, leftover, absolute, squared, most] = [0, 0, 0, 0, 0]
  for (let j = 0; j < system.interceptAt; j++) {
    const slope = state.slopes[j] as number
    const along = correlation(problem, state, j)
    most = Math.max(most, Math.abs(along - l2 * slope))
    if (slope === 0) continue
    fitted += slope * (right[j] as number)
    leftover += slope * along
    absolute += Math.abs(slope)
    squared += slope * slope
  }
  const withTarget = targetSquares - fitted
  const penalised = withTarget - leftover + l2 * squared
  const scale = most > l1 ? l1 / most : 1
  return penalised / 2 + l1 * absolute + (scale * scale * penalised) / 2 - scale * withTarget
}

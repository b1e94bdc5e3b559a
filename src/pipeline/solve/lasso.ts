/**
 * Lasso and elastic net on the Gram matrix: cyclic coordinate descent, the columns centred
 * implicitly so that the intercept has no penalty. Minimised, in minutes, over n rides:
 *
 *   |y - Xb|^2 / 2n + alpha * l1Ratio * |b|_1 + alpha * (1 - l1Ratio) / 2 * |b|^2
 *
 * `lasso` finds the support by descent and solves it exactly; `lassoAsSklearn` stops where
 * scikit-learn's sparse coordinate descent does. Knows nothing about moments or rides.
 */

import { RidecastError } from '../../errors.ts'
import { DictVectorizer } from '../../vectorizer.ts'
import { type Centred, correlation, lassoGap, type State, startAt, sweep } from './descent.ts'
import { solveSupport } from './lasso-support.ts'

/** How strongly coefficients are drawn to 0. */
export interface LassoPenalty {
  /** Above 0. */
  readonly alpha: number
  /** Share of the absolute values against the squares: above 0, at most 1, which is the lasso. */
  readonly l1Ratio: number
}

/** When descent stops as scikit-learn's does. */
export interface SklearnStop {
  /** Coordinates in the order of their sweeps, the intercept not among them. */
  readonly order: Int32Array
  /** Share of |y - mean|^2 that the duality gap may have, and of the largest coefficient a change. */
  readonly tolerance: number
  readonly maxSweeps: number
}

/** A lasso or elastic net solution. */
export interface LassoSolution {
  readonly method: 'lasso'
  /** By coordinate, minutes per unit, the intercept last. */
  readonly coefficients: Float64Array
  /** Slopes that are not 0. */
  readonly nonZero: number
  /** Sweeps over coordinates, of all of them or of those that may move. */
  readonly sweeps: number
  /** Duality gap, minutes^2, of the objective as stated above. */
  readonly gap: number
  /** False when the sweeps ran out. */
  readonly converged: boolean
}

/** Sweeps between attempts to solve the support exactly. */
const sweepsBetween = 8
const maxAttempts = 400
/** A correlation this much beyond the penalty, relative, brings a column in. */
const slack = 1e-9
/** A change of fitted values below this share of |y - mean| in one sweep is rounding. */
const negligible = 1e-13

/**
 * Refuses a penalty that is none.
 *
 * @throws usage_invalid
 */
export function requireLassoPenalty({ alpha, l1Ratio }: LassoPenalty): void {
  if (!(alpha > 0 && Number.isFinite(alpha))) {
    throw new RidecastError(
      'usage_invalid',
      `alpha must be above 0, found ${alpha}: for no penalty or a ridge alone use l2`,
    )
  }
  if (!(l1Ratio > 0 && l1Ratio <= 1)) {
    throw new RidecastError(
      'usage_invalid',
      `l1 ratio must be above 0 and at most 1, found ${l1Ratio}: for a ridge alone use l2`,
    )
  }
}

/**
 * Coordinates in the order in which scikit-learn sweeps them: that of a DictVectorizer's columns.
 *
 * @param names of the features, by coordinate
 */
export function sklearnOrder(names: readonly string[]): Int32Array {
  const vectorizer = DictVectorizer.fromFeatureNames([...names])
  const order = new Int32Array(names.length)
  names.forEach((name, i) => {
    order[vectorizer.columnOf(name) as number] = i
  })
  return order
}

/** The smallest alpha at which every slope is 0. */
export function largestAlpha(problem: Centred, l1Ratio: number): number {
  const { right, system } = problem
  let most = 0
  for (let j = 0; j < system.interceptAt; j++) most = Math.max(most, Math.abs(right[j] as number))
  return most / system.n / l1Ratio
}

/**
 * Descends as scikit-learn does, from zero in the order given, and stops where it stops.
 *
 * @throws usage_invalid
 */
export function lassoAsSklearn(
  problem: Centred,
  penalty: LassoPenalty,
  stop: SklearnStop,
): LassoSolution {
  requireLassoPenalty(penalty)
  const { n } = problem.system
  const l1 = n * penalty.alpha * penalty.l1Ratio
  const l2 = n * penalty.alpha * (1 - penalty.l1Ratio)
  const state = startAt(problem)
  const enough = stop.tolerance * problem.targetSquares
  let gap = lassoGap(problem, state, l1, l2)
  let sweeps = 0
  while (gap > enough && sweeps < stop.maxSweeps) {
    const { change, largest } = sweep(problem, state, stop.order, l1, l2)
    sweeps++
    // The gap is looked at only when coefficients hardly move, or the sweeps have run out.
    const still = largest === 0 || change / largest <= stop.tolerance
    if (still || sweeps === stop.maxSweeps) gap = lassoGap(problem, state, l1, l2)
  }
  return solutionOf(problem, state, sweeps, gap, gap <= enough)
}

function solutionOf(
  { system, means }: Centred,
  { slopes }: State,
  sweeps: number,
  gap: number,
  converged: boolean,
): LassoSolution {
  const coefficients = new Float64Array(system.size)
  let intercept = system.rhs.hi[system.interceptAt] as number
  intercept /= system.n
  let nonZero = 0
  for (let j = 0; j < system.interceptAt; j++) {
    const slope = slopes[j] as number
    coefficients[j] = slope
    intercept -= (means[j] as number) * slope
    if (slope !== 0) nonZero++
  }
  coefficients[system.interceptAt] = intercept
  return { method: 'lasso', coefficients, nonZero, sweeps, gap: gap / system.n, converged }
}

/**
 * Solves to rounding. Descent finds which slopes are not 0 and their signs; on those the problem is
 * a linear system, solved as such; columns left out are then asked whether they want in.
 *
 * @param from slopes to begin with, as the solution of a nearby alpha; default 0
 * @throws usage_invalid
 */
export function lasso(problem: Centred, penalty: LassoPenalty, from?: Float64Array): LassoSolution {
  requireLassoPenalty(penalty)
  const { n } = problem.system
  const l1 = n * penalty.alpha * penalty.l1Ratio
  const l2 = n * penalty.alpha * (1 - penalty.l1Ratio)
  const state = startAt(problem, from)
  const size = Math.sqrt(problem.targetSquares)
  let sweeps = 0
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const working = candidates(problem, state, l1)
    let moved = Number.POSITIVE_INFINITY
    for (let k = 0; k < sweepsBetween && moved > negligible * size; k++) {
      moved = sweep(problem, state, working, l1, l2).moved
      sweeps++
    }
    const exact = solveSupport(problem, state, l1, l2)
    const next = startAt(problem, state.slopes)
    state.left.set(next.left)
    if ((exact || moved <= negligible * size) && isOptimal(problem, state, l1, l2)) {
      return solutionOf(problem, state, sweeps, lassoGap(problem, state, l1, l2), true)
    }
  }
  return solutionOf(problem, state, sweeps, lassoGap(problem, state, l1, l2), false)
}

/** How far a column that is out wants in, relative to the penalty: above 0 when it does. */
function pull(problem: Centred, state: State, j: number, l1: number): number {
  return Math.abs(correlation(problem, state, j)) / l1 - 1
}

function candidates(problem: Centred, state: State, l1: number): Int32Array {
  const found: number[] = []
  for (let j = 0; j < problem.system.interceptAt; j++) {
    if (state.slopes[j] !== 0 || pull(problem, state, j, l1) > 0) found.push(j)
  }
  return Int32Array.from(found)
}

/** Whether no slope could be better: those in have the penalty's slope, those out less. */
function isOptimal(problem: Centred, state: State, l1: number, l2: number): boolean {
  const { system, squares, targetSquares } = problem
  for (let j = 0; j < system.interceptAt; j++) {
    const slope = state.slopes[j] as number
    // What rounding leaves in a product of a column and the target.
    const noise = 1e-13 * Math.sqrt((squares[j] as number) * targetSquares)
    if (slope === 0) {
      if (pull(problem, state, j, l1) * l1 > slack * l1 + noise) return false
      continue
    }
    const off = correlation(problem, state, j) - l2 * slope - l1 * Math.sign(slope)
    if (Math.abs(off) > slack * l1 + noise) return false
  }
  return true
}

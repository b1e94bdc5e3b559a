/**
 * The exact solution of the normal equations. The largest one-hot block is eliminated (its part
 * of the Gram matrix is diagonal), the rest scaled to unit diagonal and factored by pivoted
 * Cholesky; the answer is then refined with residuals of 106 bits until it stops changing.
 * Where columns depend on each other, the solution of least norm is taken: slopes in their own
 * units, the intercept not counted.
 */

import { RidecastError } from '../../errors.ts'
import { addTo, type Sums, settle, zeroSums } from '../double-double.ts'
import { choleskyCondition } from './cholesky.ts'
import { correctDependent, removeComponents } from './dependent.ts'
import { backsolve, type Factored, factor, remaining } from './elimination.ts'
import { diagonalOf, residual, type System } from './system.ts'

/** A solution of a {@link System}. */
export interface Solution {
  /** By coordinate: slopes in minutes per unit, the intercept last. */
  readonly coefficients: Float64Array
  /** Rank of [1 X], the intercept counted; with a penalty, all coordinates. */
  readonly rank: number
  /** Condition number of the scaled, eliminated Gram matrix, estimated. */
  readonly condition: number
  /** Largest residual of the normal equations by coordinate, relative to |x| |y|. */
  readonly residual: number
  /** How it was solved. */
  readonly method: 'direct' | 'cg' | 'svd'
  /** What {@link coefficientBound} is, where the solver knows better. */
  readonly bound?: number
  /** What conjugate gradients took. */
  readonly effort?: Effort
}

/** What an iterative solution took. */
export interface Effort {
  /** Elements kept of one triangle of the Gram matrix, without its diagonal; a dense part in full. */
  readonly nonZeros: number
  /** Memory that these take. */
  readonly bytes: number
  readonly iterations: number
}

/**
 * Bound on what the solver leaves in a coefficient, relative to |y| / |its column|: what it states
 * itself, else the condition number times the 2-norm of the scaled residual. Rounding to doubles,
 * 2^-53 of each, comes on top.
 */
export function coefficientBound({ bound, condition, residual, coefficients }: Solution): number {
  return bound ?? condition * residual * Math.sqrt(coefficients.length)
}

/** Columns after elimination beyond which a dense factor is not made. */
export const directLimit = 4_000

/** A pivot below this share of its diagonal before elimination is zero. */
const pivotTolerance = 1e-10

/** A last correction of refinement above this share of a coefficient means that it got stuck. */
const convergence = 1e-12

/** A penalty below this share of the largest diagonal does not show in 106 bits. */
const lostPenalty = 2 ** -90

/** The error of a penalty that rounding has eaten. */
function penaltyLost(l2: number): RidecastError {
  return new RidecastError(
    'solve_failed',
    `penalty l2 ${l2} is too small to tell the columns apart: use 0 for the least-norm solution, or a larger one`,
  )
}

/**
 * Refuses a penalty so small that residuals cannot show it: a wrong solution would look exact.
 *
 * @throws solve_failed
 */
export function requirePenalty(system: System): void {
  const largest = diagonalOf(system).reduce((high, gram) => Math.max(high, gram), 0)
  if (system.l2 > 0 && system.l2 < lostPenalty * largest) throw penaltyLost(system.l2)
}

/** A linear map that nearly undoes (X'X + penalty): what refinement applies to residuals. */
type Correction = (residual: Float64Array) => Float64Array

/** Lengths of the columns, the penalty included: what makes slopes of any unit comparable. */
export function lengthsOf(system: System): Float64Array {
  return diagonalOf(system).map((gram) => Math.sqrt(gram + system.l2))
}

/**
 * Adds a correction to a solution.
 *
 * @param columns lengths of the columns
 * @param size length of what is being fitted: coefficients that add less than a thousandth of it
 *   count as being that large
 * @returns the correction relative to the coefficient, by the coordinate where that is largest
 */
export function addCorrection(
  to: Sums,
  delta: Float64Array,
  columns: Float64Array,
  size: number,
): number {
  let change = 0
  delta.forEach((value, i) => {
    if (value === 0) return
    addTo(to, i, value)
    const floor = (1e-3 * size) / (columns[i] as number)
    change = Math.max(change, Math.abs(value) / Math.max(Math.abs(to.hi[i] as number), floor))
  })
  settle(to)
  return change
}

/**
 * Adds corrections from exact residuals until they no longer change a double.
 *
 * @returns the last correction, see {@link addCorrection}: 1e-17 or less when all went well
 */
function refine(
  system: System,
  correct: Correction,
  rhs: Sums | undefined,
  start: Sums,
  size: number,
): number {
  const columns = lengthsOf(system)
  let before = Number.POSITIVE_INFINITY
  for (let step = 0; step < 10; step++) {
    const delta = correct(residual(system, rhs, start))
    const change = addCorrection(start, delta, columns, size)
    // The first steps may still be finding a small coefficient beside large ones.
    if (change < 1e-17 || (step > 2 && !(change <= before / 2))) return change
    before = change
  }
  return before
}

/**
 * Makes a vector that is nearly one of whole numbers just that: what one-hot columns repeat of each
 * other is, and refinement then has nothing left to find.
 */
function roundWhole({ hi, lo }: Sums): void {
  if (!hi.every((value) => Math.abs(value - Math.round(value)) < 1e-6)) return
  for (let i = 0; i < hi.length; i++) {
    // Adding 0 turns -0 into 0.
    hi[i] = Math.round(hi[i] as number) + 0
    lo[i] = 0
  }
}

/**
 * Largest residual by coordinate relative to |column| |y|: 1e-16 is as good as doubles get.
 *
 * @param left residual of the solution
 */
export function relativeResidual(system: System, left: Float64Array): number {
  const gram = diagonalOf(system)
  const y = Math.sqrt(system.targetSquares.hi)
  return left.reduce((worst, value, i) => {
    const scale = Math.sqrt((gram[i] as number) + system.l2) * y
    return Math.max(worst, scale > 0 ? Math.abs(value) / scale : Math.abs(value))
  }, 0)
}

/** What one factor makes of a system. */
interface Attempt {
  readonly factored: Factored
  readonly solution: Sums
  /** Vectors that span the null space; with a penalty, what the factor could not tell apart. */
  readonly basis: readonly Sums[]
  readonly condition: number
  /** False when refinement got stuck: the factor is too far from the system. */
  readonly converged: boolean
}

function attempt(system: System, tolerance: number): Attempt {
  const factored = factor(system, tolerance)
  const { cholesky, elimination } = factored
  const independent: Correction = (left) => backsolve(factored, left)
  const columns = lengthsOf(system)
  const dependent = Array.from(
    cholesky.order.subarray(cholesky.rank),
    (r) => elimination.rest[r] as number,
  )
  let last = 0
  const basis = dependent.map((i) => {
    const vector = zeroSums(system.size)
    vector.hi[i] = 1
    addCorrection(vector, independent(residual(system, undefined, vector)), columns, 1)
    roundWhole(vector)
    last = Math.max(last, refine(system, independent, undefined, vector, columns[i] as number))
    return vector
  })
  const penalised = system.l2 > 0 && basis.length > 0
  const rest = penalised ? correctDependent(system, dependent, basis, columns) : undefined
  const correct: Correction = (left) => {
    const delta = independent(left)
    rest?.add(left, delta)
    return delta
  }
  const solution = zeroSums(system.size)
  const size = Math.sqrt(system.targetSquares.hi)
  last = Math.max(last, refine(system, correct, system.rhs, solution, size))
  return {
    factored,
    solution,
    basis,
    condition: Math.max(choleskyCondition(cholesky), rest?.condition ?? 1),
    converged: last < convergence,
  }
}

/** A solution with what it was found by. */
export interface Decomposition {
  readonly solution: Solution
  readonly factored: Factored
  /** Vectors that span the null space of [X 1], by coordinate; none with a penalty. */
  readonly nullSpace: readonly Float64Array[]
}

/**
 * Solves by elimination and a dense factor.
 *
 * @throws solve_too_large beyond {@link directLimit} remaining columns; solve_failed when the
 *   penalty is positive but lost in rounding, or refinement does not converge
 */
export function solveDirect(system: System): Solution {
  return decompose(system).solution
}

/**
 * Solves as {@link solveDirect} does, and keeps the factor.
 *
 * @throws solve_too_large, solve_failed
 */
export function decompose(system: System): Decomposition {
  const m = remaining(system)
  if (m > directLimit) {
    throw new RidecastError(
      'solve_too_large',
      `the design leaves ${m} columns after elimination, the direct solver takes ${directLimit}: set l2 above 0 to use conjugate gradients, or drop terms`,
    )
  }
  requirePenalty(system)
  const { l2 } = system
  // With a penalty nothing is dependent: a small pivot is first taken for small, not for zero.
  let found = attempt(system, l2 > 0 ? 0 : pivotTolerance)
  if (l2 > 0 && !found.converged) found = attempt(system, pivotTolerance)
  if (!found.converged && l2 > 0) throw penaltyLost(l2)
  if (!found.converged) {
    throw new RidecastError(
      'solve_failed',
      `the design is too close to a dependent one to be solved, condition ${found.condition.toExponential(1)}: set l2 above 0, or drop terms`,
    )
  }
  const { factored, solution, basis } = found
  const coefficients = solution.hi.slice()
  const nullSpace = l2 > 0 ? [] : basis.map(({ hi }) => hi)
  removeComponents(coefficients, nullSpace, system.interceptAt)
  return {
    solution: {
      coefficients,
      rank: l2 > 0 ? system.size : factored.elimination.count + factored.cholesky.rank,
      condition: found.condition,
      residual: relativeResidual(system, residual(system, system.rhs, solution)),
      method: 'direct',
    },
    factored,
    nullSpace,
  }
}

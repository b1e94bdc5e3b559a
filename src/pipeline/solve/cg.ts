/**
 * Ridge for designs too wide for a dense factor: conjugate gradients on the sparse Gram matrix,
 * with residuals of 106 bits between rounds.
 */

import { RidecastError } from '../../errors.ts'
import { zeroSums } from '../double-double.ts'
import {
  addCorrection,
  lengthsOf,
  relativeResidual,
  requirePenalty,
  type Solution,
} from './direct.ts'
import { gramOf } from './gram.ts'
import { type RareSystem, rareSystemOf } from './rare-columns.ts'
import { residual, type System } from './system.ts'
import { dot } from './vectors.ts'

/** How far coefficients may be from the solution, relative; beyond it the solver fails. */
const tolerance = 1e-10
const maxRounds = 12
/** What the first round leaves of a residual. */
const firstReduction = 1e-8
/**
 * What each later round leaves, which starts from an exact residual: so little that an
 * ill-conditioned matrix cannot hide much of an error in it, at most and at least this.
 */
const laterReduction = { most: 1e-6, least: 1e-8, hidden: 1e-3 }
const maxIterations = 5_000

/** What conjugate gradients have found. */
export interface Gradients {
  /** The solution for the right-hand side, as far as it was asked for. */
  readonly delta: Float64Array
  readonly iterations: number
  /** Condition number of the scaled matrix of the rare columns, estimated. */
  readonly condition: number
}

/**
 * Solves (X'X + penalty) delta = rhs in doubles.
 *
 * @param rare the system without its frequent columns
 * @param rhs by coordinate of the whole system
 * @param reduction the share of the rare system's right-hand side that may be left
 */
export function conjugateGradients(
  rare: RareSystem,
  rhs: Float64Array,
  reduction: number,
): Gradients {
  const { size } = rare
  const r = rare.right(rhs)
  const found = new Float64Array(size)
  const p = r.slice()
  const q = new Float64Array(size)
  let rr = dot(r, r)
  const goal = rr * reduction * reduction
  const alphas: number[] = []
  const betas: number[] = []
  while (rr > goal && alphas.length < maxIterations) {
    rare.apply(p, q)
    const curvature = dot(p, q)
    // Rounding has eaten the digits that are left: the next round starts from an exact residual.
    if (!(curvature > 0)) break
    const alpha = rr / curvature
    for (let i = 0; i < size; i++) {
      found[i] = (found[i] as number) + alpha * (p[i] as number)
      r[i] = (r[i] as number) - alpha * (q[i] as number)
    }
    const next = dot(r, r)
    const beta = next / rr
    for (let i = 0; i < size; i++) p[i] = (r[i] as number) + beta * (p[i] as number)
    rr = next
    alphas.push(alpha)
    betas.push(beta)
  }
  return {
    delta: rare.solution(found, rhs),
    iterations: alphas.length,
    condition: lanczosCondition(alphas, betas),
  }
}

// The coefficients of conjugate gradients are those of a Lanczos tridiagonal matrix whose extreme
// eigenvalues approach those of the preconditioned matrix (Golub & Van Loan, 11.3): bisection.
function lanczosCondition(alphas: readonly number[], betas: readonly number[]): number {
  const k = alphas.length
  if (k === 0) return 1
  const diagonal = alphas.map((alpha, i) => {
    return 1 / alpha + (i > 0 ? (betas[i - 1] as number) / (alphas[i - 1] as number) : 0)
  })
  const off = alphas.map((alpha, i) => Math.sqrt(Math.max(0, betas[i] as number)) / alpha)
  const below = (x: number): number => {
    let count = 0
    let d = 1
    for (let i = 0; i < k; i++) {
      const e = i > 0 ? (off[i - 1] as number) ** 2 : 0
      d = (diagonal[i] as number) - x - e / (d === 0 ? Number.MIN_VALUE : d)
      if (d < 0) count++
    }
    return count
  }
  const bound = Math.max(...diagonal.map((d, i) => d + (off[i] ?? 0) + (off[i - 1] ?? 0)))
  const nth = (n: number): number => {
    let [low, high] = [0, bound]
    for (let step = 0; step < 100; step++) {
      const middle = (low + high) / 2
      if (below(middle) >= n) high = middle
      else low = middle
    }
    return high
  }
  return nth(k) / nth(1)
}

/**
 * Solves a penalised system by preconditioned conjugate gradients.
 *
 * @param frequent levels to be eliminated before, see {@link rareSystemOf}
 * @throws solve_failed when it does not come within 1e-10 of the solution; solve_too_large without a
 *   penalty, where the least-norm solution needs the null space
 */
export function solveIteratively(system: System, frequent?: number): Solution {
  if (system.l2 === 0) {
    throw new RidecastError(
      'solve_too_large',
      `the design has ${system.size - 1} columns and no penalty: set l2 above 0, or drop terms`,
    )
  }
  requirePenalty(system)
  const rare = rareSystemOf(gramOf(system), system.l2, frequent)
  const { nonZeros, bytes } = rare
  const solution = zeroSums(system.size)
  const columns = lengthsOf(system)
  const size = Math.sqrt(system.targetSquares.hi)
  let [condition, iterations] = [1, 0]
  let [before, error] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let step = 0; step < maxRounds && !(error < tolerance); step++) {
    const { most, least, hidden } = laterReduction
    const later = Math.max(least, Math.min(most, hidden / condition))
    const reduction = step === 0 ? firstReduction : later
    const left = conjugateGradients(rare, residual(system, system.rhs, solution), reduction)
    const change = addCorrection(solution, left.delta, columns, size)
    condition = Math.max(condition, left.condition)
    iterations += left.iterations
    // Every round shrinks the error as the one before did, unless it was asked for less: what is
    // left is the next correction. An ill-conditioned matrix hides errors in its residuals.
    const asked = Math.min(1, reduction * condition)
    if (step > 0 || change === 0) error = change * Math.max(change / before, asked)
    before = change
  }
  if (!(error < tolerance)) {
    throw new RidecastError(
      'solve_failed',
      `conjugate gradients stopped ${error.toExponential(1)} away from the solution, expected ${tolerance}: raise l2, or drop columns that nearly repeat others`,
    )
  }
  return {
    coefficients: solution.hi.slice(),
    rank: system.size,
    condition,
    residual: relativeResidual(system, solution),
    method: 'cg',
    effort: { nonZeros, bytes, iterations },
  }
}

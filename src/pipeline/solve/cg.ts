/**
 * Ridge for designs too wide for a dense factor: conjugate gradients on the sparse Gram matrix, their
 * residual replaced by one of 106 bits now and then, until what is left is known to be little.
 */

import { RidecastError } from '../../errors.ts'
import { type Sums, zeroSums } from '../double-double.ts'
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

/**
 * How far from the solution slopes may be, relative to the largest, and predictions and the
 * intercept; beyond it the solver fails.
 */
const tolerance = 1e-9
/** Largest residual by coordinate, see {@link relativeResidual}: as good as doubles get. */
const finest = 1e-15
const maxRounds = 12
/** The share of a residual that is left when it is replaced: doubles have not lost it by then. */
const roundReduction = 1e-6
const maxIterations = 5_000

/** What conjugate gradients have found. */
export interface Gradients {
  /** The solution for the right-hand side, as far as it was asked for. */
  readonly delta: Float64Array
  readonly iterations: number
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
  const descent = new Descent(rare, rhs)
  descent.run(reduction, { error: 0, residual: 0 })
  return { delta: descent.take(), iterations: descent.iterations }
}

/** When to stop: both have to hold. */
interface Enough {
  /** Bound on the error, in the norm of the matrix. */
  readonly error: number
  /** Largest entry of the residual relative to the length of its column. */
  readonly residual: number
}

/** Conjugate gradients that go on where they were when their residual is replaced. */
class Descent {
  private readonly rare: RareSystem
  private rhs: Float64Array
  private readonly found: Float64Array
  private readonly r: Float64Array
  private readonly p: Float64Array
  private readonly q: Float64Array
  private rr: number
  private readonly alphas: number[] = []
  private readonly betas: number[] = []
  /** Square of the error over that of the residual, at most. */
  private ratio: number

  constructor(rare: RareSystem, rhs: Float64Array) {
    this.rare = rare
    this.rhs = rhs
    this.r = rare.right(rhs).left
    this.p = this.r.slice()
    this.q = new Float64Array(rare.size)
    this.found = new Float64Array(rare.size)
    this.rr = dot(this.r, this.r)
    this.ratio = 1 / rare.least
  }

  get iterations(): number {
    return this.alphas.length
  }

  /** Bound on the error, in the norm of the matrix. */
  get bound(): number {
    return Math.sqrt(this.ratio * this.rr)
  }

  /** Goes on until the residual is so much smaller, or it is enough. */
  run(reduction: number, enough: Enough): void {
    const { rare, found, r, p, q } = this
    const { size, least } = rare
    const goal = this.rr * reduction * reduction
    const done = (): boolean =>
      this.rr <= goal ||
      this.alphas.length >= maxIterations ||
      (this.bound <= enough.error && rare.largest(r) <= enough.residual)
    while (!done()) {
      rare.apply(p, q)
      const curvature = dot(p, q)
      // Rounding has eaten the digits that are left.
      if (!(curvature > 0)) break
      const alpha = this.rr / curvature
      for (let i = 0; i < size; i++) {
        found[i] = (found[i] as number) + alpha * (p[i] as number)
        r[i] = (r[i] as number) - alpha * (q[i] as number)
      }
      const next = dot(r, r)
      const beta = next / this.rr
      for (let i = 0; i < size; i++) p[i] = (r[i] as number) + beta * (p[i] as number)
      // Gauss-Radau quadrature with a node below all eigenvalues (G. Meurant, P. Tichy, Numerical
      // Algorithms 62, 2013).
      const above = Math.max(0, this.ratio - alpha)
      this.ratio = above / (least * above + beta)
      this.rr = next
      this.alphas.push(alpha)
      this.betas.push(beta)
    }
  }

  /** What was found since the last time, by coordinate of the whole system. */
  take(): Float64Array {
    const delta = this.rare.solution(this.found, this.rhs)
    this.found.fill(0)
    return delta
  }

  /**
   * Takes the exact residual for the one that rounding has worn.
   *
   * @param rhs what is left of the right-hand side, by coordinate of the whole system
   * @returns bound on the error, in the norm of the matrix
   */
  replace(rhs: Float64Array): number {
    const { rare, r, p } = this
    const { left, taken } = rare.right(rhs)
    this.rhs = rhs
    const worn = left.map((value, i) => value - (r[i] as number))
    const off = Math.sqrt(dot(worn, worn) / rare.least)
    const bound = this.bound + off + Math.sqrt(Math.max(0, taken))
    r.set(left)
    this.rr = dot(r, r)
    if (off < this.bound) {
      for (let i = 0; i < p.length; i++) p[i] = (p[i] as number) + (worn[i] as number)
    } else {
      p.set(r)
      this.ratio = 1 / rare.least
    }
    return rare.distortion * bound
  }

  /** Condition number of the matrix, estimated. */
  condition(): number {
    return lanczosCondition(this.alphas, this.betas)
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
 * The error, in the norm of the matrix, that leaves slopes, predictions and the intercept within the
 * tolerance. No slope is further off than the error over the root of the penalty; no prediction
 * for a ride that was fitted than the error, since none has a leverage above 1.
 *
 * @param reach how far off the intercept may be for each unit of the error
 */
function allowedError(system: System, { hi }: Sums, reach: number): number {
  const { n, l2, interceptAt, targetSquares } = system
  const slopes = hi.subarray(0, interceptAt)
  const largest = slopes.reduce((high, slope) => Math.max(high, Math.abs(slope)), 0)
  const typical = Math.sqrt(targetSquares.hi / n)
  const floor = 1e-6 * typical
  const slope = Math.sqrt(l2) * Math.max(largest, floor)
  const intercept = Math.max(Math.abs(hi[interceptAt] as number), floor) / reach
  return tolerance * Math.min(typical, slope, intercept)
}

/**
 * The root of the last element of the inverse of (X'X + penalty), or more. That element is 1 over the
 * most of 2 1'u - |u|^2 - |X'u|^2 / penalty: the best of equal values makes of it what follows.
 */
function interceptReach({ blocks, n, l2, numericCount, numericSums }: System): number {
  let squares = 0
  for (const { counts } of blocks) squares += dot(counts, counts)
  for (let p = 0; p < numericCount; p++) squares += (numericSums.hi[p] as number) ** 2
  return Math.sqrt(1 / n + squares / l2 / n / n)
}

/**
 * Solves a penalised system by preconditioned conjugate gradients.
 *
 * @param frequent levels to be eliminated before, see {@link rareSystemOf}
 * @throws solve_failed when it is not known to come within 1e-9 of the solution; solve_too_large
 *   without a penalty, where the least-norm solution needs the null space
 */
export function solveIteratively(system: System, frequent?: number): Solution {
  const { l2, size } = system
  if (l2 === 0) {
    throw new RidecastError(
      'solve_too_large',
      `the design has ${size - 1} columns and no penalty: set l2 above 0, or drop terms`,
    )
  }
  requirePenalty(system)
  const rare = rareSystemOf(gramOf(system), l2, frequent)
  const reach = interceptReach(system)
  const solution = zeroSums(size)
  const columns = lengthsOf(system)
  const fitted = Math.sqrt(system.targetSquares.hi)
  let left = system.rhs.hi
  const descent = new Descent(rare, left)
  let [allowed, error, last] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  const solved = (): boolean => error <= allowed && last <= finest
  for (let round = 0; round < maxRounds && !solved(); round++) {
    // Some room for what rounding has hidden.
    const enough = { error: (0.8 * allowed) / rare.distortion, residual: 0.8 * finest * fitted }
    descent.run(roundReduction, enough)
    addCorrection(solution, descent.take(), columns, fitted)
    left = residual(system, system.rhs, solution)
    error = descent.replace(left)
    last = relativeResidual(system, left)
    allowed = allowedError(system, solution, reach)
  }
  if (!solved()) {
    const off = (error / allowed) * tolerance
    throw new RidecastError(
      'solve_failed',
      `conjugate gradients stopped ${off.toExponential(1)} away from the solution, expected ${tolerance}: raise l2, or drop columns that nearly repeat others`,
    )
  }
  const longest = columns.reduce((high, column) => Math.max(high, column), 0)
  const { nonZeros, bytes } = rare
  return {
    coefficients: solution.hi.slice(),
    rank: size,
    condition: descent.condition(),
    residual: last,
    method: 'cg',
    bound: ((error / Math.sqrt(l2)) * longest) / fitted,
    effort: { nonZeros, bytes, iterations: descent.iterations },
  }
}

/**
 * Models along a path of penalties, each measured on the rides it was fitted to and on others, from
 * moments alone: a table, no model objects. Knows nothing about which strength to take.
 */

import { RidecastError } from '../../errors.ts'
import type { Moments } from '../moments.ts'
import { degreesOfFreedom } from './degrees-of-freedom.ts'
import { centre } from './descent.ts'
import { type LassoPenalty, largestAlpha, lasso, requireLassoPenalty } from './lasso.ts'
import { ridgeErrors } from './ridge-family.ts'
import { type System, systemOf } from './system.ts'
import { rmseOf, squaredErrors, yardstickOf } from './yardstick.ts'

/** One strength of a path. */
export interface PathRow {
  /** l2 of a ridge (added to the diagonal of X'X), alpha of a lasso or elastic net. */
  readonly strength: number
  /** RMSE on the rides it was fitted to, minutes. */
  readonly trainRmse: number
  /** RMSE on the validation rides, minutes; undefined without such. */
  readonly validationRmse: number | undefined
  /**
   * Effective number of coefficients, the intercept counted: the trace of the map from durations to
   * fitted values; for a lasso the slopes that are not 0, and the intercept. Undefined where it was
   * not asked for, or is not that simple (elastic net).
   */
  readonly degreesOfFreedom: number | undefined
}

/** What is measured along a path. */
export interface PathOptions {
  /** Rides to validate on, of the same terms. */
  readonly validation?: Moments
  /** Whether degrees of freedom of ridges are estimated; default false. */
  readonly degrees?: boolean
}

/**
 * Strengths evenly apart on a logarithmic scale, both ends included, ascending.
 *
 * @param low above 0
 * @param count at least 2
 */
export function strengthsBetween(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, k) => {
    return k === count - 1 ? high : low * (high / low) ** (k / (count - 1))
  })
}

/** Strengths fit for a ridge: 200 from 0.001 to 100,000. */
export const ridgeStrengths: readonly number[] = strengthsBetween(1e-3, 1e5, 200)

/**
 * Refuses strengths that are none.
 *
 * @throws usage_invalid
 */
export function requireStrengths(strengths: readonly number[]): void {
  const bad = strengths.find((strength) => !(strength >= 0 && Number.isFinite(strength)))
  if (bad !== undefined || strengths.length === 0) {
    throw new RidecastError(
      'usage_invalid',
      `strengths of a ridge must be 0 or above, at least one: found ${bad ?? 'none'}`,
    )
  }
}

/**
 * Fits a ridge for every strength.
 *
 * @param moments of the rides to fit to, at least one
 * @param strengths l2, 0 or above, in any order
 * @returns rows in the order of the strengths
 * @throws usage_invalid, solve_failed, solve_too_large
 */
export function ridgePath(
  moments: Moments,
  strengths: readonly number[],
  options: PathOptions = {},
): PathRow[] {
  requireStrengths(strengths)
  const own = yardstickOf(moments)
  const other = options.validation && yardstickOf(options.validation, moments)
  const degrees = options.degrees ? degreesOfFreedom(own.gram, strengths) : undefined
  const yardsticks = other ? [own, other] : [own]
  const [train, validation] = ridgeErrors(own.gram, strengths, yardsticks)
  return strengths.map((strength, k) => ({
    strength,
    trainRmse: rmseOf(own, train?.[k] as number),
    validationRmse: other && rmseOf(other, validation?.[k] as number),
    degreesOfFreedom: degrees?.values[k],
  }))
}

/** Which strengths of a lasso are fit. */
export interface LassoStrengths {
  /** Above 0, at most 1; default 1. */
  readonly l1Ratio?: number
  /** At least 2; default 100. */
  readonly count?: number
  /** The last strength, as a share of the first; default 1e-4. */
  readonly share?: number
}

/** Strengths fit for a lasso or elastic net: from the one at which all slopes are 0, descending. */
export function lassoStrengths(
  train: Moments,
  { l1Ratio = 1, count = 100, share = 1e-4 }: LassoStrengths = {},
): number[] {
  const most = largestAlpha(centre(systemOf(train, 0)), l1Ratio)
  return strengthsBetween(most * share, most, count).reverse()
}

/**
 * Fits a lasso or elastic net for every strength, the largest first and each from where the one
 * before has ended.
 *
 * @param train at least one ride
 * @param strengths alpha, above 0, in any order
 * @returns rows in the order of the strengths
 * @throws usage_invalid, solve_failed
 */
export function lassoPath(
  train: Moments,
  strengths: readonly number[],
  { validation, l1Ratio = 1 }: { validation?: Moments; l1Ratio?: number } = {},
): PathRow[] {
  const system = systemOf(train, 0)
  const own = yardstickOf(train, train, system)
  const other = validation && yardstickOf(validation, train)
  const rows = new Array<PathRow>(strengths.length)
  forEachLasso(system, strengths, l1Ratio, (k, coefficients, nonZero) => {
    rows[k] = {
      strength: strengths[k] as number,
      trainRmse: rmseOf(own, squaredErrors(own, coefficients)),
      validationRmse: other && rmseOf(other, squaredErrors(other, coefficients)),
      // H. Zou, T. Hastie, R. Tibshirani, Annals of Statistics 35 (2007).
      degreesOfFreedom: l1Ratio === 1 ? nonZero + 1 : undefined,
    }
  })
  return rows
}

/**
 * Visits the lasso or elastic net solution of every strength, the largest first.
 *
 * @param visit called with the position of the strength, the coefficients, and how many slopes are
 *   not 0
 * @throws usage_invalid, solve_failed when descent does not come to an end
 */
export function forEachLasso(
  system: System,
  strengths: readonly number[],
  l1Ratio: number,
  visit: (k: number, coefficients: Float64Array, nonZero: number) => void,
): void {
  const penalties = strengths.map((alpha): LassoPenalty => ({ alpha, l1Ratio }))
  penalties.forEach(requireLassoPenalty)
  const problem = centre(system)
  const order = [...penalties.keys()].sort((i, j) => {
    return (strengths[j] as number) - (strengths[i] as number)
  })
  let from: Float64Array | undefined
  for (const k of order) {
    const { coefficients, nonZero, converged } = lasso(problem, penalties[k] as LassoPenalty, from)
    if (!converged) {
      throw new RidecastError(
        'solve_failed',
        `coordinate descent for alpha ${strengths[k]} did not come to an end: use larger strengths, or an l1 ratio below 1`,
      )
    }
    from = coefficients
    visit(k, coefficients, nonZero)
  }
}

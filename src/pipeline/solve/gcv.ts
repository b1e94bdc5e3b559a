/**
 * Generalized cross-validation: a ridge's strength from the rides it is fitted to alone, by their
 * squared errors and the degrees of freedom that these were bought with (G. H. Golub, M. Heath,
 * G. Wahba, Technometrics 21, 1979).
 */

import type { Moments } from '../moments.ts'
import { leastOf } from './cross-validation.ts'
import { type Degrees, type DegreesOptions, degreesOfFreedom } from './degrees-of-freedom.ts'
import { requireStrengths } from './penalty-path.ts'
import { ridgeErrors } from './ridge-family.ts'
import { rmseOf, yardstickOf } from './yardstick.ts'

/** One strength. */
export interface GcvRow {
  /** l2. */
  readonly strength: number
  /** RMSE on the rides it was fitted to, minutes. */
  readonly trainRmse: number
  /** Effective number of coefficients, the intercept counted. */
  readonly degreesOfFreedom: number
  /** Standard error of the degrees of freedom; 0 where they are exact. */
  readonly degreesError: number
  /**
   * Root of the criterion, minutes: the RMSE to expect on other rides of the same kind. Infinite
   * where there are no fewer degrees of freedom than rides.
   */
  readonly score: number
  /** Standard error of the score by that of the degrees of freedom. */
  readonly scoreError: number
}

/** Strengths measured by generalized cross-validation. */
export interface Gcv {
  /** In the order of the strengths. */
  readonly rows: readonly GcvRow[]
  /** The row of the least score; of several, the strongest penalty. */
  readonly best: GcvRow
  /** How degrees of freedom were found. */
  readonly trace: Degrees['method']
}

/**
 * Measures every strength.
 *
 * @param moments of the rides to fit to, at least one
 * @param strengths l2, 0 or above, in any order
 * @throws usage_invalid, solve_failed, solve_too_large
 */
export function generalizedCrossValidation(
  moments: Moments,
  strengths: readonly number[],
  options: DegreesOptions = {},
): Gcv {
  requireStrengths(strengths)
  const yardstick = yardstickOf(moments)
  const { n } = moments
  const [errors] = ridgeErrors(yardstick.gram, strengths, [yardstick])
  const { values, standardErrors, method } = degreesOfFreedom(yardstick.gram, strengths, options)
  const rows = strengths.map((strength, k): GcvRow => {
    const trainRmse = rmseOf(yardstick, errors?.[k] as number)
    const [degrees, degreesError] = [values[k] as number, standardErrors[k] as number]
    const left = 1 - degrees / n
    const score = left > 0 ? trainRmse / left : Number.POSITIVE_INFINITY
    return {
      strength,
      trainRmse,
      degreesOfFreedom: degrees,
      degreesError,
      score,
      scoreError: left > 0 ? (score * degreesError) / n / left : 0,
    }
  })
  return { rows, best: leastOf(rows, ({ score }) => score), trace: method }
}

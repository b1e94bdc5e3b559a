/**
 * A penalty chosen by what it does on rides that were not fitted to: on validation rides, or in
 * turn on each of several folds whose moments are kept apart. Works on moments; no ride is read.
 */

import { RidecastError } from '../../errors.ts'
import type { Moments } from '../moments.ts'
import { mergeMoments, subtractMoments } from '../moments-algebra.ts'
import { forEachLasso, type PathRow, requireStrengths } from './penalty-path.ts'
import { ridgeErrors } from './ridge-family.ts'
import { squaredErrors, type Yardstick, yardstickOf } from './yardstick.ts'

/** Which penalty is varied. */
export type PenaltyKind =
  | { readonly kind: 'ridge' }
  /** Lasso with the ratio 1, elastic net below. */
  | { readonly kind: 'lasso'; readonly l1Ratio: number }

/** One strength, measured on every fold by the model of the others. */
export interface FoldedRow {
  /** l2 of a ridge; alpha of a lasso or elastic net. */
  readonly strength: number
  /** Root of the mean squared error over the rides of all folds, minutes. */
  readonly rmse: number
  /** Standard error of the mean squared error, minutes^2, from how the folds differ. */
  readonly mseError: number
  /** RMSE by fold, minutes. */
  readonly folds: readonly number[]
}

/** Strengths measured by cross-validation. */
export interface CrossValidation {
  /** In the order of the strengths. */
  readonly rows: readonly FoldedRow[]
  /** The row of the least error; of several, the strongest penalty. */
  readonly best: FoldedRow
  /** The strongest penalty within one standard error of the best: as good, for all that is known. */
  readonly simplest: FoldedRow
}

/**
 * The row of a path that is best on its validation rides; of several, the strongest penalty.
 *
 * @throws usage_invalid for a path without validation rides
 */
export function bestOnValidation(path: readonly PathRow[]): PathRow {
  return leastOf(path, ({ validationRmse }) => {
    if (validationRmse !== undefined) return validationRmse
    throw new RidecastError(
      'usage_invalid',
      'the path has no validation rides to choose a strength by: give some',
    )
  })
}

/** The element of the least value; of several, the one of the largest strength. */
export function leastOf<T extends { readonly strength: number }>(
  rows: readonly T[],
  measure: (row: T) => number,
): T {
  const [first, ...others] = rows
  if (!first) {
    throw new RidecastError('usage_invalid', 'no strength to choose from, expected at least one')
  }
  return others.reduce((best, row) => {
    const [own, least] = [measure(row), measure(best)]
    return own < least || (own === least && row.strength > best.strength) ? row : best
  }, first)
}

/**
 * Measures every strength on each fold by the model of the others.
 *
 * @param folds moments of the same terms over rides apart from each other, at least two with rides
 * @param strengths in any order; above 0 for a lasso
 * @throws usage_invalid, sums_overflow, solve_failed, solve_too_large
 */
export function crossValidate(
  folds: readonly Moments[],
  strengths: readonly number[],
  penalty: PenaltyKind = { kind: 'ridge' },
): CrossValidation {
  requireStrengths(strengths)
  const filled = folds.filter(({ n }) => n > 0)
  if (filled.length < 2) {
    throw new RidecastError(
      'usage_invalid',
      `cross-validation needs at least 2 folds with rides, found ${filled.length}`,
    )
  }
  const whole = mergeMoments(filled)
  const errors = filled.map((fold) => {
    const others = subtractMoments(whole, fold)
    return errorsOf(yardstickOf(others), yardstickOf(fold, others), strengths, penalty)
  })
  const counts = filled.map(({ n }) => n)
  const rows = strengths.map((strength, k) => {
    return foldedRow(
      strength,
      errors.map((one) => Math.max(0, one[k] as number)),
      counts,
    )
  })
  const best = leastOf(rows, ({ rmse }) => rmse)
  const bound = best.rmse ** 2 + best.mseError
  const near = rows.filter(({ rmse }) => rmse ** 2 <= bound)
  return { rows, best, simplest: leastOf(near, ({ strength }) => -strength) }
}

/** Squared errors on one fold, by strength. */
function errorsOf(
  { system, gram }: Yardstick,
  fold: Yardstick,
  strengths: readonly number[],
  penalty: PenaltyKind,
): Float64Array {
  if (penalty.kind === 'ridge') return ridgeErrors(gram, strengths, [fold])[0] as Float64Array
  const out = new Float64Array(strengths.length)
  forEachLasso(system, strengths, penalty.l1Ratio, (k, coefficients) => {
    out[k] = squaredErrors(fold, coefficients)
  })
  return out
}

function foldedRow(
  strength: number,
  errors: readonly number[],
  counts: readonly number[],
): FoldedRow {
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
  const mse = errors.map((error, f) => error / (counts[f] as number))
  const mean = sum(mse) / mse.length
  const spread = sum(mse.map((value) => (value - mean) ** 2)) / (mse.length - 1)
  return {
    strength,
    rmse: Math.sqrt(sum(errors) / sum(counts)),
    mseError: Math.sqrt(spread / mse.length),
    folds: mse.map(Math.sqrt),
  }
}

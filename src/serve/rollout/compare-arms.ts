/**
 * Compares two arms by how far their predictions were from the actual durations: differences with
 * intervals of 95 % by Welch's method. Knows nothing about where the durations came from.
 */

import type { ErrorSums, TrialCounts } from './arm-counts.ts'
import { studentT95 } from './chance.ts'

/** Actual durations of each arm before a difference is given an interval. */
export const leastActuals = 30

/** A difference, challenger less champion, minutes: below 0 the challenger is better. */
export interface Difference {
  readonly champion: number
  readonly challenger: number
  readonly difference: number
  /** Ends of the interval of 95 %. */
  readonly low: number
  readonly high: number
}

/** Two arms side by side. */
export interface Comparison {
  /** Predictions of each arm whose actual duration is known. */
  readonly actuals: { readonly champion: number; readonly challenger: number }
  /** Mean absolute error, minutes; null until both arms have {@link leastActuals}. */
  readonly mae: Difference | null
  /** Root of the mean squared error, minutes. */
  readonly rmse: Difference | null
  /** The arm whose mean absolute error is lower beyond doubt, null while that is open. */
  readonly better: 'champion' | 'challenger' | null
}

interface Estimate {
  readonly value: number
  /** Of the estimate itself. */
  readonly variance: number
  readonly n: number
}

/** Compares the arms of a trial. */
export function compareArms({ champion, challenger }: TrialCounts): Comparison {
  const [one, other] = [champion.errors, challenger.errors]
  const actuals = { champion: one.n, challenger: other.n }
  if (Math.min(one.n, other.n) < leastActuals) {
    return { actuals, mae: null, rmse: null, better: null }
  }
  const mae = welch(absolute(one), absolute(other))
  const rmse = welch(rootOfSquares(one), rootOfSquares(other))
  const better = mae.high < 0 ? 'challenger' : mae.low > 0 ? 'champion' : null
  return { actuals, mae, rmse, better }
}

function absolute({ n, absolute: sum, square }: ErrorSums): Estimate {
  const mean = sum / n
  return { value: mean, variance: Math.max(0, square - n * mean * mean) / (n - 1) / n, n }
}

/** The root's variance is that of the mean square by the slope of the root. */
function rootOfSquares({ n, square, fourth }: ErrorSums): Estimate {
  const mean = square / n
  const variance = Math.max(0, fourth - n * mean * mean) / (n - 1) / n
  return { value: Math.sqrt(mean), variance: mean === 0 ? 0 : variance / (4 * mean), n }
}

function welch(champion: Estimate, challenger: Estimate): Difference {
  const variance = champion.variance + challenger.variance
  const parts = [champion, challenger].map((one) => one.variance ** 2 / (one.n - 1))
  const below = parts.reduce((sum, part) => sum + part, 0)
  const degrees = below === 0 ? Number.MAX_SAFE_INTEGER : variance ** 2 / below
  const difference = challenger.value - champion.value
  const reach = studentT95(degrees) * Math.sqrt(variance)
  return {
    champion: champion.value,
    challenger: challenger.value,
    difference,
    low: difference - reach,
    high: difference + reach,
  }
}

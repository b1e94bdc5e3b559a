/**
 * Residuals of a linear fit against leverage: how much each ride decides its own prediction. From a
 * sample of the rides that were fitted. Knows nothing about how leverage is worked out, or drawn.
 */

import type { Model } from '../../model.ts'
import type { RideBatch } from '../../ride.ts'
import { minutesOf } from '../ride-table.ts'
import type { LeveragePoints } from './judgement.ts'

/** Leverages in a fit. */
export interface FittedLeverages {
  /** Rides that were fitted. */
  readonly n: number
  /** Sum of the leverages of all of them: the coefficients that the fit has, in effect. */
  readonly total: number
  /** Of ride `i`, 0 to 1 for a fitted one; undefined where the fit cannot tell it. */
  of(rides: RideBatch, i: number): number | undefined
}

/** A ride that decides its own prediction has no residual to standardise. */
const decides = 1 - 1e-9

/** How many are shown. */
export interface LeverageOptions {
  /** Rides that are shown whatever they are, default 1,000: the first of the sample. */
  readonly shown?: number
  /** Rides that are shown for their influence, default 20. */
  readonly influential?: number
}

/**
 * The points of the plot.
 *
 * @param rides a sample of the fitted rides in random order, with the model's inputs
 * @param squares mean of the squared residuals of all fitted rides, minutes^2
 */
export function leveragePoints(
  model: Model,
  leverages: FittedLeverages,
  rides: RideBatch,
  squares: number,
  { shown = 1000, influential = 20 }: LeverageOptions = {},
): LeveragePoints {
  const { n, total } = leverages
  const sigma = Math.sqrt((squares * n) / Math.max(1, n - total))
  const actual = minutesOf(rides)
  const points: { at: number; leverage: number; residual: number; influence: number }[] = []
  let decided = 0
  for (let at = 0; at < rides.length; at++) {
    const leverage = leverages.of(rides, at)
    if (leverage === undefined) continue
    if (leverage >= decides) {
      decided++
      continue
    }
    const error = model.predict(rides, at) - (actual[at] as number)
    const residual = sigma > 0 ? error / (sigma * Math.sqrt(1 - leverage)) : 0
    // Cook's distance (Cook, "Detection of influential observation", Technometrics 19, 1977).
    const influence = (residual ** 2 * leverage) / ((1 - leverage) * total)
    points.push({ at, leverage, residual, influence })
  }
  const most = [...points].sort((a, b) => b.influence - a.influence || a.at - b.at)
  const chosen = new Set([...points.slice(0, shown), ...most.slice(0, influential)])
  const drawn = [...chosen].sort((a, b) => a.at - b.at)
  return {
    fitted: n,
    coefficients: total,
    sampled: rides.length,
    decided,
    leverage: drawn.map(({ leverage }) => Number(leverage.toPrecision(6))),
    residual: drawn.map(({ residual }) => Number(residual.toPrecision(6))),
    influence: drawn.map(({ influence }) => Number(influence.toPrecision(6))),
  }
}

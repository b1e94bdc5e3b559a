/**
 * What sums cannot tell: absolute errors and quantiles of the residuals, from a second pass over
 * the rides. Memory does not grow with them: residuals are counted in bins of 0.01 minutes.
 */

import type { Model } from '../model.ts'
import type { Taxi } from '../ride.ts'
import { addTo, zeroSums } from './double-double.ts'
import { columnsOf, type Plan, RideSelector } from './plan.ts'
import { readRides } from './rides.ts'
import type { Source } from './source.ts'

const binMinutes = 0.01
/** Residuals beyond this many minutes share the outermost bins. */
const farthest = 600
const quantileLevels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const

/** Measures of the residuals, prediction - actual, in minutes. */
export interface Residuals {
  readonly n: number
  /** Mean absolute error. */
  readonly mae: number
  /** Root mean squared error, from the rows: the same as from the sums but for rounding. */
  readonly rmse: number
  /** By level, as `0.05`: the residual that this share of the rides stays below, to 0.01 minutes. */
  readonly quantiles: Readonly<Record<string, number>>
}

/**
 * Goes over the rides that `plan` takes and measures the model's residuals.
 *
 * @param files trip files; a slice by rows counts in each by itself
 * @param progress called with (rides read, rides in the file)
 * @throws source_columns, source_column_type, source_truncated
 */
export async function residualsOf(
  model: Model,
  files: readonly { readonly source: Pick<Source, 'path'>; readonly taxi: Taxi }[],
  plan: Plan,
  progress: (done: number, total: number) => void = () => {},
): Promise<Residuals> {
  const bins = new Float64Array((2 * farthest) / binMinutes + 1)
  const sums = zeroSums(2)
  let n = 0
  const add = (error: number): void => {
    const bin = Math.round((Math.min(Math.max(error, -farthest), farthest) + farthest) / binMinutes)
    bins[bin] = (bins[bin] as number) + 1
    addTo(sums, 0, Math.abs(error))
    addTo(sums, 1, error * error)
    n++
  }
  for (const { source, taxi } of files) {
    const selector = new RideSelector(plan)
    for await (const rides of readRides(source.path, taxi, columnsOf([plan]), progress)) {
      selector.forEach(rides, (i) => {
        const actual = ((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 60e6
        add(model.predict(rides, i) - actual)
      })
    }
  }
  const mean = (k: number): number => ((sums.hi[k] as number) + (sums.lo[k] as number)) / n
  return { n, mae: mean(0), rmse: Math.sqrt(mean(1)), quantiles: quantilesOf(bins, n) }
}

function quantilesOf(bins: Float64Array, n: number): Record<string, number> {
  const quantiles: Record<string, number> = {}
  let bin = 0
  let below = bins[0] as number
  for (const level of quantileLevels) {
    while (below < level * n && bin < bins.length - 1) below += bins[++bin] as number
    // The bin's middle, without the noise of the division.
    quantiles[level] = Math.round(bin - farthest / binMinutes) / (1 / binMinutes)
  }
  return quantiles
}

/**
 * What sums cannot tell: absolute errors and quantiles of the residuals, from a second pass over
 * the rides. Memory does not grow with them: residuals are counted in bins of 0.01 minutes.
 */

import type { Model } from '../model.ts'
import { predictAt } from '../predict-at.ts'
import type { ColumnName, RideBatch, Taxi } from '../ride.ts'
import { addProductTo, addTo, zeroSums } from './double-double.ts'
import type { Measures } from './evaluate.ts'
import { type Plan, RideSelector } from './plan.ts'
import { rowColumns } from './ride-table.ts'
import { readRides } from './rides.ts'
import type { Source } from './source.ts'

const binMinutes = 0.01
/** Residuals beyond this many minutes share the outermost bins. */
const farthest = 600
const quantileLevels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const

/** Measures of the residuals, prediction - actual, in minutes; squares as from sums, but for rounding. */
export interface Residuals extends Measures {
  /** Mean absolute error. */
  readonly mae: number
  /** By level, as `0.05`: the residual that this share of the rides stays below, to 0.01 minutes. */
  readonly quantiles: Readonly<Record<string, number>>
}

/** Measures residuals, one after another. Memory does not grow with them. */
export class ResidualCounter {
  private readonly bins = new Float64Array((2 * farthest) / binMinutes + 1)
  private readonly sums = zeroSums(5)
  private n = 0

  /** Rides that were taken. */
  get rides(): number {
    return this.n
  }

  /** Takes a ride: its minutes, and prediction - actual. */
  add(actual: number, error: number): void {
    const { bins, sums } = this
    const bin = Math.round((Math.min(Math.max(error, -farthest), farthest) + farthest) / binMinutes)
    bins[bin] = (bins[bin] as number) + 1
    addTo(sums, 0, Math.abs(error))
    addTo(sums, 1, error * error)
    addTo(sums, 2, error)
    addTo(sums, 3, actual)
    addProductTo(sums, 4, actual, actual)
    this.n++
  }

  /** Measures of all that were taken, at least one. */
  residuals(): Residuals {
    const { sums, n } = this
    const mean = (k: number): number => ((sums.hi[k] as number) + (sums.lo[k] as number)) / n
    const mse = mean(1)
    const spread = Math.max(0, mean(4) - mean(3) ** 2)
    const values = this.quantiles(quantileLevels)
    return {
      n,
      rmse: Math.sqrt(mse),
      mse,
      r2: spread > 0 ? 1 - mse / spread : null,
      bias: mean(2),
      mae: mean(0),
      quantiles: Object.fromEntries(quantileLevels.map((level, k) => [level, values[k] as number])),
    }
  }

  /** The residuals that shares of the rides stay below, to 0.01 minutes; `levels` ascend. */
  quantiles(levels: readonly number[]): number[] {
    const { bins, n } = this
    let bin = 0
    let below = bins[0] as number
    return levels.map((level) => {
      while (below < level * n && bin < bins.length - 1) below += bins[++bin] as number
      // The bin's middle, without the noise of the division.
      return Math.round(bin - farthest / binMinutes) / (1 / binMinutes)
    })
  }
}

/** A trip file whose rides are measured. */
export interface MeasuredFile {
  readonly source: Pick<Source, 'path'>
  readonly taxi: Taxi
}

/** What a pass over predicted rides is told and tells. */
export interface PredictedEffects {
  /** Told (rides read, rides in the file). */
  readonly progress?: (done: number, total: number) => void
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Columns that the visitor reads beside what the model does; missing ones are NaN. */
  readonly also?: readonly ColumnName[]
}

/**
 * Predicts the rides that `plan` takes, in the order of the files.
 *
 * @param files trip files; a slice by rows counts in each by itself
 * @param visit called with a ride's place in its batch, and the minutes it took and was predicted
 * @throws source_columns, source_column_type, source_truncated, the reason of the signal
 */
export async function predictRides(
  model: Model,
  files: readonly MeasuredFile[],
  plan: Plan,
  visit: (rides: RideBatch, i: number, actual: number, predicted: number) => void,
  { progress = () => {}, signal, also = [] }: PredictedEffects = {},
): Promise<void> {
  const { required, optional } = rowColumns(plan, model.features)
  const known = new Set([...required, ...optional])
  const columns = {
    required,
    optional: [...optional, ...also.filter((name) => !known.has(name))],
  }
  for (const { source, taxi } of files) {
    const selector = new RideSelector(plan)
    for await (const rides of readRides(source.path, taxi, columns, progress)) {
      signal?.throwIfAborted()
      const taken = new Int32Array(rides.length)
      let size = 0
      selector.forEach(rides, (i) => {
        taken[size++] = i
      })
      const at = taken.subarray(0, size)
      const minutes = predictAt(model, rides, at)
      for (let k = 0; k < size; k++) {
        const i = at[k] as number
        const actual = ((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 60e6
        visit(rides, i, actual, minutes[k] as number)
      }
    }
  }
}

/**
 * Goes over the rides that `plan` takes and measures the model's residuals.
 *
 * @param files trip files; a slice by rows counts in each by itself
 * @throws source_columns, source_column_type, source_truncated, the reason of the signal
 */
export async function residualsOf(
  model: Model,
  files: readonly MeasuredFile[],
  plan: Plan,
  effects: PredictedEffects = {},
): Promise<Residuals> {
  const counter = new ResidualCounter()
  const add = (_: RideBatch, __: number, actual: number, predicted: number): void =>
    counter.add(actual, predicted - actual)
  await predictRides(model, files, plan, add, effects)
  return counter.residuals()
}

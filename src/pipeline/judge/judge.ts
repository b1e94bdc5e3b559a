/**
 * Judges a model on rides in one pass over them: memory does not grow with their number, and the
 * same rides in the same order give the same document. Knows nothing about pages or gates.
 */

import { RidecastError } from '../../errors.ts'
import type { Model } from '../../model.ts'
import type { Plan } from '../plan.ts'
import { type MeasuredFile, predictRides, ResidualCounter } from '../residuals.ts'
import { studentQuantile } from '../solve/student-t.ts'
import { CoverageCounts, type Interval } from './coverage.ts'
import type { Judgement, QuantilePoint } from './judgement.ts'
import { MinutesCounts } from './minutes.ts'
import { RidePoints } from './ride-points.ts'
import { SliceSums, slicedColumns, worstOf } from './slices.ts'
import { usualSupport } from './support.ts'
import { ZoneSums } from './zone-sums.ts'

/** What judging is told and tells. */
export interface JudgeOptions {
  /** Told (rides read, rides in the file). */
  readonly progress?: (done: number, total: number) => void
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Rides in the sample, default 2,000. */
  readonly sample?: number
  /** Of the sample, default 1. */
  readonly seed?: number
  /** Rides that a slice needs to count as the worst, default {@link usualSupport}. */
  readonly minimumSupport?: number
  /** The model's intervals, where it has some. */
  readonly interval?: Interval | undefined
}

/**
 * Judges a model on the rides that a plan takes.
 *
 * @param files trip files; a slice by rows counts in each by itself
 * @throws source_empty when no ride is taken; source_columns, source_column_type, source_truncated;
 *   the reason of the signal
 */
export async function judge(
  model: Model,
  files: readonly MeasuredFile[],
  plan: Plan,
  options: JudgeOptions = {},
): Promise<Judgement> {
  const {
    sample = 2000,
    seed = 1,
    minimumSupport = usualSupport,
    interval,
    progress,
    signal,
  } = options
  const residuals = new ResidualCounter()
  const slices = new SliceSums()
  const minutes = new MinutesCounts(plan.target.max)
  const zones = new ZoneSums()
  const points = new RidePoints(sample, seed)
  const coverage = interval && new CoverageCounts(interval)
  let n = 0
  await predictRides(
    model,
    files,
    plan,
    (rides, i, actual, predicted) => {
      const error = predicted - actual
      residuals.add(actual, error)
      slices.add(rides, i, predicted, error)
      minutes.add(actual, predicted)
      zones.add(rides, i, error)
      points.add(rides, i, actual, predicted)
      coverage?.add(actual, predicted)
      n++
    },
    { also: slicedColumns, signal, ...(progress && { progress }) },
  )
  if (n === 0) {
    const paths = files.map(({ source }) => source.path).join(', ')
    const text = `no ride of ${paths} passes the filters of the model: expected at least one to judge it on`
    throw new RidecastError('source_empty', text)
  }
  const measures = residuals.residuals()
  const families = slices.families(minimumSupport)
  return {
    format: 'ridecast-judgement',
    version: 1,
    measures,
    minimum_support: minimumSupport,
    slices: families,
    worst: worstOf(families, minimumSupport, measures),
    axis: minutes.axis,
    ...minutes.counts(),
    fitted: minutes.fitted(measures.rmse),
    qq: normalQuantiles(residuals, n),
    zones: zones.zones(),
    sample: points.sample(),
    intervals: coverage?.coverage() ?? null,
  }
}

const tails = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005]

/** With so many degrees of freedom Student's distribution is the normal one to 2e-6. */
const degrees = 1e7

/** Whole percentages, and the tails as far as rides reach. */
function normalQuantiles(residuals: ResidualCounter, n: number): QuantilePoint[] {
  const low = tails.filter((p) => p * n >= 1)
  const high = [...low].reverse().map((p) => 1 - p)
  const levels = [...low, ...Array.from({ length: 99 }, (_, k) => (k + 1) / 100), ...high]
  const values = residuals.quantiles(levels)
  return levels.map((p, k) => {
    const share = Math.abs(2 * p - 1)
    const z = share < 1e-9 ? 0 : Math.sign(p - 0.5) * studentQuantile(share, degrees)
    return { p, z, residual: values[k] as number }
  })
}

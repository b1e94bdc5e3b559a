/**
 * How sure a model is: intervals around its predictions, by split-conformal prediction (Vovk et al.
 * 2005; by bands of the prediction, as Mondrian conformal predictors do) from the errors on rides it
 * was not trained on. Knows nothing about models or files.
 */

import { z } from 'zod'
import { RidecastError } from './errors.ts'

/** Bands of the prediction, minutes: below the first, between two, at or above the last. */
export const bandEdges: readonly number[] = [5, 8, 11, 15, 20, 30]

/** Rides that a band needs for errors of its own; with fewer, those of all rides stand for it. */
export const bandSupport = 500

/** Coverages that are answered, both included. */
export const coverages = { least: 0.5, most: 0.99 } as const

/** Shares of the errors that are kept: 0.5 to 99.5 per cent in steps of a half. */
export const errorLevels: readonly number[] = Array.from({ length: 199 }, (_, k) => (k + 1) / 200)

const errors = z.object({
  /** Rides. */
  n: z.int().positive(),
  /** By {@link errorLevels}: actual - prediction that this share of the rides stays below, minutes. */
  errors: z.array(z.number()).length(errorLevels.length),
})

/** The shape of `intervals` in `model.json`. */
export const intervalsSchema = z.object({
  /** Of all rides. */
  all: errors,
  /** By band of the prediction; null where there were too few rides. */
  bands: z.array(errors.nullable()).length(bandEdges.length + 1),
})

/** Errors on rides that a model was not trained on. */
export type Intervals = z.output<typeof intervalsSchema>

/** Minutes that a ride takes with a probability, bounds included. */
export interface Interval {
  readonly low: number
  readonly high: number
  /** The probability that was asked for. */
  readonly coverage: number
}

/** The band of a prediction. */
export function bandOf(minutes: number): number {
  const above = bandEdges.findIndex((edge) => minutes < edge)
  return above < 0 ? bandEdges.length : above
}

/**
 * The interval around a prediction.
 *
 * @param minutes what the model says, not raised to a bound
 * @param target what durations lie within, minutes: neither end reaches beyond, unless the prediction
 *   does
 * @throws input_invalid for a coverage outside of {@link coverages}
 */
export function intervalAround(
  { all, bands }: Intervals,
  minutes: number,
  coverage: number,
  target: { readonly min: number; readonly max: number },
): Interval {
  if (!(coverage >= coverages.least && coverage <= coverages.most)) {
    throw new RidecastError(
      'input_invalid',
      `interval must be a coverage from ${coverages.least} to ${coverages.most}, found ${coverage}`,
    )
  }
  const { n, errors } = bands[bandOf(minutes)] ?? all
  const tail = (1 - coverage) / 2
  // Of n errors and the next one, each order is as likely: the corrected share of the n lies outside.
  const share = Math.max(0, tail - (1 - tail) / n)
  const steps = errorLevels.length + 1
  const k = Math.max(0, Math.floor(share * steps + 1e-9) - 1)
  const low = minutes + (errors[k] as number)
  const high = minutes + (errors[errors.length - 1 - k] as number)
  return {
    low: Math.max(target.min, Math.min(low, Math.max(minutes, target.min))),
    high: Math.max(Math.min(high, target.max), Math.max(minutes, target.min)),
    coverage,
  }
}

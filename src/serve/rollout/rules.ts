/**
 * By what a trial is judged: each threshold with its default, as it stands in the record of the
 * trial. Knows nothing about how the numbers are counted.
 */

import { z } from 'zod'
import type { TrialMode } from '../state.ts'

const above = (low: number, high: number) => z.number().gt(low).max(high)
const whole = (low: number, high: number) => z.int().min(low).max(high)

/** Thresholds of a trial; null switches the rule off. */
export const rulesSchema = z.strictObject({
  /** Predictions of the challenger in a step before the next one, or the promotion. */
  min_predictions: whole(1, 1e9),
  /** Seconds in a step before the next one, or the promotion. */
  min_seconds: z.number().min(0).max(1e8),
  /** Predictions of each arm before latency and shift are judged. */
  min_support: whole(10, 1e9),
  /** Share of rides that a challenger may fail on, where the champion fails on no more. */
  max_error_rate: above(0, 1).nullable(),
  /** What the challenger's 99th percentile may be, as a multiple of the champion's. */
  max_p99_ratio: above(1, 1000).nullable(),
  /** Milliseconds that are never too slow: below them a ratio is noise. */
  latency_floor_ms: z.number().min(0).max(60_000),
  /** How far the means may lie apart, in standard deviations of the predictions. */
  max_shift: above(0, 1000).nullable(),
  /** Population stability index of the durations' histogram, less what chance gives. */
  max_psi: above(0, 1000).nullable(),
})

/** What a trial is held to, see {@link rulesSchema}. */
export type Rules = z.output<typeof rulesSchema>

/** The rules of a canary unless told otherwise; so of a shadow, where they only advise. */
export const defaultRules: Rules = {
  min_predictions: 500,
  min_seconds: 300,
  min_support: 100,
  max_error_rate: 0.001,
  max_p99_ratio: 3,
  latency_floor_ms: 5,
  max_shift: 0.25,
  max_psi: 0.25,
}

/** The rules by mode: arms of an A/B trial may predict differently, that is what is asked. */
export function rulesOf(
  mode: TrialMode,
  given: { readonly [name in keyof Rules]?: Rules[name] | undefined } = {},
): Rules {
  const own = mode === 'ab' ? { max_shift: null, max_psi: null } : {}
  const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...defaultRules, ...own, ...told }
}

/** Shares of the requests by step, unless told otherwise. */
export const defaultSteps: readonly number[] = [0.01, 0.05, 0.25, 0.5, 1]

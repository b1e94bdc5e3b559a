/** One trial of a search: a point, and what came of it. Knows nothing about files or samplers. */

import type { ErrorCode } from '../../errors.ts'
import type { Point } from './space.ts'

/** One trial, as far as it has come. Of values, the smaller is the better one. */
export interface Trial {
  /** From 0, in the order in which trials are started. */
  readonly number: number
  readonly point: Readonly<Point>
  /** `pruned` when it was stopped early for its poor intermediate values. */
  readonly state: 'running' | 'finished' | 'failed' | 'pruned'
  /** What the objective gave; only of a finished trial, and finite. */
  readonly value?: number
  /** What else the objective gave; empty when there is nothing. */
  readonly metrics: Readonly<Record<string, number>>
  /** Intermediate values by step, steps ascending; NaN and infinities possible. */
  readonly intermediates: ReadonlyMap<number, number>
  /** How long it took; undefined while it runs. */
  readonly seconds?: number
  /** Why it failed. */
  readonly fault?: { readonly code: ErrorCode; readonly message: string }
}

/** A finished trial: it has a value. */
export type FinishedTrial = Trial & { readonly state: 'finished'; readonly value: number }

/** True for a trial that ended with a value. */
export function isFinished(trial: Trial): trial is FinishedTrial {
  return trial.state === 'finished'
}

/** The finished trial of the smallest value, the first of equal ones; undefined without any. */
export function bestOf(trials: readonly Trial[]): FinishedTrial | undefined {
  return trials.filter(isFinished).sort((a, b) => a.value - b.value || a.number - b.number)[0]
}

/**
 * Stops trials early that do worse than others did at the same step. Knows nothing about running
 * trials: what it says depends on the trials it is shown, so that a resumed search goes the same
 * way. Steps are whole numbers from 0 that mean the same in every trial, such as rounds of boosting.
 */

import { RidecastError } from '../../errors.ts'
import type { Setting } from './space.ts'
import { isFinished, type Trial } from './trial.ts'

/** What a trial is told that has reported an intermediate value. */
export type Verdict = 'go on' | 'stop'

/** Judges trials by their intermediate values, of which the smaller is the better one. */
export interface Pruner {
  /** What it is, as data. */
  readonly spec: { readonly name: string } & Readonly<Record<string, Setting>>
  /**
   * Judges a trial after each of its reports.
   *
   * @param trial with the new value as its last one
   * @param trials all of the search, with it or without it
   */
  judge(trial: Trial, trials: readonly Trial[]): Verdict
}

/** When {@link medianPruner} judges. */
export interface MedianOptions {
  /** Finished trials before any is stopped, 1 or more. Default 5. */
  readonly startupTrials?: number
  /** No trial is stopped before this step. Default 0. */
  readonly warmupSteps?: number
}

/**
 * Stops a trial whose best value so far is above the median of what finished trials had at the
 * same step. Golovin et al. (2017) compare with the median of their means up to that step; the
 * value itself, as Optuna has it, is fairer to trials that begin poorly and catch up.
 *
 * @throws usage_invalid when an option is out of range
 */
export function medianPruner({ startupTrials = 5, warmupSteps = 0 }: MedianOptions = {}): Pruner {
  hold('startupTrials', startupTrials, 1)
  hold('warmupSteps', warmupSteps, 0)
  return {
    spec: { name: 'median', startup_trials: startupTrials, warmup_steps: warmupSteps },
    judge: (trial, trials) => {
      const [step, value] = lastOf(trial)
      if (Number.isNaN(value)) return 'stop'
      const finished = trials.filter(isFinished)
      if (finished.length < startupTrials || step < warmupSteps) return 'go on'
      const others = finished.flatMap(({ intermediates }) => intermediates.get(step) ?? [])
      const best = Math.min(
        ...[...trial.intermediates.values()].filter((one) => !Number.isNaN(one)),
      )
      return best > medianOf(others) ? 'stop' : 'go on'
    },
  }
}

/** The rungs of {@link halvingPruner}. */
export interface HalvingOptions {
  /** The first rung: no trial is stopped before this step. 1 or more. */
  readonly minSteps: number
  /** Each rung is so many times as far as the one before, and 1 of so many goes on. Default 3. */
  readonly reduction?: number
}

/**
 * Asynchronous successive halving (Li et al. 2020): at steps `minSteps`, `minSteps * reduction`,
 * `minSteps * reduction^2` ... only the best `1 / reduction` of the trials that got there so far go
 * on; until there are `reduction` of them, the best one. A trial is stopped for good, where the
 * paper would let it wait.
 *
 * @throws usage_invalid when an option is out of range
 */
export function halvingPruner({ minSteps, reduction = 3 }: HalvingOptions): Pruner {
  hold('minSteps', minSteps, 1)
  hold('reduction', reduction, 2)
  return {
    spec: { name: 'halving', min_steps: minSteps, reduction },
    judge: (trial, trials) => {
      const [step, value] = lastOf(trial)
      if (Number.isNaN(value)) return 'stop'
      const before = [...trial.intermediates.keys()].at(-2) ?? -1
      const others = trials.filter(({ number }) => number !== trial.number)
      for (let rung = minSteps; rung <= step; rung *= reduction) {
        // It was let pass there already.
        if (rung <= before) continue
        const values = others.flatMap((other) => valueAt(other, rung) ?? [])
        const places = Math.max(1, Math.floor((values.length + 1) / reduction))
        if (values.filter((other) => other < value).length >= places) return 'stop'
      }
      return 'go on'
    },
  }
}

/** The value of a trial at a rung, that of its first report there or later; NaN counts as none. */
function valueAt(trial: Trial, rung: number): number | undefined {
  for (const [step, value] of trial.intermediates) {
    if (step >= rung) return Number.isNaN(value) ? undefined : value
  }
  return undefined
}

function lastOf(trial: Trial): [step: number, value: number] {
  return [...trial.intermediates].at(-1) ?? [-1, Number.POSITIVE_INFINITY]
}

/** The median; NaN, which nothing is above, of no values. */
function medianOf(values: readonly number[]): number {
  const ordered = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const middle = ordered.length / 2
  const [a, b] = [ordered[Math.ceil(middle) - 1], ordered[Math.floor(middle)]]
  return a === undefined || b === undefined ? Number.NaN : a === b ? a : (a + b) / 2
}

function hold(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new RidecastError(
    'usage_invalid',
    `${name} of the pruner must be a whole number of ${least} or more, found ${value}`,
  )
}

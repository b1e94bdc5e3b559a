/**
 * Runs the trials of a search: proposes points, has the objective try them, several at a time if
 * asked, and keeps what came of it, so that a search that was cut goes on where it was. Knows
 * nothing about what is searched for: the objective is a function.
 */

import { isRidecastError, messageOf, RidecastError } from '../../errors.ts'
import { type SearchHeader, searchFormat } from './log-lines.ts'
import type { Pruner, Verdict } from './pruner.ts'
import type { Sampler } from './sampler.ts'
import type { Point, Space } from './space.ts'
import { bestOf, type FinishedTrial, type Trial } from './trial.ts'
import { type TrialLog, withTrialLog } from './trial-log.ts'
import { mayBegin, seenBy, Turns } from './turns.ts'

/** What an objective has of the trial that it is called for. */
export interface TrialContext {
  /** Number of the trial, from 0. */
  readonly number: number
  /**
   * Aborted when the search is to end. The objective then throws whatever it likes, and the trial
   * is run again when the search goes on; or it finishes as if nothing had happened.
   */
  readonly signal: AbortSignal
  /**
   * Reports how the trial does.
   *
   * @param step a whole number from 0 above the one before, the same in all trials
   * @param value the smaller the better; NaN when it has gone astray
   * @returns `stop` when it is not worth going on with: the objective then returns or throws, no
   *   matter what
   */
  report(step: number, value: number): Verdict
}

/** What a trial gave: the value that is made small, or that and more. */
export type Outcome =
  | number
  | { readonly value: number; readonly metrics?: Readonly<Record<string, number>> }

/**
 * Tries a point. What it throws is kept as the trial's fault and does not end the search; a value
 * that is NaN or infinite is such a fault.
 */
export type Objective = (point: Point, trial: TrialContext) => Outcome | Promise<Outcome>

/** Something that happened in a search, after it was written down. */
export type SearchEvent =
  /** The search goes on: those that are `running` were cut off and are run again first. */
  | { readonly kind: 'resumed'; readonly trials: readonly Trial[] }
  | {
      readonly kind: 'started' | 'intermediate' | 'finished' | 'failed' | 'pruned'
      readonly trial: Trial
    }

/** What is searched, how, and where its state is kept. */
export interface SearchOptions {
  readonly space: Space
  readonly sampler: Sampler
  /** How many trials in all, those before a resumption included; a grid may have fewer. */
  readonly trials: number
  /** A whole number from 0 of 32 bits. */
  readonly seed: number
  readonly objective: Objective
  /** What the objective makes small, in words; a search goes on only under the same. */
  readonly title: string
  /** What else must not change before a search goes on, a hash of the data, say. Default empty. */
  readonly fingerprint?: string
  /** Where `search.ndjson` is kept; made when it is not there. */
  readonly folder: string
  /**
   * How many trials run at a time, default 1. The same arguments give the same trials, whatever
   * their workers' speed: with several, a trial knows nothing of what came of the latest ones
   * before it, and waits for the end of those it knows.
   */
  readonly workers?: number
  /** Ends the search; what was done is kept. */
  readonly signal?: AbortSignal | undefined
  /** Told of everything; what it throws ends the search. */
  readonly onEvent?: ((event: SearchEvent) => void | Promise<void>) | undefined
  /** Stops poor trials early. Default none. */
  readonly pruner?: Pruner | undefined
}

/** What a search found. */
export interface SearchResult {
  /** The trial of the smallest value, the first of equal ones. */
  readonly best: FinishedTrial
  /** All of them by number. */
  readonly trials: readonly Trial[]
}

/**
 * Searches for the point of the smallest value, or goes on with a search that was cut. Trials that
 * were under way when it was cut are run again, under the same number at the same point.
 *
 * @throws usage_invalid when an option is out of range, the folder holds another search or another
 *   process runs it; run_corrupt, run_write_refused; the reason of the signal; when no trial has
 *   finished, the code of the last fault
 */
export async function runSearch(options: SearchOptions): Promise<SearchResult> {
  const { space, sampler, seed, workers = 1, pruner } = options
  hold('trials', options.trials, 1, Number.MAX_SAFE_INTEGER)
  hold('workers', workers, 1, 1024)
  hold('seed', seed, 0, 2 ** 32 - 1)
  const count = Math.min(options.trials, sampler.size?.(space) ?? options.trials)
  const header: SearchHeader = {
    format_version: searchFormat,
    space,
    sampler: sampler.spec,
    pruner: pruner?.spec ?? null,
    seed,
    objective: options.title,
    fingerprint: options.fingerprint ?? '',
  }
  return withTrialLog(options.folder, header, async (log) => {
    if (log.trials.length > 0) await options.onEvent?.({ kind: 'resumed', trials: [...log.trials] })
    await runTrials(options, count, workers, log)
    return resultOf(log.trials)
  })
}

function hold(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new RidecastError(
    'usage_invalid',
    `${name} of a search must be a whole number from ${least} to ${most}, found ${value}`,
  )
}

/** Runs what is missing, some at a time; the first error that is not a trial's ends all. */
async function runTrials(
  options: SearchOptions,
  count: number,
  workers: number,
  log: TrialLog,
): Promise<void> {
  const again = log.trials
    .filter(({ state, number }) => state === 'running' && number < count)
    .map(({ number }) => number)
  const isDone = (): boolean => again.length === 0 && log.trials.length >= count
  const turns = new Turns()
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  let interrupted = false
  signal.addEventListener('abort', () => turns.news())
  const begin = async (): Promise<number | undefined> => {
    if (signal.aborted || isDone()) return undefined
    const cut = again.shift()
    if (cut !== undefined) {
      const { point } = log.trials[cut] as Trial
      await log.add({ event: 'started', trial: cut, point })
      return cut
    }
    const number = log.trials.length
    await turns.until(() => signal.aborted || mayBegin(number, workers, log.trials))
    if (signal.aborted) return undefined
    const { space, sampler, seed } = options
    const point = sampler.propose(space, number, seed, seenBy(number, workers, log.trials))
    // Added before anything is waited for: the number is taken.
    await log.add({ event: 'started', trial: number, point })
    return number
  }
  const lane = async (): Promise<void> => {
    try {
      for (;;) {
        const begun = await turns.take(begin)
        if (begun === undefined) return
        if (!(await runTrial(options, log, begun, signal))) interrupted = true
        turns.news()
      }
    } catch (error) {
      stop.abort(error)
    }
  }
  await Promise.all(Array.from({ length: workers }, lane))
  stop.signal.throwIfAborted()
  if (interrupted || !isDone()) options.signal?.throwIfAborted()
}

/**
 * Runs one trial that was begun and writes down what came of it.
 *
 * @returns false when it was interrupted, so that nothing came of it
 */
async function runTrial(
  options: SearchOptions,
  log: TrialLog,
  number: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { objective, onEvent } = options
  const trial = (): Trial => log.trials[number] as Trial
  const { point } = trial()
  await onEvent?.({ kind: 'started', trial: trial() })
  const reports = new Reports(options, log, number, signal)
  const began = performance.now()
  const ending = await outcomeOf(() => objective({ ...point }, reports))
  const seconds = (performance.now() - began) / 1000
  reports.end()
  await reports.told
  if (reports.state === 'stopped') await log.add({ event: 'pruned', trial: number, seconds })
  else if (reports.state === 'interrupted') return false
  else if (!('fault' in ending)) {
    await log.add({ event: 'finished', trial: number, ...ending, seconds })
  } else {
    if (signal.aborted) return false
    const code = isRidecastError(ending.fault) ? ending.fault.code : 'internal'
    const message = messageOf(ending.fault)
    await log.add({ event: 'failed', trial: number, code, message, seconds })
  }
  const { state } = trial()
  if (state !== 'running') await onEvent?.({ kind: state, trial: trial() })
  return true
}

type Ending =
  | { readonly value: number; readonly metrics: Readonly<Record<string, number>> }
  | { readonly fault: unknown }

async function outcomeOf(attempt: () => Outcome | Promise<Outcome>): Promise<Ending> {
  try {
    const outcome = await attempt()
    const { value, metrics = {} } = typeof outcome === 'number' ? { value: outcome } : outcome
    if (!Number.isFinite(value)) {
      throw new RidecastError('internal', `the objective gave ${value}: expected a finite number`)
    }
    // JSON has no -0: a search that goes on would see another value.
    return { value: value + 0, metrics }
  } catch (fault) {
    return { fault }
  }
}

/** What a trial reports and is told. */
class Reports implements TrialContext {
  readonly number: number
  readonly signal: AbortSignal
  /** What the objective was told last: it has no say any more once that is not to go on. */
  state: 'running' | 'stopped' | 'interrupted' | 'ended' = 'running'
  /** Fulfilled when everybody was told what was reported. */
  told: Promise<void> = Promise.resolve()
  private readonly options: SearchOptions
  private readonly log: TrialLog

  constructor(options: SearchOptions, log: TrialLog, number: number, signal: AbortSignal) {
    this.options = options
    this.log = log
    this.number = number
    this.signal = signal
  }

  /** A method that may be handed on by itself. */
  readonly report = (step: number, value: number): Verdict => {
    if (this.state === 'running' && this.signal.aborted) this.state = 'interrupted'
    if (this.state !== 'running') return 'stop'
    const trial = this.log.trials[this.number] as Trial
    const last = [...trial.intermediates.keys()].at(-1) ?? -1
    if (!Number.isSafeInteger(step) || step <= last) {
      throw new RidecastError(
        'internal',
        `step ${step} of trial ${this.number} is not a whole number above the last one, ${last}`,
      )
    }
    const written = this.log.add({
      event: 'intermediate',
      trial: this.number,
      step,
      value: value + 0,
    })
    const tell = async (): Promise<void> => this.options.onEvent?.({ kind: 'intermediate', trial })
    this.told = this.told.then(() => written).then(tell)
    // Waited for at the end of the trial.
    this.told.catch(() => {})
    const { pruner, workers = 1 } = this.options
    const others = seenBy(this.number, workers, this.log.trials)
    const verdict = pruner?.judge(trial, others) ?? 'go on'
    if (verdict === 'stop') this.state = 'stopped'
    return verdict
  }

  /** Nothing that comes later counts. */
  end(): void {
    if (this.state === 'running') this.state = 'ended'
  }
}

function resultOf(trials: readonly Trial[]): SearchResult {
  const best = bestOf(trials)
  if (best) return { best, trials: [...trials] }
  const fault = trials.findLast(({ state }) => state === 'failed')?.fault
  throw new RidecastError(
    fault?.code ?? 'internal',
    `none of ${trials.length} trials finished${fault ? `, the last fault is "${fault.message}"` : ''}: ` +
      'mend that, then search in another folder',
  )
}

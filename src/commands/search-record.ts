/** A search in the tracker: its run, and every trial as a run within it. Knows no settings. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Trial } from '../pipeline/search/trial.ts'
import type { RunHandle, RunStart, Tracker } from '../tracking/tracker.ts'

const nameOf = (trial: number): string => `trial-${trial + 1}`

/** What a search is steered by; every run of it says so. */
export interface SearchFacts {
  readonly recipe: string
  /** What is trained on and chosen by, for people. */
  readonly rides: string
  readonly sampler: string
  /** Together with a trial's number it gives the point of a random search. */
  readonly seed: number
  readonly workers: number
  /** Whether poor trials are stopped. */
  readonly prune: boolean
}

/** The run of a search, and its trials as runs within it. */
export class SearchRecord {
  /** The run that all trials are nested in, those of a search that went on too. */
  readonly id: string
  private readonly tracker: Tracker
  /** Undefined where another process has started it: what has ended is not written to. */
  private readonly run: RunHandle | undefined
  private readonly start: RunStart
  private readonly facts: SearchFacts

  private constructor(
    tracker: Tracker,
    start: RunStart,
    facts: SearchFacts,
    id: string,
    run: RunHandle | undefined,
  ) {
    this.tracker = tracker
    this.start = start
    this.facts = facts
    this.id = id
    this.run = run
  }

  /** The run that the folder names, or a new one. */
  static async open(
    tracker: Tracker,
    folder: string,
    start: RunStart,
    facts: SearchFacts,
  ): Promise<SearchRecord> {
    const path = join(folder, 'run.txt')
    const known = await readFile(path, 'utf8').catch(() => undefined)
    if (known !== undefined) return new SearchRecord(tracker, start, facts, known.trim(), undefined)
    const run = await tracker.startRun(start)
    await mkdir(folder, { recursive: true })
    await writeFile(path, `${run.id}\n`)
    await run.logParameters({ ...facts })
    return new SearchRecord(tracker, start, facts, run.id, run)
  }

  private nested(name: string, startedAt?: Date): Promise<RunHandle> {
    return this.tracker.startRun({ ...this.start, name, parent: this.id, startedAt })
  }

  /** Records trials of a search that goes on which ended when nobody was left to record them. */
  async catchUp(trials: readonly Trial[]): Promise<void> {
    const runs = await this.tracker.listRuns({ experiment: this.start.experiment })
    const known = new Set(
      runs.flatMap((run) => ('parent' in run && run.parent === this.id ? [run.name] : [])),
    )
    for (const trial of trials) {
      if (trial.state !== 'running' && !known.has(nameOf(trial.number))) await this.trial(trial)
    }
  }

  /** Records a trial that has ended. */
  async trial({
    number,
    point,
    state,
    value,
    intermediates,
    seconds,
    fault,
  }: Trial): Promise<void> {
    const began = seconds === undefined ? undefined : new Date(Date.now() - seconds * 1000)
    const run = await this.nested(nameOf(number), began)
    const { recipe, sampler, seed } = this.facts
    await run.logParameters({ ...point, trial: number + 1, state, recipe, sampler, seed })
    for (const [step, rmse] of intermediates) {
      await run.logMetrics({ 'validation.rmse': rmse }, { step })
    }
    if (value !== undefined) await run.logMetrics({ rmse: value })
    if (seconds !== undefined) await run.logMetrics({ seconds })
    if (state === 'failed') await run.finish('failed', { error: fault?.message ?? 'failed' })
    else await run.finish('finished')
  }

  /** Ends the run of the search; where another process has, a run within it says what was found. */
  async finish(status: 'finished' | 'killed', best?: Trial): Promise<void> {
    const run = this.run ?? (best && (await this.nested('result')))
    if (best) {
      const point = Object.entries(best.point)
      await run?.logMetrics({ rmse: best.value as number, best_trial: best.number + 1 })
      await run?.setTags(
        Object.fromEntries(point.map(([name, one]) => [`best.${name}`, String(one)])),
      )
    }
    await run?.finish(status)
  }
}

/** The trials of `ridecast search`: recipes fitted and measured, here or in threads, and told of. */

import type { Point, Space } from '../pipeline/search/space.ts'
import type { FinishedTrial, Trial } from '../pipeline/search/trial.ts'
import type { SearchTask } from '../pipeline/search-task.ts'
import type { TryEffects } from '../pipeline/search-workers.ts'
import type { Recipe } from '../recipe-schema.ts'
import { interruptible } from './interrupt.ts'
import type { Io } from './io.ts'
import { searchLive } from './search-live.ts'
import type { SearchRecord } from './search-record.ts'

/** Flags that decide how trials go. */
export interface TrialFlags {
  trials: number
  sampler: 'tpe' | 'random' | 'grid'
  points: number
  prune: boolean
  workers: number
  seed: number
}

/** What is tried. */
export interface Trying {
  readonly space: Space
  readonly task: SearchTask
  /** The recipe with the settings of a point. */
  readonly recipeAt: (point: Point) => Recipe
  readonly folder: string
  readonly record: SearchRecord
}

/** Trees that a trial has grown when it is compared with others. */
const pruneEvery = 25

/**
 * Runs a search, and draws it on a terminal.
 *
 * @throws what a search throws
 */
export async function runTrials(
  io: Io,
  flags: TrialFlags,
  { space, task, recipeAt, folder, record }: Trying,
): Promise<{ readonly best: FinishedTrial; readonly trials: readonly Trial[] }> {
  const { runSearch } = await import('../pipeline/search/search.ts')
  const { medianPruner } = await import('../pipeline/search/pruner.ts')
  const fitting = await fittingOf(task, flags.workers)
  const live = searchLive(io, flags.trials, Object.keys(space))
  return interruptible(async (signal) =>
    runSearch({
      space,
      sampler: await samplerOf(flags),
      trials: flags.trials,
      seed: flags.seed,
      title: `RMSE of ${recipeAt({}).name} on ${task.label}`,
      fingerprint: task.fingerprint,
      folder,
      workers: flags.workers,
      signal,
      ...(flags.prune && { pruner: medianPruner({ startupTrials: 5 }) }),
      async objective(point, trial) {
        const recipe = recipeAt(point)
        const onRound = (trees: number, rmse: number): void => {
          if (trees % pruneEvery !== 0) return
          // What is thrown is not looked at: the trial is known to be pruned.
          if (trial.report(trees, rmse) === 'stop') throw new Error('pruned')
        }
        return fitting.try(recipe, {
          signal: trial.signal,
          onRound: recipe.model === 'trees' ? onRound : undefined,
        })
      },
      async onEvent(event) {
        live.tell(event)
        if (event.kind === 'resumed') {
          const done = event.trials.filter(({ state }) => state !== 'running').length
          live.note(`going on after ${done} trials`)
          await record.catchUp(event.trials)
        } else if (event.kind !== 'started' && event.kind !== 'intermediate') {
          await record.trial(event.trial)
        }
      },
    }),
  ).finally(async () => {
    live.close()
    await fitting.close()
  })
}

/** Where recipes are fitted: with one worker in this thread, which has the rides already. */
async function fittingOf(task: SearchTask, workers: number) {
  if (workers > 1) {
    const { openTryingThreads } = await import('../pipeline/search-workers.ts')
    return openTryingThreads(task, workers)
  }
  const { tryRecipe } = await import('../pipeline/search-task.ts')
  return {
    try: (recipe: Recipe, { signal, onRound }: TryEffects): Promise<number> =>
      tryRecipe(recipe, task, {
        ...(signal && { signal }),
        ...(onRound && { watch: { rides: task.held, onRound } }),
      }),
    close: async () => {},
  }
}

async function samplerOf({ sampler, points }: TrialFlags) {
  if (sampler === 'random')
    return (await import('../pipeline/search/random-sampler.ts')).randomSampler()
  if (sampler === 'grid')
    return (await import('../pipeline/search/grid-sampler.ts')).gridSampler(points)
  return (await import('../pipeline/search/tpe-sampler.ts')).tpeSampler()
}

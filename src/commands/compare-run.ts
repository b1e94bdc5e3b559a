/**
 * The trainings of a comparison: on rides before those reported, on all of them, and on fewer months.
 * Knows nothing about judging or about what is printed.
 */

import { isRidecastError } from '../errors.ts'
import type { Intervals } from '../intervals.ts'
import type { LearningPoint } from '../pipeline/judge/judgement.ts'
import { type Spread, spreadOf } from '../pipeline/judge/spread.ts'
import type { Fold } from '../pipeline/select.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { Share } from './budget.ts'
import { cacheOf, fetchingOf } from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, progress } from './io.ts'
import { reading } from './reading.ts'
import { type TrainFlags, tagsOf, trackerFor, trainOptionsOf, userOf } from './train-flags.ts'
import type { Outcome } from './train-run.ts'

/** What trainings of a comparison need of the command. */
export interface Comparing {
  readonly io: Io
  readonly flags: TrainFlags & { validate?: string; name?: string; recipes: string }
  readonly sources: readonly string[]
}

/** How a recipe does on rides before those reported; the mean is what is ranked by. */
export interface Ranking extends Spread {
  /** RMSE by window, minutes. */
  readonly rmse: readonly number[]
}

/** A ranking, and errors on the rides of its last window. */
export interface Ranked {
  readonly ranking: Ranking
  /** Undefined for a recipe without intervals. */
  readonly intervals: Intervals | undefined
}

/** Interruptible by Ctrl-C, and by a budget that is spent. */
const within =
  (signal: AbortSignal): typeof interruptible =>
  (work, interrupts) =>
    interruptible((stop) => work(AbortSignal.any([stop, signal])), interrupts)

/** Trains on each window, and measures on the rides after it. */
export async function rank(
  comparing: Comparing,
  recipe: Recipe,
  folds: readonly Fold[],
  share: Share,
): Promise<Ranked> {
  const rmse: number[] = []
  let intervals: Intervals | undefined
  for (const [k, fold] of folds.entries()) {
    const at = folds.length > 1 ? `, window ${k + 1} of ${folds.length}` : ''
    const isLast = k === folds.length - 1
    const wanted = isLast ? recipe : { ...recipe, intervals: false }
    const { metrics, model } = await trainOnly(comparing, wanted, fold, share, `ranking${at}`)
    rmse.push(metrics.validation.rmse)
    intervals = model.intervals
  }
  return { ranking: { ...spreadOf(rmse), rmse }, intervals }
}

/**
 * What more months would buy of a training that was validated on a month of its own, in what is left
 * of its time: nothing where that is too little, or there is one month.
 */
export async function learn(
  { io, flags }: Comparing,
  { training }: Outcome,
  share: Share,
): Promise<readonly LearningPoint[]> {
  const { model, taxi, files, split, metrics } = training
  const { learningCurve, monthsOfFiles } = await import('../pipeline/judge/learning.ts')
  const fitted = files.train.map(({ file }) => file)
  // Rides that are held out of months are others for fewer months.
  if (split.kind !== 'month' || monthsOfFiles(fitted).length < 2) return []
  const { recipe } = model
  const own = { recipe, taxi, validation: split.validation, rmse: metrics.validation.rmse }
  const trained = { ...own, files: fitted }
  const show = (text: string): void => progress(io, `${recipe.name}: ${text} ...`)
  const work = (spent: AbortSignal): Promise<readonly LearningPoint[]> =>
    reading(io, flags, (options, { cache, signal }) =>
      learningCurve(
        { ...options, ...trained },
        { cache, signal: AbortSignal.any([signal, spent]), progress: show },
      ),
    )
  return share.spend(work).catch((error: unknown) => {
    if (isRidecastError(error, 'budget_spent')) return []
    throw error
  })
}

/** A training that leaves nothing behind. */
async function trainOnly(
  { io, flags }: Comparing,
  recipe: Recipe,
  {
    sources,
    validate,
  }: { readonly sources: readonly string[]; readonly validate?: string | undefined },
  share: Share,
  what: string,
) {
  const { train } = await import('../pipeline/train.ts')
  const show = (text: string): void => progress(io, `${recipe.name}, ${what}: ${text} ...`)
  const options = trainOptionsOf(io, flags, { sources, validate, recipe, compared: false })
  const cache = await cacheOf(io, flags)
  const fetching = await fetchingOf(io, flags)
  return share
    .spend((signal) => {
      const stages = { stage: show, detail: show, download: fetching.effects }
      return train(options, { cache, interruptible: within(signal), ...stages })
    })
    .finally(() => fetching.finish())
}

/** Trains on all months, records the run and registers the version. */
export async function trainAll(
  { io, flags, sources }: Comparing,
  recipe: Recipe,
  share: Share,
): Promise<Outcome> {
  const { trainAndRecord } = await import('./train-run.ts')
  const { validate } = flags
  const options = trainOptionsOf(io, flags, { sources, validate, recipe, compared: false })
  const keeping = {
    name: flags.name,
    models: flags.models,
    cache: await cacheOf(io, flags),
    fetching: await fetchingOf(io, flags),
    tracker: await trackerFor(io, flags, false),
    user: userOf(io),
    experiment: flags.experiment ?? (io.env.MLFLOW_EXPERIMENT_NAME || undefined),
    tags: { ...tagsOf(flags), compared: flags.recipes },
    promote: false,
    show: (text: string) => progress(io, text === '' ? '' : `${recipe.name}: ${text}`),
  }
  return share.spend((signal) =>
    trainAndRecord(options, { ...keeping, interruptible: within(signal) }),
  )
}

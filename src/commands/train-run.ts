/**
 * One training with everything around it: the run record, the registry, the champion.
 * Hands the pipeline's result to the tracker; knows nothing about how it is printed.
 */

import { resolve } from 'node:path'
import type { Documents } from '../artifact.ts'
import { messageOf } from '../errors.ts'
import { readyModel } from '../loaded-model.ts'
import type { EnsembleFacts, TreesFacts } from '../pipeline/fit-rides.ts'
import type { MomentsCache } from '../pipeline/moments-cache.ts'
import { coefficientBound, type Solution } from '../pipeline/solve/direct.ts'
import { fleetsOf, planSources } from '../pipeline/sources.ts'
import type { FileCounts } from '../pipeline/sum-rides.ts'
import { type Training, type TrainOptions, train } from '../pipeline/train.ts'
import { formatRecipe } from '../recipe.ts'
import { championAlias, openRegistry } from '../registry.ts'
import { findCommit } from '../tracking/commit.ts'
import type { MirroredRun } from '../tracking/mirror.ts'
import type { RemoteState } from '../tracking/remote-state.ts'
import type { LoggedModel, RunHandle, Tracker } from '../tracking/tracker.ts'
import type { Fetching } from './data-flags.ts'
import { interruptible } from './interrupt.ts'

/** Where a training is kept and what it is called. */
export interface Keeping {
  /** Name of the model; undefined makes it `<taxi>-duration`. */
  readonly name: string | undefined
  /** Folder of the registry, relative to the options' cwd. */
  readonly models: string
  /** Sums that were made before. */
  readonly cache: MomentsCache
  /** How trip files are got. */
  readonly fetching: Fetching
  /** Where the run is recorded; one that mirrors tells a server too. */
  readonly tracker: Tracker
  /** Who trains; undefined where the system does not say. */
  readonly user: string | undefined
  /** Undefined takes the name of the model. */
  readonly experiment: string | undefined
  readonly tags: Readonly<Record<string, string>>
  /** Whether the version becomes champion even where there is one. */
  readonly promote: boolean
  /** Told what is going on, to be overwritten by the next. */
  readonly show: (text: string) => void
  /** Does what may take long, default {@link interruptible}. */
  readonly interruptible?: typeof interruptible
}

/** A training that is kept. */
export interface Outcome {
  readonly training: Training
  readonly options: TrainOptions
  readonly name: string
  readonly version: string
  /** Folder of the version. */
  readonly path: string
  /** False when the registry had this very version already. */
  readonly created: boolean
  /** The version that is champion now. */
  readonly champion: string
  /** True when this training moved the alias. */
  readonly promoted: boolean
  readonly run: {
    readonly id: string
    readonly location: string
    /** How far a server was told; null without one. */
    readonly remote: RemoteState | null
  }
}

/** What the stages of training are called in front of people. */
const stageNames: Readonly<Record<string, string>> = {
  source: 'finding the rides',
  split: 'finding rides to validate on',
  sum: 'summing rides',
  solve: 'solving',
  evaluate: 'measuring',
  check: 'checking the data contract',
  compare: 'comparing with the classic recipe',
  read: 'reading the rides',
  calibrate: 'measuring how sure it is',
  residuals: 'reading the rides again for their residuals',
}

/**
 * Trains, records the run (a failed one too), saves the version and sees to the champion.
 *
 * @throws what {@link train}, the registry and the tracker throw
 */
export async function trainAndRecord(options: TrainOptions, keeping: Keeping): Promise<Outcome> {
  const { show } = keeping
  const taxi = fleetsOf(planSources(options.sources, options))
  const name = keeping.name ?? `${taxi.replaceAll(',', '-')}-duration`
  const run: RunHandle & Partial<MirroredRun> = await keeping.tracker.startRun({
    experiment: keeping.experiment ?? name,
    tags: keeping.tags,
    commit: await findCommit(options.cwd),
    user: keeping.user,
    source: `ridecast train ${options.sources.join(' ')}`,
  })
  try {
    // Before anything can fail: a failed run says what it tried.
    await run.logParameters({
      source: options.sources.join(' '),
      recipe: options.recipe.name,
      taxi,
      engine: options.engine,
      solver: options.solver,
      l2: options.recipe.l2,
      ...(options.recipe.l1 !== undefined && { l1: options.recipe.l1 }),
    })
    const training = await train(options, {
      cache: keeping.cache,
      interruptible: keeping.interruptible ?? interruptible,
      stage: (stage) => show(`${stageNames[stage] ?? stage} ...`),
      detail: (text) => show(`${text} ...`),
      progress: (done, total, path) => {
        show(`summing rides ... ${Math.round((100 * done) / Math.max(1, total))} % of ${path}`)
      },
      download: keeping.fetching.effects,
    })
    const kept = await keep(training, options, name, keeping)
    await keeping.fetching.finish()
    await record(run, training, options, { name, ...kept })
    show('telling the tracking server ...')
    await run.finish('finished')
    const remote = (await run.remote?.()) ?? null
    const { id, location } = run
    // Where models are registered on a server, its champion is the one that answers.
    const champion = remote?.champion ?? kept.champion
    return { training, options, name, ...kept, champion, run: { id, location, remote } }
  } catch (error) {
    await keeping.fetching.finish()
    await run.finish('failed', { error: messageOf(error) })
    throw error
  }
}

/** Months where file names state them, else what the files are called. */
export function namesOf(files: readonly FileCounts[]): string[] {
  const names = files.map(({ file: { source } }) => source.month ?? source.label)
  return [...new Set(names)]
}

async function keep(
  training: Training,
  options: TrainOptions,
  name: string,
  keeping: Keeping,
): Promise<Pick<Outcome, 'version' | 'path' | 'created' | 'champion' | 'promoted'>> {
  const registry = openRegistry(resolve(options.cwd, keeping.models))
  const saved = await registry.save(name, documentsOf(training))
  const first = await registry.setAliasIfAbsent(name, championAlias, saved.version, {
    reason: 'first version of this name',
  })
  const moved = keeping.promote && first.version !== saved.version
  const entry = moved
    ? await registry.promote(name, saved.version, { reason: 'trained with --promote' })
    : first
  return { ...saved, champion: entry.version, promoted: moved || first.changed }
}

/** The documents of the version that a training has made. */
function documentsOf({ model, metrics, profile, lineage }: Training): Documents {
  return { model: model.toJSON(), metrics, profile, lineage }
}

/** How a model was solved, and how well. */
export type SolverReport =
  | {
      readonly method: Solution['method']
      readonly condition: number
      /** See {@link coefficientBound}. */
      readonly bound: number
      readonly residual: number
    }
  | {
      readonly method: 'lasso'
      /** Slopes that are not 0. */
      readonly non_zero: number
      readonly sweeps: number
      /** Duality gap, minutes^2. */
      readonly gap: number
    }
  | TreesFacts
  | EnsembleFacts

/** How well a training was solved, of each kind of solution what tells. */
export function solverOf(solution: Training['solution']): SolverReport {
  if ('trees' in solution || 'members' in solution) return solution
  if (solution.method === 'lasso') {
    const { method, nonZero, sweeps, gap } = solution
    return { method, non_zero: nonZero, sweeps, gap }
  }
  const { method, condition, residual } = solution
  return { method, condition, residual, bound: coefficientBound(solution) }
}

/** Tells the run everything that may be asked of it later. */
async function record(
  run: RunHandle,
  training: Training,
  options: TrainOptions,
  model: LoggedModel,
): Promise<void> {
  const { metrics, solution, files, split, residuals, comparison, reading } = training
  await run.logParameters({
    train_months: namesOf(files.train).join(' '),
    validation_month: namesOf(files.validation).join(' '),
    split: split.kind,
    engine_used: reading.engine ?? 'none: all sums were known',
    rows_read: reading.read.rows,
    columns: training.model.columns,
  })
  const values: Record<string, number> = {
    // The one number that runs are compared by.
    rmse: metrics.validation.rmse,
    ...(metrics.rank !== null && { rank: metrics.rank }),
    'baseline.rmse': metrics.baseline.rmse,
  }
  for (const part of ['train', 'validation'] as const) {
    for (const [measure, value] of Object.entries<number | null>({ ...metrics[part] })) {
      if (value !== null) values[`${part}.${measure}`] = value
    }
    if (residuals) values[`${part}.mae`] = residuals[part].mae
  }
  if (comparison) values[`${comparison.recipe}.validation.rmse`] = comparison.validation.rmse
  for (const [name, value] of Object.entries(solverOf(solution))) {
    if (typeof value === 'number') values[`solve.${name}`] = value
  }
  if (solution.method === 'ensemble') {
    for (const { recipe, weight, rmse } of solution.members) {
      values[`member.${recipe}.weight`] = weight
      values[`member.${recipe}.held_out_rmse`] = rmse
    }
  }
  for (const [stage, seconds] of Object.entries(training.seconds))
    values[`seconds.${stage}`] = seconds
  await run.logMetrics(values)
  for (const context of ['train', 'validation'] as const) {
    for (const { file, rows } of files[context]) {
      const { label, path, sha256 } = file.source
      await run.logDataset({
        name: label,
        source: path,
        digest: `sha256:${sha256}`,
        context: context === 'train' ? 'training' : 'validation',
        rows,
      })
    }
  }
  await run.logArtifact('recipe.yaml', formatRecipe(options.recipe))
  await run.logArtifact('lineage.json', `${JSON.stringify(training.lineage, null, 2)}\n`)
  const documents = documentsOf(training)
  const kept = { name: model.name, version: model.version, documents }
  const loaded = readyModel(kept, training.model, training.profile)
  const { cardPage } = await import('../export/card-page.ts')
  const { refused } = training.moments
  await run.logArtifact('model-card.html', cardPage(loaded, { refused: { ...refused } }))
  if (residuals) await run.logArtifact('residuals.json', `${JSON.stringify(residuals, null, 2)}\n`)
  const { name, version, path } = model
  await run.logModel({ name, version, path })
}

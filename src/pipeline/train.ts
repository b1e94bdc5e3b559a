/**
 * Training, as a page: one call per stage. Knows nothing about the registry, about tracking or
 * about what is printed.
 */

import { compileFeatures } from '../features.ts'
import { type Model, withIntervals } from '../model.ts'
import type { Profile } from '../profile.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { Calibration } from './calibrate.ts'
import { type CheckOptions, checkFiles, checkPlanOf, type FileAnomalies } from './check-files.ts'
import {
  type LineageDocument,
  lineageOf,
  type MetricsDocument,
  metricsOf,
  metricsOfRides,
} from './documents.ts'
import type { EngineChoice, EngineProgress } from './engines/engine.ts'
import { type EngineSettings, openEngine } from './engines/engines.ts'
import { type Comparison, compare, fit } from './fit.ts'
import type { RidesFit } from './fit-rides.ts'
import type { TreeTrainer } from './fit-trees.ts'
import type { Moments } from './moments.ts'
import { type MomentsCache, noCache } from './moments-cache.ts'
import { profileOf } from './profile.ts'
import type { Residuals } from './residuals.ts'
import type { Solution } from './solve/direct.ts'
import type { LassoSolution } from './solve/lasso.ts'
import type { SolverName } from './solve/solve.ts'
import type { ObtainAllEffects } from './source.ts'
import { findFiles, fleetsOf, planSources, type SourcesOptions, sourcesLabel } from './sources.ts'
import { type Split, splitRides } from './split.ts'
import { type Seconds, stopwatch } from './stopwatch.ts'
import {
  type FileCounts,
  type RideSums,
  requireRides,
  requireRows,
  splitPlans,
  sumRides,
} from './sum-rides.ts'
import { type Reading, Summing, type TripFile } from './summing.ts'

/** What to train. */
export interface TrainOptions extends SourcesOptions, CheckOptions {
  /** Months, paths and addresses: see {@link planSources}. */
  readonly sources: readonly string[]
  /** The same for validation, or `holdout`; undefined takes the next month. */
  readonly validate: string | undefined
  readonly recipe: Recipe
  /** A recipe fitted to the same rides for comparison, if any. */
  readonly comparison: Recipe | undefined
  readonly engine: EngineChoice
  readonly engineSettings?: EngineSettings
  readonly solver: SolverName
  /** Who grows trees, default our own trainer. */
  readonly trainer?: TreeTrainer | undefined
  /** Whether to go over the rides again for absolute errors and quantiles. */
  readonly residuals: boolean
}

/** What training touches of the world. */
export interface TrainEffects {
  readonly download?: ObtainAllEffects
  /** Sums that were made before; default none are kept. */
  readonly cache?: MomentsCache
  /** Told the name of each stage as it begins. */
  readonly stage?: (name: string) => void
  /** Told while rides are read. */
  readonly progress?: EngineProgress
  /** Told what a long stage is at. */
  readonly detail?: (text: string) => void
  /** Does what may take long with a signal that stops it; its reason is thrown. */
  readonly interruptible?: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
}

/** What a training has made. */
export interface Training {
  /** The fleet, or several with commas. */
  readonly taxi: string
  /** What the training rides are called in front of people. */
  readonly label: string
  /** The files behind the model, with what was taken from each. */
  readonly files: {
    readonly train: readonly FileCounts[]
    readonly validation: readonly FileCounts[]
  }
  readonly split: Split
  /** What was read and what was known already. */
  readonly reading: Reading
  /** What the contract finds odd, by file: warnings, and errors that were let pass. */
  readonly anomalies: readonly FileAnomalies[]
  /** Sums of the training rides. */
  readonly moments: Moments
  readonly model: Model
  readonly solution: Solution | LassoSolution | RidesFit['solution']
  readonly metrics: MetricsDocument
  /** The comparison recipe on the same rides. */
  readonly comparison: Comparison | undefined
  readonly residuals: { readonly train: Residuals; readonly validation: Residuals } | undefined
  readonly profile: Profile
  readonly lineage: LineageDocument
  readonly seconds: Seconds
}

/**
 * Trains a model and measures it.
 *
 * @throws month_invalid, usage_invalid, source_* codes, recipe_invalid, contract_refused,
 *   contract_invalid, sums_overflow, engine_* codes, solve_* codes
 */
export async function train(options: TrainOptions, effects: TrainEffects = {}): Promise<Training> {
  const { recipe } = options
  const { seconds, time } = stopwatch(effects.stage)
  const plans = planSources(options.sources, options)
  const taxi = fleetsOf(plans)
  const { interruptible = uninterrupted } = effects
  const { files, split, sums, reading } = await interruptible(async (signal) => {
    const summing = new Summing(
      () => openEngine(options.engine, options.engineSettings),
      effects.cache ?? noCache,
      effects.progress,
      signal,
    )
    const download = { ...effects.download, signal }
    try {
      const files = await time('source', () => findFiles(plans, summing, download))
      const split = await time('split', () =>
        splitRides({ plans, files }, options, summing, download),
      )
      requireRows([...files, ...split.validation], recipe, options.residuals)
      const sums = await time('sum', () =>
        sumRides(summing, files, split, recipe, options.comparison, checkPlanOf(options)),
      )
      return { files, split, sums, reading: summing.reading }
    } finally {
      await summing.close()
    }
  })
  const anomalies = await time('check', () => checkFiles(options, sums))
  requireRides(sums)
  const comparison = await time('compare', () => compare(options.comparison, sums.comparison, taxi))
  const { model, solution, metrics, residuals } =
    recipe.model === 'linear'
      ? await trainOnSums(options, files, split, sums, taxi, time)
      : await interruptible((signal) =>
          trainOnRides(options, files, split, sums, taxi, time, { ...effects, signal }),
        )
  return {
    taxi,
    label: sourcesLabel(plans),
    files: sums.files,
    split,
    reading,
    anomalies,
    moments: sums.train,
    model,
    solution,
    metrics,
    comparison,
    residuals,
    profile: profileOf(sums.profile),
    lineage: lineageOf(taxi, recipe, split, sums, options.trainer?.library),
    seconds,
  }
}

/** What fitting adds to a training. */
type Fitted = Pick<Training, 'model' | 'solution' | 'metrics' | 'residuals'>
type Timing = ReturnType<typeof stopwatch>['time']

/** A linear model, for which sums are enough. */
async function trainOnSums(
  { recipe, solver, residuals: wanted }: TrainOptions,
  files: readonly TripFile[],
  split: Split,
  sums: RideSums,
  taxi: string,
  time: Timing,
): Promise<Fitted> {
  const fitted = await time('solve', () => fit(sums.train, recipe, taxi, solver))
  const { model, solution } = fitted
  const metrics = await time('evaluate', () => metricsOf(fitted, sums))
  const residuals = await time('residuals', async () => {
    return wanted ? residualsOfBoth(model, files, split) : undefined
  })
  if (!recipe.intervals) return { model, solution, metrics, residuals }
  const { intervals } = await time('calibrate', () => calibrated(model, split))
  return { model: withIntervals(model, intervals), solution, metrics, residuals }
}

/** Trees and ensembles, which need the rides themselves. */
async function trainOnRides(
  { recipe, trainer }: TrainOptions,
  files: readonly TripFile[],
  split: Split,
  sums: RideSums,
  taxi: string,
  time: Timing,
  { detail = () => {}, signal }: TrainEffects & { readonly signal: AbortSignal },
): Promise<Fitted> {
  const { readTable } = await import('./ride-table.ts')
  const { fitRides } = await import('./fit-rides.ts')
  const { train: plan } = splitPlans(recipe, split)
  const rides = await time('read', () =>
    readTable(files, plan, compileFeatures(recipe), sums.train.n, { signal }),
  )
  const effects = { progress: detail, signal, ...(trainer && { trainer }) }
  const { model, solution } = await time('solve', () => fitRides(recipe, taxi, rides, effects))
  const { residualsOf } = await import('./residuals.ts')
  const train = await time('evaluate', () => residualsOf(model, files, plan))
  const { residuals: validation, intervals } = await time('calibrate', () =>
    calibrated(model, split, signal),
  )
  const residuals = { train, validation }
  const metrics = metricsOfRides(model, residuals, sums)
  const whole = recipe.intervals ? withIntervals(model, intervals) : model
  return { model: whole, solution, metrics, residuals }
}

/** Errors on the validation rides, by band. */
async function calibrated(model: Model, split: Split, signal?: AbortSignal): Promise<Calibration> {
  const { calibrate } = await import('./calibrate.ts')
  return calibrate(model, split.validation, splitPlans(model.recipe, split).validation, signal)
}

async function residualsOfBoth(
  model: Model,
  files: readonly TripFile[],
  split: Split,
): Promise<NonNullable<Training['residuals']>> {
  // With it comes a decoder, which takes time to load.
  const { residualsOf } = await import('./residuals.ts')
  const ofRows = splitPlans(model.recipe, split)
  return {
    train: await residualsOf(model, files, ofRows.train),
    validation: await residualsOf(model, split.validation, ofRows.validation),
  }
}

const uninterrupted: NonNullable<TrainEffects['interruptible']> = (work) =>
  work(new AbortController().signal)

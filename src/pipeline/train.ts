/**
 * Training, as a page: one call per stage. Knows nothing about the registry, about tracking or
 * about what is printed.
 */

import { linearModel, type Model } from '../model.ts'
import type { Profile } from '../profile.ts'
import type { Recipe } from '../recipe.ts'
import type { Taxi } from '../ride.ts'
import { type LineageDocument, lineageOf, type MetricsDocument, metricsOf } from './documents.ts'
import type { DownloadEffects } from './download.ts'
import type { EngineChoice, EngineProgress } from './engines/engine.ts'
import { openEngine } from './engines/engines.ts'
import { type Comparison, compare, fit } from './fit.ts'
import type { Moments } from './moments.ts'
import { profileOf } from './profile.ts'
import { type Residuals, residualsOf } from './residuals.ts'
import type { Solution } from './solve/direct.ts'
import type { SolverName } from './solve/solve.ts'
import { obtain, planSource, type Source, type SourceOptions } from './source.ts'
import { type Split, splitRides } from './split.ts'
import { type Seconds, stopwatch } from './stopwatch.ts'
import { splitPlans, sumRides } from './sum-rides.ts'

/** What to train. */
export interface TrainOptions extends SourceOptions {
  /** A month, a path or an address: see {@link planSource}. */
  readonly source: string
  /** The same for validation, or `holdout`; undefined takes the next month. */
  readonly validate: string | undefined
  readonly recipe: Recipe
  /** A recipe fitted to the same rides for comparison, if any. */
  readonly comparison: Recipe | undefined
  readonly engine: EngineChoice
  readonly solver: SolverName
  /** Whether to go over the rides again for absolute errors and quantiles. */
  readonly residuals: boolean
}

/** What training touches of the world. */
export interface TrainEffects {
  readonly download?: DownloadEffects
  /** Told the name of each stage as it begins. */
  readonly stage?: (name: string) => void
  /** Told while rides are read. */
  readonly progress?: EngineProgress
}

/** What a training has made. */
export interface Training {
  readonly taxi: Taxi
  readonly source: Source
  readonly split: Split
  /** Sums of the training rides. */
  readonly moments: Moments
  readonly model: Model
  readonly solution: Solution
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
 * @throws month_invalid, source_* codes, recipe_invalid, sums_overflow, solve_* codes
 */
export async function train(options: TrainOptions, effects: TrainEffects = {}): Promise<Training> {
  const { recipe } = options
  const { seconds, time } = stopwatch(effects.stage)
  const engine = await openEngine(options.engine)
  const plan = planSource(options.source, options)
  const { taxi } = options

  const source = await time('source', () => obtain(plan, effects.download))
  const split = await time('split', () =>
    splitRides({ plan, source }, options, engine, effects.download),
  )
  const sums = await time('sum', () =>
    sumRides(engine, taxi, source, split, recipe, options.comparison, effects.progress),
  )
  const fitted = await time('solve', () => fit(sums.train, recipe, taxi, options.solver))
  const model = linearModel(fitted.document)
  const metrics = await time('evaluate', () => metricsOf(model, fitted, sums))
  const comparison = await time('compare', () => compare(options.comparison, sums.comparison, taxi))
  const residuals = await time('residuals', async () => {
    if (!options.residuals) return undefined
    const plans = splitPlans(recipe, split)
    return {
      train: await residualsOf(model, source.path, taxi, plans.train),
      validation: await residualsOf(model, split.validation.path, taxi, plans.validation),
    }
  })
  return {
    taxi,
    source,
    split,
    moments: sums.train,
    model,
    solution: fitted.solution,
    metrics,
    comparison,
    residuals,
    profile: profileOf(sums.profile),
    lineage: lineageOf(taxi, recipe, source, split, sums),
    seconds,
  }
}

/**
 * Which strength of a penalty to take: measured on rides before those that are reported, by folds of
 * days, or by generalized cross-validation. From sums; knows nothing about commands.
 */

import { RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { EngineChoice } from './engines/engine.ts'
import { type EngineSettings, openEngine } from './engines/engines.ts'
import type { Moments } from './moments.ts'
import { MomentsBuilder } from './moments-builder.ts'
import type { MomentsCache } from './moments-cache.ts'
import { planOf } from './plan.ts'
import { countRows, readTable, ridesOnDays } from './ride-table.ts'
import { selectionFolds } from './select.ts'
import { bestOnValidation, crossValidate } from './solve/cross-validation.ts'
import { generalizedCrossValidation } from './solve/gcv.ts'
import { lassoPath, lassoStrengths, ridgePath, strengthsBetween } from './solve/penalty-path.ts'
import type { ObtainAllEffects } from './source.ts'
import { obtainFiles, planSources, type SourcesOptions, sourcesLabel } from './sources.ts'
import { splitRides } from './split.ts'
import { splitPlans } from './sum-rides.ts'
import { Summing, type TripFile } from './summing.ts'

/** How strengths are measured. */
export const choosers = ['validation', 'folds', 'gcv'] as const

/** See {@link choosers}. */
export type Chooser = (typeof choosers)[number]

/** What is asked. */
export interface PenaltyOptions extends SourcesOptions {
  readonly sources: readonly string[]
  readonly recipe: Recipe
  readonly by: Chooser
  /** `l2` of a ridge, or `l1` of a lasso. */
  readonly penalty: 'l1' | 'l2'
  /** Strengths, evenly apart on a logarithmic scale. */
  readonly count: number
  /** The ends of the strengths of a ridge. */
  readonly from: number
  readonly to: number
  readonly now: Date
  readonly engine: EngineChoice
  readonly engineSettings?: EngineSettings
}

/** What choosing touches of the world. */
export interface PenaltyEffects {
  readonly cache: MomentsCache
  readonly download?: ObtainAllEffects
  readonly signal?: AbortSignal
  /** Told what is being done, for people. */
  readonly progress?: (text: string) => void
}

/** One strength. */
export interface PenaltyRow {
  readonly strength: number
  /** What it is chosen by, minutes: RMSE on validation rides or folds, or the root of the criterion. */
  readonly score: number
  /** RMSE on the rides it was fitted to, minutes; null for folds. */
  readonly train_rmse: number | null
}

/** Strengths, and the one to take. */
export interface PenaltyChoice {
  /** What was fitted to and chosen by, for people. */
  readonly label: string
  /** Ascending by strength. */
  readonly rows: readonly PenaltyRow[]
  readonly best: PenaltyRow
}

/**
 * Measures strengths of a linear recipe's penalty.
 *
 * @throws usage_invalid for a recipe of another kind, or a lasso by gcv; source_*, engine_*, solve_*
 */
export async function choosePenalty(
  options: PenaltyOptions,
  effects: PenaltyEffects,
): Promise<PenaltyChoice> {
  const { recipe, by, penalty } = options
  if (recipe.model !== 'linear') {
    throw new RidecastError(
      'usage_invalid',
      `recipe ${recipe.name} is of kind ${recipe.model}, which has no strength of this kind: expected linear`,
    )
  }
  if (by === 'gcv' && penalty === 'l1') {
    throw new RidecastError(
      'usage_invalid',
      'generalized cross-validation is for ridges: say --by folds or --by validation for l1',
    )
  }
  return by === 'folds' ? byFolds(options, effects) : bySums(options, effects)
}

/** From sums that may be known already. */
async function bySums(options: PenaltyOptions, effects: PenaltyEffects): Promise<PenaltyChoice> {
  const { recipe, by, penalty } = options
  const [fold] = selectionFolds(options.sources, options.now)
  if (!fold) throw new RidecastError('internal', 'no rides were named')
  // All rides where nothing has to be held out.
  const sources = by === 'gcv' ? options.sources : fold.sources
  const plans = planSources(sources, options)
  const files = await obtainFiles(plans, effects.download)
  const summing = new Summing(
    () => openEngine(options.engine, options.engineSettings),
    effects.cache,
    (done, total) =>
      effects.progress?.(`summing ${Math.round((100 * done) / Math.max(1, total))} %`),
    effects.signal,
  )
  const first = async (of: readonly TripFile[], plan: Parameters<Summing['ofFiles']>[1][number]) =>
    (await summing.ofFiles(of, [plan]))[0] as Moments
  try {
    if (by === 'gcv') {
      const moments = await first(files, planOf(recipe, compileFeatures(recipe)))
      effects.progress?.('solving')
      const { rows, best } = generalizedCrossValidation(moments, strengthsOf(options))
      const row = (one: (typeof rows)[number]): PenaltyRow => ({
        strength: one.strength,
        score: one.score,
        train_rmse: one.trainRmse,
      })
      return { label: sourcesLabel(plans), rows: rows.map(row), best: row(best) }
    }
    const validate = { ...options, validate: fold.validate }
    const split = await splitRides({ plans, files }, validate, summing, effects.download)
    const own = splitPlans(recipe, split)
    const train = await first(files, own.train)
    const validation = await first(split.validation, own.validation)
    effects.progress?.('solving')
    const path =
      penalty === 'l2'
        ? ridgePath(train, strengthsOf(options), { validation })
        : lassoPath(train, lassoStrengths(train, { count: options.count }), { validation })
    const best = bestOnValidation(path)
    const row = (one: (typeof path)[number]): PenaltyRow => ({
      strength: one.strength,
      score: one.validationRmse as number,
      train_rmse: one.trainRmse,
    })
    const held = split.kind === 'month' ? fold.validate : 'its last fifth'
    return {
      label: `${sourcesLabel(plans)}, chosen by ${held}`,
      rows: ascending(path.map(row)),
      best: row(best),
    }
  } finally {
    await summing.close()
  }
}

/** Every fifth day of the month is a fold; sums of days are made from the rides themselves. */
async function byFolds(options: PenaltyOptions, effects: PenaltyEffects): Promise<PenaltyChoice> {
  const { recipe } = options
  const plans = planSources(options.sources, options)
  const files = await obtainFiles(plans, effects.download)
  const features = compileFeatures(recipe)
  const plan = planOf(recipe, features)
  const builders = Array.from({ length: 5 }, () => new MomentsBuilder([plan]))
  for (const file of files) {
    effects.progress?.('reading rides')
    const rows = await countRows([file])
    const rides = await readTable([file], plan, features, rows, {
      ...(effects.signal && { signal: effects.signal }),
    })
    builders.forEach((builder, fold) => {
      builder.add(ridesOnDays(rides, (day) => day % builders.length === fold))
    })
  }
  const folds = builders.map((builder) => builder.finish()[0] as Moments)
  effects.progress?.('solving')
  const kind =
    options.penalty === 'l2' ? { kind: 'ridge' as const } : { kind: 'lasso' as const, l1Ratio: 1 }
  const strengths =
    options.penalty === 'l2'
      ? strengthsOf(options)
      : lassoStrengths(folds[0] as Moments, { count: options.count })
  const { rows, best } = crossValidate(folds, strengths, kind)
  const row = ({ strength, rmse }: (typeof rows)[number]): PenaltyRow => {
    return { strength, score: rmse, train_rmse: null }
  }
  return {
    label: `${sourcesLabel(plans)}, five folds of days`,
    rows: ascending(rows.map(row)),
    best: row(best),
  }
}

const strengthsOf = ({ from, to, count }: PenaltyOptions): number[] =>
  strengthsBetween(from, to, count)

const ascending = (rows: PenaltyRow[]): PenaltyRow[] => rows.sort((a, b) => a.strength - b.strength)

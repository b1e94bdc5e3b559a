/**
 * A recipe on every rolling window of months, each measured on the month after it: how good it
 * would have been, had it been trained anew every month. Works on the sums of the months alone; a
 * window moves by adding a month and taking one away.
 */

import { isRidecastError, RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { Month } from '../month.ts'
import { monthsBetween } from '../months.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { EngineChoice } from './engines/engine.ts'
import { type EngineSettings, openEngine } from './engines/engines.ts'
import { constantRmse, evaluate, type Measures, meanDuration } from './evaluate.ts'
import { fit } from './fit.ts'
import type { Moments } from './moments.ts'
import { mergeMoments, subtractMoments } from './moments-algebra.ts'
import { type MomentsCache, noCache } from './moments-cache.ts'
import { planOf } from './plan.ts'
import type { SolverName } from './solve/solve.ts'
import type { ObtainAllEffects } from './source.ts'
import { findFiles, fleetsOf, planSources, type SourcesOptions } from './sources.ts'
import { type Reading, Summing, type TripFile } from './summing.ts'

/** What to backtest. */
export interface BacktestOptions extends SourcesOptions {
  /** The first month that may train, and the last one that is validated on. */
  readonly from: Month
  readonly to: Month
  /** Months that train together, at least one. */
  readonly window: number
  readonly recipe: Recipe
  readonly engine: EngineChoice
  readonly engineSettings?: EngineSettings
  readonly solver: SolverName
}

/** What a backtest touches of the world. */
export interface BacktestEffects {
  readonly download?: ObtainAllEffects
  readonly cache?: MomentsCache
  /** Told what is going on. */
  readonly progress?: (text: string) => void
  readonly signal?: AbortSignal
}

/** One window. */
export interface Window {
  readonly train_months: readonly Month[]
  readonly validation_month: Month
  readonly columns: number
  readonly train: Measures
  readonly validation: Measures
  /** RMSE of the training mean as the prediction for every validation ride, minutes. */
  readonly baseline_rmse: number
}

/** A month that could not be had. */
export interface MissingMonth {
  readonly month: Month
  readonly code: RidecastError['code']
  readonly reason: string
}

/** A backtest: windows in order of time. */
export interface Backtest {
  readonly taxi: string
  readonly windows: readonly Window[]
  readonly missing: readonly MissingMonth[]
  readonly reading: Reading
}

/** Failures that say that a month is not to be had, and nothing about the others. */
const absent = new Set<RidecastError['code']>([
  'source_not_published',
  'source_unreachable',
  'source_refused',
  'source_interrupted',
])

/**
 * Trains and validates every window between two months. A month that cannot be had is left out
 * with the windows that would need it.
 *
 * @throws month_invalid, usage_invalid, source_* codes of a file that is there and broken,
 *   sums_overflow, engine_* codes, solve_* codes
 */
export async function backtest(
  options: BacktestOptions,
  effects: BacktestEffects = {},
): Promise<Backtest> {
  const { recipe, window } = options
  if (recipe.model !== 'linear') {
    throw new RidecastError(
      'usage_invalid',
      `backtest trains from sums alone, and recipe ${recipe.name} needs rides: expected model linear, found ${recipe.model}; say ridecast compare`,
    )
  }
  const { progress = () => {} } = effects
  const months = monthsBetween(options.from, options.to)
  const summing = new Summing(
    () => openEngine(options.engine, options.engineSettings),
    effects.cache ?? noCache,
    (done, total, path) => progress(`summing ${path} ... ${Math.floor((100 * done) / total)} %`),
    effects.signal,
  )
  try {
    const { files, missing } = await filesByMonth(months, options, summing, effects)
    const plan = planOf(recipe, compileFeatures(recipe))
    const all = [...files.values()].flat()
    const sums = await summing.byFile(all, [plan])
    const byMonth = new Map(
      [...files].map(([month, own]) => {
        const parts = own.map((file) => sums[all.indexOf(file)]?.[0] as Moments)
        return [month, mergeMoments(parts)]
      }),
    )
    const taxi = fleetsOf(planSources([options.from], options))
    const windows: Window[] = []
    for (const { train, moments, validation } of rolling(months, byMonth, window)) {
      progress(`training on ${train.join(', ')} ...`)
      const validationSums = byMonth.get(validation) as Moments
      if (moments.n === 0 || validationSums.n === 0) continue
      const { model, system } = await fit(moments, recipe, taxi, options.solver)
      windows.push({
        train_months: train,
        validation_month: validation,
        columns: model.columns,
        train: evaluate(model, moments, { ...system, l2: 0 }),
        validation: evaluate(model, validationSums),
        baseline_rmse: constantRmse(validationSums, meanDuration(moments)),
      })
    }
    return { taxi, windows, missing, reading: summing.reading }
  } finally {
    await summing.close()
  }
}

async function filesByMonth(
  months: readonly Month[],
  options: BacktestOptions,
  summing: Summing,
  { download, progress = () => {} }: BacktestEffects,
): Promise<{ files: Map<Month, TripFile[]>; missing: MissingMonth[] }> {
  const files = new Map<Month, TripFile[]>()
  const missing: MissingMonth[] = []
  for (const month of months) {
    progress(`finding the rides of ${month} ...`)
    try {
      files.set(month, await findFiles(planSources([month], options), summing, download))
    } catch (error) {
      if (!isRidecastError(error) || !absent.has(error.code)) throw error
      missing.push({ month, code: error.code, reason: error.message })
    }
  }
  return { files, missing }
}

/** Every window of months in a row that are all there, with its sums, and the month after it. */
function* rolling(
  months: readonly Month[],
  byMonth: ReadonlyMap<Month, Moments>,
  window: number,
): Generator<{ train: readonly Month[]; moments: Moments; validation: Month }> {
  let sum: Moments | undefined
  let train: Month[] = []
  for (const [i, month] of months.entries()) {
    const moments = byMonth.get(month)
    if (!moments) {
      sum = undefined
      train = []
      continue
    }
    train = [...train, month]
    sum = sum ? mergeMoments([sum, moments]) : moments
    if (train.length > window) {
      sum = subtractMoments(sum, byMonth.get(train[0] as Month) as Moments)
      train = train.slice(1)
    }
    const validation = months[i + 1]
    if (train.length === window && validation && byMonth.has(validation)) {
      yield { train, moments: sum, validation }
    }
  }
}

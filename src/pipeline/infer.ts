/**
 * What the coefficients of an unpenalised recipe are worth: standard errors, t, p and confidence
 * intervals, from sums. Knows nothing about how they are shown.
 */

import { RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { EngineChoice } from './engines/engine.ts'
import { type EngineSettings, openEngine } from './engines/engines.ts'
import type { Moments } from './moments.ts'
import type { MomentsCache } from './moments-cache.ts'
import { planOf } from './plan.ts'
import { type Estimate, type Inference, inferenceOf } from './solve/inference.ts'
import { featureNames } from './solve/system.ts'
import type { ObtainAllEffects } from './source.ts'
import { obtainFiles, planSources, type SourcesOptions, sourcesLabel } from './sources.ts'
import { Summing } from './summing.ts'

/** What is asked. */
export interface InferOptions extends SourcesOptions {
  readonly sources: readonly string[]
  readonly recipe: Recipe
  /** Share of confidence intervals that hold the truth, above 0 and below 1. */
  readonly level: number
  readonly engine: EngineChoice
  readonly engineSettings?: EngineSettings
}

/** What it touches of the world. */
export interface InferEffects {
  readonly cache: MomentsCache
  readonly download?: ObtainAllEffects
  readonly signal?: AbortSignal
  /** Told (rides read, rides in the file). */
  readonly progress?: (done: number, total: number) => void
}

/** A coefficient by name, `(intercept)` the last; or a difference of two, as `hour=8 - hour=18`. */
export interface NamedEstimate extends Estimate {
  readonly feature: string
}

/** Coefficients of a fit with what they are worth. */
export interface Inferred {
  readonly label: string
  readonly n: number
  /** Of the design, the intercept counted. */
  readonly rank: number
  /** Rides less rank. */
  readonly degrees: number
  /** Standard deviation of the errors, minutes; null where no degree of freedom is left. */
  readonly sigma: number | null
  readonly estimates: readonly NamedEstimate[]
  /** Of each term, every level less the one with the most rides; none of designs beyond 2,000 columns. */
  readonly differences: readonly NamedEstimate[]
}

/** Differences take a solution each: of wider designs there are too many. */
const mostCompared = 2000

/**
 * Fits a recipe by least squares and says what its coefficients are worth.
 *
 * @throws usage_invalid for a recipe with a penalty or of another kind than linear; source_*,
 *   engine_*, solve_* codes
 */
export async function inferOn(options: InferOptions, effects: InferEffects): Promise<Inferred> {
  const { recipe, level } = options
  if (recipe.model !== 'linear' || (recipe.l1 ?? 0) + recipe.l2 > 0) {
    const found = recipe.model === 'linear' ? `l1 ${recipe.l1 ?? 0}, l2 ${recipe.l2}` : recipe.model
    throw new RidecastError(
      'usage_invalid',
      `standard errors need least squares without a penalty, found ${found} in recipe ${recipe.name}: say --set l2=0, or take plain or pairs`,
    )
  }
  const plans = planSources(options.sources, options)
  const files = await obtainFiles(plans, effects.download)
  const summing = new Summing(
    () => openEngine(options.engine, options.engineSettings),
    effects.cache,
    effects.progress,
    effects.signal,
  )
  const plan = planOf(recipe, compileFeatures(recipe))
  const [moments] = await summing.ofFiles(files, [plan]).finally(() => summing.close())
  if (!moments || moments.n === 0) {
    throw new RidecastError(
      'source_empty',
      `no ride of ${sourcesLabel(plans)} is left, expected at least one`,
    )
  }
  const inference = inferenceOf(moments)
  const names = [...featureNames(moments), '(intercept)']
  const { n, rank, degrees, variance } = inference
  return {
    label: sourcesLabel(plans),
    n,
    rank,
    degrees,
    sigma: variance === undefined ? null : Math.sqrt(variance),
    estimates: inference
      .coefficients(level)
      .map((one, k) => ({ feature: names[k] as string, ...one })),
    differences: names.length > mostCompared ? [] : differencesOf(moments, inference, names, level),
  }
}

function differencesOf(
  { blocks }: Moments,
  inference: Inference,
  names: readonly string[],
  level: number,
): NamedEstimate[] {
  let first = 0
  return blocks.flatMap(({ counts }) => {
    const at = first
    first += counts.length
    const common = at + counts.indexOf(counts.reduce((high, count) => Math.max(high, count), 0))
    const others = Array.from(counts, (_, k) => at + k).filter((k) => k !== common)
    return others.map((k): NamedEstimate => {
      const weights = new Map([
        [k, 1],
        [common, -1],
      ])
      const feature = `${names[k]} - ${names[common]}`
      return { feature, ...inference.combination(weights, level) }
    })
  })
}

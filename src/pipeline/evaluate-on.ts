/** A saved model on trip files: measures from their sums, residuals from their rows. */

import { RidecastError } from '../errors.ts'
import type { Model } from '../model.ts'
import type { EngineChoice } from './engines/engine.ts'
import { type EngineSettings, openEngine } from './engines/engines.ts'
import { evaluate, type Measures } from './evaluate.ts'
import { intervalOf } from './judge/coverage.ts'
import { type InputEffects, inputEffects } from './judge/input-effects.ts'
import { judge } from './judge/judge.ts'
import type { Judgement } from './judge/judgement.ts'
import type { Moments } from './moments.ts'
import { type MomentsCache, noCache } from './moments-cache.ts'
import { planOf, type Refused } from './plan.ts'
import type { ObtainAllEffects } from './source.ts'
import { obtainFiles, planSources, type SourcesOptions, sourcesLabel } from './sources.ts'
import { type LocalTripFile, Summing } from './summing.ts'

/** A model measured on some files. */
export interface Evaluation {
  /** What was measured on, for people. */
  readonly label: string
  /** The files that were read. */
  readonly files: readonly LocalTripFile[]
  readonly rows: number
  readonly kept: number
  readonly refused: Refused
  readonly measures: Measures
  /** Slices, distributions, intervals and all else that rows tell. */
  readonly judgement: Judgement
  /** What the model makes of its inputs, where it was asked for. */
  readonly inputs: InputEffects | undefined
}

/** What to measure on. */
export interface EvaluateOptions extends SourcesOptions {
  /** Months, paths and addresses: see {@link planSources}. */
  readonly sources: readonly string[]
  readonly engine: EngineChoice
  readonly engineSettings?: EngineSettings
  /** Whether inputs are shuffled and set, on a sample of the rides; default false. */
  readonly inputs?: boolean
}

/** What measuring touches of the world. */
export interface EvaluateEffects {
  readonly download?: ObtainAllEffects
  /** Sums that were made before; default none are kept. */
  readonly cache?: MomentsCache
  /** Told (rides read, rides in the file). */
  readonly progress?: (done: number, total: number) => void
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal
}

/**
 * Measures a model on months, files or addresses, by the model's own filters.
 *
 * @throws month_invalid, usage_invalid, source_* codes, engine_* codes, the reason of the signal
 */
export async function evaluateOn(
  model: Model,
  options: EvaluateOptions,
  effects: EvaluateEffects = {},
): Promise<Evaluation> {
  const { signal } = effects
  const plans = planSources(options.sources, options)
  const label = sourcesLabel(plans)
  const files = await obtainFiles(plans, effects.download)
  const summing = new Summing(
    () => openEngine(options.engine, options.engineSettings),
    effects.cache ?? noCache,
    effects.progress,
    signal,
  )
  const plan = planOf(model.recipe, model.features)
  const sums = await summing.ofFiles(files, [plan]).finally(() => summing.close())
  const moments = sums[0] as Moments
  if (moments.n === 0) {
    throw new RidecastError(
      'source_empty',
      `no ride of ${label} passes the filters of the model: found ${moments.rows} rows`,
    )
  }
  const judgement = await judge(model, files, plan, {
    interval: intervalOf(model),
    signal,
    ...(effects.progress && { progress: effects.progress }),
  })
  return {
    label,
    files,
    rows: moments.rows,
    kept: moments.n,
    refused: moments.refused,
    measures: model.kind === 'linear' ? evaluate(model, moments) : judgement.measures,
    judgement,
    inputs: options.inputs
      ? await inputEffects(model, files, plan, { ...(signal && { signal }) })
      : undefined,
  }
}

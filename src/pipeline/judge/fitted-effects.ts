/**
 * What only the rides tell that a saved model was fitted to: residuals against leverage, and what more
 * months of training buy. Where they are not at hand it says why. Knows nothing about pages.
 */

import { isRidecastError, messageOf } from '../../errors.ts'
import type { Model } from '../../model.ts'
import { openEngine } from '../engines/engines.ts'
import type { HashMemory } from '../hash-memory.ts'
import { type LocalTripFile, Summing } from '../summing.ts'
import { type FittedOptions, fittedFiles, fittedRides, type Lineage } from './fitted.ts'
import type { LearningPoint, LeveragePoints, Unavailable } from './judgement.ts'
import {
  type LearningEffects,
  type LearningOptions,
  learningCurve,
  monthsOfFiles,
} from './learning.ts'
import { leverageOf } from './leverage.ts'

/** What is wanted of a saved model. */
export interface FittedEffectsOptions
  extends FittedOptions,
    Pick<LearningOptions, 'engine' | 'engineSettings'> {
  /** RMSE of the model on the known files, minutes. */
  readonly rmse: number
  /** Whether residuals against leverage are wanted. */
  readonly leverage: boolean
  /** Whether the recipe is trained on fewer months: of every kind, where sums are enough, or not. */
  readonly learning: 'every' | 'sums' | 'none'
}

/** What the world is asked for. */
export interface FittedEffectsEffects extends LearningEffects {
  readonly memory: HashMemory | undefined
}

/** What was found; what is absent is nothing to show. */
export interface FittedEffects {
  readonly leverage?: LeveragePoints | Unavailable
  /** None of one month. */
  readonly learning?: readonly LearningPoint[] | Unavailable
}

/**
 * Finds the rides that a model was fitted to, and what they tell. Fails for an interruption alone.
 *
 * @param lineage undefined where the version has none
 * @throws the reason of the signal
 */
export async function fittedEffects(
  model: Model,
  lineage: Lineage | undefined,
  options: FittedEffectsOptions,
  effects: FittedEffectsEffects,
): Promise<FittedEffects> {
  const wanted = {
    leverage: options.leverage && model.kind === 'linear',
    learning: options.learning !== 'none',
  }
  if (!wanted.leverage && !wanted.learning) return {}
  const both = (why: Unavailable): FittedEffects => ({
    ...(wanted.leverage && { leverage: why }),
    ...(wanted.learning && { learning: why }),
  })
  if (!lineage) return both({ unavailable: 'its version does not say what it was trained on' })
  const files = await orWhy(effects, () => fittedFiles(lineage, options, effects.memory))
  if ('unavailable' in files) return both(files)
  const leverage = wanted.leverage
    ? await orWhy(effects, () => leverageOfFiles(model, lineage, files, options, effects))
    : undefined
  const learning = wanted.learning
    ? await orWhy(effects, () => curveOfFiles(model, lineage, files, options, effects))
    : undefined
  return { ...(leverage && { leverage }), ...(learning && { learning }) }
}

async function leverageOfFiles(
  model: Model,
  lineage: Lineage,
  files: readonly LocalTripFile[],
  { engine, engineSettings }: FittedEffectsOptions,
  { cache, signal, progress = () => {} }: FittedEffectsEffects,
): Promise<LeveragePoints | Unavailable | undefined> {
  progress('finding the leverage of the rides that it was trained on')
  const summing = new Summing(() => openEngine(engine, engineSettings), cache, undefined, signal)
  try {
    const rides = await fittedRides(model, lineage, files, summing)
    return 'unavailable' in rides ? rides : await leverageOf(model, rides, signal)
  } finally {
    await summing.close()
  }
}

async function curveOfFiles(
  { recipe, taxi }: Model,
  { split, trainer }: Lineage,
  files: readonly LocalTripFile[],
  { known, rmse, engine, engineSettings, learning }: FittedEffectsOptions,
  effects: FittedEffectsEffects,
): Promise<readonly LearningPoint[] | Unavailable> {
  if (split !== 'month') return { unavailable: 'it was trained on a part of its months' }
  if (trainer !== undefined) {
    return { unavailable: `its trees were grown by ${trainer}, which is not asked again` }
  }
  const months = monthsOfFiles(files)
  if (months.length === 0) return { unavailable: 'the names of its files state no months' }
  if (months.length > 1 && recipe.model !== 'linear' && learning === 'sums') {
    return {
      unavailable: `a recipe of kind ${recipe.model} is trained anew for each point, which takes time: say --learning`,
    }
  }
  const own = { recipe, taxi, files, validation: known, rmse, engine }
  return learningCurve({ ...own, ...(engineSettings && { engineSettings }) }, effects)
}

/** What cannot be had of known rides is told, and no fault of the evaluation. */
async function orWhy<T>(
  { signal }: Pick<LearningEffects, 'signal'>,
  work: () => Promise<T>,
): Promise<T | Unavailable> {
  try {
    return await work()
  } catch (error) {
    signal.throwIfAborted()
    // A file may go while it is read; what is no fault of files or fits is one of this program.
    if (!isRidecastError(error) && !(error instanceof Error && 'syscall' in error)) throw error
    return { unavailable: messageOf(error) }
  }
}

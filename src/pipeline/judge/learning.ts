/** What more months of training buy: a recipe on ever more of the latest months. Knows no commands. */

import { compileFeatures } from '../../features.ts'
import type { Month } from '../../month.ts'
import type { Recipe } from '../../recipe-schema.ts'
import type { EngineChoice } from '../engines/engine.ts'
import { type EngineSettings, openEngine } from '../engines/engines.ts'
import { evaluate } from '../evaluate.ts'
import { fit } from '../fit.ts'
import type { Moments } from '../moments.ts'
import { mergeMoments } from '../moments-algebra.ts'
import type { MomentsCache } from '../moments-cache.ts'
import { type Plan, planOf } from '../plan.ts'
import { Summing, type TripFile } from '../summing.ts'
import type { LearningPoint } from './judgement.ts'

/** Points of a curve of a recipe that takes little time for each. */
const mostPoints = 12

/** What is trained, and measured. */
export interface LearningOptions {
  readonly recipe: Recipe
  /** The fleet, or several with commas. */
  readonly taxi: string
  /** What all of was trained on. */
  readonly files: readonly TripFile[]
  /** What is measured on. */
  readonly validation: readonly TripFile[]
  /** RMSE there of the model that was trained on all. */
  readonly rmse: number
  readonly engine: EngineChoice
  readonly engineSettings?: EngineSettings
}

/** What training touches of the world. */
export interface LearningEffects {
  readonly cache: MomentsCache
  readonly signal: AbortSignal
  /** Told what is going on, for people. */
  readonly progress?: (text: string) => void
}

/**
 * Parts of the training months for a learning curve, each the latest ones, the fewest first, all
 * months not among them: a model of these is there already.
 *
 * @param months each once, ascending
 * @param every true for every number of months, 12 at most; false halves them, so that all parts
 *   together are no more than the whole
 */
export function learningParts(months: readonly Month[], every: boolean): Month[][] {
  const counts = new Set<number>()
  if (every) {
    const steps = Math.min(mostPoints, months.length)
    for (let k = 1; k < steps; k++) counts.add(Math.ceil((k * months.length) / steps))
  } else {
    for (let k = Math.floor(months.length / 2); k >= 1; k = Math.floor(k / 2)) counts.add(k)
  }
  return [...counts].sort((a, b) => a - b).map((count) => months.slice(-count))
}

/** The months of files, each once, ascending; none where the name of one states no month. */
export function monthsOfFiles(files: readonly TripFile[]): Month[] {
  const months = files.flatMap(({ source }) => source.month ?? [])
  return months.length < files.length ? [] : [...new Set(months)].sort()
}

/**
 * Trains a recipe on the latest months, as it was trained on all of them, and measures it on the
 * same rides: from sums where they are enough, else on rides in memory.
 *
 * @returns ascending, the model of all months the last; none of one month, or of files without
 * @throws engine_*, solve_*, source_* codes; the reason of the signal
 */
export async function learningCurve(
  { recipe, taxi, files, validation, rmse, engine, engineSettings }: LearningOptions,
  { cache, signal, progress = () => {} }: LearningEffects,
): Promise<LearningPoint[]> {
  const isLinear = recipe.model === 'linear'
  const months = monthsOfFiles(files)
  const parts = learningParts(months, isLinear)
  if (parts.length === 0) return []
  const plan = planOf(recipe, compileFeatures(recipe))
  const summing = new Summing(() => openEngine(engine, engineSettings), cache, undefined, signal)
  try {
    const sums = (await summing.byFile(files, [plan])).map(([moments]) => moments as Moments)
    const held = isLinear ? (await summing.ofFiles(validation, [plan]))[0] : undefined
    const points: LearningPoint[] = []
    for (const part of parts) {
      signal.throwIfAborted()
      progress(`training on ${part.length === 1 ? '1 month' : `${part.length} months`}`)
      const isIn = files.map(({ source }) => part.includes(source.month as Month))
      const own = { recipe, taxi, plan, files: files.filter((_, k) => isIn[k]) }
      const moments = mergeMoments(sums.filter((_, k) => isIn[k]))
      if (moments.n === 0) continue
      const error = held
        ? await errorOfSums(own, moments, held)
        : await errorOfRides(own, moments.n, validation, signal)
      points.push({ months: part.length, rmse: error })
    }
    return points.length === 0 ? [] : [...points, { months: months.length, rmse }]
  } finally {
    await summing.close()
  }
}

/** A part of the months. */
interface Part extends Pick<LearningOptions, 'recipe' | 'taxi' | 'files'> {
  readonly plan: Plan
}

async function errorOfSums(
  { recipe, taxi }: Part,
  moments: Moments,
  held: Moments,
): Promise<number> {
  const { model } = await fit(moments, recipe, taxi, 'auto')
  return evaluate(model, held).rmse
}

async function errorOfRides(
  { recipe, taxi, plan, files }: Part,
  rows: number,
  validation: readonly TripFile[],
  signal: AbortSignal,
): Promise<number> {
  const { readTable } = await import('../ride-table.ts')
  const { fitRides } = await import('../fit-rides.ts')
  const { residualsOf } = await import('../residuals.ts')
  const rides = await readTable(files, plan, compileFeatures(recipe), rows, { signal })
  const { model } = await fitRides(recipe, taxi, rides, { signal })
  return (await residualsOf(model, validation, plan, { signal })).rmse
}

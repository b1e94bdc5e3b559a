/**
 * What a search tries recipes on: rides in memory, those that train and those that choose. Knows
 * nothing about settings or trials.
 */

import { createHash } from 'node:crypto'
import { RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { RideBatch } from '../ride.ts'
import { fit } from './fit.ts'
import { type FitEffects, fitToRides } from './fit-rides.ts'
import type { Moments } from './moments.ts'
import { MomentsBuilder } from './moments-builder.ts'
import { planOf, specOfPlan } from './plan.ts'
import { countRows, minutesOf, type ReadingEffects, readTable, takeRides } from './ride-table.ts'
import { type Fold, selectionFolds } from './select.ts'
import type { ObtainAllEffects } from './source.ts'
import { fleetsOf, obtainFiles, planSources, type SourcesOptions, sourcesLabel } from './sources.ts'
import { holdoutShare, holdoutWord } from './split.ts'
import type { TripFile } from './summing.ts'

/** Rides that train, and rides that choose. */
export interface SearchTask {
  /** The fleet, or several with commas. */
  readonly taxi: string
  /** What is trained on and chosen by, for people. */
  readonly label: string
  /** Changes when a file does. */
  readonly fingerprint: string
  readonly train: RideBatch
  readonly held: RideBatch
}

/**
 * Reads the rides of a search: all months but the last train, and the last chooses; of one month, or
 * of files, the last fifth by pickup time chooses.
 *
 * @param recipe whose columns are read
 * @throws month_invalid, usage_invalid, source_* codes
 */
export async function searchTask(
  recipe: Recipe,
  sources: readonly string[],
  options: SourcesOptions & { readonly now: Date },
  effects: ReadingEffects & { readonly download?: ObtainAllEffects } = {},
): Promise<SearchTask> {
  const [fold] = selectionFolds(sources, options.now) as [Fold]
  const plans = planSources(fold.sources, options)
  const files = await obtainFiles(plans, effects.download)
  const read = (of: readonly TripFile[], rows: number): Promise<RideBatch> => {
    const features = compileFeatures(recipe)
    return readTable(of, planOf(recipe, features), features, rows, effects)
  }
  const all = await read(files, await countRows(files))
  const hashes = files.map(({ source }) => source.sha256)
  if (fold.validate === holdoutWord) {
    const [train, held] = cut(all)
    const label = `${sourcesLabel(plans)}, its last fifth held out`
    return { taxi: fleetsOf(plans), label, fingerprint: hashOf(hashes), train, held }
  }
  const heldPlans = planSources([fold.validate], {
    ...options,
    taxis: undefined,
    otherwise: plans.map(({ taxi }) => taxi),
  })
  const heldFiles = await obtainFiles(heldPlans, effects.download)
  const held = await read(heldFiles, await countRows(heldFiles))
  for (const { source } of heldFiles) hashes.push(source.sha256)
  const label = `${sourcesLabel(plans)}, chosen by ${sourcesLabel(heldPlans)}`
  return { taxi: fleetsOf(plans), label, fingerprint: hashOf(hashes), train: all, held }
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
}

/** The first rides by pickup time, and the last fifth. */
function cut(rides: RideBatch): [RideBatch, RideBatch] {
  const { pickup, length } = rides
  const at = pickup.slice(0, length).sort()[Math.floor((1 - holdoutShare) * length)] as number
  const every = Array.from({ length }, (_, i) => i)
  const part = (late: boolean): RideBatch =>
    takeRides(rides, Int32Array.from(every.filter((i) => (pickup[i] as number) >= at === late)))
  return [part(false), part(true)]
}

/**
 * Fits a recipe to the rides that train, and measures it on those that choose.
 *
 * @returns its RMSE there, minutes
 * @throws what {@link fitToRides} throws; source_empty when no ride chooses
 */
export async function tryRecipe(
  recipe: Recipe,
  { taxi, train, held }: SearchTask,
  effects: FitEffects = {},
): Promise<number> {
  if (held.length === 0 || train.length === 0) {
    throw new RidecastError('source_empty', 'no rides are left to choose by: expected at least one')
  }
  const model =
    recipe.model === 'linear'
      ? (await fit(sumsOf(recipe, train), recipe, taxi, 'auto')).model
      : await fitToRides(recipe, taxi, train, effects)
  const actual = minutesOf(held)
  let sum = 0
  for (let i = 0; i < held.length; i++) {
    sum += (model.predict(held, i) - (actual[i] as number)) ** 2
  }
  return Math.sqrt(sum / held.length)
}

/** The sums that were made last, of rides: trials of a penalty have the same terms, and need the same. */
const known = new WeakMap<RideBatch, { readonly key: string; readonly moments: Moments }>()

function sumsOf(recipe: Recipe, rides: RideBatch): Moments {
  const plan = planOf(recipe, compileFeatures(recipe))
  const key = JSON.stringify(specOfPlan(plan))
  const last = known.get(rides)
  if (last?.key === key) return last.moments
  const builder = new MomentsBuilder([plan])
  builder.add(rides)
  const moments = builder.finish()[0] as Moments
  known.set(rides, { key, moments })
  return moments
}

/**
 * Fits models that need rides, not sums of them: trees, and ensembles of any kinds. Knows nothing about
 * files.
 */

import { ensembleModel } from '../ensemble-model.ts'
import { RidecastError } from '../errors.ts'
import { type CategoricalTerm, compileFeatures } from '../features.ts'
import type { EnsembleModel, Model, TreeModel } from '../model.ts'
import { modelFormat } from '../model-format.ts'
import type { Recipe, TreesSpec } from '../recipe-schema.ts'
import type { RideBatch } from '../ride.ts'
import type { TreeColumn } from '../tree-ensemble.ts'
import { LevelPlaces, treeModel } from '../tree-model.ts'
import { xgboostJson } from '../xgboost-json.ts'
import { fit } from './fit.ts'
import type { Moments } from './moments.ts'
import { MomentsBuilder } from './moments-builder.ts'
import { meanWeights } from './nnls.ts'
import { planOf } from './plan.ts'
import { minutesOf, ridesOnDays } from './ride-table.ts'
import { dot } from './solve/vectors.ts'
import type { TreeSettings } from './trees/settings.ts'
import type { TreeTable } from './trees/table.ts'
import { trainBoosted, trainForest } from './trees/train.ts'

/** How an ensemble's weights were found. */
export interface EnsembleFacts {
  readonly method: 'ensemble'
  /** Rides that the members had not seen when the weights were found on them. */
  readonly held_out: number
  /** By member: its weight, and its RMSE in minutes on rides it had not seen. */
  readonly members: readonly {
    readonly recipe: string
    readonly weight: number
    readonly rmse: number
  }[]
  /** RMSE of the weighted sum on the same rides, minutes. */
  readonly rmse: number
}

/** What trees have grown to. */
export interface TreesFacts {
  readonly method: 'trees' | 'forest'
  readonly trees: number
  readonly leaves: number
}

/** A model that was fitted to rides. */
export interface RidesFit {
  readonly model: TreeModel | EnsembleModel
  readonly solution: TreesFacts | EnsembleFacts
}

/** What fitting is told and tells. */
export interface FitEffects {
  /** Threads at most, default the cores that there are; they change nothing but the time. */
  readonly threads?: number
  /** Told what is being done, for people. */
  readonly progress?: (text: string) => void
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal
  /** Rides that boosted trees are measured on while they grow. */
  readonly watch?: {
    readonly rides: RideBatch
    /** Told the RMSE in minutes after so many trees; what it throws ends the training. */
    readonly onRound: (trees: number, rmse: number) => void
  }
}

/** Weights are found on the rides of every fifth day of the month. */
const heldOutDay = 5

/**
 * Fits a recipe of trees or an ensemble.
 *
 * @param rides all of which are trained on, with the inputs of the recipe
 * @throws recipe_invalid, solve_* codes, source_empty, the reason of the signal
 */
export async function fitRides(
  recipe: Recipe,
  taxi: string,
  rides: RideBatch,
  effects: FitEffects = {},
): Promise<RidesFit> {
  return recipe.members
    ? fitEnsemble(recipe, recipe.members, taxi, rides, effects)
    : fitTrees(recipe, taxi, rides, effects)
}

async function fitTrees(
  recipe: Recipe,
  taxi: string,
  rides: RideBatch,
  { threads, progress = () => {}, signal, watch }: FitEffects,
): Promise<RidesFit & { readonly model: TreeModel }> {
  const { categorical, numeric } = compileFeatures(recipe)
  const places = categorical.map((term) => new LevelPlaces(term, levelsIn(term, rides)))
  const tableOf = (of: RideBatch): TreeTable => ({
    columns: [
      ...categorical.map(({ name }, k): TreeColumn => {
        const own = places[k] as LevelPlaces
        const codes = Int32Array.from({ length: of.length }, (_, i) => own.of(of, i))
        return { name, kind: 'category', codes, levels: own.texts.length }
      }),
      ...numeric.map((term): TreeColumn => {
        const values = Float64Array.from({ length: of.length }, (_, i) => within(term.value(of, i)))
        return { name: term.name, kind: 'number', values }
      }),
    ],
    target: minutesOf(of),
  })
  const settings = settingsOf(recipe.trees ?? {})
  const grow = recipe.model === 'forest' ? trainForest : trainBoosted
  const { ensemble } = await grow(tableOf(rides), {
    settings,
    ...(watch && { validation: tableOf(watch.rides) }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    onRound: ({ round, validationRmse }) => {
      if (round % 10 === 0) progress(`growing ${recipe.name}: ${round} trees`)
      if (validationRmse !== undefined) watch?.onRound(round, validationRmse)
    },
  })
  const kind = recipe.model === 'forest' ? 'forest' : 'trees'
  const model = treeModel({
    format_version: modelFormat,
    kind,
    taxi,
    recipe,
    levels: Object.fromEntries(categorical.map(({ name }, k) => [name, places[k]?.texts ?? []])),
    ensemble: JSON.parse(xgboostJson(ensemble)),
  })
  const leaves = ensemble.trees.reduce((sum, { feature }) => sum + (feature.length + 1) / 2, 0)
  return { model, solution: { method: kind, trees: ensemble.trees.length, leaves } }
}

// Numbers beyond the 32-bit floats lie beyond every threshold, here as when the model is asked.
const largest = 2 ** 127
const within = (value: number): number => Math.min(Math.max(value, -largest), largest)

/** Codes that rides have, ascending. */
function levelsIn(term: CategoricalTerm, rides: RideBatch): number[] {
  const codes = new Set<number>()
  for (let i = 0; i < rides.length; i++) codes.add(term.code(rides, i))
  codes.delete(-1)
  return [...codes].sort((a, b) => a - b)
}

/** Settings as a recipe spells them, as the trainer does. */
export function settingsOf(spec: TreesSpec): Partial<TreeSettings> {
  const camel = (name: string): string =>
    name.replace(/_([a-z\d])/g, (_, c: string) => c.toUpperCase())
  return Object.fromEntries(Object.entries(spec).map(([name, value]) => [camel(name), value]))
}

/**
 * Fits a recipe of any kind to rides.
 *
 * @throws as {@link fitRides}
 */
export async function fitToRides(
  recipe: Recipe,
  taxi: string,
  rides: RideBatch,
  effects: FitEffects,
): Promise<Model> {
  if (recipe.model !== 'linear') return (await fitRides(recipe, taxi, rides, effects)).model
  effects.progress?.(`solving ${recipe.name}`)
  const builder = new MomentsBuilder([planOf(recipe, compileFeatures(recipe))])
  builder.add(rides)
  const { model } = await fit(builder.finish()[0] as Moments, recipe, taxi, 'auto')
  return model
}

/**
 * Fits every member to four fifths of the days, finds weights for what they say of the others, and fits
 * the members to all rides.
 */
async function fitEnsemble(
  recipe: Recipe,
  members: readonly Recipe[],
  taxi: string,
  rides: RideBatch,
  effects: FitEffects,
): Promise<RidesFit> {
  const { progress = () => {} } = effects
  const part = ridesOnDays(rides, (day) => day % heldOutDay !== 0)
  const held = ridesOnDays(rides, (day) => day % heldOutDay === 0)
  if (part.length === 0 || held.length === 0) {
    throw new RidecastError(
      'source_empty',
      `rides of ensemble ${recipe.name} have ${held.length} on days that are held out and ${part.length} on others: expected some of both; train on a whole month`,
    )
  }
  const target = minutesOf(held)
  const said: Float64Array[] = []
  for (const member of members) {
    const tell = (text: string): void => progress(`for the weights: ${text}`)
    const model = await fitToRides(member, taxi, part, { ...effects, progress: tell })
    said.push(Float64Array.from({ length: held.length }, (_, i) => model.predict(held, i)))
  }
  const weights = weightsOf(said, target)
  const facts = factsOf(members, weights, said, target)
  const best = facts.members.reduce((a, b) => (b.rmse < a.rmse ? b : a))
  // One member by a factor is no ensemble, though it may be a little better.
  const several = facts.members.filter(({ weight }) => weight > 0).length > 1
  if (!(several && facts.rmse < best.rmse)) {
    throw new RidecastError(
      'solve_failed',
      `ensemble ${recipe.name} has an RMSE of ${facts.rmse.toFixed(4)} on rides that its members had not seen, and ${best.recipe} alone ${best.rmse.toFixed(4)}: train ${best.recipe}`,
    )
  }
  const fitted: { weight: number; model: Model }[] = []
  for (const [k, member] of members.entries()) {
    const weight = weights[k] as number
    fitted.push({ weight, model: await fitToRides(member, taxi, rides, effects) })
  }
  return { model: ensembleModel(taxi, recipe, fitted), solution: facts }
}

function weightsOf(said: readonly Float64Array[], target: Float64Array): Float64Array {
  const k = said.length
  const errors = said.map((values) => values.map((minutes, i) => minutes - (target[i] as number)))
  const gram = new Float64Array(k * k)
  for (let a = 0; a < k; a++) {
    for (let b = 0; b < k; b++) {
      gram[a * k + b] = dot(errors[a] as Float64Array, errors[b] as Float64Array)
    }
  }
  return meanWeights(gram)
}

function factsOf(
  members: readonly Recipe[],
  weights: Float64Array,
  said: readonly Float64Array[],
  target: Float64Array,
): EnsembleFacts {
  const rmse = (of: (i: number) => number): number => {
    let sum = 0
    for (let i = 0; i < target.length; i++) sum += (of(i) - (target[i] as number)) ** 2
    return Math.sqrt(sum / target.length)
  }
  const together = (i: number): number =>
    said.reduce((sum, values, k) => sum + (weights[k] as number) * (values[i] as number), 0)
  return {
    method: 'ensemble',
    held_out: target.length,
    members: members.map(({ name }, k) => ({
      recipe: name,
      weight: weights[k] as number,
      rmse: rmse((i) => (said[k] as Float64Array)[i] as number),
    })),
    rmse: rmse(together),
  }
}

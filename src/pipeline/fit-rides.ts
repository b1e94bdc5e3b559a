/**
 * Fits models that need rides, not sums of them: trees, and ensembles of any kinds. Knows nothing about
 * files.
 */

import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { ensembleModel } from '../ensemble-model.ts'
import { RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { EnsembleModel, Model, TreeModel } from '../model.ts'
import { predictAt } from '../predict-at.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { RideBatch } from '../ride.ts'
import { fit } from './fit.ts'
import { type FitEffects, fitTrees, type TreesFacts } from './fit-trees.ts'
import type { Moments } from './moments.ts'
import { MomentsBuilder } from './moments-builder.ts'
import { meanWeights } from './nnls.ts'
import { planOf } from './plan.ts'
import { minutesOf, ridesOnDays } from './ride-table.ts'
import { dot } from './solve/vectors.ts'

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
    /** Of trees that stop early. */
    readonly early_stopping?: TreesFacts['early_stopping']
  }[]
  /** RMSE of the weighted sum on the same rides, minutes. */
  readonly rmse: number
}

/** A model that was fitted to rides. */
export interface RidesFit {
  readonly model: TreeModel | EnsembleModel
  readonly solution: TreesFacts | EnsembleFacts
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
  return (await fitMember(recipe, taxi, rides, effects)).model
}

/** A member of an ensemble, or a recipe that could be one. */
interface FittedMember {
  readonly model: Model
  readonly solution?: RidesFit['solution']
}

/**
 * Fits the members side by side: trees grow in threads, of which each gets its share, while this one
 * solves the others. What comes out does not depend on it.
 */
async function fitMembers(
  members: readonly Recipe[],
  taxi: string,
  rides: RideBatch,
  effects: FitEffects,
): Promise<FittedMember[]> {
  const { threads: most = availableParallelism(), signal } = effects
  const grown = members.filter(({ model }) => model !== 'linear').length
  const threads = Math.max(1, Math.floor(most / Math.max(1, grown)))
  const failed = new AbortController()
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
  const fits = members.map(async (member) => {
    // Threads are on their way when this one begins to solve.
    if (member.model === 'linear') await setImmediate()
    const own = { ...effects, threads, aside: most > 1, signal: stop }
    try {
      return await fitMember(member, taxi, rides, own)
    } catch (error) {
      failed.abort(error)
      throw error
    }
  })
  // What was stopped has ended, too, before it is told why.
  await Promise.allSettled(fits)
  return Promise.all(fits)
}

async function fitMember(
  recipe: Recipe,
  taxi: string,
  rides: RideBatch,
  effects: FitEffects,
): Promise<FittedMember> {
  if (recipe.model !== 'linear') return fitRides(recipe, taxi, rides, effects)
  effects.progress?.(`solving ${recipe.name}`)
  const builder = new MomentsBuilder([planOf(recipe, compileFeatures(recipe))])
  builder.add(rides)
  const { model } = await fit(builder.finish()[0] as Moments, recipe, taxi, 'auto')
  return { model }
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
  const onPart = await fitMembers(members, taxi, part, {
    ...effects,
    progress: (text) => progress(`for the weights: ${text}`),
  })
  const said = onPart.map(({ model }) => Float64Array.from(predictAt(model, held)))
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
  const onAll = await fitMembers(members, taxi, rides, effects)
  const fitted = onAll.map(({ model }, k) => ({ weight: weights[k] as number, model }))
  const told = facts.members.map((one, k) => {
    const solution = onAll[k]?.solution
    const early_stopping = solution && 'trees' in solution ? solution.early_stopping : undefined
    return early_stopping ? { ...one, early_stopping } : one
  })
  return { model: ensembleModel(taxi, recipe, fitted), solution: { ...facts, members: told } }
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

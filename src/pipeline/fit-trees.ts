/**
 * Fits trees to rides: terms as a table, how many rounds, and the model of what has grown. Knows nothing
 * about files or how trees are grown.
 */

import { RidecastError } from '../errors.ts'
import { type CategoricalTerm, compileFeatures } from '../features.ts'
import type { TreeModel } from '../model.ts'
import { modelFormat } from '../model-format.ts'
import type { Recipe, TreesSpec } from '../recipe-schema.ts'
import type { RideBatch } from '../ride.ts'
import type { TreeColumn } from '../tree-ensemble.ts'
import { LevelPlaces, treeModel } from '../tree-model.ts'
import { xgboostJson } from '../xgboost-json.ts'
import { minutesOf, partByPickup } from './ride-table.ts'
import { holdoutShare } from './split.ts'
import type { TreeSettings } from './trees/settings.ts'
import type { TreeTable } from './trees/table.ts'
import {
  type TrainedTrees,
  type TreeTrainingOptions,
  trainBoosted,
  trainForest,
} from './trees/train.ts'

/** What trees have grown to. */
export interface TreesFacts {
  readonly method: 'trees' | 'forest'
  readonly trees: number
  readonly leaves: number
  /** Where the recipe stops early: how the number of rounds was found. */
  readonly early_stopping?: {
    /** Rides that were held out of the training ones for it, the last by pickup. */
    readonly held_out: number
    /** Rounds that were grown, the ones after the best included. */
    readonly rounds: number
    /** Rounds that were best, RMSE on the rides held out, minutes. */
    readonly best: number
    readonly rmse: number
  }
  /** The library that has grown them and its version; none where it was ridecast itself. */
  readonly library?: string
}

/** Who grows trees. */
export interface TreeTrainer {
  /** Name and version of the library; undefined for our own trainer. */
  readonly library: string | undefined
  /**
   * Grows trees on a table.
   *
   * @throws recipe_invalid for what it cannot do, and what growing throws
   */
  grow(
    table: TreeTable,
    kind: TreesFacts['method'],
    options: TreeTrainingOptions,
  ): Promise<TrainedTrees>
}

/** The trainer of this program. */
export const ownTrainer: TreeTrainer = {
  library: undefined,
  grow: (table, kind, options) =>
    kind === 'forest' ? trainForest(table, options) : trainBoosted(table, options),
}

/** What fitting is told and tells. */
export interface FitEffects {
  /** Threads at most, default the cores that there are; they change nothing but the time. */
  readonly threads?: number
  /** Has trees grown in threads of their own: other models are fitted meanwhile. */
  readonly aside?: boolean
  /** Who grows trees, default {@link ownTrainer}. */
  readonly trainer?: TreeTrainer
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

/** A model of trees that was fitted to rides. */
export interface TreesFit {
  readonly model: TreeModel
  readonly solution: TreesFacts
}

/**
 * Fits a recipe of trees.
 *
 * @param rides all of which are trained on, with the inputs of the recipe
 * @throws recipe_invalid, solve_too_large, source_empty, the reason of the signal
 */
export async function fitTrees(
  recipe: Recipe,
  taxi: string,
  rides: RideBatch,
  effects: FitEffects,
): Promise<TreesFit> {
  const { progress = () => {}, trainer = ownTrainer } = effects
  const stopped = await roundsOf(recipe, rides, {
    ...effects,
    progress: (text) => progress(`for the number of rounds: ${text}`),
  })
  const settings = settingsOf(recipe.trees ?? {})
  const grown = await growOn(recipe, rides, effects, {
    settings: { ...settings, ...(stopped && { rounds: stopped.best }) },
  })
  const { ensemble, levels } = grown
  const kind = recipe.model === 'forest' ? 'forest' : 'trees'
  const model = treeModel({
    format_version: modelFormat,
    kind,
    taxi,
    recipe,
    levels,
    ensemble: JSON.parse(xgboostJson(ensemble)),
  })
  const leaves = ensemble.trees.reduce((sum, { feature }) => sum + (feature.length + 1) / 2, 0)
  const solution = {
    ...({ method: kind, trees: ensemble.trees.length, leaves } as const),
    ...(stopped && { early_stopping: stopped }),
    ...(trainer.library !== undefined && { library: trainer.library }),
  }
  return { model, solution }
}

/** How many rounds are best on the last rides, grown on the ones before; undefined for all. */
async function roundsOf(
  recipe: Recipe,
  rides: RideBatch,
  { watch: _, ...effects }: FitEffects,
): Promise<TreesFacts['early_stopping']> {
  const patience = recipe.trees?.early_stopping
  if (patience === undefined) return undefined
  const [earlier, later] = partByPickup(rides, holdoutShare)
  if (earlier.length === 0 || later.length === 0) {
    throw new RidecastError(
      'source_empty',
      `recipe ${recipe.name} stops early, and of ${rides.length} rides ${earlier.length} remain to train on when the last fifth is held out: expected some of both`,
    )
  }
  const { kept, rounds } = await growOn(
    recipe,
    earlier,
    { ...effects, watch: { rides: later, onRound: () => {} } },
    { settings: settingsOf(recipe.trees ?? {}), patience },
  )
  const rmse = rounds[kept - 1]?.validationRmse as number
  return { held_out: later.length, rounds: rounds.length, best: kept, rmse }
}

/** Grows trees on rides; the levels of their categories by term. */
async function growOn(
  recipe: Recipe,
  rides: RideBatch,
  { threads, aside = false, progress = () => {}, signal, watch, trainer = ownTrainer }: FitEffects,
  options: TreeTrainingOptions,
): Promise<TrainedTrees & { readonly levels: Record<string, readonly string[]> }> {
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
  const kind = recipe.model === 'forest' ? 'forest' : 'trees'
  const grown = await trainer.grow(tableOf(rides), kind, {
    ...options,
    aside,
    ...(watch && { validation: tableOf(watch.rides) }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    onRound: ({ round, validationRmse }) => {
      if (round % 10 === 0) progress(`growing ${recipe.name}: ${round} trees`)
      if (validationRmse !== undefined) watch?.onRound(round, validationRmse)
    },
  })
  const levels = categorical.map(({ name }, k) => [name, places[k]?.texts ?? []] as const)
  return { ...grown, levels: Object.fromEntries(levels) }
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
export function settingsOf({ early_stopping: _, ...spec }: TreesSpec): Partial<TreeSettings> {
  const camel = (name: string): string =>
    name.replace(/_([a-z\d])/g, (_, c: string) => c.toUpperCase())
  return Object.fromEntries(Object.entries(spec).map(([name, value]) => [camel(name), value]))
}

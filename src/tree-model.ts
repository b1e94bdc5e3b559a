/**
 * A model of trees: the terms of a ride as numbers and codes, the ensemble over them, and why it says
 * what it says. Knows nothing about training.
 */

import { messageOf, RidecastError } from './errors.ts'
import { type CategoricalTerm, compileFeatures, type Features } from './features.ts'
import type { Contribution, Importance, TreeModel, TreesDocument } from './model.ts'
import type { RideBatch } from './ride.ts'
import { TreeContributions } from './tree-contributions.ts'
import type { TreeEnsemble, TreeFeature } from './tree-ensemble.ts'
import { readXgboost, xgboostJson } from './xgboost-json.ts'

/** What trees see of terms: categories first, then numbers, in the order of the recipe. */
export function treeFeatures({ categorical, numeric }: Features): TreeFeature[] {
  return [
    ...categorical.map(({ name }): TreeFeature => ({ name, kind: 'category' })),
    ...numeric.map(({ name }): TreeFeature => ({ name, kind: 'number' })),
  ]
}

// Codes up to this are looked up in an array, others in a map.
const tableLimit = 2 ** 17

/** The codes of a categorical term as places among the levels that were in training. */
export class LevelPlaces {
  /** Texts of the levels by place. */
  readonly texts: readonly string[]
  private readonly term: CategoricalTerm
  private readonly table: Int32Array
  private readonly map: ReadonlyMap<number, number>

  /**
   * @param codes of the levels in training, ascending
   */
  constructor(term: CategoricalTerm, codes: ArrayLike<number>) {
    this.term = term
    const all = Array.from(codes)
    this.texts = all.map((code) => term.text(code))
    const highest = all.at(-1) ?? -1
    this.table = new Int32Array(highest < tableLimit ? highest + 1 : 0).fill(-1)
    this.map = new Map(highest < tableLimit ? [] : all.map((code, place) => [code, place]))
    if (highest < tableLimit) {
      all.forEach((code, place) => {
        this.table[code] = place
      })
    }
  }

  /** The place of the level of ride `i`; -1 where it is missing or was not in training. */
  of(rides: RideBatch, i: number): number {
    const code = this.term.code(rides, i)
    if (code < 0) return -1
    if (this.table.length > 0) return this.table[code] ?? -1
    return this.map.get(code) ?? -1
  }
}

function placesOf(term: CategoricalTerm, texts: readonly string[]): LevelPlaces {
  const codes = texts.map((text) => term.parse(text))
  const ascending = codes.every((code, k) => code > (k === 0 ? -1 : (codes[k - 1] as number)))
  if (ascending) return new LevelPlaces(term, codes)
  throw new RidecastError(
    'artifact_corrupt',
    `model.json has levels of ${term.name} that its recipe does not make, or not in order`,
  )
}

/**
 * The model of a document.
 *
 * @throws artifact_corrupt, artifact_format when the trees cannot be read, or do not fit the recipe
 */
export function treeModel(document: TreesDocument): TreeModel {
  const { recipe, taxi, kind, levels } = document
  const features = compileFeatures(recipe)
  const ensemble = readTrees(document.ensemble)
  checkFeatures(ensemble, treeFeatures(features), recipe.name)
  const { categorical, numeric } = features
  const places = categorical.map((term) => placesOf(term, levels[term.name] ?? []))
  const values = new Float64Array(categorical.length + numeric.length)

  function fill(rides: RideBatch, i: number, values: Float64Array): Float64Array {
    for (let k = 0; k < places.length; k++) values[k] = (places[k] as LevelPlaces).of(rides, i)
    for (let p = 0; p < numeric.length; p++) {
      values[places.length + p] = (numeric[p] as (typeof numeric)[number]).value(rides, i)
    }
    return values
  }

  const explainer = new TreeContributions(ensemble)

  return {
    kind,
    taxi,
    recipe,
    features,
    columns: ensemble.features.length,
    trees: ensemble.trees.length,
    intercept: explainer.intercept,
    intervals: undefined,
    predict: (rides, i) => ensemble.predict(fill(rides, i, values)),
    predictMany: (rides, at) =>
      ensemble.predictRows(at.length, (k, row) => fill(rides, at[k] as number, row)),
    explain(rides, i) {
      const minutes = new Float64Array(values.length)
      explainer.explain(fill(rides, i, values), minutes)
      return [
        ...categorical.map((term, k): Contribution => {
          const code = term.code(rides, i)
          const value = code < 0 ? null : term.text(code)
          const unseen = (values[k] as number) < 0
          return { term: term.name, value, minutes: minutes[k] as number, unseen }
        }),
        ...numeric.map(({ name }, p): Contribution => {
          const at = places.length + p
          const value = values[at] as number
          const missing = Number.isNaN(value)
          return {
            term: name,
            value: missing ? null : value,
            minutes: minutes[at] as number,
            unseen: missing,
          }
        }),
      ]
    },
    categories(rides, i) {
      return categorical.map((term, k): Contribution => {
        const code = term.code(rides, i)
        const unseen = (places[k] as LevelPlaces).of(rides, i) < 0
        return { term: term.name, value: code < 0 ? null : term.text(code), minutes: 0, unseen }
      })
    },
    importance: () => importanceOf(ensemble),
    xgboostJson: () => xgboostJson(ensemble),
    toJSON: () => document,
  }
}

function readTrees(document: unknown): TreeEnsemble {
  try {
    return readXgboost(document)
  } catch (error) {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json has trees that cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

function checkFeatures(
  { features }: TreeEnsemble,
  expected: readonly TreeFeature[],
  recipe: string,
): void {
  const spell = (all: readonly TreeFeature[]): string =>
    all.map(({ name, kind }) => `${kind} ${name}`).join(', ')
  if (spell(features) === spell(expected)) return
  throw new RidecastError(
    'artifact_corrupt',
    `model.json has trees over ${spell(features)}, and recipe ${recipe} makes ${spell(expected)}`,
  )
}

function importanceOf(ensemble: TreeEnsemble): Importance[] {
  const all = ensemble.importance()
  const total = all.reduce((sum, { gain }) => sum + gain, 0)
  return all
    .map(({ feature, splits, gain }): Importance => {
      return { term: feature, share: total > 0 ? gain / total : 0, splits }
    })
    .sort((a, b) => b.share - a.share)
}

/** A weighted sum of models that answers as one. Knows nothing about how the weights were found. */

import { RidecastError } from './errors.ts'
import { compileFeatures } from './features.ts'
import type { Contribution, EnsembleModel, Model } from './model.ts'
import { modelFormat } from './model-format.ts'
import { predictAt } from './predict-at.ts'
import type { Recipe } from './recipe-schema.ts'
import type { RideBatch } from './ride.ts'
import { settle } from './tree-contributions.ts'

/**
 * The model of weighted members.
 *
 * @throws artifact_corrupt when a weight is not a finite number from 0, or members do not fit the recipe
 */
export function ensembleModel(
  taxi: string,
  recipe: Recipe,
  members: readonly { readonly weight: number; readonly model: Model }[],
): EnsembleModel {
  const names = members.map(({ model }) => model.recipe.name).join(', ')
  const expected = (recipe.members ?? []).map(({ name }) => name).join(', ')
  if (names !== expected || !members.every(({ weight }) => weight >= 0 && weight < 1e6)) {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json has members ${names}, and recipe ${recipe.name} names ${expected}: expected these, with weights from 0`,
    )
  }
  const intercept = Math.fround(
    members.reduce((sum, { weight, model }) => sum + weight * model.intercept, 0),
  )

  function predict(rides: RideBatch, i: number): number {
    let minutes = 0
    for (const { weight, model } of members) minutes += weight * model.predict(rides, i)
    return Math.fround(minutes)
  }

  function predictMany(rides: RideBatch, at: Int32Array): Float32Array {
    const minutes = new Float64Array(at.length)
    for (const { weight, model } of members) {
      const said = predictAt(model, rides, at)
      for (let k = 0; k < at.length; k++) minutes[k]! += weight * (said[k] as number)
    }
    return Float32Array.from(minutes)
  }

  /** What the members say of their terms, term by term. */
  function together(say: (model: Model) => readonly Contribution[]): Contribution[] {
    const byTerm = new Map<string, Contribution>()
    for (const { weight, model } of members) {
      if (weight === 0) continue
      for (const part of say(model)) {
        const known = byTerm.get(part.term)
        byTerm.set(part.term, {
          term: part.term,
          value: known?.value ?? part.value,
          minutes: (known?.minutes ?? 0) + weight * part.minutes,
          // What one member knows is known.
          unseen: (known?.unseen ?? true) && part.unseen,
        })
      }
    }
    return [...byTerm.values()]
  }

  function explain(rides: RideBatch, i: number): Contribution[] {
    const parts = together((model) => model.explain(rides, i))
    const minutes = Float64Array.from(parts, (part) => part.minutes)
    settle(intercept, minutes, predict(rides, i))
    return parts.map((part, k) => ({ ...part, minutes: minutes[k] as number }))
  }

  return {
    kind: 'ensemble',
    taxi,
    recipe,
    features: compileFeatures(recipe),
    columns: members.reduce((sum, { model }) => sum + model.columns, 0),
    intercept,
    intervals: undefined,
    members,
    predict,
    predictMany,
    explain,
    categories: (rides, i) => together((model) => model.categories(rides, i)),
    toJSON: () => ({
      format_version: modelFormat,
      kind: 'ensemble',
      taxi,
      recipe,
      members: members.map(({ weight, model }) => ({ weight, model: model.toJSON() })),
    }),
  }
}

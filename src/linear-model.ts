/**
 * The linear model: intercept, one look-up per categorical term, one product per numeric term. Knows
 * nothing about training.
 */

import { RidecastError } from './errors.ts'
import { type CategoricalTerm, compileFeatures } from './features.ts'
import type { Contribution, Effect, LinearDocument, LinearModel } from './model.ts'
import type { RideBatch } from './ride.ts'

// Codes up to this are looked up in an array, others in a map.
const tableLimit = 2 ** 17

/** Coefficient of a code; NaN for one that was not in training. */
type Lookup = (code: number) => number

function lookupOf(entries: readonly [number, number][]): Lookup {
  const highest = entries.reduce((high, [code]) => Math.max(high, code), -1)
  if (highest >= tableLimit) {
    const map = new Map(entries)
    return (code) => map.get(code) ?? Number.NaN
  }
  const table = new Float64Array(highest + 1).fill(Number.NaN)
  for (const [code, value] of entries) table[code] = value
  return (code) => table[code] ?? Number.NaN
}

function isMadeBy(
  { term, level }: Effect,
  categories: ReadonlyMap<string, CategoricalTerm>,
  quantities: ReadonlySet<string>,
): boolean {
  const category = categories.get(term)
  if (category) return level !== undefined && category.parse(level) >= 0
  return level === undefined && quantities.has(term)
}

/**
 * A linear model: intercept, one look-up per categorical term, one product per numeric term.
 *
 * @throws artifact_corrupt when coefficients and feature names do not fit each other or the recipe
 */
export function linearModel(document: LinearDocument): LinearModel {
  const { recipe, intercept, coefficients, taxi } = document
  const features = compileFeatures(recipe)
  const { feature_names: names, separator } = document.vectorizer
  if (separator !== '=') {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json separates names from levels by ${JSON.stringify(separator)}: expected "="`,
    )
  }
  if (
    names.length !== coefficients.length ||
    ![intercept, ...coefficients].every(Number.isFinite)
  ) {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json has ${coefficients.length} coefficients for ${names.length} features: expected one finite number each`,
    )
  }
  const effects = names.map((feature, column): Effect => {
    const at = feature.indexOf('=')
    const minutes = coefficients[column] as number
    if (at < 0) return { feature, term: feature, minutes }
    return { feature, term: feature.slice(0, at), level: feature.slice(at + 1), minutes }
  })
  const { categorical, numeric } = features
  const known = new Map(categorical.map((term) => [term.name, term]))
  const quantities = new Set(numeric.map(({ name }) => name))
  const stranger = effects.find((effect) => !isMadeBy(effect, known, quantities))
  if (stranger) {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json has the feature ${stranger.feature}, which no term of its recipe makes`,
    )
  }
  const byTerm = new Map<string, Effect[]>()
  for (const effect of effects) {
    const group = byTerm.get(effect.term)
    if (group) group.push(effect)
    else byTerm.set(effect.term, [effect])
  }
  const lookups = categorical.map((term) => {
    const entries = (byTerm.get(term.name) ?? []).map(({ level, minutes }): [number, number] => {
      return [term.parse(level ?? ''), minutes]
    })
    return lookupOf(entries)
  })
  const slopes = Float64Array.from(numeric, ({ name }) => byTerm.get(name)?.[0]?.minutes ?? 0)
  const terms = categorical.length + numeric.length

  /** What term `t` adds; NaN for a category that was not in training, which adds nothing. */
  function added(t: number, rides: RideBatch, i: number): number {
    const term = categorical[t]
    if (term) {
      const code = term.code(rides, i)
      return code < 0 ? 0 : (lookups[t] as Lookup)(code)
    }
    const p = t - categorical.length
    const value = (numeric[p] as (typeof numeric)[number]).value(rides, i)
    return Number.isNaN(value) ? 0 : value * (slopes[p] as number)
  }

  function contribution(t: number, rides: RideBatch, i: number): number {
    const minutes = added(t, rides, i)
    return Number.isNaN(minutes) ? 0 : minutes
  }

  function categories(rides: RideBatch, i: number): Contribution[] {
    return categorical.map((term, t) => {
      const code = term.code(rides, i)
      const unseen = Number.isNaN((lookups[t] as Lookup)(code))
      return { term: term.name, value: code < 0 ? null : term.text(code), minutes: 0, unseen }
    })
  }

  return {
    kind: 'linear',
    taxi,
    recipe,
    features,
    columns: names.length,
    intercept,
    intervals: undefined,
    terms,
    contribution,
    // Every answer of a server comes by here: one look at each category, not two.
    predictSeen(rides, i) {
      let minutes = intercept
      for (let t = 0; t < terms; t++) minutes += added(t, rides, i)
      return minutes
    },
    predict(rides, i) {
      let minutes = intercept
      for (let t = 0; t < terms; t++) minutes += contribution(t, rides, i)
      return minutes
    },
    categories,
    explain(rides, i) {
      const quantities = numeric.map((term): Contribution => {
        const value = term.value(rides, i)
        const unseen = Number.isNaN(value)
        return { term: term.name, value: unseen ? null : value, minutes: 0, unseen }
      })
      return [...categories(rides, i), ...quantities].map((part, t) => {
        return { ...part, minutes: contribution(t, rides, i) }
      })
    },
    effects: () => effects,
    toJSON: () => document,
  }
}

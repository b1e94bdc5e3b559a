/**
 * A model: from a ride to minutes, and why. Knows nothing about HTTP, files or training.
 */

import { z } from 'zod'
import { messageOf, RidecastError } from './errors.ts'
import { type CategoricalTerm, compileFeatures, type Features } from './features.ts'
import { checkRecipe, type Recipe } from './recipe.ts'
import { areTaxis, type RideBatch } from './ride.ts'
import { DictVectorizer } from './vectorizer.ts'

/** What one term adds to a prediction. */
export interface Contribution {
  /** Name of the term. */
  readonly term: string
  /** The level of a category or the value of a quantity; null where it is missing. */
  readonly value: string | number | null
  /** Minutes added. */
  readonly minutes: number
  /** True for a category that was not in training, or a missing value: it adds nothing. */
  readonly unseen: boolean
}

/** One coefficient of a model. */
export interface Effect {
  /** Feature name as the vectorizer has it, `PULocationID=43`. */
  readonly feature: string
  /** Name of the term. */
  readonly term: string
  /** The level, absent for a numeric term. */
  readonly level?: string
  /** Minutes, or minutes per unit for a numeric term. */
  readonly minutes: number
}

/** What every kind of model can do. */
export interface Model {
  readonly kind: string
  /** The recipe it was made by. */
  readonly recipe: Recipe
  readonly features: Features
  /** Number of columns of the vectorizer. */
  readonly columns: number
  /** Minutes that every prediction starts from. */
  readonly intercept: number
  /** Number of terms, in the order of {@link contribution}. */
  readonly terms: number
  /** Minutes for ride `i`. Allocates nothing. Unseen categories and missing values add nothing. */
  predict(rides: RideBatch, i: number): number
  /** Minutes that term `t` adds for ride `i`: the intercept and these, added in order, are the prediction. */
  contribution(t: number, rides: RideBatch, i: number): number
  /** Why: contributions that add up to the prediction exactly when added in order to the intercept. */
  explain(rides: RideBatch, i: number): Contribution[]
  /** All coefficients, in the order of the vectorizer. */
  effects(): Effect[]
  /** The document that {@link loadModel} reads. */
  toJSON(): ModelDocument
}

/** The version of the format of `model.json`. */
export const modelFormat = 1

const documentSchema = z.object({
  format_version: z.literal(modelFormat),
  kind: z.literal('linear'),
  taxi: z.string().refine((text) => areTaxis(text), 'expected fleets, with commas'),
  recipe: z.unknown(),
  intercept: z.number(),
  vectorizer: z.unknown(),
  coefficients: z.array(z.number()),
})

/** The shape of `model.json`: the vectorizer and the model, which must never part. */
export interface ModelDocument {
  readonly format_version: typeof modelFormat
  readonly kind: 'linear'
  /** The fleet, or several with commas, as `green,yellow`. */
  readonly taxi: string
  readonly recipe: Recipe
  readonly intercept: number
  readonly vectorizer: ReturnType<DictVectorizer['toJSON']>
  /** By column of the vectorizer. */
  readonly coefficients: readonly number[]
}

/**
 * A model from its document.
 *
 * @param document the parsed `model.json`
 * @throws artifact_corrupt when the document does not have the shape, or its parts do not fit
 */
export function loadModel(document: unknown): Model {
  const parsed = documentSchema.safeParse(document)
  if (!parsed.success) {
    const fault = parsed.error.issues[0]
    throw new RidecastError(
      'artifact_corrupt',
      `model.json does not have the expected shape: ${fault?.path.join('.')}: ${fault?.message}`,
    )
  }
  const { taxi, intercept, coefficients } = parsed.data
  let recipe: Recipe
  let vectorizer: DictVectorizer
  try {
    recipe = checkRecipe(parsed.data.recipe, 'of the model')
    compileFeatures(recipe)
    vectorizer = DictVectorizer.fromJSON(parsed.data.vectorizer)
  } catch (error) {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json has a part that cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  }
  return linearModel({
    format_version: modelFormat,
    kind: 'linear',
    taxi,
    recipe,
    intercept,
    vectorizer: vectorizer.toJSON(),
    coefficients,
  })
}

// Codes up to this are looked up in an array, others in a map.
const tableLimit = 2 ** 17

/** Coefficient by code: unseen codes have none. */
interface Lookup {
  get(code: number): number | undefined
}

function lookupOf(entries: readonly [number, number][]): Lookup {
  const highest = entries.reduce((high, [code]) => Math.max(high, code), -1)
  if (highest >= tableLimit) return new Map(entries)
  const table = new Float64Array(highest + 1).fill(Number.NaN)
  for (const [code, value] of entries) table[code] = value
  return {
    get(code) {
      const value = table[code]
      return value === undefined || Number.isNaN(value) ? undefined : value
    },
  }
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
export function linearModel(document: ModelDocument): Model {
  const { recipe, intercept, coefficients } = document
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
  const categories = new Map(categorical.map((term) => [term.name, term]))
  const quantities = new Set(numeric.map(({ name }) => name))
  const stranger = effects.find((effect) => !isMadeBy(effect, categories, quantities))
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

  function contribution(t: number, rides: RideBatch, i: number): number {
    const term = categorical[t]
    if (term) {
      const code = term.code(rides, i)
      return code < 0 ? 0 : ((lookups[t] as Lookup).get(code) ?? 0)
    }
    const p = t - categorical.length
    const value = (numeric[p] as (typeof numeric)[number]).value(rides, i)
    return Number.isNaN(value) ? 0 : value * (slopes[p] as number)
  }

  return {
    kind: 'linear',
    recipe,
    features,
    columns: names.length,
    intercept,
    terms,
    contribution,
    predict(rides, i) {
      let minutes = intercept
      for (let t = 0; t < terms; t++) minutes += contribution(t, rides, i)
      return minutes
    },
    explain(rides, i) {
      return [...categorical, ...numeric].map((term, t): Contribution => {
        const minutes = contribution(t, rides, i)
        if ('code' in term) {
          const code = term.code(rides, i)
          const unseen = code < 0 || (lookups[t] as Lookup).get(code) === undefined
          return { term: term.name, value: code < 0 ? null : term.text(code), minutes, unseen }
        }
        const value = term.value(rides, i)
        const missing = Number.isNaN(value)
        return { term: term.name, value: missing ? null : value, minutes, unseen: missing }
      })
    },
    effects: () => effects,
    toJSON: () => document,
  }
}

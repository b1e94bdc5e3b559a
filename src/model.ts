/**
 * What every kind of model can do, from a ride to minutes and why, and the documents that models are
 * kept as. Knows nothing about HTTP, files or training.
 */

import { z } from 'zod'
import { ensembleModel } from './ensemble-model.ts'
import { messageOf, RidecastError } from './errors.ts'
import { compileFeatures, type Features } from './features.ts'
import { type Intervals, intervalsSchema } from './intervals.ts'
import { linearModel } from './linear-model.ts'
import { modelFormat } from './model-format.ts'
import { checkRecipe } from './recipe.ts'
import type { Recipe } from './recipe-schema.ts'
import { areTaxis, type RideBatch } from './ride.ts'
import { treeModel } from './tree-model.ts'
import { DictVectorizer } from './vectorizer.ts'

/** What one term adds to a prediction. */
export interface Contribution {
  /** Name of the term. */
  readonly term: string
  /** The level of a category or the value of a quantity; null where it is missing. */
  readonly value: string | number | null
  /** Minutes added. */
  readonly minutes: number
  /** True for a category that was not in training, or a missing value. */
  readonly unseen: boolean
}

/** One coefficient of a linear model. */
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

/** How much a model makes of a term. */
export interface Importance {
  /** Name of the term. */
  readonly term: string
  /** Share of what all terms lower the squared error of the training rides by, 0 to 1. */
  readonly share: number
  /** Number of splits. */
  readonly splits: number
}

/** What every kind of model can do. */
export interface BaseModel {
  /** The fleet, or several with commas. */
  readonly taxi: string
  /** The recipe it was made by. */
  readonly recipe: Recipe
  /** Its terms; an ensemble has none of its own, but the inputs of all its members. */
  readonly features: Features
  /** Number of columns: of the vectorizer, or features of trees; of an ensemble those of all members. */
  readonly columns: number
  /** Minutes that every explanation starts from. */
  readonly intercept: number
  /** How far off it was on rides it had not seen; undefined where nobody asked. */
  readonly intervals: Intervals | undefined
  /** Minutes for ride `i`. */
  predict(rides: RideBatch, i: number): number
  /**
   * Minutes for the rides at some positions, the same to the bit; undefined where it would take as long
   * as one by one. Asked by `predictAt`.
   */
  predictMany?(rides: RideBatch, at: Int32Array): Float32Array
  /** Why: contributions that add up to the prediction exactly when added in order to the intercept. */
  explain(rides: RideBatch, i: number): Contribution[]
  /** The categories of ride `i` as contributions without minutes: cheaper than {@link explain}. */
  categories(rides: RideBatch, i: number): Contribution[]
  /** The document that {@link loadModel} reads. */
  toJSON(): ModelDocument
}

/** A model that is a sum over its terms. Unseen categories and missing values add nothing. */
export interface LinearModel extends BaseModel {
  readonly kind: 'linear'
  /** Number of terms, in the order of {@link contribution}. */
  readonly terms: number
  /** Minutes that term `t` adds for ride `i`: the intercept and these, added in order, are the prediction. */
  contribution(t: number, rides: RideBatch, i: number): number
  /** As {@link predict}, to the bit; NaN where ride `i` has a category at a level that was not in training. */
  predictSeen(rides: RideBatch, i: number): number
  /** All coefficients, in the order of the vectorizer. */
  effects(): Effect[]
  toJSON(): LinearDocument
}

/** Boosted trees or a forest. */
export interface TreeModel extends BaseModel {
  readonly kind: 'trees' | 'forest'
  /** Number of trees. */
  readonly trees: number
  /** What its terms did in training, the most telling first. */
  importance(): Importance[]
  /** The trees as XGBoost's model file. */
  xgboostJson(): string
  toJSON(): TreesDocument
}

/** A weighted sum of models. */
export interface EnsembleModel extends BaseModel {
  readonly kind: 'ensemble'
  readonly members: readonly { readonly weight: number; readonly model: Model }[]
  toJSON(): EnsembleDocument
}

/** A model of any kind. */
export type Model = LinearModel | TreeModel | EnsembleModel

interface BaseDocument {
  readonly format_version: typeof modelFormat
  /** The fleet, or several with commas, as `green,yellow`. */
  readonly taxi: string
  readonly recipe: Recipe
  /** Errors on the validation rides, of recipes with `intervals: true`. */
  readonly intervals?: Intervals
}

/** The shape of `model.json`: the vectorizer and the model, which must never part. */
export interface LinearDocument extends BaseDocument {
  readonly kind: 'linear'
  readonly intercept: number
  readonly vectorizer: ReturnType<DictVectorizer['toJSON']>
  /** By column of the vectorizer. */
  readonly coefficients: readonly number[]
}

/** Trees with the levels that their codes stand for. */
export interface TreesDocument extends BaseDocument {
  readonly kind: 'trees' | 'forest'
  /** By name of a categorical term: the text of each code, from 0. */
  readonly levels: Readonly<Record<string, readonly string[]>>
  /** In XGBoost's JSON format. */
  readonly ensemble: unknown
}

/** Models that are added up. */
export interface EnsembleDocument extends BaseDocument {
  readonly kind: 'ensemble'
  readonly members: readonly { readonly weight: number; readonly model: ModelDocument }[]
}

/** The shape of `model.json` for a model of any kind. */
export type ModelDocument = LinearDocument | TreesDocument | EnsembleDocument

const base = {
  format_version: z.literal(modelFormat),
  taxi: z.string().refine((text) => areTaxis(text), 'expected fleets, with commas'),
  recipe: z.unknown(),
  intervals: intervalsSchema.optional(),
}

const documentSchema = z.discriminatedUnion('kind', [
  z.object({
    ...base,
    kind: z.literal('linear'),
    intercept: z.number(),
    vectorizer: z.unknown(),
    coefficients: z.array(z.number()),
  }),
  z.object({
    ...base,
    kind: z.enum(['trees', 'forest']),
    levels: z.record(z.string(), z.array(z.string())),
    ensemble: z.unknown(),
  }),
  z.object({
    ...base,
    kind: z.literal('ensemble'),
    members: z.array(z.object({ weight: z.number(), model: z.unknown() })).min(1),
  }),
])

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
  const { data } = parsed
  const recipe = readable(() => {
    const checked = checkRecipe(data.recipe, 'of the model')
    compileFeatures(checked)
    return checked
  })
  const loaded = modelOf(data, recipe)
  return data.intervals ? withIntervals(loaded, data.intervals) : loaded
}

/** The same model, with errors on rides it had not seen. */
export function withIntervals(model: Model, intervals: Intervals): Model {
  return { ...model, intervals, toJSON: () => ({ ...model.toJSON(), intervals }) } as Model
}

function modelOf(data: z.output<typeof documentSchema>, recipe: Recipe): Model {
  if (data.kind === 'ensemble') {
    const members = data.members.map(({ weight, model }) => ({ weight, model: loadModel(model) }))
    return ensembleModel(data.taxi, recipe, members)
  }
  const { kind, taxi } = data
  // In the order in which they are written: the same model is the same bytes.
  if (kind !== 'linear') {
    const { levels, ensemble } = data
    return treeModel({ format_version: modelFormat, kind, taxi, recipe, levels, ensemble })
  }
  const { intercept, coefficients } = data
  const vectorizer = readable(() => DictVectorizer.fromJSON(data.vectorizer)).toJSON()
  const format_version = modelFormat
  return linearModel({ format_version, kind, taxi, recipe, intercept, vectorizer, coefficients })
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new RidecastError(
      'artifact_corrupt',
      `model.json has a part that cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

/**
 * The shape of a recipe: what may be named, and how. Knows nothing about what a whole recipe must not
 * be, or what the names compute.
 */

import { z } from 'zod'
import { type MeasureName, measureNames } from './measures.ts'
import { type ColumnName, columnNames } from './ride.ts'

const nameSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'a name has letters, digits and _, at most 64')
const column = z.enum(columnNames as [ColumnName, ...ColumnName[]])
const measure = z.enum(measureNames as [MeasureName, ...MeasureName[]])
const finite = z.number().refine(Number.isFinite, 'expected a finite number')
const ascending = (values: readonly number[]): boolean =>
  values.every((value, i) => i === 0 || value > (values[i - 1] as number))
const range = z.tuple([finite, finite]).refine(ascending, 'expected [low, high] with low < high')

const bin = z.strictObject({
  name: nameSchema.optional(),
  bin: measure,
  edges: z.array(finite).min(1).max(1000).refine(ascending, 'edges must ascend'),
  /** A missing value is a level of its own; else a ride without it is not trained on. */
  or_missing: z.literal(true).optional(),
})

/** A category whose missing value is a level of its own. */
const category = z.strictObject({
  name: nameSchema.optional(),
  category: nameSchema,
  or_missing: z.literal(true),
})

const product = z.strictObject({
  name: nameSchema.optional(),
  product: z
    .array(z.union([nameSchema, bin, category]))
    .min(2)
    .max(4),
})

const step = z.union([
  z.enum(['log1p', 'sqrt', 'is_zero']),
  z.strictObject({ clip: range }),
  z.strictObject({ hinge: finite }),
  z.strictObject({ between: range }),
  z.strictObject({ is_between: range }),
])

const numeric = z.strictObject({
  name: nameSchema.optional(),
  of: measure,
  steps: z.array(step).max(8).default([]),
})

const filter = z
  .strictObject({
    column,
    above: finite.optional(),
    at_least: finite.optional(),
    below: finite.optional(),
    at_most: finite.optional(),
  })
  .refine(
    (f) => Object.keys(f).length > 1,
    'expected at least one of above, at_least, below, at_most',
  )
  .refine(
    (f) => !(f.above !== undefined && f.at_least !== undefined),
    'above and at_least exclude each other',
  )
  .refine(
    (f) => !(f.below !== undefined && f.at_most !== undefined),
    'below and at_most exclude each other',
  )

const whole = (least: number, most: number) => z.int().min(least).max(most)
const share = z.number().gt(0).max(1)

/** Settings of trees; what is not given is as LightGBM has it. */
const trees = z.strictObject({
  rounds: whole(1, 100_000).optional(),
  leaves: whole(2, 4096).optional(),
  depth: whole(1, 64).optional(),
  learning_rate: finite.positive().max(10).optional(),
  min_rows: whole(1, 2 ** 31).optional(),
  min_hessian: finite.nonnegative().optional(),
  l1: finite.nonnegative().optional(),
  l2: finite.nonnegative().optional(),
  min_gain: finite.nonnegative().optional(),
  row_fraction: share.optional(),
  feature_fraction: share.optional(),
  seed: whole(0, 2 ** 32 - 1).optional(),
  /**
   * Rounds without a lower error on the last fifth of the training rides by pickup after which no more
   * follow; as many as were best there are then grown on all of them. Default: all rounds are grown.
   */
  early_stopping: whole(1, 100_000).optional(),
  bins: whole(2, 255).optional(),
  category_smoothing: finite.nonnegative().optional(),
  category_l2: finite.nonnegative().optional(),
  max_categories: whole(1, 65_535).optional(),
  min_category_rows: whole(1, 2 ** 31).optional(),
  /** By name of a numeric term: 1 where minutes may not fall as it grows, -1 the other way. */
  monotone: z.record(nameSchema, z.union([z.literal(1), z.literal(-1)])).optional(),
})

/** A recipe, members not looked into. */
export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name has letters, digits, _ and -, at most 64'),
  description: z.string().default(''),
  target: z
    .strictObject({
      column: z.literal('duration').default('duration'),
      min: finite.default(1),
      max: finite.default(60),
    })
    .default({ column: 'duration', min: 1, max: 60 })
    .refine((target) => target.min < target.max, 'target.min must be below target.max'),
  filters: z.array(filter).default([]),
  split: z.strictObject({ first_rows: z.int().positive() }).nullable().default(null),
  /** Bins and categories that products name, and that are no terms themselves. */
  factors: z.array(z.union([bin, category])).optional(),
  categorical: z.array(z.union([nameSchema, bin, category, product])).default([]),
  numeric: z.array(z.union([measure, numeric])).default([]),
  model: z.enum(['linear', 'trees', 'forest', 'ensemble']).default('linear'),
  l2: finite.nonnegative().default(0),
  /** Draws coefficients to 0 and leaves many there; with `l2` an elastic net. */
  l1: finite.nonnegative().optional(),
  /** How trees are grown. */
  trees: trees.optional(),
  /** What an ensemble is made of: recipes, or names of shipped ones. */
  members: z.array(z.unknown()).min(2).max(8).optional(),
  /** Whether the residuals of the validation rides are kept, for intervals around predictions. */
  intervals: z.boolean().optional(),
  allow_leakage: z.boolean().default(false),
})

/** A recipe as it is checked and stored: every default filled in. */
export type Recipe = Omit<z.output<typeof recipeSchema>, 'members'> & {
  /** What an ensemble is made of. */
  readonly members?: readonly Recipe[]
}
/** Settings of trees as a recipe states them. */
export type TreesSpec = z.output<typeof trees>
/** A categorical term as a recipe states it. */
export type CategoricalSpec = Recipe['categorical'][number]
/** Bins of a numeric column: `edges` ascending, a value belongs to the last edge at or below it. */
export type BinSpec = z.output<typeof bin>
/** A category whose missing value is a level of its own. */
export type CategorySpec = z.output<typeof category>
/** A numeric term as a recipe states it. */
export type NumericSpec = Recipe['numeric'][number]
/** One step of a transform, applied left to right. */
export type Step = z.output<typeof step>
/** A row filter; a missing value does not pass. */
export type Filter = z.output<typeof filter>

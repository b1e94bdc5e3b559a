/**
 * A recipe: what to train, as data. Reads YAML, checks it, applies overrides.
 * Knows what may be named; what the names compute is in `features.ts`.
 */

import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { messageOf, RidecastError } from './errors.ts'
import { type MeasureName, measureNames, measureOf } from './measures.ts'
import {
  type ColumnName,
  columnNames,
  type InputName,
  rideColumns,
  type ZoneName,
  zoneNames,
} from './ride.ts'

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

const recipeSchema = z.strictObject({
  name: nameSchema,
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
  categorical: z.array(z.union([nameSchema, bin, category, product])).default([]),
  numeric: z.array(z.union([measure, numeric])).default([]),
  model: z.literal('linear').default('linear'),
  l2: finite.nonnegative().default(0),
  /** Draws coefficients to 0 and leaves many there; with `l2` an elastic net. See {@link penaltyText}. */
  l1: finite.nonnegative().optional(),
  allow_leakage: z.boolean().default(false),
})

/** A recipe as it is checked and stored: every default filled in. */
export type Recipe = z.output<typeof recipeSchema>
/** The penalty of a recipe in words: `l2` as it stands on the diagonal of X'X, `l1` for each ride. */
export function penaltyText({ l1 = 0, l2 }: Pick<Recipe, 'l1' | 'l2'>): string {
  if (l1 > 0) return l2 > 0 ? `elastic net, l1 ${l1}, l2 ${l2}` : `lasso ${l1}`
  return l2 > 0 ? `ridge ${l2}` : 'least squares'
}

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

function invalid(label: string, error: z.ZodError): RidecastError {
  const faults = error.issues.flatMap(flatten).map(({ path, message }) => {
    return `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`
  })
  const [first, ...rest] = [...new Set(faults)]
  const more = rest.length > 0 ? `; ${rest.join('; ')}` : ''
  return new RidecastError('recipe_invalid', `recipe ${label} is not valid: ${first}${more}`, {
    cause: error,
  })
}

// A union reports every branch; the branch with the least to mend is the one the author meant.
function flatten(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string }[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
    return [{ path: issue.path, message: issue.message }]
  }
  const cost = (fault: z.core.$ZodIssue): number => {
    if (fault.code === 'unrecognized_keys') return fault.keys.length
    // Another kind of value altogether: text where this branch wants a mapping.
    const another = fault.path.length === 0 && /^invalid_(type|value)$/.test(fault.code)
    return another ? 100 : 1
  }
  const costs = (branch: z.core.$ZodIssue[]): number => branch.reduce((sum, f) => sum + cost(f), 0)
  const best = [...issue.errors].sort((a, b) => costs(a) - costs(b))[0] ?? []
  return best.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }))
}

/**
 * Checks a recipe that is already an object.
 *
 * @param value anything
 * @param label how errors call it, a name or a path
 * @throws recipe_invalid with every fault, recipe_leakage when it uses what is known only after
 *   the ride and does not say `allow_leakage: true`
 */
export function checkRecipe(value: unknown, label: string): Recipe {
  const result = recipeSchema.safeParse(value)
  if (!result.success) throw invalid(label, result.error)
  const recipe = result.data
  if (recipe.categorical.length + recipe.numeric.length === 0) {
    throw new RidecastError(
      'recipe_invalid',
      `recipe ${label} has no terms: name at least one under categorical or numeric`,
    )
  }
  const leaking = recipeColumns(recipe).filter((name) => rideColumns[name].afterRide)
  if (leaking.length > 0 && !recipe.allow_leakage) {
    throw new RidecastError(
      'recipe_leakage',
      `recipe ${label} uses ${leaking.join(', ')}, known only after the ride: drop them, or say allow_leakage: true to train a model that cannot be asked beforehand`,
    )
  }
  return recipe
}

/** The trip file columns that a recipe's terms and filters name. */
export function recipeColumns(recipe: Recipe): ColumnName[] {
  const found = new Set<ColumnName>()
  const take = (inputs: readonly InputName[]): void => {
    for (const input of inputs) if (input !== 'pickup_datetime') found.add(input)
  }
  const visit = (spec: string | BinSpec | CategorySpec): void => {
    if (typeof spec === 'object' && 'bin' in spec) {
      take(measureOf(spec.bin).inputs)
      return
    }
    const name = typeof spec === 'string' ? spec : spec.category
    if (Object.hasOwn(rideColumns, name)) found.add(name as ColumnName)
    if (Object.hasOwn(zoneNames, name)) found.add(zoneNames[name as ZoneName].column)
  }
  for (const spec of recipe.categorical) {
    if (typeof spec === 'object' && 'product' in spec) spec.product.forEach(visit)
    else visit(spec)
  }
  for (const spec of recipe.numeric)
    take(measureOf(typeof spec === 'string' ? spec : spec.of).inputs)
  for (const { column } of recipe.filters) found.add(column)
  return [...found]
}

/**
 * Reads a recipe from YAML text and applies `key=value` overrides to it.
 *
 * @param text YAML
 * @param label how errors call it
 * @param overrides `path.to.key=value`, the value in YAML, list positions as numbers
 * @throws recipe_invalid, recipe_leakage
 */
export function parseRecipe(
  text: string,
  label: string,
  overrides: readonly string[] = [],
): Recipe {
  let value: unknown
  try {
    value = parse(text, yamlOptions)
  } catch (error) {
    throw new RidecastError('recipe_invalid', `recipe ${label} is not YAML: ${yamlFault(error)}`, {
      cause: error,
    })
  }
  for (const override of overrides) value = applyOverride(value, override, label)
  return checkRecipe(value, label)
}

// Aliases are off: a few lines of them can expand into gigabytes. Warnings would go to the
// process, past whoever reads this recipe.
const yamlOptions = { maxAliasCount: 0, logLevel: 'error' } as const

/** What and where, without the drawing of the place below it. */
function yamlFault(error: unknown): string {
  return (messageOf(error).split('\n')[0] as string).replace(/:$/, '')
}

function applyOverride(value: unknown, override: string, label: string): unknown {
  const at = override.indexOf('=')
  if (at < 1) {
    throw new RidecastError(
      'usage_invalid',
      `override "${override}" is not key=value, for example l2=5 or target.max=90`,
    )
  }
  const keys = override.slice(0, at).split('.')
  let leaf: unknown
  try {
    leaf = parse(override.slice(at + 1), yamlOptions)
  } catch (error) {
    throw new RidecastError(
      'usage_invalid',
      `override "${override}" has a value that is not YAML: ${yamlFault(error)}`,
      { cause: error },
    )
  }
  const put = (node: unknown, depth: number): unknown => {
    const key = keys[depth]
    if (key === undefined) return leaf
    if (Array.isArray(node)) {
      const index = /^\d+$/.test(key) ? Number(key) : Number.NaN
      if (!(index <= node.length)) {
        throw new RidecastError(
          'usage_invalid',
          `override "${override}" needs a position from 0 to ${node.length} where it says "${key}" in recipe ${label}`,
        )
      }
      return [...node.slice(0, index), put(node[index], depth + 1), ...node.slice(index + 1)]
    }
    const entries = node !== null && typeof node === 'object' ? Object.entries(node) : []
    const child = entries.find(([name]) => name === key)?.[1]
    return Object.fromEntries([
      ...entries.filter(([name]) => name !== key),
      [key, put(child, depth + 1)],
    ])
  }
  return put(value, 0)
}

/** A recipe as YAML that {@link parseRecipe} reads, every default spelled out. */
export function formatRecipe(recipe: Recipe): string {
  return stringify(recipe, { lineWidth: 100, aliasDuplicateObjects: false })
}

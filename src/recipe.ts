/**
 * A recipe: what to train, as data. Reads YAML, checks it, applies overrides.
 * Knows what may be named; what the names compute is in `features.ts`.
 */

import { stringify } from 'yaml'
import type { z } from 'zod'
import { messageOf, RidecastError } from './errors.ts'
import { measureOf } from './measures.ts'
import { type BinSpec, type CategorySpec, type Recipe, recipeSchema } from './recipe-schema.ts'
import { type ColumnName, type InputName, rideColumns, type ZoneName, zoneNames } from './ride.ts'
import { parseYaml } from './yaml-text.ts'

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
 * @param memberOf finds the recipe of a member that is given by name
 * @throws recipe_invalid with every fault, recipe_leakage when it uses what is known only after
 *   the ride and does not say `allow_leakage: true`
 */
export function checkRecipe(
  value: unknown,
  label: string,
  memberOf: (name: string) => Recipe = unknownMember,
): Recipe {
  const result = recipeSchema.safeParse(value)
  if (!result.success) throw invalid(label, result.error)
  const { members: given, ...rest } = result.data
  const members = given?.map((member, k) =>
    typeof member === 'string'
      ? memberOf(member)
      : checkRecipe(member, `${label}, member ${k + 1}`),
  )
  const recipe: Recipe = members ? { ...rest, members } : rest
  checkKind(recipe, label)
  if (recipe.model !== 'ensemble' && recipe.categorical.length + recipe.numeric.length === 0) {
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

function unknownMember(name: string): Recipe {
  throw new RidecastError(
    'recipe_invalid',
    `member ${name} is a name: expected a recipe where no others are at hand`,
  )
}

/** Refuses what does not belong to the kind of model. */
function checkKind(recipe: Recipe, label: string): void {
  const { model, members, trees, l1 = 0, l2, categorical, numeric, split } = recipe
  const refuse = (why: string): never => {
    throw new RidecastError('recipe_invalid', `recipe ${label} ${why}`)
  }
  const grown = model === 'trees' || model === 'forest'
  if (trees && !grown) refuse(`has settings of trees, and model ${model}: say model: trees`)
  if (model === 'forest' && trees?.early_stopping) {
    refuse('has early_stopping, and model forest: its trees do not mend what earlier ones left')
  }
  if (model !== 'linear' && l1 + l2 > 0) {
    refuse(`has l1 or l2 of a linear model, and model ${model}: put those of trees under trees`)
  }
  if ((model === 'ensemble') !== (members !== undefined)) {
    refuse(`has model ${model}: an ensemble, and nothing else, has members`)
  }
  if (!members) return
  if (categorical.length + numeric.length > 0) refuse('is an ensemble: terms belong to its members')
  const same = ({ target, filters }: Recipe): string => JSON.stringify([target, filters])
  const other = members.find((member) => same(member) !== same(recipe))
  if (other)
    refuse(`has member ${other.name} of another target or other filters: expected the same`)
  const odd = members.find((member) => member.model === 'ensemble' || member.split !== null)
  if (odd || split)
    refuse('is an ensemble: it and its members have no split, and no member has members')
  const names = members.map(({ name }) => name)
  const twice = names.find((name, k) => names.indexOf(name) !== k)
  if (twice !== undefined) refuse(`has member ${twice} twice: give one another name`)
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
  for (const spec of recipe.factors ?? []) visit(spec)
  for (const spec of recipe.categorical) {
    if (typeof spec === 'object' && 'product' in spec) spec.product.forEach(visit)
    else visit(spec)
  }
  for (const spec of recipe.numeric)
    take(measureOf(typeof spec === 'string' ? spec : spec.of).inputs)
  for (const { column } of recipe.filters) found.add(column)
  for (const member of recipe.members ?? [])
    for (const name of recipeColumns(member)) found.add(name)
  return [...found]
}

/**
 * Reads a recipe from YAML text and applies `key=value` overrides to it.
 *
 * @param text YAML
 * @param label how errors call it
 * @param overrides `path.to.key=value`, the value in YAML, list positions as numbers
 * @param memberOf finds the recipe of a member that is given by name
 * @throws recipe_invalid, recipe_leakage
 */
export function parseRecipe(
  text: string,
  label: string,
  overrides: readonly string[] = [],
  memberOf?: (name: string) => Recipe,
): Recipe {
  let value: unknown
  try {
    value = parseYaml(text)
  } catch (error) {
    throw new RidecastError('recipe_invalid', `recipe ${label} is not YAML: ${yamlFault(error)}`, {
      cause: error,
    })
  }
  for (const override of overrides) value = applyOverride(value, override, label)
  return checkRecipe(value, label, memberOf)
}

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
    leaf = parseYaml(override.slice(at + 1))
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

/** The penalty of a recipe in words: `l2` as it stands on the diagonal of X'X, `l1` for each ride. */
export function penaltyText({ l1 = 0, l2 }: Pick<Recipe, 'l1' | 'l2'>): string {
  if (l1 > 0) return l2 > 0 ? `elastic net, l1 ${l1}, l2 ${l2}` : `lasso ${l1}`
  return l2 > 0 ? `ridge ${l2}` : 'least squares'
}

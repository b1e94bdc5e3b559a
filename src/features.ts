/**
 * From a ride to named features: the only definition, used by training and serving alike.
 * A categorical term gives each ride one level, as an integer code; a numeric term one value.
 * Knows nothing about files, sums or models.
 */

import {
  type Atom,
  type AtomSpec,
  atomOf,
  binAtom,
  joinCode,
  namedAtom,
  splitCode,
} from './atoms.ts'
import { RidecastError } from './errors.ts'
import { isColumn, type MeasureName, measureOf } from './measures.ts'
import type {
  BinSpec,
  CategoricalSpec,
  CategorySpec,
  NumericSpec,
  Recipe,
  Step,
} from './recipe-schema.ts'
import { type InputName, type RideBatch, rideColumns } from './ride.ts'
import type { FeatureRow } from './vectorizer.ts'

/** Fixed-point units in 1 of a transformed value: two maths libraries differ in the last bit, not here. */
export const transformScale = 2 ** 20

/** A categorical term as data: a name and the atoms whose product it is. */
export interface CategoricalTermSpec {
  readonly name: string
  readonly atoms: readonly AtomSpec[]
  /** Rides are counted by level, nothing is summed: distributions need no more. */
  readonly counted?: true
}

/** A numeric term as data: a column and the steps applied to it, left to right. */
export interface NumericTermSpec {
  readonly name: string
  readonly of: MeasureName
  readonly steps: readonly Step[]
}

/** Terms as data: what {@link featuresOf} compiles, and another process or engine can. */
export interface FeaturesSpec {
  readonly categorical: readonly CategoricalTermSpec[]
  readonly numeric: readonly NumericTermSpec[]
}

/** A categorical term: one atom or the product of several. */
export interface CategoricalTerm {
  readonly name: string
  /** See {@link CategoricalTermSpec}. */
  readonly counted?: true
  readonly atoms: readonly Atom[]
  /** What it is computed from, each once. */
  readonly inputs: readonly InputName[]
  /** Codes run from 0 to `levels - 1`, at most 2^53. */
  readonly levels: number
  /** The code of ride `i`, -1 where an input is missing. */
  code(rides: RideBatch, i: number): number
  /** The level's text, factors joined by `_`, as `43_151`. */
  text(code: number): string
  /** The code of a level's text, -1 when it is none. */
  parse(text: string): number
}

/** A numeric term: a column, possibly transformed. */
export interface NumericTerm extends NumericTermSpec {
  readonly inputs: readonly InputName[]
  /** Fixed-point units in 1, see {@link fixedPoint}. */
  readonly scale: number
  /** The value of ride `i`, NaN where it is missing or not finite. */
  value(rides: RideBatch, i: number): number
}

/** The terms of a recipe, ready to be computed. */
export interface Features {
  readonly categorical: readonly CategoricalTerm[]
  readonly numeric: readonly NumericTerm[]
  /** What the terms are computed from, each once. */
  readonly inputs: readonly InputName[]
  /** Those without which a term has nothing to say: all that are not of terms with `or_missing` alone. */
  readonly required: readonly InputName[]
}

/**
 * The value in fixed-point units: the integer `value * scale` where the value has no finer
 * digits (the usual case, summed exactly), else the unrounded product.
 */
export function fixedPoint(value: number, scale: number): number {
  const units = Math.round(value * scale)
  return units / scale === value ? units : value * scale
}

/**
 * Compiles a recipe's terms.
 *
 * @throws recipe_invalid when a name is unknown or used twice, or a product has too many levels
 */
export function compileFeatures(
  recipe: Pick<Recipe, 'name' | 'categorical' | 'numeric'> &
    Partial<Pick<Recipe, 'model' | 'members' | 'factors'>>,
): Features {
  if (recipe.members) return ofMembers(recipe.members.map((member) => compileFeatures(member)))
  const factors = new Map<string, CategoricalTermSpec>()
  for (const spec of recipe.factors ?? []) {
    const factor = termSpec(spec, factors, recipe.name)
    if (factors.has(factor.name)) throw twice(factor.name, recipe.name)
    factors.set(factor.name, factor)
  }
  const terms = new Map<string, CategoricalTermSpec>()
  for (const spec of recipe.categorical) {
    const term = termSpec(spec, new Map([...factors, ...terms]), recipe.name)
    if (terms.has(term.name)) throw twice(term.name, recipe.name)
    terms.set(term.name, term)
  }
  const numeric = recipe.numeric.map(numericSpec)
  const names = [...terms.values(), ...numeric].map((term) => term.name)
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (repeated !== undefined) throw twice(repeated, recipe.name)
  const categorical = [...terms.values()]
  const large = categorical.find((term) => levelsOf(term) > Number.MAX_SAFE_INTEGER)
  if (large) {
    throw new RidecastError(
      'recipe_invalid',
      `term ${large.name} of recipe ${recipe.name} multiplies too many categories: expected at most 2^53 levels, found ${levelsOf(large)}`,
    )
  }
  const features = featuresOf({ categorical, numeric })
  if (recipe.model === undefined || recipe.model === 'linear') return features
  // Trees have a way for what is missing: all they need is what every ride has.
  const required = features.inputs.filter((name) => alwaysKnown.includes(name))
  return { ...features, required }
}

const alwaysKnown: readonly InputName[] = [
  'PULocationID',
  'DOLocationID',
  'trip_distance',
  'pickup_datetime',
]

/** What members are computed from; they have their own terms. */
function ofMembers(members: readonly Features[]): Features {
  const all = (key: 'inputs' | 'required'): InputName[] => [
    ...new Set(members.flatMap((member) => member[key])),
  ]
  return { categorical: [], numeric: [], inputs: all('inputs'), required: all('required') }
}

/** Compiles terms that are known to be right, as {@link compileFeatures} has written them. */
export function featuresOf(spec: FeaturesSpec): Features {
  const categorical = spec.categorical.map(categoricalTerm)
  const numeric = spec.numeric.map(numericTerm)
  const inputs = [...new Set([...categorical, ...numeric].flatMap((term) => term.inputs))]
  const demanding = categorical.flatMap(({ atoms }) =>
    atoms.filter((atom) => !atom.spec.or_missing),
  )
  const demanded = new Set([...demanding, ...numeric].flatMap((part) => part.inputs))
  return { categorical, numeric, inputs, required: inputs.filter((name) => demanded.has(name)) }
}

/** Terms as data, without what computes them. */
export function specOfFeatures({ categorical, numeric }: Features): FeaturesSpec {
  return {
    categorical: categorical.map(({ name, atoms, counted }) => ({
      name,
      atoms: atoms.map((atom) => atom.spec),
      ...(counted && { counted }),
    })),
    numeric: numeric.map(({ name, of, steps }) => ({ name, of, steps })),
  }
}

function twice(name: string, recipe: string): RidecastError {
  return new RidecastError(
    'recipe_invalid',
    `recipe ${recipe} has two terms called ${name}: give one another name`,
  )
}

/** The features of ride `i` by name: text for a category, a number for a quantity; missing ones absent. */
export function featureRow(features: Features, rides: RideBatch, i: number): FeatureRow {
  const row: Record<string, string | number> = {}
  for (const term of features.categorical) {
    const code = term.code(rides, i)
    if (code >= 0) row[term.name] = term.text(code)
  }
  for (const term of features.numeric) {
    const value = term.value(rides, i)
    if (!Number.isNaN(value)) row[term.name] = value
  }
  return row
}

function termSpec(
  spec: CategoricalSpec,
  earlier: ReadonlyMap<string, CategoricalTermSpec>,
  recipe: string,
): CategoricalTermSpec {
  if (typeof spec === 'string') return { name: spec, atoms: [namedAtom(spec, recipe)] }
  if ('bin' in spec) return { name: spec.name ?? `${spec.bin}_bin`, atoms: [binAtom(spec)] }
  if ('category' in spec) {
    return { name: spec.name ?? spec.category, atoms: [categoryAtom(spec, recipe)] }
  }
  const atoms = spec.product.flatMap((factor): readonly AtomSpec[] => {
    if (typeof factor === 'object') {
      return ['bin' in factor ? binAtom(factor) : categoryAtom(factor, recipe)]
    }
    return earlier.get(factor)?.atoms ?? [namedAtom(factor, recipe)]
  })
  const keys = atoms.map((atom) => atomOf(atom).key)
  return {
    name: spec.name ?? spec.product.map(nameOfFactor).join('_x_'),
    atoms: atoms.filter((_, k) => keys.indexOf(keys[k] as string) === k),
  }
}

function nameOfFactor(factor: string | BinSpec | CategorySpec): string {
  if (typeof factor === 'string') return factor
  return factor.name ?? ('bin' in factor ? `${factor.bin}_bin` : factor.category)
}

function categoryAtom({ category }: CategorySpec, recipe: string): AtomSpec {
  return { ...namedAtom(category, recipe), or_missing: true }
}

function levelsOf({ atoms }: CategoricalTermSpec): number {
  return atoms.reduce((total, atom) => total * atomOf(atom).levels, 1)
}

function categoricalTerm(spec: CategoricalTermSpec): CategoricalTerm {
  const atoms = spec.atoms.map(atomOf)
  const named = { name: spec.name, ...(spec.counted && { counted: spec.counted }) }
  const [only, ...others] = atoms
  if (only && others.length === 0) {
    const { levels, code, text, parse } = only
    return { ...named, atoms, inputs: only.inputs, levels, code, text, parse }
  }
  return {
    ...named,
    atoms,
    inputs: [...new Set(atoms.flatMap((atom) => atom.inputs))],
    levels: atoms.reduce((total, atom) => total * atom.levels, 1),
    code(rides, i) {
      let code = 0
      for (const atom of atoms) {
        const part = atom.code(rides, i)
        if (part < 0) return -1
        code = code * atom.levels + part
      }
      return code
    },
    text: (code) =>
      splitCode(atoms, code)
        .map((part, k) => (atoms[k] as Atom).text(part))
        .join('_'),
    parse(text) {
      const parts = text.split('_')
      if (parts.length !== atoms.length) return -1
      const codes = atoms.map((atom, k) => atom.parse(parts[k] as string))
      return codes.some((code) => code < 0) ? -1 : joinCode(atoms, codes)
    },
  }
}

function numericSpec(spec: NumericSpec): NumericTermSpec {
  if (typeof spec === 'string') return { name: spec, of: spec, steps: [] }
  const { of, steps } = spec
  const derived = [
    of,
    ...steps.map((step) => (typeof step === 'string' ? step : Object.keys(step)[0])),
  ]
  return { name: spec.name ?? derived.join('_'), of, steps }
}

function numericTerm(spec: NumericTermSpec): NumericTerm {
  const { of, steps } = spec
  const { inputs, read } = measureOf(of)
  if (steps.length === 0 && isColumn(of)) {
    return {
      ...spec,
      inputs,
      scale: rideColumns[of].scale,
      value(rides, i) {
        const value = read(rides, i)
        return Number.isFinite(value) ? value : Number.NaN
      },
    }
  }
  const transforms = steps.map(transform)
  return {
    ...spec,
    inputs,
    scale: transformScale,
    value(rides, i) {
      let value = read(rides, i)
      for (const apply of transforms) value = apply(value)
      // Finite values can leave the range of a double here.
      const rounded = Math.floor(value * transformScale + 0.5) / transformScale
      return Number.isFinite(rounded) ? rounded : Number.NaN
    },
  }
}

function transform(step: Step): (value: number) => number {
  if (step === 'log1p') return Math.log1p
  if (step === 'sqrt') return Math.sqrt
  // A comparison with NaN is false, which would turn a missing value into a 0.
  if (step === 'is_zero') return (x) => (Number.isNaN(x) ? x : x === 0 ? 1 : 0)
  if ('clip' in step) {
    const [low, high] = step.clip
    return (x) => Math.min(Math.max(x, low), high)
  }
  if ('hinge' in step) return (x) => Math.max(0, x - step.hinge)
  if ('between' in step) {
    const [low, high] = step.between
    return (x) => (Number.isNaN(x) ? x : x >= low && x <= high ? x : 0)
  }
  const [low, high] = step.is_between
  return (x) => (Number.isNaN(x) ? x : x >= low && x <= high ? 1 : 0)
}

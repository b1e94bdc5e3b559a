/**
 * From a ride to named features: the only definition, used by training and serving alike.
 * A categorical term gives each ride one level, as an integer code; a numeric term one value.
 * Knows nothing about files, sums or models.
 */

import { type Atom, binAtom, joinCode, namedAtom, splitCode } from './atoms.ts'
import { RidecastError } from './errors.ts'
import type { CategoricalSpec, NumericSpec, Recipe, Step } from './recipe.ts'
import { type InputName, type RideBatch, rideColumns } from './ride.ts'
import type { FeatureRow } from './vectorizer.ts'

/** Fixed-point units in 1 of a transformed value: two maths libraries differ in the last bit, not here. */
export const transformScale = 2 ** 20

/** A categorical term: one atom or the product of several. */
export interface CategoricalTerm {
  readonly name: string
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
export interface NumericTerm {
  readonly name: string
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
  recipe: Pick<Recipe, 'name' | 'categorical' | 'numeric'>,
): Features {
  const terms = new Map<string, CategoricalTerm>()
  const categorical = recipe.categorical.map((spec) => {
    const term = categoricalTerm(spec, terms, recipe.name)
    terms.set(term.name, term)
    return term
  })
  const numeric = recipe.numeric.map(numericTerm)
  const names = [...categorical, ...numeric].map((term) => term.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new RidecastError(
      'recipe_invalid',
      `recipe ${recipe.name} has two terms called ${twice}: give one another name`,
    )
  }
  const inputs = [...new Set([...categorical, ...numeric].flatMap((term) => term.inputs))]
  return { categorical, numeric, inputs }
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

function categoricalTerm(
  spec: CategoricalSpec,
  earlier: ReadonlyMap<string, CategoricalTerm>,
  recipe: string,
): CategoricalTerm {
  if (typeof spec === 'string') return single(spec, namedAtom(spec, recipe))
  if ('bin' in spec) return single(spec.name ?? `${spec.bin}_bin`, binAtom(spec))
  const factors = spec.product.map((factor): CategoricalTerm => {
    if (typeof factor === 'object') return single(factor.bin, binAtom(factor))
    return earlier.get(factor) ?? single(factor, namedAtom(factor, recipe))
  })
  const name =
    spec.name ?? spec.product.map((f) => (typeof f === 'string' ? f : `${f.bin}_bin`)).join('_x_')
  return productTerm(
    name,
    factors.flatMap((factor) => factor.atoms),
    recipe,
  )
}

function single(name: string, atom: Atom): CategoricalTerm {
  return {
    name,
    atoms: [atom],
    inputs: [atom.input],
    levels: atom.levels,
    code: atom.code,
    text: atom.text,
    parse: atom.parse,
  }
}

function productTerm(name: string, given: readonly Atom[], recipe: string): CategoricalTerm {
  const atoms = given.filter((atom, k) => given.findIndex(({ key }) => key === atom.key) === k)
  const levels = atoms.reduce((total, atom) => total * atom.levels, 1)
  if (levels > Number.MAX_SAFE_INTEGER) {
    throw new RidecastError(
      'recipe_invalid',
      `term ${name} of recipe ${recipe} multiplies too many categories: expected at most 2^53 levels, found ${levels}`,
    )
  }
  return {
    name,
    atoms,
    inputs: [...new Set(atoms.map((atom) => atom.input))],
    levels,
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

function numericTerm(spec: NumericSpec): NumericTerm {
  const { of, steps, name } =
    typeof spec === 'string' ? { of: spec, steps: [], name: undefined } : spec
  if (steps.length === 0) {
    return {
      name: name ?? of,
      inputs: [of],
      scale: rideColumns[of].scale,
      value(rides, i) {
        const value = (rides.columns[of] as Float64Array)[i] as number
        return Number.isFinite(value) ? value : Number.NaN
      },
    }
  }
  const transforms = steps.map(transform)
  return {
    name:
      name ??
      [of, ...steps.map((step) => (typeof step === 'string' ? step : Object.keys(step)[0]))].join(
        '_',
      ),
    inputs: [of],
    scale: transformScale,
    value(rides, i) {
      let value = (rides.columns[of] as Float64Array)[i] as number
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

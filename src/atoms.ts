/**
 * The categories that terms are made of: ids, parts of the pickup time, bins of numbers, each with
 * a code, a text and the way back. Knows nothing about recipes as a whole.
 */

import { RidecastError } from './errors.ts'
import { type BinSpec, type DerivedName, derivedLevels } from './recipe.ts'
import {
  type ColumnName,
  hourMicros,
  type InputName,
  maxId,
  type RideBatch,
  rideColumns,
} from './ride.ts'

/** An indivisible category: an id, a part of the pickup time, or the bin of a number. */
export interface Atom {
  /** Equal keys mean the same category: what a product shares with its factors. */
  readonly key: string
  /** What it is computed from. */
  readonly input: InputName
  /** Codes run from 0 to `levels - 1`. */
  readonly levels: number
  /** The code of ride `i`, -1 where the input is missing or not a category. */
  code(rides: RideBatch, i: number): number
  /** The text of a code, without `_`, which joins the factors of a product. */
  text(code: number): string
  /** The code of such a text, -1 when it is none. */
  parse(text: string): number
}

/** The codes of the atoms in a product's code. */
export function splitCode(atoms: readonly Atom[], code: number): number[] {
  const parts = new Array<number>(atoms.length)
  let rest = code
  for (let k = atoms.length - 1; k >= 0; k--) {
    const { levels } = atoms[k] as Atom
    parts[k] = rest % levels
    rest = Math.floor(rest / levels)
  }
  return parts
}

/** A product's code from the codes of its atoms. */
export function joinCode(atoms: readonly Atom[], parts: readonly number[]): number {
  return atoms.reduce((code, atom, k) => code * atom.levels + (parts[k] as number), 0)
}

/**
 * The atom that a recipe calls by a name: an id column or a part of the pickup time.
 *
 * @param recipe how errors call the recipe
 * @throws recipe_invalid
 */
export function namedAtom(name: string, recipe: string): Atom {
  if (Object.hasOwn(derivedLevels, name)) return derivedAtom(name as DerivedName)
  const column = Object.hasOwn(rideColumns, name) ? rideColumns[name as ColumnName] : undefined
  if (column?.kind !== 'id') {
    if (column) {
      throw new RidecastError(
        'recipe_invalid',
        `recipe ${recipe} uses ${name} as a category, but it is a quantity: put it under numeric, or bin it`,
      )
    }
    throw unknownTerm(name, recipe)
  }
  return idAtom(name as ColumnName)
}

const parseInteger =
  (levels: number) =>
  (text: string): number => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : -1
    return value < levels && String(value) === text ? value : -1
  }

function idAtom(name: ColumnName): Atom {
  const levels = maxId + 1
  return {
    key: name,
    input: name,
    levels,
    code(rides, i) {
      const value = (rides.columns[name] as Float64Array)[i] as number
      return Number.isInteger(value) && value >= 0 && value <= maxId ? value : -1
    },
    text: String,
    parse: parseInteger(levels),
  }
}

const mod = (value: number, by: number): number => ((value % by) + by) % by

function derivedAtom(name: DerivedName): Atom {
  const levels = derivedLevels[name]
  // 1970-01-01 was a Thursday; weeks here begin on Monday, so the week's hour 0 is 72 hours earlier.
  const part = {
    hour: (hours: number) => mod(hours, 24),
    weekday: (hours: number) => Math.floor(mod(hours + 72, 168) / 24),
    hour_of_week: (hours: number) => mod(hours + 72, 168),
  }[name]
  return {
    key: name,
    input: 'pickup_datetime',
    levels,
    code(rides, i) {
      const micros = rides.pickup[i] as number
      return Number.isFinite(micros) ? part(Math.floor(micros / hourMicros)) : -1
    },
    text: String,
    parse: parseInteger(levels),
  }
}

/** The bins of a numeric column. */
export function binAtom({ bin, edges }: BinSpec): Atom {
  const levels = edges.length + 1
  const texts = Array.from({ length: levels }, (_, k) => {
    if (k === 0) return `<${edges[0]}`
    return k === edges.length ? `>=${edges[k - 1]}` : `${edges[k - 1]}..${edges[k]}`
  })
  return {
    key: `${bin}[${edges.join(',')}]`,
    input: bin,
    levels,
    code(rides, i) {
      const value = (rides.columns[bin] as Float64Array)[i] as number
      if (Number.isNaN(value)) return -1
      let low = 0
      let high = edges.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (value >= (edges[middle] as number)) low = middle + 1
        else high = middle
      }
      return low
    },
    text: (code) => texts[code] as string,
    parse: (text) => texts.indexOf(text),
  }
}

function unknownTerm(name: string, recipe: string): RidecastError {
  const known = [...Object.keys(rideColumns), ...Object.keys(derivedLevels)].join(', ')
  return new RidecastError(
    'recipe_invalid',
    `recipe ${recipe} names ${name}, which is no id column, no derived name and no earlier term: expected one of ${known}`,
  )
}

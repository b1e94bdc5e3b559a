/**
 * The categories that terms are made of: ids, parts of the pickup time, bins of numbers, each with
 * a code, a text and the way back. Knows nothing about recipes as a whole.
 */

import { RidecastError } from './errors.ts'
import { isHoliday } from './holidays.ts'
import { type MeasureName, measureOf } from './measures.ts'
import type { BinSpec } from './recipe-schema.ts'
import {
  type ColumnName,
  type DerivedName,
  derivedLevels,
  hourMicros,
  type InputName,
  maxId,
  type RideBatch,
  rideColumns,
  type ZoneColumn,
  type ZoneName,
  type ZonePart,
  zoneNames,
} from './ride.ts'
import { zones } from './zones.ts'

/**
 * What an atom is, as data: whoever sums rides elsewhere (in SQL, in a worker thread) makes the
 * same atom from it. `or_missing` gives a missing input a level of its own: code 0, text `missing`,
 * the others one higher.
 */
export type AtomSpec = { readonly or_missing?: true } & (
  | { readonly kind: 'id'; readonly column: ColumnName }
  | { readonly kind: 'derived'; readonly name: DerivedName }
  /** Borough or service zone of a taxi zone; a number that is no zone has none. */
  | { readonly kind: 'zone'; readonly column: ZoneColumn; readonly part: ZonePart }
  /** Bins of a column, of the duration in minutes or of the mean speed in miles per hour. */
  | { readonly kind: 'bin'; readonly of: Measured; readonly edges: readonly number[] }
  /** Whole minutes of the duration, 0 to 65,535: what lies outside shares the outermost ones. */
  | { readonly kind: 'duration_minute' }
  /** Whole minutes of the pickup since 1970; what lies before shares 0. */
  | { readonly kind: 'pickup_minute' }
  /** Days of the pickup since 1970, 0 to 65,535: what lies outside shares the outermost ones. */
  | { readonly kind: 'pickup_day' }
)

/** What can be put into bins. */
export type Measured = MeasureName | 'duration' | 'speed'

/** An indivisible category: an id, a part of the pickup time, or the bin of a number. */
export interface Atom {
  /** What it is, as data. */
  readonly spec: AtomSpec
  /** Equal keys mean the same category: what a product shares with its factors. */
  readonly key: string
  /** What it is computed from. */
  readonly inputs: readonly InputName[]
  /** Codes run from 0 to `levels - 1`. */
  readonly levels: number
  /** The code of ride `i`, -1 where the input is missing or not a category. */
  code(rides: RideBatch, i: number): number
  /** The text of a code, without `_`, which joins the factors of a product. */
  text(code: number): string
  /** The code of such a text, -1 when it is none. */
  parse(text: string): number
}

/** The key of an atom, `or_missing` set aside. */
export function baseKey({ key, spec }: Atom): string {
  return spec.or_missing ? key.slice(0, -1) : key
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
export function namedAtom(name: string, recipe: string): AtomSpec {
  if (Object.hasOwn(derivedLevels, name)) return { kind: 'derived', name: name as DerivedName }
  if (Object.hasOwn(zoneNames, name)) {
    return { kind: 'zone', ...zoneNames[name as ZoneName] }
  }
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
  return { kind: 'id', column: name as ColumnName }
}

/** The bins of a numeric column, as a recipe states them. */
export function binAtom({ bin, edges, or_missing }: BinSpec): AtomSpec {
  return { kind: 'bin', of: bin, edges, ...(or_missing && { or_missing: true }) }
}

/** The atom of a specification. */
export function atomOf(spec: AtomSpec): Atom {
  const atom = present(spec)
  return spec.or_missing ? orMissing(atom) : atom
}

function present(spec: AtomSpec): Atom {
  switch (spec.kind) {
    case 'id':
      return idAtom(spec, spec.column)
    case 'derived':
      return derivedAtom(spec, spec.name)
    case 'zone':
      return zoneAtom(spec, spec.column, spec.part)
    case 'bin':
      return binsOf(spec, spec.of, spec.edges)
    case 'duration_minute':
      return minuteOrDay(spec, 65_536, durationMinutes)
    case 'pickup_minute':
      return minuteOrDay(spec, 2 ** 32, (rides, i) => (rides.pickup[i] as number) / 60e6)
    case 'pickup_day':
      return minuteOrDay(spec, 65_536, (rides, i) => (rides.pickup[i] as number) / 86_400e6)
  }
}

function orMissing(atom: Atom): Atom {
  return {
    ...atom,
    key: `${atom.key}?`,
    levels: atom.levels + 1,
    code: (rides, i) => atom.code(rides, i) + 1,
    text: (code) => (code === 0 ? 'missing' : atom.text(code - 1)),
    parse(text) {
      if (text === 'missing') return 0
      const code = atom.parse(text)
      return code < 0 ? -1 : code + 1
    },
  }
}

const parseInteger =
  (levels: number) =>
  (text: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : -1
    return value < levels && String(value) === text ? value : -1
  }

function idAtom(spec: AtomSpec, name: ColumnName): Atom {
  const levels = maxId + 1
  return {
    spec,
    key: name,
    inputs: [name],
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

function derivedAtom(spec: AtomSpec, name: DerivedName): Atom {
  const levels = derivedLevels[name]
  const unit = unitMicros(name)
  // 1970-01-01 was a Thursday; weeks here begin on Monday, so the week's hour 0 is 72 hours earlier.
  const part = {
    hour: (hours: number) => mod(hours, 24),
    weekday: (hours: number) => Math.floor(mod(hours + 72, 168) / 24),
    hour_of_week: (hours: number) => mod(hours + 72, 168),
    quarter_hour: (quarters: number) => mod(quarters, 96),
    weekend: (hours: number) => (mod(hours + 72, 168) >= 120 ? 1 : 0),
    holiday: (hours: number) => (isHoliday(Math.floor(hours / 24)) ? 1 : 0),
  }[name]
  return {
    spec,
    key: name,
    inputs: ['pickup_datetime'],
    levels,
    code(rides, i) {
      const micros = rides.pickup[i] as number
      return Number.isFinite(micros) ? part(Math.floor(micros / unit)) : -1
    },
    text: String,
    parse: parseInteger(levels),
  }
}

/** What a derived name tells apart: whole hours, or quarters of them. */
function unitMicros(name: DerivedName): number {
  return name === 'quarter_hour' ? hourMicros / 4 : hourMicros
}

function zoneAtom(spec: AtomSpec, name: ZoneColumn, part: ZonePart): Atom {
  const texts = [...new Set(zones.map((zone) => zone[part]))].sort()
  const codes = new Map(zones.map((zone) => [zone.id, texts.indexOf(zone[part])]))
  return {
    spec,
    key: `${name}.${part}`,
    inputs: [name],
    levels: texts.length,
    code: (rides, i) => codes.get((rides.columns[name] as Float64Array)[i] as number) ?? -1,
    text: (code) => texts[code] as string,
    parse: (text) => texts.indexOf(text),
  }
}

/** Whole units of a time, 0 to `levels - 1`: what lies outside shares the outermost codes. */
function minuteOrDay(
  spec: AtomSpec,
  levels: number,
  measure: (rides: RideBatch, i: number) => number,
): Atom {
  return {
    spec,
    key: spec.kind,
    inputs: ['pickup_datetime'],
    levels,
    code(rides, i) {
      const value = measure(rides, i)
      return Number.isFinite(value) ? Math.min(Math.max(Math.floor(value), 0), levels - 1) : -1
    },
    text: String,
    parse: parseInteger(levels),
  }
}

function durationMinutes(rides: RideBatch, i: number): number {
  return ((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 60e6
}

/** Reads what is put into bins; NaN where it is missing. */
function reader(of: Measured): (rides: RideBatch, i: number) => number {
  if (of === 'duration') return durationMinutes
  if (of === 'speed') {
    return (rides, i) => {
      const micros = (rides.dropoff[i] as number) - (rides.pickup[i] as number)
      const miles = (rides.columns.trip_distance as Float64Array)[i] as number
      // Nothing moves at all, or backwards in time: there is no speed.
      return micros > 0 ? (miles * hourMicros) / micros : Number.NaN
    }
  }
  return measureOf(of).read
}

/** What is put into bins is computed from these. */
function inputsOf(of: Measured): readonly InputName[] {
  if (of === 'duration') return ['pickup_datetime']
  return of === 'speed' ? ['trip_distance'] : measureOf(of).inputs
}

function binsOf(spec: AtomSpec, of: Measured, edges: readonly number[]): Atom {
  const levels = edges.length + 1
  const inputs = inputsOf(of)
  const read = reader(of)
  const find = binFinder(edges)
  const texts = Array.from({ length: levels }, (_, k) => {
    if (k === 0) return `<${edges[0]}`
    return k === edges.length ? `>=${edges[k - 1]}` : `${edges[k - 1]}..${edges[k]}`
  })
  return {
    spec,
    key: `${of}[${edges.join(',')}]`,
    inputs,
    levels,
    code: (rides, i) => find(read(rides, i)),
    text: (code) => texts[code] as string,
    parse: (text) => texts.indexOf(text),
  }
}

/** Cells of a bin finder, at most. */
const finderCells = 1024

/**
 * Finds the bin of a number, -1 for NaN. A cell of even width that no edge cuts tells the bin at
 * once; in others, and beyond them, edges are compared.
 */
function binFinder(edges: readonly number[]): (value: number) => number {
  const search = (value: number): number => {
    let low = 0
    let high = edges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (value >= (edges[middle] as number)) low = middle + 1
      else high = middle
    }
    return low
  }
  // Edges lie close together at first and far apart at the end, so that most of them do.
  const far = edges[Math.floor(edges.length * 0.9)] as number
  if (!(far > 0 && far < 2 ** 30)) return (value) => (Number.isNaN(value) ? -1 : search(value))
  const perUnit = 2 ** Math.floor(Math.log2(finderCells / far))
  const cells = new Int32Array(finderCells)
  for (let cell = 0; cell < finderCells; cell++) {
    const [from, to] = [cell / perUnit, (cell + 1) / perUnit]
    cells[cell] = edges.some((edge) => edge > from && edge < to) ? -1 : search(from)
  }
  const limit = finderCells / perUnit
  return (value) => {
    if (value >= 0 && value < limit) {
      const bin = cells[(value * perUnit) | 0] as number
      return bin >= 0 ? bin : search(value)
    }
    return Number.isNaN(value) ? -1 : search(value)
  }
}

function unknownTerm(name: string, recipe: string): RidecastError {
  const known = [rideColumns, derivedLevels, zoneNames].flatMap(Object.keys).join(', ')
  return new RidecastError(
    'recipe_invalid',
    `recipe ${recipe} names ${name}, which is no id column, no derived name and no earlier term: expected one of ${known}`,
  )
}

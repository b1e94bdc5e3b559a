/**
 * Atoms in SQL, as `atoms.ts` defines them: the code of a ride, and the condition for having one.
 * Knows nothing about terms as a whole.
 */

import type { AtomSpec, Measured } from '../../../atoms.ts'
import { RidecastError } from '../../../errors.ts'
import { isColumn, type MeasureName } from '../../../measures.ts'
import { type ColumnName, derivedLevels, maxId } from '../../../ride.ts'
import type { Range, Sheet, Value } from './sheet.ts'

/** A condition on a ride: true, or else false or NULL. */
export interface Condition extends Value {
  /** Other conditions that hold wherever this one does. */
  readonly implies: readonly string[]
}

/** The code of an atom in SQL. */
export interface Code {
  readonly value: Value
  /** False for a DOUBLE. */
  readonly isInteger: boolean
  /** The least and the greatest code there can be. */
  readonly range: Range
  /** Where a ride has one, its times being readable; undefined: everywhere. */
  readonly exists: Condition | undefined
  /** Where the code is right; undefined: everywhere. */
  readonly fits?: Value
}

/** The condition for a column to have a value. */
export function present(sheet: Sheet, name: ColumnName): Condition {
  const column = sheet.column(name)
  const sql = column.isInteger ? `${column.sql} IS NOT NULL` : sheet.isNumber(column)
  return { sql, layer: column.layer, implies: [] }
}

/**
 * The column of a measure.
 *
 * @throws engine_unsupported for a number that is made of zones or times: no table of zones is sent
 */
export function columnFor(of: MeasureName): ColumnName {
  if (isColumn(of)) return of
  throw notInSql(of)
}

function notInSql(what: string): RidecastError {
  return new RidecastError(
    'engine_unsupported',
    `${what} cannot be computed by a SQL engine: say --engine duckdb or --engine arrow`,
  )
}

/** The condition for a column to have a finite value. */
export function finite(sheet: Sheet, name: ColumnName): Condition {
  const column = sheet.column(name)
  const there = present(sheet, name)
  if (column.isInteger) return there
  return { sql: sheet.isFinite(column), layer: column.layer, implies: [there.sql] }
}

/**
 * The code of an atom that is present, `or_missing` set aside.
 *
 * @param minutes what durations lie within
 */
export function codeOf(sheet: Sheet, spec: AtomSpec, minutes: Range): Code {
  switch (spec.kind) {
    case 'id':
      return idCode(sheet, spec.column)
    case 'zone':
      throw notInSql(`the ${spec.part} of ${spec.column}`)
    case 'derived': {
      if (!['hour', 'weekday', 'hour_of_week'].includes(spec.name)) throw notInSql(spec.name)
      const last = derivedLevels[spec.name] - 1
      const hour = sheet.hourOfWeek()
      if (spec.name === 'hour_of_week') {
        return { value: hour, isInteger: hour.isInteger, range: [0, last], exists: undefined }
      }
      const day = sheet.literal(24)
      const weekday = `floor(${hour.sql} / ${day})`
      const sql = spec.name === 'weekday' ? weekday : `${hour.sql} - ${weekday} * ${day}`
      return { ...plain(sheet.define(sql, hour)), range: [0, last] }
    }
    case 'bin':
      return binCode(sheet, spec.of, spec.edges)
    case 'duration_minute':
      return clampedCode(sheet, sheet.micros(), 60e6, maxId, minutes)
    case 'pickup_minute':
    case 'pickup_day': {
      const [unit, last] = spec.kind === 'pickup_day' ? [86_400e6, maxId] : [60e6, 2 ** 32 - 1]
      const [min, max] = sheet.timeRange('pickup')
      return clampedCode(sheet, sheet.time('pickup'), unit, last, [min / unit, max / unit])
    }
  }
}

const plain = (value: Value): Pick<Code, 'value' | 'isInteger' | 'exists'> => {
  return { value, isInteger: false, exists: undefined }
}

function idCode(sheet: Sheet, name: ColumnName): Code {
  const value = sheet.column(name)
  const { sql, layer, isInteger } = value
  const [min, max] = [Math.max(value.range[0], 0), Math.min(value.range[1], maxId)]
  const isKnown = isInteger && value.range[0] >= 0 && value.range[1] <= maxId
  const there = present(sheet, name)
  const inside = `${sql} BETWEEN 0 AND ${maxId}`
  const valid = isInteger ? inside : `${there.sql} AND ${inside} AND ${sql} = floor(${sql})`
  const exists = isKnown
    ? there
    : { sql: valid, layer, implies: [there.sql, finite(sheet, name).sql] }
  return { value, isInteger, range: [min, Math.max(min, max)], exists }
}

/** Whole units of a time, those outside 0 to `last` sharing the outermost. */
function clampedCode(sheet: Sheet, micros: Value, unit: number, last: number, range: Range): Code {
  const value = sheet.define(`floor(${micros.sql} / ${sheet.literal(unit)})`, micros)
  const clamp = (x: number): number => Math.min(Math.max(Math.floor(x), 0), last)
  const [min, max] = [clamp(range[0]), clamp(range[1])]
  // Codes of refused rides may lie outside all the same.
  const [low, high] = [sheet.literal(0), sheet.literal(last)]
  const { sql } = value
  const inside = range[0] >= 0 && range[1] <= last
  const clamped = `CASE WHEN ${sql} < ${low} THEN ${low} WHEN ${sql} > ${high} THEN ${high} ELSE ${sql} END`
  return { ...plain(inside ? value : sheet.define(clamped, value)), range: [min, max] }
}

function binCode(sheet: Sheet, of: Measured, edges: readonly number[]): Code {
  const measured = measure(sheet, of)
  const sql = binTree(sheet, measured.value.sql, edges, 0, edges.length)
  const value = sheet.define(sql, measured.value)
  return { value, isInteger: true, range: [0, edges.length], exists: measured.exists }
}

function measure(sheet: Sheet, of: Measured): { value: Value; exists: Condition | undefined } {
  if (of === 'duration') {
    const micros = sheet.micros()
    const value = sheet.define(`${micros.sql} / ${sheet.literal(60e6)}`, micros)
    return { value, exists: undefined }
  }
  if (of !== 'speed') {
    const name = columnFor(of)
    return { value: sheet.column(name), exists: present(sheet, name) }
  }
  const [micros, miles, there] = [
    sheet.micros(),
    sheet.double('trip_distance'),
    present(sheet, 'trip_distance'),
  ]
  const speed = `${miles.sql} * ${sheet.literal(3.6e9)} / ${micros.sql}`
  const value = sheet.define(`CASE WHEN ${micros.sql} > 0 THEN ${speed} END`, micros, miles)
  const sql = `${micros.sql} > 0 AND ${there.sql}`
  const exists = { sql, layer: Math.max(micros.layer, there.layer), implies: [there.sql] }
  return { value, exists }
}

/** The number of edges at or below a value: a balanced tree of comparisons. */
function binTree(
  sheet: Sheet,
  x: string,
  edges: readonly number[],
  low: number,
  high: number,
): string {
  if (low === high) return String(low)
  const middle = (low + high) >>> 1
  const above = binTree(sheet, x, edges, middle + 1, high)
  const below = binTree(sheet, x, edges, low, middle)
  return `CASE WHEN ${x} >= ${sheet.literal(edges[middle] as number)} THEN ${above} ELSE ${below} END`
}

/**
 * From the columns of a trip file to the numbers of rides: every type that official and
 * re-exported files come in, and a refusal by name of all others. Missing values are NaN.
 * What this file says is how every engine reads.
 */

import { DataType, type Timestamp, TimeUnit } from 'apache-arrow'
import { RidecastError } from '../errors.ts'
import { parseWallClock } from '../ride.ts'
import type { ArrowColumn } from './arrow-columns.ts'

/**
 * A column of numbers.
 *
 * @param path how errors call the file
 * @param name how errors call the column
 * @throws source_column_type
 */
export function toNumbers(column: ArrowColumn, path: string, name: string): Float64Array {
  checkNumbers(column.type, path, name)
  const { type, length, values } = column
  if (values === undefined) return missing(length)
  if (DataType.isInt(type) && type.bitWidth === 64) {
    const join = type.isSigned ? joinWords : (h: number, l: number) => joinWords(h >>> 0, l)
    return withNulls(fromWords(column, join), column)
  }
  const own = values instanceof Float64Array ? values.slice() : copied(values as Int32Array)
  return withNulls(own, column)
}

/** @throws source_column_type for a type that {@link toNumbers} cannot read */
export function checkNumbers(type: DataType, path: string, name: string): void {
  const read =
    DataType.isNull(type) || DataType.isInt(type) || (DataType.isFloat(type) && type.precision > 0)
  if (!read) throw wrongType(path, name, 'an integer or floating-point column', type)
}

/**
 * A column of times, as microseconds; text that is no time is Infinity.
 *
 * @param path how errors call the file
 * @param name how errors call the column
 * @throws source_column_type
 */
export function toMicros(column: ArrowColumn, path: string, name: string): Float64Array {
  checkTimes(column.type, path, name)
  const { type, length, values } = column
  if (isText(type)) return Float64Array.from({ length }, (_, i) => microsOfText(column.text(i)))
  if (values === undefined) return missing(length)
  const unit = (type as Timestamp).unit
  if (unit === TimeUnit.MICROSECOND) return withNulls(fromWords(column, joinWords), column)
  const join = {
    [TimeUnit.SECOND]: (h: number, l: number) => joinWords(h, l) * 1e6,
    [TimeUnit.MILLISECOND]: (h: number, l: number) => joinWords(h, l) * 1e3,
    [TimeUnit.NANOSECOND]: nanosToMicros,
  }[unit]
  return withNulls(fromWords(column, join), column)
}

/** @throws source_column_type for a type that {@link toMicros} cannot read */
export function checkTimes(type: DataType, path: string, name: string): void {
  if (DataType.isNull(type) || isText(type)) return
  if (!DataType.isTimestamp(type)) throw wrongType(path, name, 'a timestamp or text column', type)
  if (type.timezone) throw wrongType(path, name, 'wall-clock time without a zone', type)
}

/** Values of a column that is not there. */
export function missing(length: number): Float64Array {
  return new Float64Array(length).fill(Number.NaN)
}

const isText = (type: DataType): boolean => DataType.isUtf8(type) || DataType.isLargeUtf8(type)

function microsOfText(text: string | null): number {
  if (text === null) return Number.NaN
  const micros = parseWallClock(text)
  return Number.isNaN(micros) ? Number.POSITIVE_INFINITY : micros
}

function wrongType(path: string, name: string, expected: string, found: DataType): RidecastError {
  return new RidecastError(
    'source_column_type',
    `column ${name} of ${path} cannot be read: expected ${expected}, found ${found}`,
  )
}

/** 64-bit integers as doubles without a BigInt each. */
function fromWords(
  { values, length }: ArrowColumn,
  join: (high: number, low: number) => number,
): Float64Array {
  const { buffer, byteOffset } = values as BigInt64Array
  const words = new Int32Array(buffer, byteOffset, length * 2)
  const out = new Float64Array(length)
  if (join === joinWords) {
    // The usual case, spared a call for every value.
    for (let i = 0; i < length; i++) {
      out[i] = (words[2 * i + 1] as number) * 4_294_967_296 + ((words[2 * i] as number) >>> 0)
    }
    return out
  }
  for (let i = 0; i < length; i++) {
    out[i] = join(words[2 * i + 1] as number, (words[2 * i] as number) >>> 0)
  }
  return out
}

/** Exact below 2^53. */
function joinWords(high: number, low: number): number {
  return high * 4_294_967_296 + low
}

// Nanoseconds pass 2^53: divide by 1000 word by word, each step exact.
function nanosToMicros(high: number, low: number): number {
  const quotient = Math.floor(high / 1000)
  const rest = (high - quotient * 1000) * 4_294_967_296 + low
  return quotient * 4_294_967_296 + Math.floor(rest / 1000)
}

function copied(values: ArrayLike<number>): Float64Array {
  const out = new Float64Array(values.length)
  for (let i = 0; i < out.length; i++) out[i] = values[i] as number
  return out
}

function withNulls(values: Float64Array, { nulls, nullsFrom }: ArrowColumn): Float64Array {
  if (nulls === undefined) return values
  for (let i = 0; i < values.length; i++) {
    const bit = nullsFrom + i
    if ((((nulls[bit >> 3] as number) >> (bit & 7)) & 1) === 0) values[i] = Number.NaN
  }
  return values
}

/**
 * The values of one Arrow column of any type as what a profile counts: numbers, texts or times,
 * with missing values told from NaN. Knows nothing about files or what columns mean.
 */

import { type Data, DataType, type Vector } from 'apache-arrow'
import type { ArrowColumn } from '../arrow-columns.ts'
import { toMicros, toNumbers } from '../ride-values.ts'

/** Values of a batch of rows. */
export type Cells =
  /** NaN where the file has no value, and where it has NaN. */
  | { readonly kind: 'number'; readonly values: Float64Array; readonly nulls: number }
  /** Microseconds on the wall clock, NaN where there is no value. */
  | { readonly kind: 'time'; readonly values: Float64Array; readonly nulls: number }
  | { readonly kind: 'text'; readonly values: readonly (string | null)[]; readonly nulls: number }
  /** No value at all, or of a type that is not read. */
  | { readonly kind: 'empty' | 'unread'; readonly nulls: number }

/** What the values of a type are. */
export function kindOfType(type: DataType): Cells['kind'] {
  if (DataType.isNull(type)) return 'empty'
  // An instant of a time zone is no time of a wall clock.
  if (DataType.isTimestamp(type)) return type.timezone ? 'unread' : 'time'
  if (DataType.isDate(type)) return 'time'
  if (DataType.isInt(type) || (DataType.isFloat(type) && type.precision > 0)) return 'number'
  if (DataType.isDecimal(type)) return type.bitWidth === 128 ? 'number' : 'unread'
  return isText(type) ? 'text' : 'unread'
}

/** The values of a column of one record batch. */
export function cellsOf(vector: Vector): Cells {
  const data = vector.data[0] as Data
  const { type } = data
  const nulls = DataType.isNull(type) ? data.length : data.nullCount
  const kind = kindOfType(type)
  if (kind === 'number') {
    const values = DataType.isDecimal(type)
      ? perValue(vector, (value) => decimal(value as Uint32Array, type.scale))
      : toNumbers(columnOf(vector, data), '', '')
    return { kind, values, nulls }
  }
  if (kind === 'time') {
    const values = DataType.isDate(type)
      ? perValue(vector, (value) => Number(value) * 1000)
      : toMicros(columnOf(vector, data), '', '')
    return { kind, values, nulls }
  }
  if (kind !== 'text') return { kind, nulls }
  const values = Array.from(vector as Iterable<unknown>, (value) => {
    return value === null || value === undefined ? null : String(value)
  })
  return { kind, values, nulls }
}

function isText(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isText(type.dictionary)
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isBool(type)
}

function columnOf(vector: Vector, data: Data): ArrowColumn {
  const { type, length, values, nullCount, nullBitmap, offset } = data
  return {
    type,
    length,
    values: values?.subarray(0, length),
    nulls: nullCount > 0 ? nullBitmap : undefined,
    nullsFrom: offset,
    text: (i) => vector.get(i) as string | null,
  }
}

/** Value by value, for types that are rare; NaN for none. */
function perValue(vector: Vector, number: (value: unknown) => number): Float64Array {
  return Float64Array.from({ length: vector.length }, (_, i) => {
    const value: unknown = vector.get(i)
    return value === null ? Number.NaN : number(value)
  })
}

/** A decimal of 128 bits, its lowest word first, as a double: nearest where it fits 53 bits. */
function decimal(words: Uint32Array, scale: number): number {
  const bits = words.reduceRight((sum, word) => sum * 2n ** 32n + BigInt(word), 0n)
  return Number(BigInt.asIntN(128, bits)) / 10 ** scale
}

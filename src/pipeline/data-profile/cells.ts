/**
 * The values of one Arrow column of any type as what a profile counts: numbers, texts or times,
 * with missing values told from NaN. Knows nothing about files or what columns mean.
 */

import { type Data, DataType, TimeUnit, type Vector } from 'apache-arrow'

/** Values of a batch of rows. */
export type Cells =
  /** NaN where the file has no value, and where it has NaN. */
  | { readonly kind: 'number'; readonly values: Float64Array; readonly nulls: number }
  /** Microseconds on the wall clock, NaN where there is no value. */
  | { readonly kind: 'time'; readonly values: Float64Array; readonly nulls: number }
  | { readonly kind: 'text'; readonly values: readonly (string | null)[]; readonly nulls: number }
  /** No value at all, or of a type that is not read. */
  | { readonly kind: 'empty' | 'unread'; readonly nulls: number }

/** The values of a column of one record batch. */
export function cellsOf(vector: Vector): Cells {
  const data = vector.data[0] as Data
  const { type } = data
  const nulls = data.nullCount
  if (DataType.isNull(type)) return { kind: 'empty', nulls: data.length }
  if (DataType.isTimestamp(type)) {
    return { kind: 'time', values: withNulls(wide(data, joins[type.unit]), data), nulls }
  }
  if (DataType.isDate(type)) {
    const days = Float64Array.from({ length: data.length }, (_, i) => {
      const date = vector.get(i) as number | Date | null
      return date === null ? Number.NaN : Number(date) * 1000
    })
    return { kind: 'time', values: days, nulls }
  }
  const values = numbersOf(data)
  if (values !== undefined) return { kind: 'number', values, nulls }
  if (isText(type)) {
    const texts = Array.from(vector as Iterable<unknown>, (value) => {
      return value === null || value === undefined ? null : String(value)
    })
    return { kind: 'text', values: texts, nulls }
  }
  return { kind: 'unread', nulls }
}

function isText(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isText(type.dictionary)
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isBool(type)
}

function numbersOf(data: Data): Float64Array | undefined {
  const { type } = data
  if (DataType.isInt(type) && type.bitWidth === 64) {
    const combine = type.isSigned ? joined : (high: number, low: number) => joined(high >>> 0, low)
    return withNulls(wide(data, combine), data)
  }
  if (DataType.isInt(type) || (DataType.isFloat(type) && type.precision > 0)) {
    const raw = data.values as Float64Array | Float32Array | Int32Array
    return withNulls(Float64Array.from(raw.subarray(0, data.length)), data)
  }
  if (DataType.isDecimal(type) && type.bitWidth === 128) {
    return withNulls(decimals(data, type.scale), data)
  }
  return undefined
}

const joined = (high: number, low: number): number => high * 4_294_967_296 + low

const joins: Readonly<Record<TimeUnit, (high: number, low: number) => number>> = {
  [TimeUnit.SECOND]: (high, low) => joined(high, low) * 1e6,
  [TimeUnit.MILLISECOND]: (high, low) => joined(high, low) * 1e3,
  [TimeUnit.MICROSECOND]: joined,
  // Nanoseconds pass 2^53: divided word by word, each step exact.
  [TimeUnit.NANOSECOND]: (high, low) => {
    const quotient = Math.floor(high / 1000)
    const rest = (high - quotient * 1000) * 4_294_967_296 + low
    return quotient * 4_294_967_296 + Math.floor(rest / 1000)
  },
}

/** 64-bit integers as doubles without a BigInt each: exact below 2^53. */
function wide(data: Data, combine: (high: number, low: number) => number): Float64Array {
  const { buffer, byteOffset } = data.values as BigInt64Array
  const words = new Int32Array(buffer, byteOffset, data.length * 2)
  const out = new Float64Array(data.length)
  for (let i = 0; i < out.length; i++) {
    out[i] = combine(words[2 * i + 1] as number, (words[2 * i] as number) >>> 0)
  }
  return out
}

/** Decimals of 128 bits, as the nearest doubles where they fit 64 bits. */
function decimals(data: Data, scale: number): Float64Array {
  const { buffer, byteOffset } = data.values as Uint32Array
  const words = new Int32Array(buffer, byteOffset, data.length * 4)
  const unit = 10 ** scale
  return Float64Array.from({ length: data.length }, (_, i) => {
    const [w0, w1, w2, w3] = words.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ]
    const low = joined(w1 >>> 0, w0 >>> 0)
    const high = joined(w3, w2 >>> 0)
    // A small negative number is all ones above: its low half alone, as a signed one, is exact.
    const value = high === -1 ? joined(w1, w0 >>> 0) : high * 2 ** 64 + low
    return value / unit
  })
}

function withNulls(values: Float64Array, data: Data): Float64Array {
  if (data.nullCount === 0) return values
  const { nullBitmap, offset } = data
  for (let i = 0; i < values.length; i++) {
    const at = offset + i
    if ((((nullBitmap[at >> 3] as number) >> (at & 7)) & 1) === 0) values[i] = Number.NaN
  }
  return values
}

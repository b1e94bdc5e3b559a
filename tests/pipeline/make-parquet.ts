/**
 * Small Parquet files for tests, with columns of any type, written by parquet-wasm from Arrow
 * vectors. Knows nothing about recipes or sums.
 */

import { writeFileSync } from 'node:fs'
import {
  type DataType,
  DateDay,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  makeVector,
  Null,
  Table,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  tableToIPC,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import { Table as WasmTable, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm'

type Values<T> = readonly (T | null)[]

function nullBitmap(values: Values<unknown>): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8))
  values.forEach((value, i) => {
    if (value !== null) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7))
  })
  return bits
}

function fixed(type: DataType, values: Values<unknown>, data: ArrayLike<unknown>): Vector {
  const nullCount = values.filter((value) => value === null).length
  const nulls = nullCount > 0 ? { nullBitmap: nullBitmap(values) } : {}
  return makeVector(makeData({ type, length: values.length, nullCount, ...nulls, data } as never))
}

const wide = (values: Values<number | bigint>): BigInt64Array =>
  BigInt64Array.from(values, (value) => BigInt(value ?? 0))
const narrow = (values: Values<number>): number[] => values.map((value) => value ?? 0)

/** Columns of numbers by their type; null is null. */
export const numbers = {
  int8: (v: Values<number>) => fixed(new Int8(), v, Int8Array.from(narrow(v))),
  int16: (v: Values<number>) => fixed(new Int16(), v, Int16Array.from(narrow(v))),
  int32: (v: Values<number>) => fixed(new Int32(), v, Int32Array.from(narrow(v))),
  int64: (v: Values<number | bigint>) => fixed(new Int64(), v, wide(v)),
  uint8: (v: Values<number>) => fixed(new Uint8(), v, Uint8Array.from(narrow(v))),
  uint16: (v: Values<number>) => fixed(new Uint16(), v, Uint16Array.from(narrow(v))),
  uint32: (v: Values<number>) => fixed(new Uint32(), v, Uint32Array.from(narrow(v))),
  uint64: (v: Values<number | bigint>) =>
    fixed(new Uint64(), v, new BigUint64Array(wide(v).buffer)),
  float32: (v: Values<number>) => fixed(new Float32(), v, Float32Array.from(narrow(v))),
  float64: (v: Values<number>) => fixed(new Float64(), v, Float64Array.from(narrow(v))),
}

/** Columns of timestamps by their unit, counted since 1970-01-01T00:00; null is null. */
export const timestamps = {
  s: (v: Values<number | bigint>, zone?: string) => fixed(new TimestampSecond(zone), v, wide(v)),
  ms: (v: Values<number | bigint>, zone?: string) =>
    fixed(new TimestampMillisecond(zone), v, wide(v)),
  us: (v: Values<number | bigint>, zone?: string) =>
    fixed(new TimestampMicrosecond(zone), v, wide(v)),
  ns: (v: Values<number | bigint>, zone?: string) =>
    fixed(new TimestampNanosecond(zone), v, wide(v)),
}

/** A column of dates, in days since 1970-01-01. */
export const days = (values: Values<number>): Vector =>
  fixed(new DateDay(), values, Int32Array.from(narrow(values)))

/** A column of text. */
export const texts = (values: Values<string>): Vector => vectorFromArray([...values], new Utf8())

/** A column of the type that holds nothing but nulls. */
export const nulls = (length: number): Vector => makeVector(makeData({ type: new Null(), length }))

/**
 * Writes a file.
 *
 * @param columns by name, all of one length
 * @param rowGroup rows of a row group, default all
 * @returns the path
 */
export function makeParquet(
  path: string,
  columns: Readonly<Record<string, Vector>>,
  rowGroup = 2 ** 20,
): string {
  const properties = new WriterPropertiesBuilder().setMaxRowGroupSize(rowGroup).build()
  const table = WasmTable.fromIPCStream(tableToIPC(new Table(columns), 'stream'))
  writeFileSync(path, writeParquet(table, properties))
  return path
}

/** A ride as a file has it: microseconds, ids, hundredths of a mile as a decimal; null is null. */
export interface FileRide {
  readonly pickup: number | null
  readonly dropoff: number | null
  readonly from: number | null
  readonly to: number | null
  readonly miles: number | null
}

/** The columns of a green file, typed as the official ones of 2021. */
export function greenColumns(rides: readonly FileRide[]): Record<string, Vector> {
  return {
    VendorID: numbers.float64(rides.map(() => 2)),
    lpep_pickup_datetime: timestamps.us(rides.map(({ pickup }) => pickup)),
    lpep_dropoff_datetime: timestamps.us(rides.map(({ dropoff }) => dropoff)),
    store_and_fwd_flag: texts(rides.map(() => 'N')),
    PULocationID: numbers.int64(rides.map(({ from }) => from)),
    DOLocationID: numbers.int64(rides.map(({ to }) => to)),
    trip_distance: numbers.float64(rides.map(({ miles }) => miles)),
  }
}

/**
 * Rides from a Parquet file, batch by batch: only the columns asked for, one row group in memory
 * at a time, as typed arrays. Knows the types that trip files come in, and refuses the others by
 * name rather than misread them. Knows nothing about recipes or sums.
 */

import { openAsBlob } from 'node:fs'
import { type Data, DataType, type Schema, TimeUnit, tableFromIPC, type Vector } from 'apache-arrow'
import { ParquetFile } from 'parquet-wasm'
import { messageOf, RidecastError } from '../errors.ts'
import { type ColumnName, parseWallClock, type RideBatch, type Taxi, timeColumns } from '../ride.ts'

/** A batch holds at most this many rides. */
const batchSize = 2 ** 20

/** Which columns to read. */
export interface RideColumns {
  /** A file without one of these is refused. */
  readonly required: readonly ColumnName[]
  /** All missing where the file does not have them. */
  readonly optional: readonly ColumnName[]
}

/**
 * Reads the rides of one file. Times that are text but no time come as Infinity.
 *
 * @param path a local Parquet file
 * @param progress called with (rides read, rides in the file)
 * @throws source_columns, source_column_type, source_truncated
 */
export async function* readRides(
  path: string,
  taxi: Taxi,
  columns: RideColumns,
  progress: (done: number, total: number) => void = () => {},
): AsyncGenerator<RideBatch> {
  const file = await damaged(path, async () => ParquetFile.fromFile(await openAsBlob(path)))
  try {
    const schema = tableFromIPC(file.schema().intoIPCStream()).schema
    const names = resolveColumns(schema, path, taxi, columns)
    const meta = file.metadata()
    const total = meta.fileMetadata().numRows()
    const groups = meta.numRowGroups()
    let done = 0
    for (let group = 0; group < groups; group++) {
      const table = await damaged(path, async () => {
        const read = await file.read({
          columns: [...new Set(Object.values(names))],
          rowGroups: [group],
          batchSize,
        })
        return tableFromIPC(read.intoIPCStream())
      })
      for (const batch of table.batches) {
        const column = (name: string): Data => batch.getChild(name)?.data[0] as Data
        const length = batch.numRows
        const values: RideBatch['columns'] = {}
        for (const name of [...columns.required, ...columns.optional]) {
          const found = names[name]
          values[name] = found
            ? toNumbers(column(found), path, found)
            : new Float64Array(length).fill(Number.NaN)
        }
        yield {
          length,
          pickup: toMicros(
            batch.getChild(names.pickup as string) as Vector,
            path,
            names.pickup as string,
          ),
          dropoff: toMicros(
            batch.getChild(names.dropoff as string) as Vector,
            path,
            names.dropoff as string,
          ),
          columns: values,
        }
        done += length
        progress(done, total)
      }
    }
  } finally {
    file.free()
  }
}

async function damaged<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw new RidecastError(
      'source_truncated',
      `${path} is a damaged Parquet file (${messageOf(error)}): download it again`,
      { cause: error },
    )
  }
}

// Files of different years spell columns differently: match without regard to case.
function resolveColumns(
  schema: Schema,
  path: string,
  taxi: Taxi,
  columns: RideColumns,
): Partial<Record<ColumnName | 'pickup' | 'dropoff', string>> {
  const byLowerCase = new Map(schema.fields.map(({ name }) => [name.toLowerCase(), name]))
  const wanted = { ...timeColumns[taxi] }
  const names: Partial<Record<ColumnName | 'pickup' | 'dropoff', string>> = {}
  const missing: string[] = []
  const find = (key: ColumnName | 'pickup' | 'dropoff', name: string, required: boolean): void => {
    const found = byLowerCase.get(name.toLowerCase())
    if (found !== undefined) names[key] = found
    else if (required) missing.push(name)
  }
  find('pickup', wanted.pickup, true)
  find('dropoff', wanted.dropoff, true)
  for (const name of columns.required) find(name, name, true)
  for (const name of columns.optional) find(name, name, false)
  if (missing.length > 0) {
    const other = taxi === 'green' ? 'yellow' : 'green'
    const hint = byLowerCase.has(timeColumns[other].pickup)
      ? `; it looks like a ${other} file: say --taxi ${other}`
      : ''
    throw new RidecastError(
      'source_columns',
      `${path} lacks ${missing.join(', ')}, found ${schema.fields.map(({ name }) => name).join(', ') || 'no column'}${hint}`,
    )
  }
  return names
}

function wrongType(path: string, name: string, expected: string, data: Data): RidecastError {
  return new RidecastError(
    'source_column_type',
    `column ${name} of ${path} cannot be read: expected ${expected}, found ${data.type}`,
  )
}

const isNull = (data: Data, i: number): boolean =>
  data.nullCount > 0 &&
  (((data.nullBitmap[(data.offset + i) >> 3] as number) >> ((data.offset + i) & 7)) & 1) === 0

/** 64-bit integers as doubles without a BigInt each: exact below 2^53. */
function wideIntegers(data: Data, combine: (high: number, low: number) => number): Float64Array {
  const { buffer, byteOffset, length } = data.values as BigInt64Array
  const words = new Int32Array(buffer, byteOffset, length * 2)
  const out = new Float64Array(data.length)
  for (let i = 0; i < out.length; i++) {
    out[i] = combine(words[2 * i + 1] as number, (words[2 * i] as number) >>> 0)
  }
  return out
}

const joinWords = (high: number, low: number): number => high * 4_294_967_296 + low

function withNulls(values: Float64Array, data: Data): Float64Array {
  if (data.nullCount === 0) return values
  for (let i = 0; i < values.length; i++) if (isNull(data, i)) values[i] = Number.NaN
  return values
}

function toNumbers(data: Data, path: string, name: string): Float64Array {
  const { type } = data
  if (DataType.isNull(type)) return new Float64Array(data.length).fill(Number.NaN)
  if (DataType.isInt(type) && type.bitWidth === 64) {
    const high = type.isSigned ? joinWords : (h: number, l: number) => joinWords(h >>> 0, l)
    return withNulls(wideIntegers(data, high), data)
  }
  if (DataType.isInt(type) || (DataType.isFloat(type) && type.precision > 0)) {
    const all = data.values as Float64Array | Float32Array | Int32Array
    const values = all.subarray(0, data.length)
    const own = data.nullCount > 0 || !(values instanceof Float64Array)
    return withNulls(own ? Float64Array.from(values) : (values as Float64Array), data)
  }
  throw wrongType(path, name, 'an integer or floating-point column', data)
}

function toMicros(vector: Vector, path: string, name: string): Float64Array {
  const data = vector.data[0] as Data
  const { type } = data
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    return Float64Array.from({ length: data.length }, (_, i) => {
      const text = vector.get(i) as string | null
      if (text === null) return Number.NaN
      const micros = parseWallClock(text)
      return Number.isNaN(micros) ? Number.POSITIVE_INFINITY : micros
    })
  }
  if (DataType.isNull(type)) return new Float64Array(data.length).fill(Number.NaN)
  if (!DataType.isTimestamp(type)) {
    throw wrongType(path, name, 'a timestamp or text column', data)
  }
  if (type.timezone) {
    throw wrongType(path, name, 'wall-clock time without a zone', data)
  }
  const combine = {
    [TimeUnit.SECOND]: (h: number, l: number) => joinWords(h, l) * 1e6,
    [TimeUnit.MILLISECOND]: (h: number, l: number) => joinWords(h, l) * 1e3,
    [TimeUnit.MICROSECOND]: joinWords,
    [TimeUnit.NANOSECOND]: nanosToMicros,
  }[type.unit]
  return withNulls(wideIntegers(data, combine), data)
}

// Nanoseconds pass 2^53: divide by 1000 word by word, each step exact.
function nanosToMicros(high: number, low: number): number {
  const quotient = Math.floor(high / 1000)
  const rest = (high - quotient * 1000) * 4_294_967_296 + low
  return quotient * 4_294_967_296 + Math.floor(rest / 1000)
}

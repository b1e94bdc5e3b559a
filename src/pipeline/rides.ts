/**
 * Rides from a Parquet file, batch by batch: only the columns asked for, one row group in memory
 * at a time, as typed arrays. Knows the types that trip files come in, and refuses the others by
 * name rather than misread them. Knows nothing about recipes or sums.
 */

import { openAsBlob } from 'node:fs'
import { type Data, DataType, TimeUnit, tableFromIPC, type Vector } from 'apache-arrow'
import { ParquetFile } from 'parquet-wasm'
import { messageOf, RidecastError } from '../errors.ts'
import { parseWallClock, type RideBatch, type Taxi } from '../ride.ts'
import { type RideColumns, resolveColumns } from './columns.ts'

/** A batch holds at most this many rides. */
const batchSize = 2 ** 20

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
  const file = await decoded(path, async () => ParquetFile.fromFile(await openAsBlob(path)))
  let done = 0
  let total: number
  try {
    const { schema, rows, groups } = await decoded(path, async () => {
      const meta = file.metadata()
      const { schema } = tableFromIPC(file.schema().intoIPCStream())
      return { schema, rows: meta.fileMetadata().numRows(), groups: meta.numRowGroups() }
    })
    total = rows
    const spelled = schema.fields.map(({ name }) => name)
    const names = resolveColumns(spelled, path, taxi, columns)
    for (let group = 0; group < groups; group++) {
      const table = await decoded(path, async () => {
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
          pickup: toMicros(batch.getChild(names.pickup) as Vector, path, names.pickup),
          dropoff: toMicros(batch.getChild(names.dropoff) as Vector, path, names.dropoff),
          columns: values,
        }
        done += length
        progress(done, total)
      }
    }
  } finally {
    release(file)
  }
  if (done !== total) throw damaged(path, `found ${done} rides where its footer says ${total}`)
}

function damaged(path: string, reason: string, cause?: unknown): RidecastError {
  const text = `${path} is a damaged Parquet file (${reason}): download it again`
  return new RidecastError('source_truncated', text, { cause })
}

// A panic leaves the file borrowed for good; its memory is lost then, the error is not.
function release(file: ParquetFile): void {
  try {
    file.free()
  } catch {}
}

let turn: Promise<unknown> = Promise.resolve()

/** Runs one step of the decoder; steps wait for each other, so that a panic has one cause. */
async function decoded<T>(path: string, step: () => Promise<T>): Promise<T> {
  const result = turn.then(() => surviving(step))
  // Only the end counts: holding on to the result would keep a row group in memory.
  const over = (): void => {}
  turn = result.then(over, over)
  try {
    return await result
  } catch (error) {
    throw damaged(path, messageOf(error), error)
  }
}

/**
 * Runs a step of the decoder and rejects when it panics. The decoder goes on in microtasks: a
 * panic over damaged bytes would come out of one of those, where it ends the process, and the
 * step would never settle. So the tasks queued meanwhile are watched.
 */
async function surviving<T>(step: () => Promise<T>): Promise<T> {
  const queue = globalThis.queueMicrotask
  try {
    return await new Promise<T>((resolve, reject) => {
      globalThis.queueMicrotask = (task) => {
        queue(() => {
          try {
            task()
          } catch (error) {
            // Only WebAssembly traps have this name.
            if (!(error instanceof Error) || error.name !== 'RuntimeError') throw error
            reject(new Error('its pages cannot be decoded', { cause: error }))
          }
        })
      }
      step().then(resolve, reject)
    })
  } finally {
    globalThis.queueMicrotask = queue
  }
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

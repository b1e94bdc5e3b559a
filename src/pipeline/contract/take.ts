/** Some rows of a batch of Arrow columns, as a batch of the same types. */

import { type Data, DataType, makeData, type RecordBatch } from 'apache-arrow'
import { RidecastError } from '../../errors.ts'
import { isNull } from './rows.ts'

/**
 * The given rows of every column.
 *
 * @param path how errors call the file
 * @param rows positions, ascending
 * @returns in the order of the columns
 * @throws source_column_type for a type that trip files do not have
 */
export function takeRows(batch: RecordBatch, rows: readonly number[], path: string): Data[] {
  return batch.schema.fields.map(({ name, type }, k) => {
    const data = batch.getChildAt(k)?.data[0] as Data
    if (DataType.isNull(type)) return makeData({ type, length: rows.length })
    const nullBitmap = bitmap(rows, (i) => !isNull(data, i))
    const nullCount = rows.filter((i) => isNull(data, i)).length
    const base = { type, length: rows.length, nullCount, nullBitmap }
    if (DataType.isBool(type)) {
      const bits = data.values as Uint8Array
      return makeData({ ...base, data: bitmap(rows, (i) => bitAt(bits, data.offset + i)) } as never)
    }
    if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
      return makeData({ ...base, ...texts(data, rows) } as never)
    }
    const isPlain = [DataType.isInt, DataType.isFloat, DataType.isTimestamp, DataType.isDate]
    if (isPlain.some((is) => is(type))) {
      return makeData({ ...base, data: gathered(data, rows) } as never)
    }
    const expected = 'expected numbers, times, dates, texts or flags'
    throw new RidecastError(
      'source_column_type',
      `column ${name} of ${path} cannot be copied: ${expected}, found ${type}`,
    )
  })
}

function bitAt(bits: Uint8Array, at: number): boolean {
  return (((bits[at >> 3] as number) >> (at & 7)) & 1) === 1
}

function bitmap(rows: readonly number[], isSet: (i: number) => boolean): Uint8Array {
  // Arrow pads its buffers to 8 bytes.
  const bits = new Uint8Array(Math.ceil(rows.length / 64) * 8)
  rows.forEach((i, at) => {
    if (isSet(i)) bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7))
  })
  return bits
}

function gathered(data: Data, rows: readonly number[]): ArrayLike<unknown> {
  const values = data.values as Float64Array
  // A value of a date in milliseconds is two words.
  const width = values.length / data.length
  const out = new (values.constructor as Float64ArrayConstructor)(rows.length * width)
  rows.forEach((i, at) => {
    for (let w = 0; w < width; w++) out[at * width + w] = values[i * width + w] as number
  })
  return out
}

function texts(data: Data, rows: readonly number[]): { data: Uint8Array; valueOffsets: unknown } {
  const offsets = data.valueOffsets as Int32Array | BigInt64Array
  const from = (i: number): number => Number(offsets[i])
  const bytes = data.values as Uint8Array
  const total = rows.reduce((sum, i) => sum + from(i + 1) - from(i), 0)
  const out = new Uint8Array(total)
  const ends = [0]
  for (const i of rows) {
    const at = ends.at(-1) as number
    out.set(bytes.subarray(from(i), from(i + 1)), at)
    ends.push(at + from(i + 1) - from(i))
  }
  const isLarge = offsets instanceof BigInt64Array
  return {
    data: out,
    valueOffsets: isLarge ? BigInt64Array.from(ends, BigInt) : Int32Array.from(ends),
  }
}

/** Rows in Arrow's memory: from record batches, into record batches. Knows nothing about files. */

import {
  type Data,
  DataType,
  Field,
  makeData,
  Precision,
  RecordBatch,
  Schema,
  Struct,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import { columnOfVector } from '../arrow-columns.ts'
import type { RowBatch } from './row-batch.ts'

/** The rows of a record batch. Dictionaries are resolved: another batch has others. */
export function arrowRows(batch: RecordBatch): RowBatch {
  const record = isDictionaryIn(batch) ? resolved(batch) : batch
  const names = record.schema.fields.map(({ name }) => name)
  return {
    length: record.numRows,
    names,
    unread: new Map(),
    cells: (name) => ({ arrow: columnOfVector(record.getChildAt(names.indexOf(name)) as Vector) }),
    record: () => record,
  }
}

const isDictionaryIn = (batch: RecordBatch): boolean =>
  batch.schema.fields.some(({ type }) => DataType.isDictionary(type))

function resolved(batch: RecordBatch): RecordBatch {
  const children = batch.schema.fields.map(({ type }, k): Data => {
    const vector = batch.getChildAt(k) as Vector
    if (!DataType.isDictionary(type)) return vector.data[0] as Data
    return dataOf([...vector], type.dictionary)
  })
  const fields = batch.schema.fields.map(({ name }, k) => {
    return new Field(name, (children[k] as Data).type, true)
  })
  return batchOf(new Schema(fields), children, batch.numRows)
}

/** A column to be made. */
export interface NewColumn {
  readonly name: string
  readonly type: DataType
  /** One for each row, null where it is missing. */
  readonly values: readonly unknown[]
}

/** A record batch of columns. */
export function recordOf(columns: readonly NewColumn[], length: number): RecordBatch {
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, type, true)))
  const children = columns.map(({ values, type }) => dataOf(values, type))
  return batchOf(schema, children, length)
}

/** A record batch and columns after its own. */
export function joined(left: RecordBatch, right: RecordBatch): RecordBatch {
  const schema = new Schema([
    // Rows may come from a writer that was stricter than what is made of them.
    ...left.schema.fields.map(({ name, type }) => new Field(name, type, true)),
    ...right.schema.fields,
  ])
  return batchOf(schema, [...left.data.children, ...right.data.children], left.numRows)
}

function batchOf(schema: Schema, children: Data[], length: number): RecordBatch {
  const type = new Struct(schema.fields)
  return new RecordBatch(schema, makeData({ type, length, nullCount: 0, children }))
}

function dataOf(values: readonly unknown[], type: DataType): Data {
  const { length } = values
  if (length === 0) return makeData({ type, length: 0 } as never)
  // Arrow's own builders take these value by value, which is most of the time that writing takes.
  const isNumbers = DataType.isFloat(type) && type.precision === Precision.DOUBLE
  if (!isNumbers && !DataType.isUtf8(type))
    return vectorFromArray([...values], type).data[0] as Data
  const { nullBitmap, nullCount } = nullsOf(values)
  const base = { type, length, nullCount, nullBitmap }
  if (isNumbers) return makeData({ ...base, data: Float64Array.from(values as number[]) } as never)
  return makeData({ ...base, ...encoded(values as readonly (string | null)[]) } as never)
}

function nullsOf(values: readonly unknown[]): { nullBitmap: Uint8Array; nullCount: number } {
  // Arrow pads its buffers to 8 bytes.
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 64) * 8)
  let nullCount = 0
  for (let i = 0; i < values.length; i++) {
    if (values[i] === null) nullCount++
    else nullBitmap[i >> 3] = (nullBitmap[i >> 3] as number) | (1 << (i & 7))
  }
  return { nullBitmap, nullCount }
}

function encoded(texts: readonly (string | null)[]): {
  data: Uint8Array
  valueOffsets: Int32Array
} {
  const joinedText = texts.join('')
  const data = new TextEncoder().encode(joinedText)
  const isAscii = data.length === joinedText.length
  const valueOffsets = new Int32Array(texts.length + 1)
  let end = 0
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i] ?? ''
    end += isAscii ? text.length : Buffer.byteLength(text)
    valueOffsets[i + 1] = end
  }
  return { data, valueOffsets }
}

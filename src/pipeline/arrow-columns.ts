/**
 * Decoded columns as views on the decoder's memory, by the Arrow C data interface
 * (https://arrow.apache.org/docs/format/CDataInterface.html): nothing is copied or serialised.
 * Columns of variable width come through Arrow IPC instead. Knows nothing about what columns mean.
 */

import { type Data, DataType, type Schema, tableFromIPC, type Vector } from 'apache-arrow'
import { type Table as DecodedTable, wasmMemory } from 'parquet-wasm'

/** Values of a column in one batch. */
export interface ArrowColumn {
  readonly type: DataType
  readonly length: number
  /**
   * Values of a type of fixed width, `length` of them; undefined for others. A view: the decoder
   * may move or overwrite what is behind it as soon as it runs again.
   */
  readonly values: ArrowValues | undefined
  /** One bit for each value, 0 where it is null, from bit `nullsFrom` on; undefined for no null. */
  readonly nulls: Uint8Array | undefined
  readonly nullsFrom: number
  /** The text of value `i` of a text column. */
  text(i: number): string | null
}

type ArrowValues =
  | BigInt64Array
  | BigUint64Array
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array

/** Columns of one batch by name. */
export interface ArrowBatch {
  readonly length: number
  readonly columns: ReadonlyMap<string, ArrowColumn>
}

/**
 * The batches of a decoded table, which is used up. A batch is good until the decoder runs again
 * or the next one is asked for.
 */
export function* batchesOf(table: DecodedTable, schema: Schema): Generator<ArrowBatch> {
  if (schema.fields.every(({ type }) => isViewed(type))) yield* viewedBatches(table, schema)
  else yield* copiedBatches(table)
}

/** Types whose values can be looked at where they are; Null has none. */
function isViewed(type: DataType): boolean {
  return (
    DataType.isNull(type) ||
    DataType.isInt(type) ||
    DataType.isTimestamp(type) ||
    (DataType.isFloat(type) && type.precision > 0)
  )
}

function* viewedBatches(table: DecodedTable, schema: Schema): Generator<ArrowBatch> {
  const stream = table.intoFFI()
  try {
    const addresses = stream.arrayAddrs()
    for (const address of addresses) {
      // Asked for each time: memory that has grown has another buffer.
      const { buffer } = wasmMemory() as { readonly buffer: ArrayBuffer }
      const struct = new CArray(new DataView(buffer), address)
      const columns = schema.fields.map(({ name, type }, k): [string, ArrowColumn] => {
        return [name, viewed(struct.child(k), type, struct.length)]
      })
      yield { length: struct.length, columns: new Map(columns) }
    }
  } finally {
    stream.free()
  }
}

/** A `struct ArrowArray` in 32-bit memory. */
class CArray {
  readonly length: number
  readonly nullCount: number
  readonly offset: number
  private readonly memory: DataView
  private readonly address: number

  constructor(memory: DataView, address: number) {
    this.memory = memory
    this.address = address
    this.length = this.integer(0)
    this.nullCount = this.integer(8)
    this.offset = this.integer(16)
  }

  /** Address of buffer `k`, 0 for none: the bits of nulls, then the values. */
  buffer(k: number): number {
    return k < this.integer(24) ? this.pointer(this.pointer(this.address + 40) + 4 * k) : 0
  }

  child(k: number): CArray {
    return new CArray(this.memory, this.pointer(this.pointer(this.address + 44) + 4 * k))
  }

  get bytes(): ArrayBuffer {
    return this.memory.buffer as ArrayBuffer
  }

  private integer(at: number): number {
    return Number(this.memory.getBigInt64(this.address + at, true))
  }

  private pointer(at: number): number {
    return this.memory.getUint32(at, true)
  }
}

function viewed(array: CArray, type: DataType, length: number): ArrowColumn {
  const { offset, bytes, nullCount } = array
  const bits = nullCount === 0 || DataType.isNull(type) ? 0 : array.buffer(0)
  return {
    type,
    length,
    values: DataType.isNull(type) ? undefined : valuesAt(array, type, length),
    nulls: bits === 0 ? undefined : new Uint8Array(bytes, bits, Math.ceil((offset + length) / 8)),
    nullsFrom: offset,
    text: noText,
  }
}

function valuesAt(array: CArray, type: DataType, length: number): ArrowValues {
  const { ArrayType } = type as { ArrayType: Float64ArrayConstructor }
  // An empty array has no buffer.
  if (length === 0) return new ArrayType(0)
  const from = array.buffer(1) + array.offset * ArrayType.BYTES_PER_ELEMENT
  return new ArrayType(array.bytes, from, length)
}

const noText = (): null => null

function* copiedBatches(table: DecodedTable): Generator<ArrowBatch> {
  for (const batch of tableFromIPC(table.intoIPCStream()).batches) {
    const columns = batch.schema.fields.map(({ name }, k): [string, ArrowColumn] => {
      return [name, columnOfVector(batch.getChildAt(k) as Vector)]
    })
    yield { length: batch.numRows, columns: new Map(columns) }
  }
}

/** A column of a batch that apache-arrow holds; of one chunk. */
export function columnOfVector(vector: Vector): ArrowColumn {
  const { type, length, values, nullCount, nullBitmap, offset } = vector.data[0] as Data
  return {
    type,
    length,
    values: DataType.isNull(type) ? undefined : values?.subarray(0, length),
    nulls: nullCount > 0 ? nullBitmap : undefined,
    nullsFrom: offset,
    text: (i) => vector.get(i) as string | null,
  }
}

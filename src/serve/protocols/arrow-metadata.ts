/**
 * Holds what a message of an Arrow stream claims against its size, before the library believes it:
 * lengths there decide how long its loops run and how much they allocate. The metadata are
 * FlatBuffers (https://flatbuffers.dev/internals/), of which just this much is read here. Knows nothing
 * about columns or rides.
 */

import { Problem } from '../problem.ts'

/** Kinds of messages; there are others, of no use here. */
export const kinds = { schema: 1, dictionary: 2, batch: 3 } as const

const unionType = 14
const mostFields = 1000

/** What a message claims, as far as it has to be believed. */
export interface Claim {
  readonly kind: number
  readonly bodyLength: number
  /** Rows of a batch, 0 for other messages. */
  readonly rows: number
  /** Of a dictionary: which one it is, and whether it adds to what there is. */
  readonly id: number
  readonly adds: boolean
}

/**
 * What the metadata of a message claims.
 *
 * @throws Problem: request_malformed where a claim cannot be true
 */
export function claimOf(metadata: Buffer): Claim {
  try {
    const message = Table.root(metadata)
    const bodyLength = message.long(3)
    if (bodyLength < 0) throw malformed('body of a message has a negative length')
    const header = message.child(2)
    const kind = message.byte(1)
    if (kind === kinds.schema) checkSchema(header)
    const data = kind === kinds.dictionary ? header.child(1) : header
    const hasRows = kind === kinds.dictionary || kind === kinds.batch
    if (hasRows) checkBatch(data, bodyLength)
    message.checkVector(4, 4)
    const rows = hasRows ? data.long(0) : 0
    const isDictionary = kind === kinds.dictionary
    const id = isDictionary ? header.long(0) : 0
    return { kind, bodyLength, rows, id, adds: isDictionary && header.byte(2) !== 0 }
  } catch (error) {
    // Of DataView: an offset that leads out of the metadata.
    if (error instanceof RangeError) throw malformed('metadata of a message is damaged')
    throw error
  }
}

function checkBatch(batch: Table, bodyLength: number): void {
  const isWithin = (from: number, size: number, whole: number): boolean =>
    from >= 0 && size >= 0 && from + size <= whole
  // Of each column how many values it has, and how many of them are null.
  for (const [length, nulls] of batch.pairs(1)) {
    if (isWithin(0, length, bodyLength) && isWithin(0, nulls, length)) continue
    throw malformed(`batch claims ${length} values in ${bodyLength} bytes`)
  }
  for (const [offset, length] of batch.pairs(2)) {
    if (isWithin(offset, length, bodyLength)) continue
    throw malformed(`buffer of a batch lies outside of its ${bodyLength} bytes`)
  }
  batch.checkVector(4, 8)
  if (batch.has(3)) {
    throw malformed('batch is compressed: write the stream without compression')
  }
}

/** Fields may share what they point to: their number, not their size, bounds the walk. */
function checkSchema(schema: Table): void {
  let count = 0
  const visit = (fields: readonly Table[]): void => {
    count += fields.length
    if (count > mostFields) throw malformed(`schema has more than ${mostFields} fields`)
    for (const field of fields) {
      if (field.byte(2) === unionType) throw malformed('schema has a union, which is not read')
      field.checkVector(6, 4)
      visit(field.children(5))
    }
  }
  schema.checkVector(2, 4)
  schema.checkVector(3, 8)
  visit(schema.children(1))
}

/** A table of FlatBuffers: fields by number, each absent or at an offset. */
class Table {
  private readonly view: DataView
  private readonly at: number

  private constructor(view: DataView, at: number) {
    this.view = view
    this.at = at
  }

  static root(bytes: Uint8Array): Table {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new Table(view, view.getUint32(0, true))
  }

  has(field: number): boolean {
    return this.offset(field) !== 0
  }

  byte(field: number): number {
    const offset = this.offset(field)
    return offset === 0 ? 0 : this.view.getUint8(this.at + offset)
  }

  long(field: number): number {
    const offset = this.offset(field)
    return offset === 0 ? 0 : Number(this.view.getBigInt64(this.at + offset, true))
  }

  child(field: number): Table {
    const offset = this.offset(field)
    if (offset === 0) throw malformed('metadata of a message lacks a part')
    return new Table(this.view, this.target(this.at + offset))
  }

  /** The tables of a vector. */
  children(field: number): Table[] {
    const length = this.checkVector(field, 4)
    if (length === 0) return []
    if (length > mostFields) throw malformed(`schema has more than ${mostFields} fields`)
    const start = this.target(this.at + this.offset(field)) + 4
    return Array.from({ length }, (_, k) => new Table(this.view, this.target(start + 4 * k)))
  }

  /** The structs of a vector that are two long integers each. */
  pairs(field: number): [number, number][] {
    const length = this.checkVector(field, 16)
    if (length === 0) return []
    const start = this.target(this.at + this.offset(field)) + 4
    const long = (at: number): number => Number(this.view.getBigInt64(at, true))
    return Array.from({ length }, (_, k) => [long(start + 16 * k), long(start + 16 * k + 8)])
  }

  /** The length of a vector whose elements have that size; it lies within the metadata. */
  checkVector(field: number, elementBytes: number): number {
    const offset = this.offset(field)
    if (offset === 0) return 0
    const start = this.target(this.at + offset)
    const length = this.view.getUint32(start, true)
    if (start + 4 + length * elementBytes > this.view.byteLength) {
      throw malformed('metadata of a message is damaged')
    }
    return length
  }

  private offset(field: number): number {
    const vtable = this.at - this.view.getInt32(this.at, true)
    const slot = 4 + 2 * field
    return slot < this.view.getUint16(vtable, true) ? this.view.getUint16(vtable + slot, true) : 0
  }

  private target(at: number): number {
    return at + this.view.getUint32(at, true)
  }
}

/** What a client is told whose stream is damaged. */
export function malformed(what: string): Problem {
  return new Problem('request_malformed', `Arrow stream cannot be read: ${what}`)
}

/**
 * Answers of rows as an Arrow stream, a record batch for each piece. The only file that knows how
 * Arrow is written here; loaded with the first request that wants it.
 */

import {
  AsyncByteQueue,
  type DataType,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { mediaTypes } from './formats.ts'
import { type FlatColumns, flatAnswer, type RowWriter } from './write-rows.ts'

const types: Readonly<Record<FlatColumns[string], DataType>> = {
  integer: new Int32(),
  number: new Float64(),
  text: new Utf8(),
}

/** Takes the pieces that the writer makes. */
class Pieces extends AsyncByteQueue {
  private pieces: Uint8Array[] = []

  override write(piece: Uint8Array): void {
    if (piece.byteLength > 0) this.pieces.push(piece)
  }

  take(): Uint8Array {
    const taken = Buffer.concat(this.pieces)
    this.pieces = []
    return taken
  }
}

/** A writer of answers with these columns. */
export function arrowWriter(columns: FlatColumns): RowWriter {
  const names = Object.keys(columns)
  const schema = new Schema(
    names.map((name) => new Field(name, typeOf(columns, name), name !== 'row')),
  )
  const pieces = new Pieces()
  const writer = new RecordBatchStreamWriter()
  writer.reset(pieces, schema)
  return {
    type: mediaTypes.arrow,
    rows(answers) {
      const flat = answers.map(flatAnswer)
      const children = names.map((name) => {
        const values = flat.map((answer) => answer[name] ?? null)
        const [data] = vectorFromArray(values, typeOf(columns, name)).data
        return data as NonNullable<typeof data>
      })
      const type = new Struct(schema.fields)
      writer.write(new RecordBatch(schema, makeData({ type, length: flat.length, children })))
      return pieces.take()
    },
    end() {
      writer.finish()
      return pieces.take()
    },
  }
}

function typeOf(columns: FlatColumns, name: string): DataType {
  return types[columns[name] ?? 'text']
}

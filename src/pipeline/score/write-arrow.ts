/**
 * Scored rows as Parquet or Arrow IPC. In memory are a batch and, of Parquet, a row group. Knows
 * nothing about where the bytes go.
 */

import {
  AsyncByteQueue,
  type RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Table,
  tableToIPC,
} from 'apache-arrow'
import {
  Compression,
  type RecordBatch as EncodedBatch,
  Table as EncodedTable,
  transformParquetStream,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm'
import { recordOfScored, type ScoredRows } from './scored-rows.ts'

/** Rows of a row group of a Parquet file. */
const groupRows = 2 ** 17

/** Parquet, compressed with Snappy, which every reader knows. */
export async function* parquetBytes(
  batches: AsyncIterable<ScoredRows>,
): AsyncGenerator<Uint8Array> {
  const properties = new WriterPropertiesBuilder()
    .setMaxRowGroupSize(groupRows)
    .setCompression(Compression.SNAPPY)
    .build()
  const rows = encoded(batches)
  const first = await rows.next()
  if (first.done) {
    yield writeParquet(first.value, properties)
    return
  }
  const stream = new ReadableStream<EncodedBatch>(
    {
      start: (controller) => controller.enqueue(first.value),
      async pull(controller) {
        const { done, value } = await rows.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 1 },
  )
  yield* (await transformParquetStream(stream, properties)) as AsyncIterable<Uint8Array>
}

/** Batches with rows; returns a table without any, which has the columns all the same. */
async function* encoded(
  batches: AsyncIterable<ScoredRows>,
): AsyncGenerator<EncodedBatch, EncodedTable> {
  let empty: RecordBatch | undefined
  for await (const scored of batches) {
    const batch = recordOfScored(scored)
    empty ??= batch
    if (batch.numRows === 0) continue
    const table = EncodedTable.fromIPCStream(tableToIPC(new Table([batch]), 'stream'))
    yield* table.recordBatches()
    table.free()
  }
  const bytes = tableToIPC(new Table((empty as RecordBatch).schema), 'stream')
  return EncodedTable.fromIPCStream(bytes)
}

/** Takes the pieces that a writer makes. Its own queue would take any number before one is asked for. */
class Pieces extends AsyncByteQueue {
  private pieces: Uint8Array[] = []

  override write(piece: Uint8Array): void {
    // A view on the batch: the writer is done with it, and the batch outlives its piece.
    if (piece.byteLength > 0) this.pieces.push(piece)
  }

  take(): Uint8Array[] {
    const taken = this.pieces
    this.pieces = []
    return taken
  }
}

/** Arrow IPC: a file, with its footer, or a stream. */
export async function* arrowBytes(
  batches: AsyncIterable<ScoredRows>,
  kind: 'file' | 'stream',
): AsyncGenerator<Uint8Array> {
  const writer = kind === 'file' ? new RecordBatchFileWriter() : new RecordBatchStreamWriter()
  const pieces = new Pieces()
  let isOpen = false
  for await (const scored of batches) {
    const batch = recordOfScored(scored)
    if (!isOpen) writer.reset(pieces, batch.schema)
    isOpen = true
    writer.write(batch)
    yield* pieces.take()
  }
  writer.finish()
  yield* pieces.take()
}

/**
 * All columns of a Parquet file, some rows at a time: memory does not grow with the file or its
 * row groups. Knows nothing about what columns mean; see `rides.ts` for rides.
 */

import { type DataType, type RecordBatch, tableFromIPC } from 'apache-arrow'
import type { RecordBatch as DecodedBatch } from 'parquet-wasm'
import { damaged, openDecoder } from '../parquet-decoder.ts'

/** Rows in memory at once, at most. */
const batchSize = 2 ** 16

/** An open file. */
export interface ColumnFile {
  readonly rows: number
  /** Names and types, in file order. */
  readonly fields: readonly { readonly name: string; readonly type: DataType }[]
  /** All rows, in file order. */
  batches(): AsyncGenerator<RecordBatch>
  /** Lets go of the file. */
  close(): void
}

/**
 * Opens a file that is framed as Parquet. To be closed.
 *
 * @throws source_truncated when it cannot be decoded, here or while batches are read
 */
export async function openColumns(path: string): Promise<ColumnFile> {
  const decoder = await openDecoder(path)
  try {
    const { rows, groups, fields } = await decoder.run((file) => {
      const meta = file.metadata()
      const { fields } = tableFromIPC(file.schema().intoIPCStream()).schema
      return { rows: meta.fileMetadata().numRows(), groups: meta.numRowGroups(), fields }
    })
    async function* batches(): AsyncGenerator<RecordBatch> {
      let done = 0
      for (let group = 0; group < groups; group++) {
        const options = { rowGroups: [group], batchSize }
        const stream = await decoder.run((file) => file.stream(options))
        const reader = (stream as ReadableStream<DecodedBatch>).getReader()
        for (;;) {
          const table = await decoder.run(async () => {
            const { value } = await reader.read()
            return value && tableFromIPC(value.intoIPCStream())
          })
          if (table === undefined) break
          done += table.numRows
          yield* table.batches
        }
      }
      if (done !== rows) throw damaged(path, `found ${done} rows where its footer says ${rows}`)
    }
    return { rows, fields, batches, close: () => decoder.close() }
  } catch (error) {
    decoder.close()
    throw error
  }
}

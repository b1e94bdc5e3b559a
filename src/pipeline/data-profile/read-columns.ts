/**
 * All columns of a Parquet file, some rows at a time: memory does not grow with the file or its
 * row groups. Knows nothing about what columns mean; see `rides.ts` for rides.
 */

import { openAsBlob } from 'node:fs'
import { type RecordBatch, tableFromIPC } from 'apache-arrow'
import { ParquetFile, type RecordBatch as WasmBatch } from 'parquet-wasm'
import { messageOf, RidecastError } from '../../errors.ts'

/** Rows in memory at once, at most. */
const batchRows = 2 ** 17

/** An open file. */
export interface ColumnFile {
  readonly rows: number
  /** Names and types as Arrow writes them, in file order. */
  readonly fields: readonly { readonly name: string; readonly type: string }[]
  /** All rows, in file order. */
  batches(): AsyncGenerator<RecordBatch>
  close(): void
}

/**
 * Opens a file that is framed as Parquet.
 *
 * @throws source_truncated when it cannot be decoded, here or while batches are read
 */
export async function openColumns(path: string): Promise<ColumnFile> {
  const file = await decoded(path, async () => ParquetFile.fromFile(await openAsBlob(path)))
  const { rows, groups, fields } = await decoded(path, async () => {
    const meta = file.metadata()
    const { schema } = tableFromIPC(file.schema().intoIPCStream())
    const fields = schema.fields.map(({ name, type }) => ({ name, type: String(type) }))
    return { rows: meta.fileMetadata().numRows(), groups: meta.numRowGroups(), fields }
  })
  async function* batches(): AsyncGenerator<RecordBatch> {
    let done = 0
    for (let group = 0; group < groups; group++) {
      const options = { rowGroups: [group], batchSize: batchRows }
      const stream = await decoded(path, () => file.stream(options))
      const reader = (stream as ReadableStream<WasmBatch>).getReader()
      for (;;) {
        const table = await decoded(path, async () => {
          const { done: over, value } = await reader.read()
          return over ? undefined : tableFromIPC(value.intoIPCStream())
        })
        if (table === undefined) break
        for (const batch of table.batches) {
          done += batch.numRows
          yield batch
        }
      }
    }
    if (done !== rows) throw damaged(path, `found ${done} rows where its footer says ${rows}`)
  }
  return { rows, fields, batches, close: () => release(file) }
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

/**
 * Runs a step of the decoder and rejects when it panics. The decoder goes on in microtasks: a
 * panic over damaged bytes comes out of one of those and the step never settles.
 */
async function decoded<T>(path: string, step: () => Promise<T>): Promise<T> {
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
  } catch (error) {
    throw damaged(path, messageOf(error), error)
  } finally {
    globalThis.queueMicrotask = queue
  }
}

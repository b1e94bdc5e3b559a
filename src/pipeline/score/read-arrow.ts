/** Rows of Parquet and of Arrow IPC. Knows nothing about what columns mean. */

import { open } from 'node:fs/promises'
import { DataType, type Field, type RecordBatch, RecordBatchReader } from 'apache-arrow'
import { messageOf, RidecastError } from '../../errors.ts'
import { openColumns } from '../data-profile/read-columns.ts'
import { parquetFault } from '../parquet-file.ts'
import { arrowRows, recordOf } from './arrow-rows.ts'
import { checkNames, type RowBatch, type RowFile } from './row-batch.ts'

/**
 * Opens a Parquet file. To be closed.
 *
 * @throws source_truncated, source_not_parquet, source_html, source_lfs_pointer, source_columns
 */
export async function openParquet(path: string): Promise<RowFile> {
  const fault = await parquetFault(path)
  if (fault) {
    const text = `${path} is ${fault.found}, expected a Parquet file: ${fault.remedy}`
    throw new RidecastError(fault.code, text)
  }
  const file = await openColumns(path)
  async function* batches(): AsyncGenerator<RowBatch> {
    for await (const batch of file.batches()) yield arrowRows(batch)
    if (file.rows > 0) return
    yield arrowRows(emptyBatch(file.fields))
  }
  try {
    checkNames(
      file.fields.map(({ name }) => name),
      path,
    )
  } catch (error) {
    file.close()
    throw error
  }
  return { path, rows: file.rows, batches, close: () => file.close() }
}

/**
 * Opens an Arrow IPC file, or a stream that was saved as one. To be closed.
 *
 * @throws source_truncated while it is read; source_columns
 */
export async function openArrow(path: string): Promise<RowFile> {
  const handle = await open(path, 'r')
  return {
    path,
    rows: undefined,
    batches: () => readArrow(handle as never, path),
    close: () => handle.close().catch(() => {}),
  }
}

/**
 * The rows of an Arrow IPC stream.
 *
 * @param source bytes as they come
 * @throws source_truncated, source_columns
 */
export async function* readArrow(
  source: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<RowBatch> {
  const reader = await step(path, async () => {
    const opened = await RecordBatchReader.from(source)
    await opened.open()
    if (!opened.schema) throw new Error('it has no schema')
    return opened
  })
  const { fields } = reader.schema
  checkNames(
    fields.map(({ name }) => name),
    path,
  )
  let rows = 0
  for (;;) {
    const { done, value } = await step(path, async () => reader.next())
    if (done) break
    const batch: RecordBatch = value
    if (batch.numRows === 0) continue
    rows += batch.numRows
    yield arrowRows(batch)
  }
  if (rows === 0) yield arrowRows(emptyBatch(fields))
}

function emptyBatch(fields: readonly Pick<Field, 'name' | 'type'>[]): RecordBatch {
  const columns = fields.map(({ name, type }) => {
    return { name, type: DataType.isDictionary(type) ? type.dictionary : type, values: [] }
  })
  return recordOf(columns, 0)
}

async function step<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof RidecastError || (cause as Error).name === 'AbortError') throw cause
    throw new RidecastError(
      'source_truncated',
      `${path} is a damaged Arrow file (${messageOf(cause)}): get it again`,
      { cause },
    )
  }
}

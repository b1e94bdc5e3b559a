/**
 * Rows of CSV with a header. Every column is text and stays text. Knows nothing about what columns
 * mean.
 */

import { Utf8 } from 'apache-arrow'
import { RidecastError } from '../../errors.ts'
import { recordOf } from './arrow-rows.ts'
import { type CsvRecord, csvRecords } from './csv-records.ts'
import { batchRows, checkNames, type RowBatch, textOf } from './row-batch.ts'

/**
 * The rows of a CSV file. A row of another length than the header is one that cannot be read: it
 * is filled up or cut to the header, and says so.
 *
 * @param path how errors call the file
 * @throws source_columns (no header, a name twice), source_truncated, source_column_type (not UTF-8)
 */
export async function* readCsv(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<RowBatch> {
  let names: readonly string[] | undefined
  let waiting: CsvRecord[] = []
  let isFirst = true
  for await (const records of csvRecords(textOf(bytes, path), path)) {
    let from = 0
    if (names === undefined && records[0]) {
      names = records[0].fields
      checkNames(names, path)
      from = 1
    }
    for (let k = from; k < records.length; k++) {
      waiting.push(records[k] as CsvRecord)
      if (waiting.length < batchRows) continue
      yield rowsOf(names ?? [], waiting)
      waiting = []
      isFirst = false
    }
  }
  if (names === undefined) {
    throw new RidecastError(
      'source_columns',
      `${path} has no header: expected the names of its columns in the first line, found no text`,
    )
  }
  if (isFirst || waiting.length > 0) yield rowsOf(names, waiting)
}

function rowsOf(names: readonly string[], records: readonly CsvRecord[]): RowBatch {
  const unread = new Map<number, string>()
  records.forEach(({ fields }, i) => {
    if (fields.length === names.length) return
    const left = fields.length > names.length ? '; those beyond are left out' : ''
    unread.set(i, `row has ${fields.length} fields where the header has ${names.length}${left}`)
  })
  const column = (k: number): (string | undefined)[] => records.map(({ fields }) => fields[k])
  return {
    length: records.length,
    names,
    unread,
    cells: (name) => ({ values: column(names.indexOf(name)) }),
    texts: {
      format: 'csv',
      rows: records.map(({ text }, i) => (unread.has(i) ? undefined : text)),
    },
    record() {
      const columns = names.map((name, k) => {
        // An empty field is nothing said, as every reader of CSV has it.
        return { name, type: new Utf8(), values: column(k).map((text) => text || null) }
      })
      return recordOf(columns, records.length)
    },
  }
}

/**
 * Rides out of CSV with a header, in memory no more than a piece of it and a record. Quoting is a
 * library's job. Knows nothing about what fields may hold.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { messageOf } from '../../errors.ts'
import { Problem } from '../problem.ts'
import type { Field } from '../ride-fields.ts'
import { type Row, rowsAtOnce } from './rows.ts'

/**
 * The rows of a body by the names in its header; columns that are no field are passed over. A
 * record with another number of cells than the header is a row with a fault.
 *
 * @param recordLimit the longest record, characters
 * @throws Problem: request_malformed where quotes or lengths leave no way to tell where the next
 *   record begins
 */
export async function* csvRows(
  body: AsyncIterable<Buffer>,
  fields: readonly Field[],
  recordLimit: number,
): AsyncGenerator<Row[]> {
  const parser = parse({
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: recordLimit,
  })
  // A fault reaches the loop below by the parser.
  pipeline(Readable.from(body, { objectMode: false }), parser).catch(() => {})
  let read: ((cells: string[]) => Row) | undefined
  let rows: Row[] = []
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (read === undefined) {
        read = readerOf(cells, fields)
        continue
      }
      rows.push(read(cells))
      if (rows.length < rowsAtOnce) continue
      yield rows
      rows = []
    }
  } catch (error) {
    if (error instanceof Problem || !isCsvError(error)) throw error
    if (rows.length > 0) yield rows
    throw new Problem('request_malformed', `CSV cannot be read further: ${messageOf(error)}`)
  }
  if (rows.length > 0) yield rows
}

function isCsvError(error: unknown): boolean {
  const code: unknown = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('CSV_')
}

/** What makes rides of records under a header; the last of several equal names counts. */
function readerOf(header: readonly string[], fields: readonly Field[]): (cells: string[]) => Row {
  const names = header.map((name) => name.trim())
  const columns = fields
    .map(({ name, type }) => ({ name, isText: type === 'string', at: names.lastIndexOf(name) }))
    .filter(({ at }) => at >= 0)
  return (cells) => {
    if (cells.length !== names.length) {
      const detail = `record has ${cells.length} cells: expected ${names.length}, as the header`
      return new Problem('request_malformed', detail)
    }
    const ride: Record<string, unknown> = {}
    for (const { name, isText, at } of columns) {
      const cell = cells[at] as string
      ride[name] = isText && cell !== '' ? cell : cellValue(cell)
    }
    return ride
  }
}

const number = /^-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?$/

/** Nothing in CSV tells numbers from text: what reads as a number is one, an empty cell is missing. */
export function cellValue(cell: string): unknown {
  const text = cell.trim()
  if (text === '') return null
  return number.test(text) ? Number(text) : cell
}

/**
 * Records of CSV as RFC 4180 has it: fields between commas, quoted ones with any text in them and
 * each quote doubled, records between line ends. Streaming: in memory are a piece of the file and
 * the record that it cuts. Knows nothing about headers or what columns mean.
 */

import { brokenText, longestRow } from './row-batch.ts'

/** One record. */
export interface CsvRecord {
  /** The record as it was written, without its line end. */
  readonly text: string
  readonly fields: readonly string[]
}

/**
 * The records of a text, some at a time; lines without any text are no records.
 *
 * @param path how errors call the file
 * @throws source_truncated when the text ends within quotes, a quote stands where none may, or a
 *   record has no end for a megabyte; the record is named by its number, the header being row 0
 */
export async function* csvRecords(
  text: AsyncIterable<string>,
  path: string,
): AsyncGenerator<CsvRecord[]> {
  let rest = ''
  let row = 0
  const take = (atEnd: boolean): CsvRecord[] => {
    const records: CsvRecord[] = []
    let at = 0
    while (at < rest.length) {
      let end = endOfRecord(rest, at)
      if (end < 0) {
        if (!atEnd) break
        end = rest.length
      }
      const line = rest.slice(at, rest[end - 1] === '\r' && end > at ? end - 1 : end)
      at = end + 1
      if (line === '') continue
      records.push({ text: line, fields: fieldsOf(line, path, row) })
      row++
    }
    rest = rest.slice(at)
    if (rest.length > longestRow) {
      throw brokenText(path, row, 'it has no end for a megabyte, a quote may not be closed')
    }
    return records
  }
  for await (const piece of text) {
    rest += piece
    yield take(false)
  }
  yield take(true)
}

/** The line end after a record, -1 when it is not there yet. Within quotes their number is odd. */
function endOfRecord(text: string, from: number): number {
  let isQuoted = false
  for (let at = from; ; ) {
    const end = text.indexOf('\n', at)
    if (end < 0) return -1
    if (quotesIn(text.slice(at, end)) % 2 === 1) isQuoted = !isQuoted
    if (!isQuoted) return end
    at = end + 1
  }
}

function quotesIn(text: string): number {
  let count = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++
  return count
}

function fieldsOf(line: string, path: string, row: number): string[] {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  for (let at = 0; ; ) {
    if (line[at] !== '"') {
      const comma = line.indexOf(',', at)
      const field = line.slice(at, comma < 0 ? line.length : comma)
      if (field.includes('"'))
        throw brokenText(path, row, 'a quote stands inside an unquoted field')
      fields.push(field)
      if (comma < 0) return fields
      at = comma + 1
      continue
    }
    const close = closingQuote(line, at + 1)
    if (close < 0) throw brokenText(path, row, 'it ends within quotes')
    fields.push(line.slice(at + 1, close).replaceAll('""', '"'))
    if (close + 1 === line.length) return fields
    if (line[close + 1] !== ',') throw brokenText(path, row, 'text follows a closing quote')
    at = close + 2
  }
}

function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 2)) {
    if (line[at + 1] !== '"') return at
  }
  return -1
}

/** A field as CSV has it: quoted only where it must be. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

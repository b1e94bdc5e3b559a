/**
 * Answers of rows as JSON, lines of JSON, CSV or an Arrow stream, piece by piece. Knows nothing
 * about where the pieces go.
 */

import { stringify } from 'csv-stringify/sync'
import { lately } from '../lately.ts'
import type { QueryWishes } from '../wishes.ts'
import { type Format, mediaTypes } from './formats.ts'
import type { RowAnswer } from './rows.ts'

/** Writes answers in one format. */
export interface RowWriter {
  /** The Content-Type of what it writes. */
  readonly type: string
  /** The next answers; the first piece has what comes before all of them. */
  rows(answers: readonly RowAnswer[]): string | Uint8Array
  /** What comes after the last; also where there was none. */
  end(): string | Uint8Array
}

/** A cell of a flat answer; null where it says nothing. */
type Cell = number | string | null

/** Columns of a flat answer, in order, each with its kind. */
export type FlatColumns = Readonly<Record<string, 'integer' | 'number' | 'text'>>

/** A writer of a format, loaded when it is asked for. */
export async function rowWriter(format: Format, wishes: QueryWishes): Promise<RowWriter> {
  if (format === 'json') return jsonWriter()
  if (format === 'ndjson') return ndjsonWriter()
  const columns = flatColumns(wishes)
  if (format === 'csv') return csvWriter(Object.keys(columns))
  const { arrowWriter } = await import('./write-arrow.ts')
  return arrowWriter(columns)
}

function jsonWriter(): RowWriter {
  let before = '['
  return {
    type: `${mediaTypes.json}; charset=utf-8`,
    rows(answers) {
      const text = before + answers.map(rowText).join(',')
      before = ','
      return text
    },
    end: () => (before === '[' ? '[]' : ']'),
  }
}

/** An answer as JSON; the usual one is put together by hand, in half the time. */
function rowText(answer: RowAnswer): string {
  if ('error' in answer || answer.interval || answer.warnings || answer.explanation) {
    return JSON.stringify(answer)
  }
  const { row, duration, model_version: version, prediction_id: id } = answer
  return `{"row":${row},"duration":${duration},"model_version":${quoted(version)},"prediction_id":"${id}"}`
}

/** A version is asked for again with every row. */
const quoted = lately((version: string) => JSON.stringify(version))

function ndjsonWriter(): RowWriter {
  return {
    type: mediaTypes.ndjson,
    rows: (answers) => answers.map((answer) => `${rowText(answer)}\n`).join(''),
    end: () => '',
  }
}

function csvWriter(columns: readonly string[]): RowWriter {
  let before = `${columns.join(',')}\n`
  return {
    type: `${mediaTypes.csv}; charset=utf-8`,
    rows(answers) {
      const cells = answers.map((answer) => {
        const flat = flatAnswer(answer)
        return columns.map((name) => flat[name] ?? null)
      })
      const text = before + stringify(cells)
      before = ''
      return text
    },
    end: () => before,
  }
}

/** Columns that every row of a flat answer has, whatever becomes of it. */
export function flatColumns({ explain, coverage }: QueryWishes): FlatColumns {
  return {
    row: 'integer',
    duration: 'number',
    model_version: 'text',
    prediction_id: 'text',
    ...(coverage !== undefined && { interval_low: 'number', interval_high: 'number' }),
    warnings: 'text',
    ...(explain && { explanation: 'text' }),
    error_code: 'text',
    error: 'text',
  }
}

/** An answer as cells by column: codes of warnings apart by spaces, reasons as JSON. */
export function flatAnswer(answer: RowAnswer): Readonly<Record<string, Cell>> {
  if ('error' in answer) {
    const { code, detail, errors } = answer.error
    const text = errors?.map(({ message }) => message).join('; ') ?? detail
    return { row: answer.row, error_code: code, error: text }
  }
  const { interval, warnings, explanation, ...rest } = answer
  return {
    ...rest,
    interval_low: interval?.low ?? null,
    interval_high: interval?.high ?? null,
    warnings: warnings?.map(({ code }) => code).join(' ') ?? null,
    explanation: explanation ? JSON.stringify(explanation) : null,
  }
}

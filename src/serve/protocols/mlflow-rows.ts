/**
 * Rows out of the bodies that MLflow's scoring protocol knows: `dataframe_split`,
 * `dataframe_records`, `instances` and `inputs`. Knows nothing about HTTP or rides.
 */

import { Problem } from '../problem.ts'
import type { Row } from './rows.ts'

const formats = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const

/** A body that is no scoring request; the message is for the client, in MLflow's words. */
export function scoringFault(message: string): Problem {
  return new Problem('input_invalid', message)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The rows of a scoring request.
 *
 * @throws Problem: input_invalid
 */
export function scoringRows(body: unknown): Row[] {
  const expected = `The input must be a JSON dictionary with exactly one of the input fields ${formats.join(', ')}`
  if (!isObject(body)) throw scoringFault(`Invalid input. ${expected}`)
  const given = formats.filter((name) => Object.hasOwn(body, name))
  const [format] = given
  if (format === undefined || given.length > 1) {
    const found = Object.keys(body).slice(0, 20).join(', ').slice(0, 200)
    throw scoringFault(`${expected}. Received dictionary with input fields: ${found}`)
  }
  const data = body[format]
  if (format === 'dataframe_split') return splitRows(data)
  if (format === 'dataframe_records') return recordRows(data)
  return tensorRows(data, format)
}

function splitRows(data: unknown): Row[] {
  const invalid = (found: string): Problem =>
    scoringFault(`Invalid input. Dataframe split format ${found}`)
  if (!isObject(data)) throw invalid('must be a dictionary')
  const extra = Object.keys(data).filter((key) => !['columns', 'data', 'index'].includes(key))
  const { columns, data: rows, index } = data
  if (rows === undefined || extra.length > 0) {
    throw invalid("must have 'data' field and optionally 'columns' and 'index' fields")
  }
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string')) {
    throw invalid("must have 'columns', a list of names")
  }
  if (!Array.isArray(rows)) throw invalid("must have 'data', a list of rows")
  if (Array.isArray(index) && index.length !== rows.length) {
    throw invalid(`has ${index.length} entries in 'index' for ${rows.length} rows`)
  }
  return rows.map((cells: unknown, i) => {
    if (!Array.isArray(cells) || cells.length !== columns.length) {
      throw invalid(`must have ${columns.length} values in row ${i}, as many as columns`)
    }
    return Object.fromEntries(columns.map((name, k) => [name, cells[k]]))
  })
}

function recordRows(data: unknown): Row[] {
  if (Array.isArray(data)) return data
  throw scoringFault('Invalid input. Dataframe records format must be a list of records')
}

/** Rows, or columns: lists of one length, or of one ride its values. */
function tensorRows(data: unknown, format: string): Row[] {
  if (Array.isArray(data)) {
    if (data.every(isObject)) return data
    throw scoringFault(
      `Invalid input. This model has named columns: ${format} must be a list of dictionaries, or a dictionary of lists`,
    )
  }
  if (!isObject(data)) {
    throw scoringFault(`Invalid input. ${format} must be a list or a dictionary`)
  }
  const columns = Object.entries(data)
  if (columns.every(([, values]) => !Array.isArray(values))) return [data]
  const lengths = columns.map(([, values]) => (Array.isArray(values) ? values.length : -1))
  const [length = 0] = lengths
  if (lengths.some((other) => other !== length)) {
    throw scoringFault(
      'Invalid input. The length of values for each input/column name are not the same',
    )
  }
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(columns.map(([name, values]) => [name, flat((values as unknown[])[i])])),
  )
}

/** A column of shape (n, 1) is one of shape (n). */
function flat(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value
}

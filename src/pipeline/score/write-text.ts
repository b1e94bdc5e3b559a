/**
 * Scored rows as CSV or NDJSON. Rows that came in the same format are carried over as they were
 * written, and the added values put behind. Knows nothing about where the text goes.
 */

import type { Vector } from 'apache-arrow'
import type { NewColumn } from './arrow-rows.ts'
import { type TextValue, valuesOf } from './arrow-text.ts'
import { csvField } from './csv-records.ts'
import type { ScoredRows } from './scored-rows.ts'

/** CSV: a header, then a line for each row; what is missing is empty. */
export async function* csvText(
  batches: AsyncIterable<ScoredRows>,
  path: string,
): AsyncGenerator<string> {
  let hasHeader = false
  let names: readonly string[] = []
  for await (const { rows, added } of batches) {
    if (!hasHeader) {
      // Rows of objects have the columns of the first ones.
      names = rows.texts?.format === 'ndjson' ? namesOf(rows.record().schema.fields) : rows.names
      yield `${[...names, ...namesOf(added)].map(csvField).join(',')}\n`
      hasHeader = true
    }
    const row = rows.texts?.format === 'csv' ? rows.texts.rows : undefined
    const cells = lazily(() => cellsOf(rows, path))
    yield linesOf(rows.length, (i) => {
      const own = row?.[i] ?? joinedFields(cells(), i)
      const more = added.map(({ values }) => csvField(textOf(values[i] as TextValue))).join(',')
      return names.length === 0 ? more : `${own},${more}`
    })
  }
}

/** NDJSON: an object for each row; of what is missing null is said. */
export async function* ndjsonText(
  batches: AsyncIterable<ScoredRows>,
  path: string,
): AsyncGenerator<string> {
  for await (const { rows, added } of batches) {
    const row = rows.texts?.format === 'ndjson' ? rows.texts.rows : undefined
    const cells = row ? [] : cellsOf(rows, path)
    const keys = rows.names.map((name) => `${JSON.stringify(name)}:`)
    const addedKeys = added.map(({ name }) => `${JSON.stringify(name)}:`)
    yield linesOf(rows.length, (i) => {
      const more = addedKeys.map(
        (key, k) => key + jsonOf((added[k] as NewColumn).values[i] as never),
      )
      // A row that is no object has nothing that could be kept in one.
      const own = row ? bodyOf(row[i] ?? '{}') : cells.map((at, k) => keys[k] + jsonOf(at(i)))
      return `{${[...own, ...more].join(',')}}`
    })
  }
}

type At = (i: number) => TextValue

const namesOf = (columns: readonly { readonly name: string }[]): string[] =>
  columns.map(({ name }) => name)

/** The columns by position; of CSV its fields as they are, an empty one being nothing said. */
function cellsOf(rows: ScoredRows['rows'], path: string): At[] {
  if (rows.texts?.format === 'csv') {
    return rows.names.map((name): At => {
      const { values = [] } = rows.cells(name) as { values?: readonly unknown[] }
      return (i) => (values[i] as string | undefined) || null
    })
  }
  const batch = rows.record()
  return batch.schema.fields.map(({ name }, k) => {
    return valuesOf(batch.getChildAt(k) as Vector, name, path)
  })
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const joinedFields = (cells: readonly At[], i: number): string =>
  cells.map((at) => csvField(textOf(at(i)))).join(',')

/** What stands between the braces of an object, as one part or none. */
function bodyOf(object: string): string[] {
  const body = object.slice(1, -1).trim()
  return body === '' ? [] : [body]
}

const textOf = (value: TextValue): string => (value === null ? '' : String(value))

function jsonOf(value: TextValue): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

function linesOf(length: number, line: (i: number) => string): string {
  let text = ''
  for (let i = 0; i < length; i++) text += `${line(i)}\n`
  return text
}

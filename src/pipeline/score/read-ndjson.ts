/**
 * Rows of NDJSON: an object on each line. Knows nothing about what keys mean.
 */

import { Bool, type DataType, Float64, Utf8 } from 'apache-arrow'
import { RidecastError } from '../../errors.ts'
import { recordOf } from './arrow-rows.ts'
import { batchRows, brokenText, longestRow, type RowBatch, textOf } from './row-batch.ts'

type Row = Readonly<Record<string, unknown>>

/**
 * The rows of an NDJSON file; lines without any text are no rows, and one that is no JSON object
 * is a row that cannot be read. As Arrow has them, the columns and their types are those of the
 * first rows: numbers, flags and texts; anything else, or mixed, is its JSON text.
 *
 * @param path how errors call the file
 * @throws source_truncated when the last line is cut; source_column_type (not UTF-8)
 */
export async function* readNdjson(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<RowBatch> {
  const shape = new Shape(path)
  let rest = ''
  let row = 0
  let lines: string[] = []
  let isFirst = true
  const batch = (): RowBatch => {
    const from = row - lines.length
    const rows = rowsOf(lines, from, shape)
    lines = []
    isFirst = false
    return rows
  }
  for await (const piece of textOf(bytes, path)) {
    const parts = (rest + piece).split('\n')
    rest = parts.pop() as string
    if (rest.length > longestRow)
      throw brokenText(path, row + 1, 'its line has no end for a megabyte')
    for (const part of parts) {
      if (part.trim() === '') continue
      lines.push(part)
      row++
      if (lines.length === batchRows) yield batch()
    }
  }
  if (rest.trim() !== '') {
    row++
    // A last line without its end that is no JSON either was cut.
    if (objectOf(rest) === undefined) throw brokenText(path, row, 'its line breaks off')
    lines.push(rest)
  }
  if (isFirst || lines.length > 0) yield batch()
}

function objectOf(line: string): Row | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Row)
      : undefined
  } catch {
    return undefined
  }
}

function rowsOf(lines: readonly string[], from: number, shape: Shape): RowBatch {
  const unread = new Map<number, string>()
  const rows = lines.map((line, i): Row => {
    const row = objectOf(line)
    if (row === undefined) unread.set(i, 'row is not a JSON object')
    return row ?? {}
  })
  const keys = new Set<string>()
  for (const row of rows) for (const key of Object.keys(row)) keys.add(key)
  const names = [...keys]
  return {
    length: lines.length,
    names,
    unread,
    cells: (name) => ({ values: rows.map((row) => row[name]) }),
    texts: {
      format: 'ndjson',
      rows: lines.map((line, i) => (unread.has(i) ? undefined : line.trim())),
    },
    record() {
      const types = shape.of(names, rows, from)
      return recordOf(
        [...types].map(([name, type]) => ({
          name,
          type,
          values: rows.map((row) => cellOf(row[name], type)),
        })),
        rows.length,
      )
    },
  }
}

function cellOf(value: unknown, type: DataType): unknown {
  if (value === undefined || value === null) return null
  return type instanceof Utf8 && typeof value !== 'string' ? JSON.stringify(value) : value
}

/** The columns that a file of objects has where there must be columns: those of its first rows. */
class Shape {
  private readonly path: string
  private types: ReadonlyMap<string, DataType> | undefined

  constructor(path: string) {
    this.path = path
  }

  /**
   * @param from rows before these
   * @throws source_columns, source_column_type when later rows do not fit the first ones
   */
  of(names: readonly string[], rows: readonly Row[], from: number): ReadonlyMap<string, DataType> {
    if (this.types === undefined) {
      this.types = new Map(names.map((name) => [name, typeOf(rows.map((row) => row[name]))]))
      return this.types
    }
    const types = this.types
    rows.forEach((row, i) => {
      for (const [name, value] of Object.entries(row)) {
        const type = types.get(name)
        if (type === undefined) throw this.refuse('source_columns', from + i + 1, name, 'have no')
        const fits =
          value === null ||
          type instanceof Utf8 ||
          typeof value === (type instanceof Bool ? 'boolean' : 'number')
        if (!fits) {
          throw this.refuse('source_column_type', from + i + 1, name, `have ${type} as`)
        }
      }
    })
    return types
  }

  private refuse(
    code: 'source_columns' | 'source_column_type',
    row: number,
    name: string,
    what: string,
  ): RidecastError {
    return new RidecastError(
      code,
      `row ${row} of ${this.path} does not fit into columns: the first rows ${what} ${JSON.stringify(name)}; write NDJSON instead`,
    )
  }
}

function typeOf(values: readonly unknown[]): DataType {
  const kinds = new Set(values.filter((value) => value != null).map((value) => typeof value))
  if (kinds.size !== 1) return new Utf8()
  if (kinds.has('number')) return new Float64()
  return kinds.has('boolean') ? new Bool() : new Utf8()
}

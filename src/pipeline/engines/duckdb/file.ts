/**
 * A Parquet file as a relation: its columns by the names that it spells, their types, and what its
 * footer says about their values. Knows nothing about rides.
 */

import { resolve } from 'node:path'
import { fleets, parseWallClock } from '../../../ride.ts'
import type { SqlColumn, SqlRelation } from '../sql/runner.ts'
import { type Database, literalPath } from './database.ts'
import { quoteName } from './spelling.ts'

type Ask = (sql: string) => Promise<string[][]>

/** A value as text, empty where there is none. */
const text = (value: string): string => `coalesce(CAST(${value} AS VARCHAR), '')`

/** Bounds of a column. */
type Bounds = NonNullable<SqlColumn['bounds']>

/**
 * Reads the footer of a file.
 *
 * @param path a local path
 * @throws source_truncated, engine_failed
 */
export async function relationOf(
  database: Database,
  path: string,
  signal?: AbortSignal,
): Promise<SqlRelation & { readonly rows: number }> {
  const literal = literalPath(resolve(path))
  // Folders named like year=2021 would add a column.
  const from = `read_parquet(${literal}, hive_partitioning = false)`
  const ask: Ask = (sql) => database.rows(sql, path, signal)
  const [schema, described, [counted]] = await Promise.all([
    ask(
      `SELECT ${['name', 'num_children', 'logical_type'].map(text)} FROM parquet_schema(${literal})`,
    ),
    ask(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`),
    ask(`SELECT ${text('num_rows')} FROM parquet_file_metadata(${literal})`),
  ])
  const tops = topLevel(schema)
  const columns = described.map(([described, type], k): SqlColumn => {
    const { name = String(described), logical = '' } = tops[k] ?? {}
    return { name, kind: kindOf(String(type), logical), type: String(type) }
  })
  const seconds = await columnsOfSeconds(ask, literal, columns)
  const bounds = await boundsOf(ask, from, columns)
  const known = columns.map((column): SqlColumn => {
    if (seconds.has(column.name)) return { ...column, kind: 'timestamp' }
    const own = bounds.get(column.name)
    return own ? { ...column, bounds: own } : column
  })
  return { from, columns: known, path, rows: Number(counted?.[0]) }
}

/** Names of times by any fleet. */
const timeNames = new Set(
  Object.values(fleets).flatMap(({ pickup, dropoff }) =>
    [...pickup, ...dropoff].map((name) => name.toLowerCase()),
  ),
)

/**
 * Times in whole seconds: Parquet has no such type, writers of Arrow columns leave the integers and
 * put a note beside them.
 */
async function columnsOfSeconds(
  ask: Ask,
  literal: string,
  columns: readonly SqlColumn[],
): Promise<ReadonlySet<string>> {
  const suspects = columns.filter(({ name, type }) => {
    return type === 'BIGINT' && timeNames.has(name.toLowerCase())
  })
  if (suspects.length === 0) return new Set()
  const [note] = await ask(
    `SELECT ${text('decode(value)')} FROM parquet_kv_metadata(${literal}) WHERE decode(key) = 'ARROW:schema'`,
  )
  if (!note) return new Set()
  const { DataType, TimeUnit, tableFromIPC } = await import('apache-arrow')
  const { fields } = tableFromIPC(Buffer.from(String(note[0]), 'base64')).schema
  const isSeconds = ({ name }: SqlColumn): boolean => {
    const type = fields.find((field) => field.name === name)?.type
    return DataType.isTimestamp(type) && type.unit === TimeUnit.SECOND && !type.timezone
  }
  return new Set(suspects.filter(isSeconds).map(({ name }) => name))
}

/** What the footer says of columns that can be bounded, by name. */
async function boundsOf(
  ask: Ask,
  from: string,
  columns: readonly SqlColumn[],
): Promise<Map<string, Bounds>> {
  const bounded = columns.filter(({ kind }) => ['integer', 'double', 'timestamp'].includes(kind))
  if (bounded.length === 0) return new Map()
  const asked = bounded.map(({ name }) => `stats(${quoteName(name)})`).map(text)
  // Answered from the footer: no column is read. Of parquet_metadata, an odd column is fatal.
  const [texts = []] = await ask(`SELECT ${asked.join(', ')} FROM ${from} LIMIT 1`)
  const found = bounded.map(({ name, kind }, k): [string, Bounds | undefined] => {
    return [name, parsedBounds(String(texts[k]), kind === 'timestamp')]
  })
  return new Map(found.filter((entry): entry is [string, Bounds] => entry[1] !== undefined))
}

/** Bounds from a text like `[Min: 1, Max: 265][Has Null: false, Has No Null: true]`. */
function parsedBounds(text: string, isTime: boolean): Bounds | undefined {
  const match = /^\[Min: (.+), Max: (.+?)\]/.exec(text)
  const [min, max] = [match?.[1] ?? '', match?.[2] ?? ''].map((value) => {
    return isTime ? parseWallClock(value.replace(/(\.\d{6})\d+$/, '$1')) : Number(value)
  }) as [number, number]
  // Digits beyond the sixth have been cut off.
  return min <= max ? { min, max: isTime ? max + 1 : max } : undefined
}

/** Columns that are not part of another one, in order. */
function topLevel(schema: readonly (readonly unknown[])[]): { name: string; logical: string }[] {
  const tops: { name: string; logical: string }[] = []
  let at = 1
  const skip = (): void => {
    const children = Number(schema[at]?.[1] ?? 0)
    at++
    for (let k = 0; k < children; k++) skip()
  }
  while (at < schema.length) {
    const [name, , logical] = schema[at] as readonly unknown[]
    tops.push({ name: String(name), logical: String(logical ?? '') })
    skip()
  }
  return tops
}

function kindOf(type: string, logical: string): SqlColumn['kind'] {
  if (/^(Null|Unknown)Type/.test(logical)) return 'null'
  if (/^Float16/.test(logical)) return 'other'
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)) return 'integer'
  if (/^(FLOAT|DOUBLE)$/.test(type)) return 'double'
  if (/^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return 'timestamp'
  return type === 'VARCHAR' ? 'text' : 'other'
}

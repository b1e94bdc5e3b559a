/**
 * Real months of the repository with something wrong with them: read whole, changed column by
 * column, and written again with the same types. Knows nothing about contracts.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type DataType, tableFromIPC, type Vector } from 'apache-arrow'
import { readParquet } from 'parquet-wasm'
import { makeParquet, nulls, numbers, texts, timestamps } from '../make-parquet.ts'

/** The path of a sample month of the repository. */
export const samplePath = (name: string): string =>
  fileURLToPath(new URL(`../../../data/${name}`, import.meta.url))

/** Values of a column; times are microseconds. */
export type Values = readonly (number | string | null)[]

/** A column as it can be changed. */
export interface Column {
  /** `int`, `float`, `time`, `text` or `null`, as it is written. */
  readonly kind: 'int' | 'float' | 'time' | 'text' | 'null'
  readonly values: Values
}

/** The columns of a month by name, in file order. */
export type MonthColumns = Readonly<Record<string, Column>>

/** Reads all rows of a month. */
export function readMonth(path: string): MonthColumns {
  const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())
  const columns: Record<string, Column> = {}
  for (const { name, type } of table.schema.fields) {
    const vector = table.getChild(name) as Vector
    columns[name] = { kind: kindOf(type), values: valuesOf(vector, kindOf(type)) }
  }
  return columns
}

function kindOf(type: DataType): Column['kind'] {
  const text = String(type)
  if (text.startsWith('Int')) return 'int'
  if (text.startsWith('Float')) return 'float'
  if (text.startsWith('Timestamp')) return 'time'
  return text === 'Null' ? 'null' : 'text'
}

function valuesOf(vector: Vector, kind: Column['kind']): Values {
  const out: (number | string | null)[] = []
  for (const data of vector.data) {
    for (let i = 0; i < data.length; i++) {
      // Vector.get gives times in milliseconds: what is finer would be lost.
      const value = kind === 'time' ? data.values[i] : vector.get(out.length)
      out.push(value === null ? null : kind === 'text' ? (value as string) : Number(value))
    }
  }
  return out
}

const writers: Readonly<Record<Column['kind'], (values: Values) => Vector>> = {
  int: (values) => numbers.int64(values as number[]),
  float: (values) => numbers.float64(values as number[]),
  time: (values) => timestamps.us(values as number[]),
  text: (values) => texts(values as string[]),
  null: (values) => nulls(values.length),
}

/** Writes a month; returns its path. */
export function writeMonth(path: string, columns: MonthColumns): string {
  const vectors = Object.entries(columns).map(([name, { kind, values }]) => {
    return [name, writers[kind](values)] as const
  })
  return makeParquet(path, Object.fromEntries(vectors))
}

/** A month with one column changed value by value. */
export function changed(
  columns: MonthColumns,
  name: string,
  change: (value: number, i: number) => number | null,
): MonthColumns {
  const column = columns[name] as Column
  const values = column.values.map((value, i) =>
    value === null ? null : change(value as number, i),
  )
  return { ...columns, [name]: { ...column, values } }
}

/** A month with some of its rows. */
export function kept(columns: MonthColumns, keep: (i: number) => boolean): MonthColumns {
  const entries = Object.entries(columns).map(([name, { kind, values }]) => {
    return [name, { kind, values: values.filter((_, i) => keep(i)) }] as const
  })
  return Object.fromEntries(entries)
}

/** A month twice over. */
export function doubled(columns: MonthColumns): MonthColumns {
  const entries = Object.entries(columns).map(([name, { kind, values }]) => {
    return [name, { kind, values: [...values, ...values] }] as const
  })
  return Object.fromEntries(entries)
}

/** A month without a column, or with others of its columns under new names. */
export function renamed(
  columns: MonthColumns,
  names: Readonly<Record<string, string | undefined>>,
): MonthColumns {
  const entries = Object.entries(columns).flatMap(([name, column]) => {
    const to = Object.hasOwn(names, name) ? names[name] : name
    return to === undefined ? [] : [[to, column] as const]
  })
  return Object.fromEntries(entries)
}

/**
 * The rides of a Parquet file, decoded by DuckDB on all cores, batch by batch in the order of the
 * file. Knows nothing about plans or sums.
 */

import type { ColumnName, RideBatch, Taxi } from '../../../ride.ts'
import { type RideColumns, resolveColumns } from '../../columns.ts'
import { requireTypes } from '../sql/column-types.ts'
import type { SqlColumn } from '../sql/runner.ts'
import type { Database } from './database.ts'
import { relationOf } from './file.ts'
import { micros, quoteName } from './spelling.ts'

/** A batch holds at most this many rides: its columns stay in a processor's cache. */
const batchSize = 2 ** 14

/** An open file, see {@link openRides}. */
export interface DuckdbRides {
  /** Rides in the file, as its footer says. */
  readonly rows: number
  /** The rides in order. A batch is good until the next one is asked for. */
  readonly batches: AsyncGenerator<RideBatch>
}

/**
 * Opens the rides of one file. Missing values come as NaN, times that are text but no time as
 * infinity.
 *
 * @param path a local Parquet file
 * @throws source_columns, source_column_type, source_truncated, engine_unsupported, engine_failed;
 *   the batches throw the last three and `DatabaseLost` too
 */
export async function openRides(
  database: Database,
  path: string,
  taxi: Taxi,
  columns: RideColumns,
  signal?: AbortSignal,
): Promise<DuckdbRides> {
  const relation = await relationOf(database, path, signal)
  const spelled = relation.columns.map(({ name }) => name)
  const names = resolveColumns(spelled, path, taxi, columns)
  requireTypes(relation, names)
  const find = (name: string): SqlColumn =>
    relation.columns.find((column) => column.name === name) as SqlColumn
  const wanted = [...columns.required, ...columns.optional]
  const selected = [
    numbers(find(names.pickup), micros),
    numbers(find(names.dropoff), micros),
    ...wanted.map((name) => {
      const found = names[name]
      return found === undefined ? missing : numbers(find(found), ({ name }) => quoteName(name))
    }),
  ]
  const sql = `SELECT ${selected.join(', ')} FROM ${relation.from}`
  return { rows: relation.rows, batches: batchesOf(database, sql, wanted, path, signal) }
}

const missing = `CAST('nan' AS DOUBLE)`

/** A column as DOUBLE without NULL. */
function numbers(column: SqlColumn, expression: (column: SqlColumn) => string): string {
  if (column.kind === 'null') return missing
  return `coalesce(CAST(${expression(column)} AS DOUBLE), ${missing})`
}

async function* batchesOf(
  database: Database,
  sql: string,
  wanted: readonly ColumnName[],
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<RideBatch> {
  const arrays = Array.from({ length: wanted.length + 2 }, () => new Float64Array(batchSize))
  let size = 0
  const batch = (): RideBatch => {
    const [pickup, dropoff, ...others] = arrays.map((array) => array.subarray(0, size))
    const columns = Object.fromEntries(wanted.map((name, k) => [name, others[k] as Float64Array]))
    size = 0
    return {
      length: (pickup as Float64Array).length,
      pickup: pickup as Float64Array,
      dropoff: dropoff as Float64Array,
      columns,
    }
  }
  for await (const chunk of database.stream(sql, path, signal)) {
    const rowCount = database.rowsOf(chunk)
    const values = arrays.map((_, k) => database.doublesOf(chunk, k))
    for (let from = 0; from < rowCount; ) {
      const to = Math.min(rowCount, from + batchSize - size)
      arrays.forEach((array, k) => {
        array.set((values[k] as Float64Array).subarray(from, to), size)
      })
      size += to - from
      from = to
      if (size === batchSize) yield batch()
    }
  }
  if (size > 0) yield batch()
}

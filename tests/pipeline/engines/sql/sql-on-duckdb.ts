/**
 * An engine that sums in SQL, as an engine with a server of its own does, with DuckDB as the server:
 * what is tried here needs nothing but npm.
 */

import { DuckDBDataChunk } from '@duckdb/node-api'
import { Database } from '../../../../src/pipeline/engines/duckdb/database.ts'
import { relationOf } from '../../../../src/pipeline/engines/duckdb/file.ts'
import { isUsual, micros, quoteName } from '../../../../src/pipeline/engines/duckdb/spelling.ts'
import type { Engine } from '../../../../src/pipeline/engines/engine.ts'
import type { Dialect, SqlRunner, SqlValue } from '../../../../src/pipeline/engines/sql/runner.ts'
import { sumBySql } from '../../../../src/pipeline/engines/sql/sum-by-sql.ts'

const dialect: Dialect = {
  quote: quoteName,
  micros,
  duration(from, to) {
    if (!isUsual(from) || !isUsual(to)) return undefined
    return `CAST(epoch_us(${quoteName(to.name)}) - epoch_us(${quoteName(from.name)}) AS DOUBLE)`
  },
  hourOfWeek(column) {
    if (!isUsual(column)) return undefined
    const name = quoteName(column.name)
    return `((isodow(${name}) - 1) * 24 + hour(${name}))`
  },
  number(value) {
    if (!Number.isFinite(value)) return `CAST('${value < 0 ? '-' : ''}infinity' AS DOUBLE)`
    return value < 0 ? `(${value.toExponential()})` : value.toExponential()
  },
  key: (expression, max) => `TRY_CAST(${expression} AS ${integerType(max)})`,
  exactSum(factors, bound) {
    // A sum of BIGINTs is a HUGEINT.
    const type = bound ** factors.length < 2 ** 63 ? 'BIGINT' : 'HUGEINT'
    return `sum(${factors.map((factor) => `CAST(${factor} AS ${type})`).join(' * ')})`
  },
  // The least and greatest value of a column are known, NaN set aside: a comparison that they fulfil
  // is taken for true of all rows.
  isNumber: (expression) => `NOT isnan(${expression})`,
  isFinite: (expression) => `isfinite(${expression})`,
  log1p: (expression) => `ln(1 + ${expression})`,
  rowNumber: () => 'file_row_number',
}

function integerType(max: number): string {
  if (max < 2 ** 8) return 'UTINYINT'
  if (max < 2 ** 16) return 'USMALLINT'
  return max < 2 ** 32 ? 'UINTEGER' : 'UBIGINT'
}

/** Opens the engine; as engines go by name, it is called `trino`. */
export async function openSqlOnDuckdb(): Promise<Engine> {
  const database = await Database.open()
  return {
    name: 'trino',
    async sum(path, taxi, plans, progress = () => {}, signal) {
      if (plans.length === 0) return []
      const relation = await relationOf(database, path, signal)
      const runner: SqlRunner = {
        dialect,
        async *query(sql, signal) {
          for await (const chunk of database.stream(sql, path, signal)) {
            yield { length: database.rowsOf(chunk), columns: columnsOf(new DuckDBDataChunk(chunk)) }
          }
        },
      }
      const moments = await sumBySql(runner, relation, taxi, plans, signal)
      progress(relation.rows, relation.rows, path)
      return moments
    },
    close: () => database.close(),
  }
}

function columnsOf(chunk: DuckDBDataChunk): SqlValue[][] {
  return Array.from({ length: chunk.columnCount }, (_, k) => {
    return chunk.getColumnValues(k) as SqlValue[]
  })
}

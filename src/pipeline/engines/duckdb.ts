/**
 * DuckDB as an engine, in this process: it reads the columns that are needed and groups the rides
 * on all cores. Memory grows with the number of cells, not of rides.
 */

import { RidecastError } from '../../errors.ts'
import type { Moments } from '../moments.ts'
import { Database } from './duckdb/database.ts'
import { relationOf } from './duckdb/file.ts'
import type { Engine } from './engine.ts'
import { sumBySql } from './sql/sum-by-sql.ts'

/**
 * Opens the engine, see {@link Engine}.
 *
 * @throws engine_missing
 */
export async function openDuckdbEngine(): Promise<Engine> {
  const database = await Database.open()
  return {
    name: 'duckdb',
    async sum(path, taxi, plans, progress = () => {}, signal): Promise<Moments[]> {
      if (plans.length === 0) return []
      let told = 0
      let rows = 0
      const runner = database.reading(path, (share) => {
        const done = Math.floor(share * rows)
        if (done <= told) return
        told = done
        progress(done, rows, path)
      })
      const relation = await relationOf(runner, path, signal)
      rows = relation.rows
      const moments = await sumBySql(runner, relation, taxi, plans, signal)
      const found = moments[0]?.rows as number
      if (found !== rows) {
        throw new RidecastError(
          'source_truncated',
          `${path} is a damaged Parquet file (found ${found} rides where its footer says ${rows}): download it again`,
        )
      }
      progress(rows, rows, path)
      return moments
    },
    close: () => database.close(),
  }
}

/** DuckDB as an engine. */

import { RidecastError } from '../../errors.ts'
import type { Engine } from './engine.ts'

/** Opens the engine, see {@link Engine}. */
export async function openDuckdbEngine(): Promise<Engine> {
  throw new RidecastError('engine_missing', 'duckdb is not there yet')
}

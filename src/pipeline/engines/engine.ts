/**
 * The contract of an engine: whatever can read a trip file and sum its rides. Engines agree to the
 * bit; `tests/pipeline/engines/conformance.ts` holds every one of them to it.
 */

import type { Taxi } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'
import type { SqlColumn } from './sql/runner.ts'

/** The engines there are. */
export const engineNames = ['arrow', 'duckdb', 'trino'] as const

/** The name of an engine. */
export type EngineName = (typeof engineNames)[number]

/** What `--engine` takes: `auto` is DuckDB where it is installed, else Arrow. */
export const engineChoices = ['auto', ...engineNames] as const

/** An engine by name, or `auto`. */
export type EngineChoice = (typeof engineChoices)[number]

/** What is told while an engine reads. */
export type EngineProgress = (done: number, total: number, path: string) => void

/** A file that an engine has elsewhere. */
export interface RemoteFile {
  /** As the engine calls it. */
  readonly path: string
  readonly bytes: number
  /** When it was written, ISO 8601 in UTC. */
  readonly modified: string
  readonly rows: number
  /** Its columns as the engine declares them. */
  readonly columns: readonly SqlColumn[]
  /** Rows of the other files of its fleet, by base name. */
  readonly others: ReadonlyMap<string, number>
}

/** Sums trip files by plans. */
export interface Engine {
  readonly name: EngineName
  /**
   * Reads one file and sums its rides by each plan. Memory is bounded by the size of the sums and
   * of a few row groups, not by rows. Neither the order of rows nor the number of threads changes
   * anything, except that a slice by rows counts in file order. Several files may be summed at
   * once.
   *
   * @param path a local Parquet file of one fleet; an engine that keeps files elsewhere looks for
   *   its name there
   * @param signal stops the work; its reason is thrown
   * @returns one {@link Moments} for each plan, in their order
   * @throws source_columns, source_column_type, source_truncated, sums_overflow, engine_* codes
   */
  sum(
    path: string,
    taxi: Taxi,
    plans: readonly Plan[],
    progress?: EngineProgress,
    signal?: AbortSignal,
  ): Promise<Moments[]>
  /**
   * Where an engine keeps files elsewhere: the one that it takes for a base name, undefined where
   * it has none.
   *
   * @throws source_mismatch where it has several; engine_* codes
   */
  locate?(name: string, taxi: Taxi): Promise<RemoteFile | undefined>
  /** Lets go of threads, memory and connections. */
  close(): Promise<void>
}

/**
 * The contract of an engine: whatever can read trip files and sum them. Engines agree to the
 * bit; `tests/pipeline/engines/conformance.ts` holds every one of them to it.
 */

import type { Taxi } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'

/** The engines that `--engine` knows. */
export const engineNames = ['arrow'] as const

/** The name of an engine. */
export type EngineName = (typeof engineNames)[number]

/** What is told while an engine reads. */
export type EngineProgress = (done: number, total: number, path: string) => void

/** Sums trip files by plans. */
export interface Engine {
  readonly name: EngineName
  /**
   * Reads every file once and sums its rides by each plan. Memory is bounded by the size of the
   * sums and of one row group, not by rows; the order of files and rows changes nothing, except
   * that a slice by rows counts in the order given.
   *
   * @param files paths of local Parquet files of one fleet
   * @returns one {@link Moments} for each plan, in their order
   * @throws source_columns, source_column_type, source_truncated, sums_overflow
   */
  sum(
    files: readonly string[],
    taxi: Taxi,
    plans: readonly Plan[],
    progress?: EngineProgress,
  ): Promise<Moments[]>
}

/**
 * DuckDB as an engine, in this process: it decodes the columns that are needed on all cores, while
 * worker threads sum, or this thread where the file is small. Memory does not grow with rides.
 */

import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import pLimit from 'p-limit'
import { RidecastError } from '../../errors.ts'
import type { Taxi } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { columnsOf, type Plan } from '../plan.ts'
import { Database, DatabaseLost } from './duckdb/database.ts'
import { openRides } from './duckdb/rides.ts'
import type { Engine, EngineProgress } from './engine.ts'
import { Lanes, lanesOfFile } from './lanes.ts'
import { sumBatches } from './sum-batches.ts'

/** What can be set, for tests and for machines that are shared. */
export interface DuckdbOptions {
  /** Worker threads that sum; default the number of processors. Fewer than 3 start none. */
  readonly threads?: number
  /** Files of fewer rides are summed in this thread; default 400,000. */
  readonly threadsFrom?: number
  /** How a thread is started; default the worker beside this file. */
  readonly start?: () => Worker
}

/**
 * Opens the engine, see {@link Engine}.
 *
 * @throws engine_missing
 */
export async function openDuckdbEngine(options: DuckdbOptions = {}): Promise<Engine> {
  const { threads = availableParallelism(), threadsFrom = 400_000 } = options
  const database = await Database.open()
  const lanes = new Lanes(threads, options.start)
  // More files at once would take more memory, and no less time.
  const turn = pLimit(Math.max(1, Math.floor(threads / lanesOfFile)))
  const sumWith: SumWith = (rows, plans) => {
    // Rides are counted in the order of the file there.
    const inOrder = plans.some(({ slice }) => slice.kind === 'rows')
    // Of two processors, decoding keeps one busy.
    if (threads < 3 || inOrder || rows < threadsFrom) return sumBatches
    return (...args) => turn(() => lanes.sum(...args))
  }
  return {
    name: 'duckdb',
    async sum(path, taxi, plans, progress = () => {}, signal): Promise<Moments[]> {
      if (plans.length === 0) return []
      for (;;) {
        try {
          return await sumFile({ database, sumWith }, path, taxi, plans, progress, signal)
        } catch (error) {
          if (!(error instanceof DatabaseLost)) throw error
        }
      }
    },
    async close() {
      await Promise.all([database.close(), lanes.close()])
    },
  }
}

/** What sums a file of so many rides. */
type SumWith = (rows: number, plans: readonly Plan[]) => Lanes['sum']

async function sumFile(
  { database, sumWith }: { readonly database: Database; readonly sumWith: SumWith },
  path: string,
  taxi: Taxi,
  plans: readonly Plan[],
  progress: EngineProgress,
  signal: AbortSignal | undefined,
): Promise<Moments[]> {
  const { rows, batches } = await openRides(database, path, taxi, columnsOf(plans), signal)
  let done = 0
  const told = (rides: number): void => {
    done += rides
    progress(done, rows, path)
  }
  const sum = sumWith(rows, plans)
  const moments = await sum(batches, plans, told, signal)
  if (done !== rows) {
    throw new RidecastError(
      'source_truncated',
      `${path} is a damaged Parquet file (found ${done} rides where its footer says ${rows}): download it again`,
    )
  }
  if (rows === 0) progress(0, 0, path)
  const isExact = moments.every(({ inexact }) => inexact.length === 0)
  if (isExact || sum === sumBatches) return moments
  // Sums that are rounded depend on the order of rides: the number of threads must not change them.
  const inThisThread = { database, sumWith: () => sumBatches }
  return sumFile(inThisThread, path, taxi, plans, progress, signal)
}

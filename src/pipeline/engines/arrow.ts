/**
 * The engine that is always there: Parquet decoded by parquet-wasm into Arrow columns, summed in
 * worker threads that share out the row groups, or in this thread where the file is small.
 */

import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Taxi } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { mergeMoments } from '../moments-algebra.ts'
import { momentsFromData } from '../moments-transfer.ts'
import { columnsOf, type Plan, specOfPlan } from '../plan.ts'
import { ArrowPool, type FinalAnswer, type StartThread } from './arrow-pool.ts'
import { sharesOf } from './arrow-shares.ts'
import type { Engine } from './engine.ts'

/** What can be set, for tests and for machines that are shared. */
export interface ArrowOptions {
  /** Worker threads at once; default the number of processors. 1 starts none. */
  readonly threads?: number
  /** Files below this many bytes are read in this thread; default 8 MB. */
  readonly threadsFrom?: number
  /** Rides of a share, at least: sums that are rounded depend on it; default 500,000. */
  readonly shareRides?: number
  /** How a thread is started; default the worker beside this file. */
  readonly start?: StartThread
}

/** One file to be summed. */
interface Work {
  readonly path: string
  readonly taxi: Taxi
  readonly plans: readonly Plan[]
  readonly shareRides: number
  /** Called with (rides read, rides in the file). */
  readonly progress: (done: number, total: number) => void
  readonly signal: AbortSignal | undefined
}

/** Opens the engine, see {@link Engine}; threads start with the first file that is worth it. */
export async function openArrowEngine(options: ArrowOptions = {}): Promise<Engine> {
  const { threads = availableParallelism(), threadsFrom = 8e6, shareRides = 500_000 } = options
  const pool = new ArrowPool(threads, options.start)
  return {
    name: 'arrow',
    async sum(path, taxi, plans, progress = () => {}, signal): Promise<Moments[]> {
      signal?.throwIfAborted()
      const told = (done: number, total: number): void => progress(done, total, path)
      const work: Work = { path, taxi, plans, shareRides, progress: told, signal }
      // A file that is not there is an error of those that read it.
      const size = await stat(path).then(
        ({ size }) => size,
        () => 0,
      )
      return threads > 1 && size >= threadsFrom ? sumInThreads(work, pool, threads) : sumHere(work)
    },
    close: () => pool.close(),
  }
}

async function sumHere(work: Work): Promise<Moments[]> {
  const { path, taxi, plans, shareRides, signal } = work
  const { openRides } = await import('../rides.ts')
  const { sumGroups } = await import('./arrow-share.ts')
  const file = await openRides(path, taxi, columnsOf(plans))
  try {
    const told = counter(file.rows, work.progress)
    const total = new Total(plans)
    for (const groups of sharesOf(file.groups, plans, shareRides)) {
      total.add(await sumGroups(file, groups, plans, told, signal))
    }
    return total.moments()
  } finally {
    file.close()
  }
}

async function sumInThreads(work: Work, pool: ArrowPool, threads: number): Promise<Moments[]> {
  const { path, taxi, plans, shareRides, signal } = work
  const columns = columnsOf(plans)
  const size = await pool.ask({ path, taxi, columns }, undefined, signal)
  const { rows, groups } = (size as Extract<FinalAnswer, { kind: 'size' }>).size
  const told = counter(rows, work.progress)
  const specs = plans.map(specOfPlan)
  const total = new Total(plans)
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const sumShare = async (groups: readonly number[]): Promise<Moments[]> => {
    const request = { path, taxi, columns, share: { groups, plans: specs } }
    const answer = await pool.ask(request, told, either)
    const { moments } = answer as Extract<FinalAnswer, { kind: 'moments' }>
    return moments.map((data, k) => momentsFromData(data, plans[k] as Plan))
  }
  // Shares are added in their order, and few wait for their turn: memory does not grow with them.
  const shares = sharesOf(groups, plans, shareRides).values()
  let added: Promise<unknown> = Promise.resolve()
  const lane = async (): Promise<void> => {
    for (const groups of shares) {
      const before = added
      const summed = sumShare(groups)
      added = Promise.all([summed, before]).then(([moments]) => total.add(moments))
      await added
    }
  }
  try {
    await Promise.all(Array.from({ length: threads + 1 }, lane))
  } catch (error) {
    // What the others would find out is of no use any more.
    stop.abort(error)
    throw error
  }
  return total.moments()
}

/** Adds up row groups that are done, in whatever order, and tells how far it is. */
function counter(
  rows: number,
  progress: (done: number, total: number) => void,
): (rides: number) => void {
  let done = 0
  if (rows === 0) progress(0, 0)
  return (rides) => {
    done += rides
    progress(done, rows)
  }
}

/** The sum of shares in the order in which they are added. */
class Total {
  /** By plan: moments that are not added up yet, a few. */
  private readonly parts: Moments[][]

  constructor(plans: readonly Plan[]) {
    this.parts = plans.map(() => [])
  }

  add(moments: readonly Moments[]): void {
    this.parts.forEach((parts, k) => {
      parts.push(moments[k] as Moments)
      // Several at once are cheaper, but each of them takes memory.
      if (parts.length === 4) parts.splice(0, 4, mergeMoments(parts))
    })
  }

  moments(): Moments[] {
    return this.parts.map((parts) => mergeMoments(parts))
  }
}

/**
 * Worker threads that try recipes on the same rides, which all of them see in shared memory. Knows
 * nothing about points, trials or searches.
 */

import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { messageOf, RidecastError } from '../errors.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { RideBatch } from '../ride.ts'
import type { SearchTask } from './search-task.ts'
import type { TryAnswer, TryRequest } from './search-worker.ts'
import { startWorker } from './start-worker.ts'

/** What trying a recipe is told and tells. */
export interface TryEffects {
  /** Ends it at once; its reason is thrown. */
  readonly signal?: AbortSignal
  /**
   * Told the RMSE of boosted trees after so many of them, in order; what it throws ends the try
   * and is thrown. Default: nobody looks, and it is not worked out.
   */
  readonly onRound?: ((trees: number, rmse: number) => void) | undefined
}

/** Threads that try recipes. */
export interface TryingThreads {
  /**
   * Fits a recipe to the rides that train and measures it on those that choose, in a thread that
   * is free.
   *
   * @returns its RMSE there, minutes: the same in every thread, and as without threads
   * @throws what fitting throws; internal when the thread dies; the reason of the signal
   */
  try(recipe: Recipe, effects?: TryEffects): Promise<number>
  /** Ends all threads. */
  close(): Promise<void>
}

/**
 * Opens threads that share the cores.
 *
 * @param count how many recipes are tried at a time
 */
export function openTryingThreads(task: SearchTask, count: number): TryingThreads {
  const shared = { ...task, train: inSharedMemory(task.train), held: inSharedMemory(task.held) }
  const threads = Math.max(1, Math.floor(availableParallelism() / count))
  const start = (): Worker => {
    const worker = startWorker('search-worker')
    // Whoever tries something is told; one that dies idle is replaced.
    worker.on('error', () => free.delete(worker))
    worker.on('exit', () => free.delete(worker))
    worker.postMessage({ kind: 'rides', task: shared, threads } satisfies TryRequest)
    return worker
  }
  const free = new Set<Worker>()
  const all = new Set<Worker>()
  return {
    async try(recipe, { signal, onRound } = {}) {
      signal?.throwIfAborted()
      const [idle] = free
      const worker = idle ?? start()
      free.delete(worker)
      all.add(worker)
      const gone = (): void => {
        all.delete(worker)
      }
      try {
        const rmse = await tried(worker, recipe, onRound, signal)
        free.add(worker)
        return rmse
      } catch (error) {
        // What it is at is not known: the next one begins with another thread.
        if (!(error instanceof Answered)) {
          await worker.terminate()
          gone()
          throw error
        }
        free.add(worker)
        throw error.reason
      }
    },
    async close() {
      await Promise.all([...all].map((worker) => worker.terminate()))
    },
  }
}

/** A thread has said what went wrong, and is ready for another try. */
class Answered {
  readonly reason: unknown
  constructor(reason: unknown) {
    this.reason = reason
  }
}

function tried(
  worker: Worker,
  recipe: Recipe,
  onRound: TryEffects['onRound'],
  signal: AbortSignal | undefined,
): Promise<number> {
  let finish = (): void => {}
  return new Promise<number>((resolve, reject) => {
    let stopped: { readonly reason: unknown } | undefined
    const onMessage = (answer: TryAnswer): void => {
      if (answer.kind === 'round') {
        if (stopped) return
        try {
          onRound?.(answer.trees, answer.rmse)
        } catch (reason) {
          stopped = { reason }
          worker.postMessage({ kind: 'stop' } satisfies TryRequest)
        }
      } else if (stopped) reject(new Answered(stopped.reason))
      else if (answer.kind === 'done') resolve(answer.rmse)
      else reject(new Answered(new RidecastError(answer.code, answer.message)))
    }
    const onDeath = (reason: unknown): void => {
      const text = `a thread that tries recipes has died (${messageOf(reason)}): set fewer workers`
      reject(new RidecastError('internal', text, { cause: reason }))
    }
    const onExit = (code: number): void => onDeath(new Error(`it ended with exit code ${code}`))
    const onAbort = (): void => reject(signal?.reason)
    worker.on('message', onMessage).on('error', onDeath).on('exit', onExit)
    signal?.addEventListener('abort', onAbort)
    finish = () => {
      worker.off('message', onMessage).off('error', onDeath).off('exit', onExit)
      signal?.removeEventListener('abort', onAbort)
    }
    const watched = onRound !== undefined
    worker.postMessage({ kind: 'try', recipe, watched } satisfies TryRequest)
  }).finally(() => finish())
}

/** The same rides where every thread can read them. */
function inSharedMemory({ length, pickup, dropoff, columns }: RideBatch): RideBatch {
  const share = (values: Float64Array): Float64Array => {
    const shared = new Float64Array(new SharedArrayBuffer(8 * length))
    shared.set(values.subarray(0, length))
    return shared
  }
  const entries = Object.entries(columns).map(([name, values]) => [name, share(values)])
  return {
    length,
    pickup: share(pickup),
    dropoff: share(dropoff),
    columns: Object.fromEntries(entries),
  }
}

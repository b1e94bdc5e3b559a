/**
 * Grows trees in worker threads: the first one decides and works, the others work, and this one
 * stays free for whatever else the process does. Knows nothing about trees.
 */

import type { Worker } from 'node:worker_threads'
import { messageOf, RidecastError } from '../../errors.ts'
import { startWorker } from '../start-worker.ts'
import type { GrownRound, RoundsPlan } from './rounds.ts'
import type { TreeAnswer, TreeRequest } from './worker.ts'

/** Starts a thread. */
export type StartThread = () => Worker

/**
 * Grows trees on as many threads as the memory is for. All of them have ended afterwards.
 *
 * @param take called with each round
 * @param signal ends the threads at once; its reason is thrown
 * @throws internal when a thread fails or dies
 */
export async function growInThreads(
  plan: RoundsPlan,
  take: (round: GrownRound) => void,
  signal: AbortSignal | undefined,
  start: StartThread = () => startWorker('trees-worker'),
): Promise<void> {
  const workers = Array.from({ length: plan.memory.threads }, start)
  let stop = (): void => {}
  try {
    await new Promise<void>((resolve, reject) => {
      stop = () => reject(signal?.reason)
      signal?.addEventListener('abort', stop)
      for (const [index, worker] of workers.entries()) {
        const fail = (reason: unknown): void => reject(deadThread(reason))
        worker.on('error', fail)
        worker.on('messageerror', fail)
        worker.on('exit', (code) => {
          // Threads that only help may end before the first one has told that all is done.
          if (code !== 0 || index === 0) fail(new Error(`it ended with exit code ${code}`))
        })
        worker.on('message', (answer: TreeAnswer) => {
          try {
            if (answer.kind === 'round') take(answer.round)
            else if (answer.kind === 'done') resolve()
            else reject(new RidecastError(answer.code, answer.message))
          } catch (error) {
            reject(error)
          }
        })
        worker.postMessage({ index, plan } satisfies TreeRequest)
      }
    })
  } finally {
    signal?.removeEventListener('abort', stop)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function deadThread(reason: unknown): RidecastError {
  return new RidecastError(
    'internal',
    `a thread that grows trees has died (${messageOf(reason)}): set fewer threads`,
    { cause: reason },
  )
}

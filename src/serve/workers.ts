/**
 * Several processes on one port. The first process answers nothing: it starts the others, starts new
 * ones in the place of those that end, hands a stop on to them, and adds up their metrics. Knows
 * nothing about rides or models.
 */

import cluster, { type Worker } from 'node:cluster'
import type { Logger } from 'pino'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { type ErrorCode, isRidecastError, messageOf, RidecastError } from '../errors.ts'
import type { ProcessHandle } from './lifetime.ts'

/** What a worker and the first process tell each other. */
type Message =
  | { readonly ridecast: 'stop' }
  | { readonly ridecast: 'listening'; readonly url: string }
  | { readonly ridecast: 'metrics?'; readonly id: number }
  | { readonly ridecast: 'metrics'; readonly id: number; readonly text: string }
  | { readonly ridecast: 'refused'; readonly code: ErrorCode; readonly text: string }

/** A worker that ends sooner than this after its start is not started again at once. */
const soonMs = 1000

/** True in a process that {@link superviseWorkers} has started. */
export const isWorker = (): boolean => cluster.isWorker

/** Workers that answer together. */
export interface Workers {
  /** Where they listen. */
  readonly url: string
  /** Stops all of them; resolves with how many had to cut off requests, or ended otherwise than well. */
  stop(): Promise<number>
}

/**
 * Starts workers, which run the same program as this process, and keeps their number.
 *
 * @returns once all listen
 * @throws what kept a worker from listening, with its code
 */
export function superviseWorkers(count: number, log: Logger): Promise<Workers> {
  const aggregator = new AggregatorRegistry()
  let stopping = false
  let url: string | undefined
  /** True once all have listened. */
  let ready = false
  const listening = new Set<number>()
  const born = new Map<number, number>()

  const fork = (): void => {
    const worker = cluster.fork()
    born.set(worker.id, performance.now())
  }

  async function printMetrics(worker: Worker, id: number): Promise<void> {
    const text = await aggregator.clusterMetrics().catch(() => '')
    if (worker.isConnected()) worker.send({ ridecast: 'metrics', id, text } satisfies Message)
  }

  return new Promise((resolve, reject) => {
    cluster.on('message', (worker, message: Message) => {
      if (message.ridecast === 'metrics?') void printMetrics(worker, message.id)
      // Later it is one that replaces another: it ends, and is tried again.
      if (message.ridecast === 'refused' && !ready) {
        stopping = true
        for (const other of Object.values(cluster.workers ?? {})) other?.kill()
        reject(new RidecastError(message.code, message.text))
      }
      if (message.ridecast !== 'listening') return
      // One that was starting when all were told to stop did not hear messages yet.
      if (stopping) tellToStop(worker)
      url ??= message.url
      listening.add(worker.id)
      if (listening.size < count) return
      ready = true
      resolve({ url, stop })
    })
    cluster.on('exit', (worker, code, signal) => {
      listening.delete(worker.id)
      if (stopping) return
      log.error({ worker: worker.process.pid, code, signal }, 'worker ended')
      const age = performance.now() - (born.get(worker.id) ?? 0)
      setTimeout(
        () => {
          if (!stopping) fork()
        },
        age < soonMs ? soonMs : 0,
      )
    })
    for (let i = 0; i < count; i++) fork()
  })

  function stop(): Promise<number> {
    stopping = true
    const workers = Object.values(cluster.workers ?? {}).filter((one) => one !== undefined)
    const ends = workers.map((worker) => {
      if (listening.has(worker.id)) tellToStop(worker)
      return new Promise<number>((done) => {
        worker.once('exit', (code) => done(code === 0 ? 0 : 1))
      })
    })
    return Promise.all(ends).then((codes) => codes.filter((code) => code !== 0).length)
  }
}

function tellToStop(worker: Worker): void {
  if (worker.isConnected()) worker.send({ ridecast: 'stop' } satisfies Message)
}

/** Tells the first process that this worker listens. */
export function reportListening(url: string): void {
  process.send?.({ ridecast: 'listening', url } satisfies Message)
}

/** Tells the first process why this worker does not listen. */
export function reportRefusal(error: unknown): void {
  const code = isRidecastError(error) ? error.code : 'internal'
  process.send?.({ ridecast: 'refused', code, text: messageOf(error) } satisfies Message)
}

/**
 * What ends a worker: the first process says so, or is gone. Signals are for the first process: a
 * terminal sends them to every process, and a second one would cut requests off.
 */
export function workerHandle(handle: ProcessHandle): ProcessHandle {
  return {
    on(event: string, listener: (value: never) => void) {
      if (event === 'uncaughtException') {
        return handle.on('uncaughtException', listener as (error: Error) => void)
      }
      if (event === 'SIGINT') return handle.on('SIGINT', () => {})
      const stop = (): void => (listener as unknown as (signal: string) => void)(event)
      handle.on('SIGTERM', () => {})
      process.once('disconnect', stop)
      process.on('message', (message: Message) => {
        if (message.ridecast === 'stop') stop()
      })
      return undefined
    },
    exit: (code) => handle.exit(code),
  }
}

/**
 * What prints the metrics: those of this process, or in a worker those of all together.
 *
 * @param registry the metrics of this process
 */
export function metricsPrinter(registry: Registry): () => Promise<string> {
  if (!cluster.isWorker) return () => registry.metrics()
  AggregatorRegistry.setRegistries([registry])
  const waiting = new Map<number, (text: string) => void>()
  let count = 0
  // Answers the first process when it gathers the metrics of all.
  new AggregatorRegistry()
  process.on('message', (message: Message) => {
    if (message.ridecast !== 'metrics') return
    waiting.get(message.id)?.(message.text)
    waiting.delete(message.id)
  })
  return () =>
    new Promise((resolve) => {
      const id = count++
      waiting.set(id, resolve)
      process.send?.({ ridecast: 'metrics?', id } satisfies Message)
    })
}

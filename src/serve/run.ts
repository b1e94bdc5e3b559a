/**
 * A server from its start to its end: in this process, or in several on one port. What ends it is
 * handed in. Reads no environment.
 */

import type { Logger } from 'pino'
import type { ServerConfig } from '../config.ts'
import type { Registry } from '../registry.ts'
import { endOnFault, type ProcessHandle, stopOnSignal } from './lifetime.ts'
import { loadServedModel } from './served-model.ts'
import { startServer } from './server.ts'
import type { ServedModel } from './state.ts'
import {
  isWorker,
  reportListening,
  reportRefusal,
  superviseWorkers,
  workerHandle,
} from './workers.ts'

/** A server that answers, as far as whoever started it wants to know. */
export interface StartedServer {
  readonly url: string
  /** The model that it started with. */
  readonly model: ServedModel
}

/**
 * Runs a server until the handle says stop; resolves when it is ready.
 *
 * @param handle what tells the server to stop, and ends after it
 * @returns undefined in a worker: the first process tells people
 * @throws as `startServer`
 */
export async function runServer(
  config: ServerConfig,
  registry: Registry,
  log: Logger,
  handle: ProcessHandle,
): Promise<StartedServer | undefined> {
  if (isWorker()) {
    await runWorker(config, registry, log, workerHandle(handle))
    return undefined
  }
  endOnFault(log, handle)
  if (config.workers === 1) {
    const server = await startServer(config, registry, log)
    stopOnSignal(server, log, handle)
    return server
  }
  // What is wrong with the model is told once, before there are several to tell it.
  const model = await loadServedModel(registry, config.model)
  const workers = await superviseWorkers(config.workers, log)
  const after_ms = Math.round(performance.now())
  log.info({ url: workers.url, workers: config.workers, after_ms }, 'listening')
  stopOnSignal(workers, log, handle)
  return { url: workers.url, model }
}

async function runWorker(
  config: ServerConfig,
  registry: Registry,
  log: Logger,
  handle: ProcessHandle,
): Promise<void> {
  endOnFault(log, handle)
  try {
    const server = await startServer(config, registry, log)
    stopOnSignal(server, log, handle)
    reportListening(server.url)
  } catch (error) {
    reportRefusal(error)
    handle.exit(1)
  }
}

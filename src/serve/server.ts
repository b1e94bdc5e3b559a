/** The server process: loads the model, listens, and stops without losing a request. */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { ServerConfig } from '../config.ts'
import { RidecastError } from '../errors.ts'
import { createApp, type ServerState } from './app.ts'
import { loadServedModel, type ServedModel } from './served-model.ts'

/** A server that answers. */
export interface RunningServer {
  /** Where it listens. */
  readonly url: string
  readonly model: ServedModel
  /**
   * Stops: not ready, no new connections, requests in flight finish.
   *
   * @returns true when all of them did within the deadline, false when some were cut off
   */
  stop(): Promise<boolean>
}

/**
 * Starts the server; it is ready when this resolves.
 *
 * @throws model_not_found, artifact_* codes, server_port_busy
 */
export async function startServer(config: ServerConfig, log: Logger): Promise<RunningServer> {
  const model = await loadServedModel(config.models, config.model)
  const state: ServerState = { model, draining: false }
  const app = createApp({ state, log, bodyLimitBytes: config.bodyLimitBytes })
  // Slow clients: headers within 10 s, the whole request within 30 s. Idle connections stay a
  // little longer than the minute that load balancers usually keep theirs.
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 },
    app,
  )
  await listen(server, config)
  const { port } = server.address() as AddressInfo
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  const url = `http://${host}:${port}`
  log.info({ url, model: model.name, version: model.version }, 'listening')
  return {
    url,
    model,
    async stop() {
      state.draining = true
      log.info({ seconds: config.shutdownSeconds }, 'stopping')
      return drain(server, config.shutdownSeconds * 1000)
    },
  }
}

function listen(server: Server, { host, port }: ServerConfig): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (
        error.code !== 'EADDRINUSE' &&
        error.code !== 'EACCES' &&
        error.code !== 'EADDRNOTAVAIL'
      ) {
        failed(error)
        return
      }
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`
      failed(
        new RidecastError(
          'server_port_busy',
          `port ${port} of ${host} ${why}: choose another with --port`,
          { cause: error },
        ),
      )
    })
    server.listen(port, host, done)
  })
}

/** Closes idle connections at once, busy ones after their answer, all at the deadline. */
function drain(server: Server, milliseconds: number): Promise<boolean> {
  return new Promise((done) => {
    const deadline = setTimeout(() => {
      server.closeAllConnections()
      done(false)
    }, milliseconds)
    server.close(() => {
      clearTimeout(deadline)
      done(true)
    })
  })
}

/** What a process tells the server, and how it ends. */
export interface ProcessEvents {
  /** Calls back on SIGTERM and SIGINT. */
  onSignal(stop: (signal: string) => void): void
  /** Ends the process. */
  exit(code: number): void
}

/** The signals and the exit of this process. */
export const processEvents: ProcessEvents = {
  onSignal(stop) {
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGINT', () => stop('SIGINT'))
  },
  exit: (code) => process.exit(code),
}

/**
 * Stops the server on the first signal, exits 0 when every request was answered, else 1; a second
 * signal ends the process at once.
 */
export function stopOnSignal(server: RunningServer, log: Logger, events = processEvents): void {
  let asked = false
  events.onSignal((signal) => {
    if (asked) {
      events.exit(1)
      return
    }
    asked = true
    void server.stop().then((whole) => {
      log.info(
        { signal, whole },
        whole ? 'stopped' : 'stopped at the deadline: requests were cut off',
      )
      events.exit(whole ? 0 : 1)
    })
  })
}

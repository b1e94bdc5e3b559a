/**
 * The server: loads the model, listens, and stops without losing a request. Reads no environment
 * and does not end the process; see `lifetime.ts`.
 */

import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ServerConfig } from '../config.ts'
import { messageOf, RidecastError } from '../errors.ts'
import { listen } from '../listen.ts'
import { answerBadRequest } from './bad-request.ts'
import { trackConnections } from './connections.ts'
import type { Metrics } from './metrics.ts'
import { processName } from './prediction-id.ts'
import type { RolloutRegistry } from './rollout/change.ts'
import { startRollout } from './rollout/controller.ts'
import { loadServedModel } from './served-model.ts'
import { assembleService } from './service.ts'
import { type ServedModel, ServiceState } from './state.ts'

/** How patient the server is, milliseconds. */
export interface Patience {
  /** For the headers of a request, default 10 s. */
  readonly headersMs: number
  /** For a whole request, default 30 s. */
  readonly requestMs: number
  /** For the next request on a connection, default 65 s: longer than load balancers keep theirs. */
  readonly keepAliveMs: number
  /** How often the first two are looked after, default 1 s. */
  readonly checkMs: number
  /** On shutdown, for a request that is on its way on an idle connection, default 0.5 s. */
  readonly graceMs: number
  /** On shutdown, for a disk that has lines of the prediction log still to take, default 5 s. */
  readonly closeMs: number
}

const defaultPatience: Patience = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  checkMs: 1_000,
  graceMs: 500,
  closeMs: 5_000,
}

/** A server that answers. */
export interface RunningServer {
  /** Where it listens. */
  readonly url: string
  readonly state: ServiceState
  /** The model that it started with. */
  readonly model: ServedModel
  /**
   * Stops: not ready, no new connections, requests in flight finish. Again gives the same answer.
   *
   * @returns how many requests were cut off at the deadline
   */
  stop(): Promise<number>
}

/**
 * Starts the server; it is ready when this resolves. It follows the model's reference from then on.
 *
 * @param config where to listen and what to serve
 * @param registry where the model is
 * @param patience what differs from the defaults
 * @throws model_not_found, model_name_invalid, artifact_* codes, server_port_busy, config_invalid
 */
export async function startServer(
  config: ServerConfig,
  registry: RolloutRegistry,
  log: Logger,
  patience: Partial<Patience> = {},
): Promise<RunningServer> {
  const { headersMs, requestMs, keepAliveMs, checkMs, graceMs, closeMs } = {
    ...defaultPatience,
    ...patience,
  }
  const model = await loadServedModel(registry, config.model)
  const state = new ServiceState(model)
  const server = serverFor(config, {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: checkMs,
  })
  const connections = trackConnections(server)
  const process = processName()
  let metrics: Metrics | undefined
  const rollout = await startRollout({
    registry,
    state,
    reference: config.model,
    folder: config.state,
    process,
    log,
    reloadMs: config.reloadSeconds * 1000,
    onReload: (result) => metrics?.reloaded(result),
  })
  const service = assembleService(config, state, log, { process, rollout })
  metrics = service.metrics
  connections.answerBy(service.handler)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug({ code: error.code }, 'bad request')
    answerBadRequest(error, socket as Socket, connections)
  })
  await listen(server, config).catch(async (error: NodeJS.ErrnoException) => {
    await rollout.stop()
    throw listenError(error, config.host, config.port)
  })
  const url = urlOf(server, config)
  const after_ms = Math.round(performance.now())
  log.info({ url, model: model.name, model_version: model.version, after_ms }, 'listening')
  let stopped: Promise<number> | undefined
  return {
    url,
    state,
    model,
    stop() {
      state.draining = true
      stopped ??= connections
        .drain({ graceMs, deadlineMs: config.shutdownSeconds * 1000 })
        .finally(async () => {
          const closed = Promise.all([service.close(), rollout.stop()])
          // A disk that does not answer must not keep the process.
          const late = wait(closeMs, 'late' as const, { ref: false })
          if ((await Promise.race([closed, late])) !== 'late') return
          const message = `the disk has not answered within ${closeMs / 1000} s`
          log.error({ folder: config.state, message }, 'state not written')
        })
      return stopped
    },
  }
}

/** A server for plain HTTP, or for TLS where the settings name a certificate. */
function serverFor({ tlsCert, tlsKey }: ServerConfig, options: ServerOptions): Server {
  if (tlsCert === '') return createServer(options)
  const pem = (file: string, what: string): Buffer => {
    try {
      return readFileSync(file)
    } catch (error) {
      throw new RidecastError(
        'config_invalid',
        `${what} ${file} cannot be read: ${messageOf(error)}`,
        { cause: error },
      )
    }
  }
  const files = { cert: pem(tlsCert, 'TLS certificate'), key: pem(tlsKey, 'TLS key') }
  try {
    return createTlsServer({ ...options, ...files, minVersion: 'TLSv1.2' })
  } catch (error) {
    throw new RidecastError(
      'config_invalid',
      `TLS certificate ${tlsCert} and key ${tlsKey} do not fit together or are no PEM: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): unknown {
  const place = `port ${port} of ${host}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new RidecastError(
        'server_port_busy',
        `${place} is taken: stop what holds it, or choose another with --port or RIDECAST_PORT`,
        { cause: error },
      )
    case 'EACCES':
      return new RidecastError(
        'config_invalid',
        `${place} needs more rights than this process has: choose one from 1024`,
        { cause: error },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new RidecastError(
        'config_invalid',
        `host ${host} is not an address of this machine (${error.code}): choose 127.0.0.1, or 0.0.0.0 for all`,
        { cause: error },
      )
    default:
      return error
  }
}

/** Where a person on this machine finds the server. */
function urlOf(server: Server, { host, tlsCert }: ServerConfig): string {
  const { port } = server.address() as AddressInfo
  const near = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  const scheme = tlsCert === '' ? 'http' : 'https'
  return `${scheme}://${near.includes(':') ? `[${near}]` : near}:${port}`
}

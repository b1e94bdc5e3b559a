/**
 * The server of the page over run records: listens and stops. Reads no environment and does not
 * end the process.
 */

import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { RidecastError } from '../../errors.ts'
import { listen } from '../../listen.ts'
import { packageFolder } from '../../package.ts'
import { createRunsApp, type RunsPageSources } from './app.ts'

/** What the page reads from and where it is served. */
export interface RunsPageOptions extends RunsPageSources {
  /** Address to listen on, default 127.0.0.1: out of reach for others unless told so. */
  readonly host?: string
  /** Port to listen on, default 9697; 0 takes a free one. */
  readonly port?: number
  /** Folder of the bundled page, default that of this package. */
  readonly bundle?: string
}

/** A page that answers. */
export interface RunningPage {
  /** Where it is. */
  readonly url: string
  /** Stops it, and cuts off what it is still sending. */
  stop(): Promise<void>
}

/**
 * Serves the page; it answers when this resolves.
 *
 * @throws server_port_busy, config_invalid, and internal when the page was not built
 */
export async function startRunsPage(options: RunsPageOptions): Promise<RunningPage> {
  const { host = '127.0.0.1', port = 9697 } = options
  const bundle = options.bundle ?? join(packageFolder(), 'dist', 'page', 'runs')
  if (!existsSync(join(bundle, 'index.html'))) {
    throw new RidecastError(
      'internal',
      `page of the runs is not in ${bundle}: make it with npm run build`,
    )
  }
  const server = createServer(createRunsApp(options, host, bundle))
  await listen(server, { host, port }).catch((error: NodeJS.ErrnoException) => {
    throw listenError(error, host, port)
  })
  return { url: urlOf(server, host), stop: () => stop(server) }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): RidecastError {
  if (error.code === 'EADDRINUSE') {
    return new RidecastError(
      'server_port_busy',
      `port ${port} of ${host} is taken: stop what holds it, or choose another with --port`,
      { cause: error },
    )
  }
  return new RidecastError(
    'config_invalid',
    `address ${host}, port ${port}, cannot be listened on (${error.code}): expected an address ` +
      'of this machine such as 127.0.0.1 and a free port',
    { cause: error },
  )
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Where a person on this machine finds the page. */
function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  const near = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}`
}

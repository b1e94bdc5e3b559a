/**
 * `ridecast runs ui`: a page over the run records, served on this machine, in this process.
 * Knows nothing about what the page shows.
 */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { RunningPage } from '../tracking/ui/server.ts'
import type { Io } from './io.ts'
import { registryOf } from './open-model.ts'
import { serverOf, trackerOf, trackingUriHelp } from './tracking.ts'

interface Flags {
  runs: string
  trackingUri?: string
  models: string
  registryUri?: string
  port: string
  host: string
}

/** What tells the page to stop, and ends after it: the process. */
export interface StopSignals {
  /** Calls back when the process is asked to stop. */
  on(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  /** Ends the process at once. */
  exit(code: number): void
}

const examples = `
Examples:
  ridecast runs ui                                        the runs in runs/, models in models/
  ridecast runs ui --runs /data/runs --port 0             another folder, any free port
  ridecast runs ui --tracking-uri http://127.0.0.1:5000   the runs of an MLflow server

The page is for this machine only, unless --host says otherwise: it has no login. It only reads.
`

/**
 * The command; it is done when the page answers.
 *
 * @param handle what tells the page to stop, and ends after it
 */
export function uiCommand(io: Io, handle: StopSignals = process): Command {
  return new Command('ui')
    .description('look at runs in a browser: table, curves, comparison, artifacts, lineage')
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', 'MLflow server, or "files" (default: MLFLOW_REGISTRY_URI ...)')
    .option('--port <port>', 'port to listen on, 0 for a free one', '9697')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const port = parsePort(flags.port)
      const { runs, models, host, trackingUri, registryUri } = flags
      const server = await serverOf(io, flags)
      const tracker = await trackerOf(io, flags)
      const registry = await registryOf(io, models, registryUri ?? trackingUri)
      const { startRunsPage } = await import('../tracking/ui/server.ts')
      const place = server === undefined ? resolve(io.cwd, runs) : placeOf(server)
      const page = await startRunsPage({ tracker, registry, place, host, port })
      stopOnSignal(page, handle)
      io.out(`${page.url}\n`)
      io.err(`runs of ${place}; Ctrl-C stops the page\n`)
    })
}

/** A server's address for people, without what may be secret in it. */
function placeOf(uri: string): string {
  const { protocol, host, pathname } = new URL(uri)
  return `${protocol}//${host}${pathname}`.replace(/\/$/, '')
}

function stopOnSignal(page: RunningPage, handle: StopSignals): void {
  const onSignal = (): void => {
    void page.stop().then(() => handle.exit(0))
  }
  handle.on('SIGTERM', onSignal)
  handle.on('SIGINT', onSignal)
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new RidecastError(
    'usage_invalid',
    `port must be a whole number from 0 to 65535, found "${text}"; leave it out for 9697`,
  )
}

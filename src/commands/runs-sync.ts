/** `ridecast runs sync`: sends what a tracking server could not be told when runs were made. */

import { Command } from 'commander'
import { isRidecastError, messageOf, RidecastError } from '../errors.ts'
import type { RunSummary } from '../tracking/tracker.ts'
import { type Io, printJson, progress } from './io.ts'
import {
  localTrackerOf,
  pushTargetOf,
  type RegistryFlags,
  serverOf,
  type TrackingFlags,
  trackingUriHelp,
} from './tracking.ts'

interface Flags extends TrackingFlags, RegistryFlags {
  readonly all?: true
  readonly json?: true
}

interface Sent {
  readonly id: string
  readonly location: string | null
  readonly complete: boolean
  readonly error: string | null
}

const examples = `
Examples:
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 ridecast runs sync
  ridecast runs sync --tracking-uri https://mlflow.example.org      to another server
  ridecast runs sync --all                                         runs that were made offline too
  ridecast runs sync 20210301T081500-3fa2c1                         one run

A run is sent once; what has been sent is known by remote.json in its folder, and sending may break
off at any point: the next sync goes on. A version that could not be registered in time becomes
champion only where there is none; ridecast models promote makes it one.`

/** The subcommand `sync` of `ridecast runs`. */
export function syncCommand(io: Io): Command {
  return new Command('sync')
    .summary('send runs that a tracking server has not got yet')
    .description('Send to an MLflow server what it has not got yet of the runs in plain files.')
    .argument('[runs...]', 'ids (default: all that were meant for the server)')
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--all', 'also runs that were never meant for this server')
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--models <dir>', 'folder of models', 'models')
    .option('--registry-uri <uri>', 'register versions elsewhere (default: the tracking server)')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', examples)
    .action((ids: string[], flags: Flags) => sync(io, ids, flags))
}

async function sync(io: Io, ids: readonly string[], flags: Flags): Promise<void> {
  const server = await serverOf(io, flags)
  if (server === undefined) {
    throw new RidecastError(
      'usage_invalid',
      'tracking server is missing: set MLFLOW_TRACKING_URI or --tracking-uri to its address, such ' +
        'as http://127.0.0.1:5000',
    )
  }
  const target = await pushTargetOf(io, server, flags)
  const local = await localTrackerOf(io, flags)
  const listed = await local.listRuns()
  const missing = ids.find((id) => !listed.some((run) => run.id === id))
  if (missing !== undefined) await local.getRun(missing)
  const chosen = listed.filter(
    (run): run is RunSummary =>
      run.status !== 'unreadable' && (ids.length === 0 || ids.includes(run.id)),
  )
  for (const run of listed) if (run.status === 'unreadable') io.err(`note: ${run.reason}\n`)
  const waiting: RunSummary[] = []
  const { readRemoteStates } = await import('../tracking/remote-state.ts')
  // Oldest first, so that the server's own order is that of the runs.
  for (const run of chosen.reverse()) {
    const state = (await readRemoteStates(run.location))[target.uri]
    const isMeant = ids.length > 0 || flags.all === true || state !== undefined
    if (isMeant && !state?.complete) waiting.push(run)
  }
  // The process that writes a run tells the server itself.
  const ended = waiting.filter((run) => run.status !== 'running')
  const { runPusher } = await import('../tracking/push.ts')
  const sent: Sent[] = []
  for (const [i, run] of ended.entries()) {
    progress(io, `sending run ${i + 1} of ${ended.length} ...`)
    try {
      const state = await runPusher(local, run.id, target).push()
      sent.push({ id: run.id, location: state.location, complete: true, error: null })
    } catch (error) {
      if (!isRidecastError(error)) throw error
      sent.push({ id: run.id, location: null, complete: false, error: messageOf(error) })
      // A server that is gone is gone for the others too.
      if (isRidecastError(error, 'tracking_unreachable')) break
      if (isRidecastError(error, 'tracking_unauthorized')) break
    }
  }
  progress(io, '')
  report(io, flags, target.uri, sent, {
    running: waiting.length - ended.length,
    left: ended.length - sent.filter((run) => run.complete).length,
  })
}

function report(
  io: Io,
  flags: Flags,
  uri: string,
  sent: readonly Sent[],
  { running, left }: { running: number; left: number },
): void {
  if (flags.json) printJson(io, { uri, runs: sent, running, left })
  else {
    for (const { id, location, complete } of sent) if (complete) io.out(`${id}  ${location}\n`)
    if (sent.length === 0) io.out(`${uri} has every run that was meant for it\n`)
  }
  if (running > 0) io.err(`note: ${running} running, sent by the process that writes them\n`)
  const fault = sent.find((run) => run.error !== null)
  if (fault === undefined) return
  throw new RidecastError(
    'tracking_failed',
    `${left} of ${left + sent.filter((run) => run.complete).length} runs were not sent, first ` +
      `${fault.id}: ${fault.error}; they are kept, try again`,
  )
}

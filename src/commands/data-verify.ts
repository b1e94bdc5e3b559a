/** `ridecast data verify`: are the trip files still those that were downloaded? */

import { basename, dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { RemoteState, Verified } from '../pipeline/verify.ts'
import { type DataFlags, dataOptions, sourcesOptionsOf } from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, printJson, progress, table } from './io.ts'

interface Flags extends DataFlags {
  readonly accept?: true
  readonly remote?: true
  readonly json?: true
}

/** A file with what was found of it, here and at its publisher (null: not asked). */
interface Row extends Verified {
  readonly accepted: boolean
  readonly remote: RemoteState | null
}

const examples = `
Examples:
  ridecast data verify                       every file of data/manifest.json
  ridecast data verify 2023-01..2023-04 --taxi yellow
  ridecast data verify --remote              has the publisher changed any of them?
  ridecast data verify 2023-01 --accept      this file is right, whatever was downloaded

Exits with 1 when a file is missing, damaged, not listed, or not the one that was downloaded.
`

/** The subcommand `verify` of `ridecast data`. */
export function dataVerifyCommand(io: Io): Command {
  const command = new Command('verify')
    .summary('check files against what was downloaded')
    .description('Check that trip files are those that were downloaded: size, hash and framing.')
    .argument('[files...]', 'months or Parquet files (default: every file of the manifest)')
  return dataOptions(command)
    .option('--remote', 'ask the publisher whether it still has the same files')
    .option('--accept', 'write the files as they are now into the manifest')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action((files: string[], flags: Flags) => verify(io, files, flags))
}

async function verify(io: Io, args: readonly string[], flags: Flags): Promise<void> {
  const note = (text: string): void => io.err(`note: ${text}\n`)
  const paths = await pathsOf(io, args, flags, note)
  const rows = await interruptible((signal) => look(io, paths, flags, note, signal)).finally(() =>
    progress(io, ''),
  )
  report(io, rows, flags)
  refuse(rows)
}

/** The files that are meant, absolute: those named, or all that the manifest lists. */
async function pathsOf(
  io: Io,
  args: readonly string[],
  flags: Flags,
  note: (text: string) => void,
): Promise<string[]> {
  if (args.length > 0) {
    const { planSources } = await import('../pipeline/sources.ts')
    return planSources(args, sourcesOptionsOf(io, flags)).map(({ plan }) => plan.path)
  }
  const { readManifest } = await import('../pipeline/manifest.ts')
  const folder = resolve(io.cwd, flags.data)
  const fleets = flags.taxi?.map((taxi) => `${taxi}_tripdata_`) ?? ['']
  return Object.keys(await readManifest(folder, { note }))
    .filter((name) => fleets.some((prefix) => name.startsWith(prefix)))
    .map((name) => join(folder, name))
}

async function look(
  io: Io,
  paths: readonly string[],
  flags: Flags,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<Row[]> {
  const { readManifest } = await import('../pipeline/manifest.ts')
  const { acceptFiles, verifyFile, verifyRemote } = await import('../pipeline/verify.ts')
  const { s3Fetch } = await import('../pipeline/s3.ts')
  const effects = { fetch: s3Fetch(io.env), now: io.now, note, signal }
  const found: Omit<Row, 'accepted'>[] = []
  for (const path of paths) {
    signal.throwIfAborted()
    progress(io, `checking ${basename(path)} ...`)
    const entry = (await readManifest(dirname(path)))[basename(path)] ?? null
    const remote = flags.remote ? await verifyRemote(entry, effects) : null
    found.push({ ...(await verifyFile(path, entry)), remote })
  }
  const accepted = new Set(
    flags.accept ? (await acceptFiles(found, effects)).map(({ path }) => path) : [],
  )
  return found.map((row) => ({ ...row, accepted: accepted.has(row.path) }))
}

function report(io: Io, rows: readonly Row[], flags: Flags): void {
  if (flags.json) {
    const files = rows.map(({ path, state, detail, bytes, sha256, accepted, remote, entry }) => {
      return { path, state, detail, bytes, sha256, accepted, remote, manifest: entry }
    })
    printJson(io, { files })
    return
  }
  if (rows.length === 0) {
    io.out(
      `${flags.data} has no manifest that lists files; fetch some: ridecast data fetch 2021-01\n`,
    )
    return
  }
  const header = ['file', 'MB', 'state', ...(flags.remote ? ['publisher'] : [])]
  const cells = rows.map((row) => [
    basename(row.path),
    row.bytes === null ? '' : (row.bytes / 1e6).toFixed(1),
    stateText(row),
    ...(row.remote ? [[row.remote.state, row.remote.detail].join(' ').trim()] : []),
  ])
  io.out(table(io, header, cells, ['left', 'right']))
}

function stateText({ state, detail, accepted }: Row): string {
  return `${state === 'ok' ? 'ok' : detail}${accepted ? ': accepted' : ''}`
}

function refuse(rows: readonly Row[]): void {
  const bad = rows.filter(
    ({ state, accepted, remote }) => (state !== 'ok' && !accepted) || remote?.state === 'changed',
  )
  const [first] = bad
  if (!first) return
  const what = first.remote?.state === 'changed' ? `: its publisher ${first.remote.detail}` : ''
  const detail = first.state === 'ok' || first.accepted ? what : ` ${first.detail}`
  throw new RidecastError(
    'source_mismatch',
    `${bad.length} of ${rows.length} files differ, first ${first.path}${detail}; ` +
      'remove a file to have it downloaded again, or accept it with ridecast data verify --accept',
  )
}

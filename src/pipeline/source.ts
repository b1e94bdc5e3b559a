/**
 * From what a person names (a month, a path, an address) to a local trip file that was checked.
 * Planning decides which file it is and whether it must be fetched; obtaining fetches, checks
 * and hashes it. Knows nothing about columns and rides.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import pLimit from 'p-limit'
import { RidecastError } from '../errors.ts'
import { isMonth, type Month, monthOf, nextMonth, parseMonth } from '../month.ts'
import { type Taxi, taxis } from '../ride.ts'
import type { DownloadEffects } from './download.ts'
import type { RemoteFile } from './engines/engine.ts'
import { fetchFile } from './fetch-file.ts'
import type { HashMemory } from './hash-memory.ts'
import { shownAddress } from './http.ts'
import { readable, requireFile } from './local-file.ts'
import { readManifest } from './manifest.ts'
import { type FileIdentity, identify, parquetFault } from './parquet-file.ts'
import { addressOf, isAddress, keptName, nameOf, publishedAddress } from './source-address.ts'

export { publisherUrl } from './source-address.ts'

/** What planning needs besides the argument. */
export interface SourceOptions {
  /** The fleet whose file a bare month means. */
  readonly taxi: Taxi
  /** The folder that holds downloads and samples; relative to `cwd`. */
  readonly dataFolder: string
  /** The folder that relative paths start from. */
  readonly cwd: string
  /** What counts as now: later months are refused. */
  readonly today: Date
  /** An http, https or S3 address in place of `publisherUrl`. */
  readonly baseUrl?: string | undefined
}

/** What both kinds of plan state. */
interface Planned {
  /** Absolute path of the trip file, there or to be made. */
  readonly path: string
  /** What to call it in front of people: `green 2021-01`, a file name, an address. */
  readonly label: string
  /** The month its name states; undefined when the name states none. */
  readonly month: Month | undefined
  /** The fleet its name states, which may differ from the one asked for; undefined when none. */
  readonly taxi: Taxi | undefined
}

/** A file that is used as it lies there, or is missing. */
export interface LocalPlan extends Planned {
  readonly kind: 'local'
  /** The address it was once downloaded from, or could be; undefined for a path. */
  readonly url: string | undefined
}

/** A file that has to be downloaded first. */
export interface DownloadPlan extends Planned {
  readonly kind: 'download'
  readonly url: string
}

/** Which file is meant, and how to get at it. */
export type SourcePlan = LocalPlan | DownloadPlan

/** A trip file on disk that is framed as Parquet is. */
export interface Source extends FileIdentity, Planned {
  /** True when it was fetched just now. */
  readonly downloaded: boolean
}

/** A trip file that only the engine has: its bytes never were on this disk. */
export interface RemoteSource extends Planned {
  readonly bytes: number
  readonly sha256: null
  readonly downloaded: false
  readonly remote: RemoteFile
}

/** What a file is known by. */
export type KnownFile =
  | Pick<Source, 'path' | 'sha256'>
  | Pick<RemoteSource, 'path' | 'sha256' | 'remote'>

/**
 * What tells the content of a file from any other: the SHA-256 of its bytes; of one that only an
 * engine has, of where it lies, its size and the time it was written.
 */
export function contentKey(file: KnownFile): string {
  if (file.sha256 !== null) return file.sha256
  const { path, bytes, modified } = file.remote
  return createHash('sha256')
    .update(JSON.stringify([path, bytes, modified]))
    .digest('hex')
}

/** What obtaining a file touches of the world. */
export interface ObtainEffects extends DownloadEffects {
  /** Knows the hashes of files that were seen before; default none, then they are read. */
  readonly memory?: HashMemory | undefined
}

/** What obtaining several files touches of the world. */
export interface ObtainAllEffects extends ObtainEffects {
  /** Files fetched or read at once; default 4. */
  readonly connections?: number
}

/**
 * Decides which file an argument means. Touches nothing but the names of files.
 *
 * - `2021-01`: `<fleet>_tripdata_2021-01.parquet` in the data folder, downloaded when not there;
 * - a path (it has a separator or ends in .parquet): that file;
 * - an http(s) or S3 address: when it is the publisher's address of a month, as if the month was
 *   named; any other is kept in the data folder under its base name with 12 digits of the hash of
 *   the address, and used again only for exactly that address. So a file from elsewhere can never
 *   stand in for a published month or for its namesake from a third place.
 *
 * @throws month_invalid, usage_invalid (none of the three), config_invalid (the base URL)
 */
export function planSource(argument: string, options: SourceOptions): SourcePlan {
  if (isAddress(argument)) return planAddress(argument, options)
  if (!isPath(argument) || /^\d{4}\/\d{1,2}$/.test(argument)) {
    if (/^\d/.test(argument))
      return planMonth(options.taxi, parseMonth(argument, options.today), options)
    throw new RidecastError(
      'usage_invalid',
      `source ${JSON.stringify(argument)} is not known: expected a month such as 2021-01, ` +
        'a path such as data/green_tripdata_2021-01.parquet or ./rides, or an http(s) or s3 address',
    )
  }
  const path = resolve(options.cwd, argument)
  return { kind: 'local', path, label: basename(path), url: undefined, ...stated(basename(path)) }
}

/**
 * The month after a plan's, of the same fleet: what it is validated on unless told otherwise.
 * Looked for beside the plan's file, then in the data folder, then at the publisher.
 *
 * @returns undefined when the plan's month is not known or the next one lies in the future
 */
export function planNext(plan: SourcePlan, options: SourceOptions): SourcePlan | undefined {
  if (plan.month === undefined || plan.taxi === undefined) return undefined
  const month = nextMonth(plan.month)
  if (month > monthOf(options.today)) return undefined
  const beside = join(dirname(plan.path), fileName(plan.taxi, month))
  const planned = planMonth(plan.taxi, month, options)
  if (beside === planned.path || !existsSync(beside)) return planned
  return { ...planned, kind: 'local', path: beside, url: undefined }
}

/**
 * Fetches what a plan says, unless another process does, checks that it is a whole Parquet file,
 * and hashes it. A file that is not the one that was once downloaded is told of in a note.
 *
 * @throws source_not_found, source_html, source_lfs_pointer, source_truncated,
 *   source_not_parquet, source_changed, source_busy, source_io, and what `download` throws
 */
export async function obtain(plan: SourcePlan, effects: ObtainEffects = {}): Promise<Source> {
  const { path, label, month, taxi } = plan
  const fetched = plan.kind === 'download' ? await fetchFile(plan, effects) : undefined
  const identity = fetched ?? (await identityOf(plan, effects))
  return { path, label, month, taxi, downloaded: fetched !== undefined, ...identity }
}

/**
 * Obtains several files, some at once. The first that fails ends the others, which keep what came.
 *
 * @returns in the order of the plans
 * @throws what {@link obtain} threw first
 */
export async function obtainAll(
  plans: readonly SourcePlan[],
  effects: ObtainAllEffects = {},
): Promise<Source[]> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(effects.signal ? [effects.signal] : [])])
  const limit = pLimit(effects.connections ?? 4)
  const one = (plan: SourcePlan): Promise<Source> =>
    limit(async () => {
      signal.throwIfAborted()
      return obtain(plan, { ...effects, signal })
    }).catch((error: unknown) => {
      stop.abort(error)
      throw error
    })
  const byPath = new Map(plans.map((plan) => [plan.path, plan]))
  const found = new Map<string, Source>()
  const all = [...byPath.values()].map(async (plan) => found.set(plan.path, await one(plan)))
  await Promise.allSettled(all)
  stop.signal.throwIfAborted()
  return plans.map((plan) => ({ ...(found.get(plan.path) as Source), label: plan.label }))
}

/** Size and hash of a file that must be there, once it is known to be whole. */
async function identityOf(plan: SourcePlan, effects: ObtainEffects): Promise<FileIdentity> {
  const { path, month, taxi, url } = plan
  await requireFile(path, month && taxi ? `; or name the month ${month} to download it` : '')
  const fault = await readable(path, () => parquetFault(path))
  if (fault) {
    const refetch = url ? `, or remove it to have ${shownAddress(url)} downloaded` : ''
    const text = `${path} is not a whole Parquet file: found ${fault.found}`
    throw new RidecastError(fault.code, `${text}; ${fault.remedy}${refetch}`)
  }
  const identity = await readable(path, () => (effects.memory ?? { identify }).identify(path))
  const entry = (await readManifest(dirname(path)))[basename(path)]
  if (entry && (entry.bytes !== identity.bytes || entry.sha256 !== identity.sha256)) {
    const before = entry.url ? `downloaded from ${entry.url}` : 'accepted'
    effects.note?.(`${path} is not the file that was ${before}: see ridecast data verify`)
  }
  return identity
}

function isPath(argument: string): boolean {
  return argument.includes('/') || argument.includes(sep) || /\.parquet$/i.test(argument)
}

function planMonth(taxi: Taxi, month: Month, options: SourceOptions): SourcePlan {
  const name = fileName(taxi, month)
  const path = resolve(options.cwd, options.dataFolder, name)
  const url = publishedAddress(name, options.baseUrl)
  return {
    kind: existsSync(path) ? 'local' : 'download',
    path,
    url,
    label: `${taxi} ${month}`,
    month,
    taxi,
  }
}

function planAddress(argument: string, options: SourceOptions): SourcePlan {
  const url = addressOf(argument)
  const { taxi, month } = stated(nameOf(url))
  if (taxi && month) {
    const ofMonth = publishedAddress(fileName(taxi, month), options.baseUrl)
    if (url.href === ofMonth) return planMonth(taxi, month, options)
  }
  const path = resolve(options.cwd, options.dataFolder, keptName(url))
  const label = shownAddress(url.href)
  return { kind: existsSync(path) ? 'local' : 'download', path, url: url.href, label, month, taxi }
}

/** Name of the trip file of a month, as the publisher writes it. */
function fileName(taxi: Taxi, month: Month): string {
  return `${taxi}_tripdata_${month}.parquet`
}

/** Fleet and month that a file name states; `green_tripdata_2021-01.first1000.parquet` too. */
function stated(name: string): Pick<Planned, 'month' | 'taxi'> {
  const match = /^([a-z]+)_tripdata_(\d{4}-\d\d)(\..*)?\.parquet$/i.exec(name)
  const month = match?.[2] ?? ''
  const taxi = taxis.find((one) => one === match?.[1]?.toLowerCase())
  if (!taxi || !isMonth(month)) return { month: undefined, taxi: undefined }
  return { month, taxi }
}

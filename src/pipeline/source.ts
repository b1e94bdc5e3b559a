/**
 * From what a person names (a month, a path, an address) to a local trip file that was checked.
 * Planning decides which file it is and whether it must be fetched; obtaining fetches, checks
 * and hashes it. Knows nothing about columns and rides.
 */

import { createHash } from 'node:crypto'
import { existsSync, type Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { distance } from 'fastest-levenshtein'
import { messageOf, RidecastError } from '../errors.ts'
import { isMonth, type Month, monthOf, nextMonth, parseMonth } from '../month.ts'
import { type Taxi, taxis } from '../ride.ts'
import { type DownloadEffects, download } from './download.ts'
import { shownAddress } from './http.ts'
import { type FileIdentity, identify, parquetFault } from './parquet-file.ts'

/** Where the city publishes its trip files, as `<fleet>_tripdata_<YYYY-MM>.parquet`. */
export const publisherUrl = 'https://d37ci6vzurychx.cloudfront.net/trip-data'

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
  /** An http or https address in place of {@link publisherUrl}. */
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

/**
 * Decides which file an argument means. Touches nothing but the names of files.
 *
 * - `2021-01`: `<fleet>_tripdata_2021-01.parquet` in the data folder, downloaded when not there;
 * - a path (it has a separator or ends in .parquet): that file;
 * - an http(s) address: when it is the publisher's address of a month, as if the month was named;
 *   any other is kept in the data folder under its base name with 12 digits of the hash of the
 *   address, and used again only for exactly that address. So a file from elsewhere can never
 *   stand in for a published month or for its namesake from a third place.
 *
 * @throws month_invalid, usage_invalid (none of the three), config_invalid (the base URL)
 */
export function planSource(argument: string, options: SourceOptions): SourcePlan {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(argument)) return planAddress(argument, options)
  if (!isPath(argument) || /^\d{4}\/\d{1,2}$/.test(argument)) {
    if (/^\d/.test(argument))
      return planMonth(options.taxi, parseMonth(argument, options.today), options)
    throw new RidecastError(
      'usage_invalid',
      `source ${JSON.stringify(argument)} is not known: expected a month such as 2021-01, ` +
        'a path such as data/green_tripdata_2021-01.parquet or ./rides, or an http(s) address',
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
 * Fetches what a plan says, checks that it is a whole Parquet file, and hashes it.
 *
 * @throws source_not_found, source_html, source_lfs_pointer, source_truncated,
 *   source_not_parquet, source_io, and what {@link download} throws
 */
export async function obtain(plan: SourcePlan, effects: DownloadEffects = {}): Promise<Source> {
  const { path, label, month, taxi } = plan
  if (plan.kind === 'download') await download(plan.url, path, effects)
  await requireFile(plan)
  const fault = await readable(path, () => parquetFault(path))
  if (fault) {
    const refetch = plan.url ? `, or remove it to have ${shownAddress(plan.url)} downloaded` : ''
    const text = `${path} is not a whole Parquet file: found ${fault.found}`
    throw new RidecastError(fault.code, `${text}; ${fault.remedy}${refetch}`)
  }
  const identity = await readable(path, () => identify(path))
  return { path, label, month, taxi, downloaded: plan.kind === 'download', ...identity }
}

function isPath(argument: string): boolean {
  return argument.includes('/') || argument.includes(sep) || /\.parquet$/i.test(argument)
}

function planMonth(taxi: Taxi, month: Month, options: SourceOptions): SourcePlan {
  const name = fileName(taxi, month)
  const path = resolve(options.cwd, options.dataFolder, name)
  const url = published(name, options)
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
  const url = checkedAddress(argument, 'usage_invalid')
  url.hash = ''
  const name = nameOf(url)
  const { taxi, month } = stated(name)
  if (taxi && month && url.href === published(fileName(taxi, month), options)) {
    return planMonth(taxi, month, options)
  }
  const hash = createHash('sha256').update(url.href).digest('hex').slice(0, 12)
  const kept = `${name.replace(/\.parquet$/i, '').slice(0, 100)}.${hash}.parquet`
  const path = resolve(options.cwd, options.dataFolder, kept)
  const label = shownAddress(url.href)
  return { kind: existsSync(path) ? 'local' : 'download', path, url: url.href, label, month, taxi }
}

/** The address of a file of the publisher; a query of the base URL (an access token) is kept. */
function published(name: string, options: SourceOptions): string {
  const url = checkedAddress(options.baseUrl ?? publisherUrl, 'config_invalid')
  url.hash = ''
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`
  return url.href
}

function checkedAddress(text: string, code: 'usage_invalid' | 'config_invalid'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const subject = code === 'usage_invalid' ? 'address' : 'base URL'
  if (url?.username || url?.password) {
    const why = 'holds a user name or password, which would end up in records'
    throw new RidecastError(code, `${subject} of ${url.host} ${why}: download the file by hand`)
  }
  if (url && /^https?:$/.test(url.protocol)) return url
  const expected = 'expected http://... or https://..., or the path of a local file'
  throw new RidecastError(code, `${subject} ${JSON.stringify(text)} cannot be used: ${expected}`)
}

/** The last part of an address as a plain file name. */
function nameOf(url: URL): string {
  const last = basename(url.pathname.replace(/%[\da-f]{2}/gi, '_'))
  return last.replace(/[^\w.-]/g, '_').replace(/^\.+/, '') || 'rides'
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

async function requireFile(plan: SourcePlan): Promise<void> {
  const { path } = plan
  const found = await readable(path, () => statOf(path))
  if (found?.isFile()) return
  const refuse = (what: string, folder: string, hint: string): RidecastError =>
    new RidecastError(
      'source_not_found',
      `${path} ${what}, expected a trip file; ${folder} ${hint}`,
    )
  if (found?.isDirectory()) {
    throw refuse('is a folder', 'it', await namesIn(path, basename(path)))
  }
  if (found) throw refuse('is a device or pipe', 'ridecast', 'reads regular files only')
  const folder = dirname(path)
  const names = await namesIn(folder, basename(path))
  const month = plan.month && plan.taxi ? `; or name the month ${plan.month} to download it` : ''
  throw refuse('is not there', `the folder ${folder}`, `${names}${month}`)
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined
    throw error
  }
}

/** What a folder holds that may have been meant: up to three names, the nearest first. */
async function namesIn(folder: string, wanted: string): Promise<string> {
  const all = await readdir(folder).catch(() => undefined)
  if (!all) return existsSync(folder) ? 'cannot be listed' : 'is not there either'
  const near = all
    .filter((name) => /\.parquet$/i.test(name))
    .sort((a, b) => distance(a, wanted) - distance(b, wanted) || (a < b ? -1 : 1))
  if (near.length === 0) return 'holds no Parquet files'
  const more = near.length > 3 ? ` and ${near.length - 3} more` : ''
  return `holds ${near.slice(0, 3).join(', ')}${more}`
}

async function readable<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    const text = `${path} cannot be read: ${messageOf(cause)}; check its permissions`
    throw new RidecastError('source_io', text, { cause })
  }
}

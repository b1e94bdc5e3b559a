/**
 * The library on disk: taken out of its wheel once both are known by their hashes, and known again by
 * what was written then. Knows nothing about what the library does.
 */

import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { messageOf, RidecastError } from '../../errors.ts'
import { type DownloadEffects, download } from '../download.ts'
import { filesOf } from './archive.ts'
import { publishedAt, type Wheel, wheelFor, xgboostProject, xgboostVersion } from './release.ts'

/** The library itself, in the wheel and in its folder: it looks for what it needs beside itself. */
const libraryFile = 'xgboost/lib/libxgboost.so'
/** OpenMP, which the wheel brings along. */
const isNeeded = (name: string): boolean =>
  name === libraryFile || /^xgboost_cpu\.libs\/[\w.-]+$/.test(name)

const noteFile = 'installed.json'
const noteSchema = z.object({
  library: z.literal(xgboostProject),
  version: z.literal(xgboostVersion),
  wheel_sha256: z.string(),
  /** SHA-256 by name. */
  files: z.record(z.string(), z.string()),
})

/** A library that is installed. */
export interface InstalledLibrary {
  readonly version: string
  /** Path of the shared library. */
  readonly path: string
  /** Bytes of all its files. */
  readonly bytes: number
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const folderIn = (trainers: string): string => join(trainers, `${xgboostProject}-${xgboostVersion}`)

const howToInstall = 'install it with: ridecast trainer install xgboost'

/**
 * The library in a folder of trainers, undefined where it is not installed.
 *
 * @throws trainer_mismatch when a file is not the one that was installed
 */
export async function installedIn(trainers: string): Promise<InstalledLibrary | undefined> {
  const folder = folderIn(trainers)
  const text = await readFile(join(folder, noteFile), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const note = noteSchema.safeParse(jsonOf(text))
  const mismatch = (what: string): RidecastError =>
    new RidecastError(
      'trainer_mismatch',
      `${folder} ${what}: remove the folder, and ${howToInstall}`,
    )
  if (!note.success || !Object.hasOwn(note.data.files, libraryFile)) {
    throw mismatch('does not say what is installed')
  }
  let size = 0
  for (const [name, expected] of Object.entries(note.data.files)) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined)
    if (!bytes || !isNeeded(name) || sha256(bytes) !== expected) {
      throw mismatch(`has ${name}, which is not what was installed`)
    }
    size += bytes.length
  }
  return { version: xgboostVersion, path: join(folder, libraryFile), bytes: size }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The library in a folder of trainers.
 *
 * @throws trainer_missing when it is not installed, trainer_mismatch
 */
export async function requireLibrary(trainers: string): Promise<InstalledLibrary> {
  const found = await installedIn(trainers)
  if (found) return found
  throw new RidecastError(
    'trainer_missing',
    `XGBoost ${xgboostVersion} is not in ${trainers}: ${howToInstall}`,
  )
}

/** Where the wheel comes from; the publisher's address where nothing is said. */
export interface WheelSource {
  /** A wheel on disk. */
  readonly from?: string | undefined
  /** An index as pip asks them (PEP 503), such as `https://pypi.org/simple`. */
  readonly index?: string | undefined
}

/**
 * Installs the library into a folder of trainers, unless it is there.
 *
 * @param pinned the one wheel that is taken, default that of this platform
 * @throws trainer_missing on a platform without a wheel; trainer_mismatch for another wheel than the
 *   pinned one; source_* codes of downloads; source_not_found, source_io
 */
export async function installLibrary(
  trainers: string,
  { from, index }: WheelSource,
  effects: DownloadEffects = {},
  pinned?: Wheel,
): Promise<InstalledLibrary & { readonly isNew: boolean }> {
  const there = await installedIn(trainers)
  if (there) return { ...there, isNew: false }
  const wheel = pinned ?? wheelFor()
  if (from !== undefined) {
    const bytes = await readFile(from).catch((cause) => {
      throw new RidecastError('source_not_found', `${from} cannot be read: ${messageOf(cause)}`)
    })
    await unpack(bytes, wheel, trainers, from)
  } else {
    const url =
      index === undefined ? publishedAt(wheel) : await addressIn(index, wheel, effects.fetch)
    const path = join(trainers, wheel.file)
    await download(url, path, { ...effects, form: formOf(wheel) })
    await unpack(await readFile(path), wheel, trainers, url)
    await rm(path)
  }
  return { ...(await requireLibrary(trainers)), isNew: true }
}

/** What a download has to be. */
const formOf = (wheel: Wheel): NonNullable<DownloadEffects['form']> => ({
  noun: `the wheel ${wheel.file} of SHA-256 ${wheel.sha256}`,
  remedy: 'get the wheel in another way and pass it as --from FILE, or name an --index-url',
  fault: async (path) => {
    const found = sha256(await readFile(path))
    if (found === wheel.sha256) return undefined
    return { code: 'trainer_mismatch', found: `a file of SHA-256 ${found}` }
  },
})

/** The address of a wheel on a page that lists those of a project. */
async function addressIn(
  index: string,
  { file }: Wheel,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<string> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new RidecastError('source_unreachable', `index ${shown(index)} ${why}`, { cause })
  }
  const isPlain = /^https?:\/\/[^@]+$/.test(index) && URL.canParse(index)
  if (!isPlain) {
    throw new RidecastError(
      'usage_invalid',
      `index ${shown(index)} is no http or https address without a user name and password: name another as --index-url, or pass the wheel as --from FILE`,
    )
  }
  const page = new URL(`${index.replace(/\/+$/, '')}/${xgboostProject}/`)
  const signal = AbortSignal.timeout(30_000)
  const answer = await fetch(page, { headers: { accept: 'text/html' }, signal }).catch((cause) =>
    refuse(`does not answer: ${messageOf(cause)}`, cause),
  )
  if (!answer.ok) refuse(`answered ${answer.status} to a request for ${xgboostProject}`)
  const text = await answer.text()
  for (const [, quoted = ''] of text.matchAll(/href\s*=\s*"([^"]*)"/gi)) {
    const address = new URL(quoted.replaceAll('&amp;', '&'), answer.url || page)
    address.hash = ''
    if (basename(decodeURIComponent(address.pathname)) === file) return address.href
  }
  return refuse(`does not have ${file}: name another --index-url, or pass the wheel as --from FILE`)
}

/** An address without a user and password. */
function shown(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//')
}

async function unpack(
  bytes: Buffer,
  wheel: Wheel,
  trainers: string,
  source: string,
): Promise<void> {
  const found = sha256(bytes)
  if (found !== wheel.sha256) {
    throw new RidecastError(
      'trainer_mismatch',
      `${shown(source)} has SHA-256 ${found}, expected ${wheel.sha256} of ${wheel.file}`,
    )
  }
  const files = filesOf(bytes, isNeeded)
  const folder = folderIn(trainers)
  const part = `${folder}.${process.pid}.part`
  try {
    for (const [name, content] of files) {
      await mkdir(dirname(join(part, name)), { recursive: true })
      await writeFile(join(part, name), content, { mode: 0o755 })
    }
    const note: z.input<typeof noteSchema> = {
      library: xgboostProject,
      version: xgboostVersion,
      wheel_sha256: found,
      files: Object.fromEntries([...files].map(([name, content]) => [name, sha256(content)])),
    }
    await writeFile(join(part, noteFile), `${JSON.stringify(note, null, 2)}\n`)
    await rename(part, folder).catch(async (error: unknown) => {
      // Another process was sooner.
      if (!(await installedIn(trainers).catch(() => undefined))) throw error
    })
  } catch (cause) {
    if (cause instanceof RidecastError) throw cause
    throw new RidecastError(
      'source_io',
      `${folder} cannot be made: ${messageOf(cause)}; pass --trainers DIR of a folder that can be written to`,
      { cause },
    )
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}

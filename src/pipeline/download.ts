/**
 * One file over HTTP into a folder: streamed beside its target under a temporary name, checked
 * to be a whole Parquet file, flushed, and only then renamed. Whoever looks at the target sees
 * nothing or all of it; a failure leaves nothing behind. Knows nothing about months or fleets.
 */

import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RidecastError } from '../errors.ts'
import {
  type FileRequest,
  PassingError,
  type RequestLimits,
  requestFile,
  shownAddress,
} from './http.ts'
import { parquetFault } from './parquet-file.ts'

/** The bounds of a download. */
export interface DownloadLimits extends RequestLimits {
  /** A larger file is refused, bytes. */
  readonly maxBytes: number
  /** Further attempts after a lost connection, a 5xx or a 429. */
  readonly retries: number
}

/**
 * The default bounds: 15 s until the answer begins, 30 s without a byte, 5 redirects, 4 GiB,
 * 3 further attempts.
 */
export const downloadLimits: DownloadLimits = {
  answerMs: 15_000,
  stallMs: 30_000,
  redirects: 5,
  maxBytes: 4 * 2 ** 30,
  retries: 3,
}

/** What a download touches of the world; everything has a default. */
export interface DownloadEffects {
  /** The HTTP client; default the one built into Node. */
  readonly fetch?: typeof globalThis.fetch
  /** Waits between attempts, milliseconds; rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** The clock that tells which leftovers are old. */
  readonly now?: () => Date
  /** Told (bytes received, bytes in all or undefined) as they come, from 0 at each attempt. */
  readonly progress?: (received: number, total: number | undefined) => void
  /** Told in a line why it is tried again, and when. */
  readonly note?: (text: string) => void
  /** Stops the download; its part file is removed and its reason thrown. */
  readonly signal?: AbortSignal | undefined
  /** Bounds other than {@link downloadLimits}. */
  readonly limits?: Partial<DownloadLimits>
}

/** Part files that nobody has written to for so long were left by a process that was killed. */
const staleMs = 24 * 60 * 60 * 1000

/** No attempt waits longer for the next, whatever the server asks for. */
const longestWaitMs = 30_000

/** One download: what all its steps need. */
interface Job {
  readonly request: FileRequest
  readonly target: string
  readonly limits: DownloadLimits
  readonly effects: DownloadEffects
}

/**
 * Downloads a Parquet file. Lost connections, 5xx and 429 are tried again after 1, 2 and 4
 * seconds (or what the server asks for, up to 30); a host that cannot be reached at all is not.
 *
 * @param url an http or https address without user name and password
 * @param target path of the file to make; its folder is made once the server sends data
 * @throws source_unreachable, source_refused, source_not_published, source_interrupted,
 *   source_too_large, source_io; source_html, source_lfs_pointer, source_truncated or
 *   source_not_parquet when what came is not a whole Parquet file; the signal's reason
 */
export async function download(
  url: string,
  target: string,
  effects: DownloadEffects = {},
): Promise<void> {
  const limits = { ...downloadLimits, ...effects.limits }
  const wait = effects.wait ?? ((ms, signal) => sleep(ms, undefined, signal && { signal }))
  const describe = (what: string): string => described(url, target, what)
  const { signal, fetch = globalThis.fetch } = effects
  const job = { request: { url, limits, fetch, signal, describe }, target, limits, effects }
  await removeStaleParts(target, effects.now?.() ?? new Date())
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(job)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof PassingError) || attempt > limits.retries) throw error
      const ms = Math.min(error.askedMs ?? 1000 * 2 ** (attempt - 1), longestWaitMs)
      const turn = `trying again in ${ms / 1000} s (${attempt} of ${limits.retries})`
      effects.note?.(`${shownAddress(url)} ${error.what}: ${turn}`)
      await wait(ms, signal).finally(() => signal?.throwIfAborted())
    }
  }
}

/** Streams the answer to a part file, checks it and gives it its name. */
async function fetchOnce(job: Job): Promise<void> {
  const { request, target, limits, effects } = job
  const incoming = await requestFile(request)
  const part = `${target}.${process.pid}.${randomBytes(6).toString('hex')}.part`
  let file: FileHandle | undefined
  try {
    const { total } = incoming
    if (total !== undefined && total > limits.maxBytes) throw tooLarge(job, total)
    file = await onDisk(job, async () => {
      await mkdir(dirname(target), { recursive: true })
      return open(part, 'wx')
    })
    let received = 0
    effects.progress?.(0, total)
    for await (const piece of incoming.pieces) {
      received += piece.length
      if (received > limits.maxBytes) throw tooLarge(job, received)
      await onDisk(job, async () => file?.writeFile(piece))
      effects.progress?.(received, total)
    }
    if (total !== undefined && received !== total) {
      const what = `sent ${received} bytes of ${total}`
      throw new PassingError('source_interrupted', request, what)
    }
    await onDisk(job, async () => file?.sync())
    await file.close()
    const fault = await onDisk(job, () => parquetFault(part))
    if (fault) {
      const what = `sent ${fault.found}, expected a Parquet file`
      throw new RidecastError(fault.code, request.describe(what))
    }
    effects.signal?.throwIfAborted()
    await onDisk(job, () => rename(part, target))
  } catch (error) {
    await file?.close().catch(() => {})
    if (file) await rm(part, { force: true })
    throw error
  } finally {
    incoming.close()
  }
  await flushFolder(dirname(target))
}

function tooLarge(job: Job, bytes: number): RidecastError {
  const what = `sends ${bytes} bytes or more, expected at most ${job.limits.maxBytes}`
  return new RidecastError('source_too_large', job.request.describe(what))
}

/** The address, what happened, and what a person can do. */
function described(url: string, target: string, what: string): string {
  const byHand = `put the file there by hand as ${basename(target)}`
  return (
    `${shownAddress(url)} ${what}; nothing was saved in ${dirname(target)}: ` +
    `${byHand}, pass --data DIR of a folder that has it, or --base-url URL of another publisher`
  )
}

async function onDisk<T>(job: Job, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    const what = `${shownAddress(job.request.url)} cannot be saved as ${job.target}`
    const remedy = 'make room, or pass --data DIR of a folder that can be written to'
    throw new RidecastError('source_io', `${what}: ${messageOf(cause)}; ${remedy}`, { cause })
  }
}

async function removeStaleParts(target: string, now: Date): Promise<void> {
  const folder = dirname(target)
  const prefix = `${basename(target)}.`
  for (const name of await readdir(folder).catch(() => [])) {
    const isPart = name.startsWith(prefix) && /^\d+\.\w+\.part$/.test(name.slice(prefix.length))
    if (!isPart) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found && now.getTime() - found.mtimeMs > staleMs) await rm(path, { force: true })
  }
}

/** Makes a rename last through a power cut, where the system can flush a folder. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder)
    await handle.sync().finally(() => handle.close())
  } catch {
    // Some systems cannot; the file itself is flushed.
  }
}

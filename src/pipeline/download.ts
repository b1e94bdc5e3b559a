/**
 * One file over HTTP into a folder: streamed into a part beside its target, checked to be a whole
 * Parquet file, flushed, and only then given its name. Whoever looks at the target sees nothing or
 * all of it. A part whose rest can be asked for is kept when the download breaks off, and gone on
 * with by the next one, in whatever process. Knows nothing about months or fleets, nor whether
 * another process does the same: see download-lock.ts.
 */

import { mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, messageOf, RidecastError } from '../errors.ts'
import { addressHash, inheritPart, Part } from './download-part.ts'
import { type IncomingFile, type RequestLimits, requestFile, shownAddress } from './http.ts'
import { type FileIdentity, parquetFault } from './parquet-file.ts'
import { PassingError, ResumeRefused } from './refusal.ts'

/** The bounds of a download. */
export interface DownloadLimits extends RequestLimits {
  /** A larger file is refused, bytes. */
  readonly maxBytes: number
  /** Further attempts in a row that bring nothing, after a lost connection, a 5xx or a 429. */
  readonly retries: number
  /** Attempts in all, those that bring something too. */
  readonly attempts: number
}

/**
 * The default bounds: 15 s until the answer begins, 30 s without a byte, 5 redirects, 4 GiB,
 * 3 further attempts without progress, 100 in all.
 */
export const downloadLimits: DownloadLimits = {
  answerMs: 15_000,
  stallMs: 30_000,
  redirects: 5,
  maxBytes: 4 * 2 ** 30,
  retries: 3,
  attempts: 100,
}

/** What a file has to be. */
export interface FileForm {
  /** What is expected: `a Parquet file`. */
  readonly noun: string
  /** What a person can do where it cannot be had, without its name. */
  readonly remedy: string
  /** What is wrong with the file that came, undefined where nothing is. */
  readonly fault: (
    path: string,
  ) => Promise<{ readonly code: ErrorCode; readonly found: string } | undefined>
}

/** Trip files. */
const tripForm: FileForm = {
  noun: 'a Parquet file',
  remedy: 'pass --data DIR of a folder that has it, or --base-url URL of another publisher',
  fault: parquetFault,
}

/** What a download touches of the world; everything has a default. */
export interface DownloadEffects {
  /** The HTTP client; default the one built into Node. */
  readonly fetch?: typeof globalThis.fetch
  /** Waits between attempts, milliseconds; rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** A number in [0, 1) that waits are shortened by, up to a half, so that clients spread. */
  readonly random?: () => number
  /** The clock. */
  readonly now?: () => Date
  /**
   * Told (bytes there, bytes in all or undefined, what the file is called) as they come: from 0,
   * or from where an earlier attempt was cut.
   */
  readonly progress?: (received: number, total: number | undefined, label?: string) => void
  /** Told in a line why it is tried again, and when; what was kept; what it waits for. */
  readonly note?: (text: string) => void
  /** Stops the download; its reason is thrown, and what came is kept if it can be resumed. */
  readonly signal?: AbortSignal | undefined
  /** What the file has to be, default a Parquet file of trips. */
  readonly form?: FileForm
  /** Bounds other than {@link downloadLimits}. */
  readonly limits?: Partial<DownloadLimits>
}

/** A file that was downloaded: its identity, and what the server said of it. */
export interface Downloaded extends FileIdentity {
  /** Null when the server sent none. */
  readonly etag: string | null
  /** Null when the server sent none. */
  readonly lastModified: string | null
}

/** No attempt waits longer for the next, whatever the server asks for. */
const longestWaitMs = 30_000

/**
 * Downloads a file, Parquet unless the effects say otherwise, going on with what an earlier download of this address was cut at, as
 * long as the server says that the file is the same. Lost connections, stalls, 5xx and 429 are
 * tried again after up to 1, 2 and 4 seconds (or what the server asks for, up to 30); a host that
 * cannot be reached at all is not, unless it had answered before.
 *
 * @param url an http or https address without user name and password, or one that the effects'
 *   `fetch` understands
 * @param target path of the file to make; its folder is made once the server sends data
 * @throws source_unreachable, source_refused, source_not_published, source_interrupted,
 *   source_too_large, source_io; source_html, source_lfs_pointer, source_truncated or
 *   source_not_parquet when what came is not a whole Parquet file; the signal's reason
 */
export async function download(
  url: string,
  target: string,
  effects: DownloadEffects = {},
): Promise<Downloaded> {
  effects.signal?.throwIfAborted()
  const running = new Running(url, target, effects)
  try {
    await running.inherit()
    return await running.untilWhole()
  } finally {
    await running.end()
  }
}

/** One download under way: its part, and how far the attempts have come. */
class Running {
  readonly #url: string
  readonly #target: string
  readonly #effects: DownloadEffects
  readonly #limits: DownloadLimits
  readonly #form: FileForm
  #part: Part | undefined
  /** True when the part came in more than one answer. */
  #isPatched = false
  /** The most bytes that were there at a time. */
  #furthest = 0

  constructor(url: string, target: string, effects: DownloadEffects) {
    this.#url = url
    this.#target = target
    this.#effects = effects
    this.#limits = { ...downloadLimits, ...effects.limits }
    this.#form = effects.form ?? tripForm
  }

  async inherit(): Promise<void> {
    this.#part = await this.#onDisk(() => inheritPart(this.#target, this.#url))
    this.#furthest = this.#part?.bytes ?? 0
    this.#isPatched = this.#part !== undefined
  }

  async untilWhole(): Promise<Downloaded> {
    const { signal, wait = (ms, stop) => sleep(ms, undefined, stop && { signal: stop }) } =
      this.#effects
    const { retries, attempts } = this.#limits
    let fruitless = 0
    for (let attempt = 1; ; attempt++) {
      const before = this.#furthest
      try {
        return await this.#attempt()
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof ResumeRefused && attempt < attempts) {
          await this.#startAnew(error.what)
          continue
        }
        fruitless = this.#furthest > before ? 1 : fruitless + 1
        if (!this.#mayPass(error) || fruitless > retries || attempt >= attempts) throw error
        const ms = this.#waitBefore(error, fruitless)
        const turn = `trying again in ${ms / 1000} s (${fruitless} of ${retries})`
        this.#note(`${shownAddress(this.#url)} ${error.what}: ${turn}`)
        await wait(ms, signal).finally(() => signal?.throwIfAborted())
      }
    }
  }

  /** Closes the part that is left. It is kept if the rest of it can be asked for. */
  async end(): Promise<void> {
    const part = this.#part
    if (!part) return
    if (part.isResumable) {
      this.#note(
        `${shownAddress(this.#url)}: ${size(part.bytes)} are kept, the rest comes next time`,
      )
    }
    // Why it ended is what counts, not that the disk is full too.
    await part.keep().catch(() => {})
  }

  async #attempt(): Promise<Downloaded> {
    const part = this.#part
    if (part && part.bytes === part.note.total) return this.#finish(part)
    const incoming = await requestFile(this.#request())
    try {
      await this.#receive(incoming)
    } finally {
      incoming.close()
    }
    return this.#finish(this.#part as Part)
  }

  #request() {
    const { signal, fetch = globalThis.fetch } = this.#effects
    const part = this.#part
    const validator = part?.isResumable ? part.note.validator : null
    const resume =
      part && validator !== null
        ? { bytes: part.bytes, validator, total: part.note.total ?? undefined }
        : undefined
    return {
      url: this.#url,
      limits: this.#limits,
      fetch,
      signal,
      describe: (what: string) => this.#describe(what),
      resume,
    }
  }

  async #receive(incoming: IncomingFile): Promise<void> {
    const { total, start } = incoming
    if (total !== undefined && total > this.#limits.maxBytes) throw await this.#tooLarge(total)
    if (this.#part && start === 0) {
      const isSame = this.#part.note.validator === incoming.validator
      if (this.#part.isResumable) {
        await this.#startAnew(isSame ? 'sends no parts of files' : 'has another file by now')
      } else await this.#drop()
    }
    this.#isPatched = start > 0
    const part = this.#part ?? (await this.#begin(incoming))
    this.#effects.progress?.(part.bytes, total)
    for await (const piece of incoming.pieces) {
      const bytes = part.bytes + piece.length
      if (bytes > this.#limits.maxBytes) throw await this.#tooLarge(bytes)
      await this.#onDisk(() => part.append(piece))
      this.#furthest = Math.max(this.#furthest, part.isResumable ? part.bytes : 0)
      this.#effects.progress?.(part.bytes, total)
    }
    if (total === undefined || part.bytes === total) return
    const what = `sent ${part.bytes} bytes of ${total}`
    if (part.bytes > total) await this.#drop()
    throw new PassingError('source_interrupted', this.#request(), what)
  }

  async #begin({ total, etag, lastModified, validator }: IncomingFile): Promise<Part> {
    this.#part = await this.#onDisk(async () => {
      await mkdir(dirname(this.#target), { recursive: true })
      return Part.begin(this.#target, {
        url_sha256: addressHash(this.#url),
        validator: validator ?? null,
        etag: etag ?? null,
        last_modified: lastModified ?? null,
        total: total ?? null,
        flushed: 0,
      })
    })
    return this.#part
  }

  /** Checks the part and makes it the file. */
  async #finish(part: Part): Promise<Downloaded> {
    await this.#onDisk(() => part.flush())
    const fault = await this.#onDisk(() => this.#form.fault(part.path))
    if (fault) {
      if (this.#isPatched) throw new ResumeRefused(this.#request(), `gave ${fault.found} in pieces`)
      await this.#drop()
      const what = `sent ${fault.found}, expected ${this.#form.noun}`
      throw new RidecastError(fault.code, this.#describe(what))
    }
    this.#effects.signal?.throwIfAborted()
    const sha256 = await this.#onDisk(() => part.publish(this.#target))
    this.#part = undefined
    const { etag, last_modified: lastModified } = part.note
    return { bytes: part.bytes, sha256, etag, lastModified }
  }

  async #startAnew(why: string): Promise<void> {
    this.#note(`${shownAddress(this.#url)} ${why}: starting anew`)
    await this.#drop()
  }

  async #drop(): Promise<void> {
    const part = this.#part
    this.#part = undefined
    this.#isPatched = false
    await part?.discard()
  }

  #mayPass(error: unknown): error is PassingError {
    return error instanceof PassingError && (!error.onlyOnceAnswered || this.#furthest > 0)
  }

  #waitBefore(error: PassingError, turn: number): number {
    const { random = Math.random } = this.#effects
    const backoff = Math.round((1000 * 2 ** (turn - 1) * (2 - random())) / 2)
    return Math.min(error.askedMs ?? backoff, longestWaitMs)
  }

  async #tooLarge(bytes: number): Promise<RidecastError> {
    await this.#drop()
    const what = `sends ${bytes} bytes or more, expected at most ${this.#limits.maxBytes}`
    return new RidecastError('source_too_large', this.#describe(what))
  }

  /** The address, what happened, and what a person can do. */
  #describe(what: string): string {
    const folder = dirname(this.#target)
    const kept = this.#part?.isResumable
      ? 'what came is kept for the next attempt'
      : `nothing was saved in ${folder}`
    return (
      `${shownAddress(this.#url)} ${what}; ${kept}: ` +
      `put the file there by hand as ${basename(this.#target)}, ${this.#form.remedy}`
    )
  }

  async #onDisk<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (cause) {
      const what = `${shownAddress(this.#url)} cannot be saved as ${this.#target}`
      const remedy = 'make room, or pass --data DIR of a folder that can be written to'
      throw new RidecastError('source_io', `${what}: ${messageOf(cause)}; ${remedy}`, { cause })
    }
  }

  #note(text: string): void {
    this.#effects.note?.(text)
  }
}

const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

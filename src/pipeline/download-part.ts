/**
 * The part of a file that has come so far, with a note of what it is a part of. Every writer has
 * parts of its own, so that two that believe to be alone cannot mix their bytes: what another one
 * left is copied, and hashed on the way. Knows nothing about HTTP.
 */

import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { uptime } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { syncFolder, temporaryPath, writeSynced } from '../staging.ts'

/** What a part is a part of, as it is kept beside it in `<part>.json`. */
const noteSchema = z.object({
  url_sha256: z.string(),
  validator: z.string().nullable(),
  etag: z.string().nullable(),
  last_modified: z.string().nullable(),
  total: z.int().nonnegative().nullable(),
  flushed: z.int().nonnegative(),
})

/**
 * What a part is a part of: the SHA-256 of the address, what the server knows this very file by
 * (null: nothing, then it cannot be resumed), its ETag and Last-Modified, its bytes in all where
 * they are known, and how many bytes are sure to outlive a loss of power.
 */
export type PartNote = z.output<typeof noteSchema>

/** The SHA-256 of an address, 64 hexadecimal digits: parts and notes never hold the address. */
export function addressHash(url: string): string {
  return createHash('sha256').update(url).digest('hex')
}

/** A part that this process writes to. */
export class Part {
  readonly path: string
  #note: PartNote
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #bytes = 0

  private constructor(path: string, note: PartNote, file: FileHandle) {
    this.path = path
    this.#note = note
    this.#file = file
  }

  /** Begins a part of no bytes, beside its target. A note that it can be resumed by comes first. */
  static async begin(target: string, note: PartNote): Promise<Part> {
    const path = `${target}.${process.pid}.${randomBytes(6).toString('hex')}.part`
    if (note.validator !== null) await writeSynced(noteOf(path), JSON.stringify(note))
    return new Part(path, note, await open(path, 'wx'))
  }

  /** What it is a part of. */
  get note(): PartNote {
    return this.#note
  }

  /** Bytes that are there. */
  get bytes(): number {
    return this.#bytes
  }

  /** True when it is worth keeping: something is there, and the rest of it can be asked for. */
  get isResumable(): boolean {
    return this.#bytes > 0 && this.#note.validator !== null
  }

  /** Adds what came. */
  async append(piece: Uint8Array): Promise<void> {
    await this.#file.writeFile(piece)
    this.#hash.update(piece)
    this.#bytes += piece.length
  }

  /** Flushes and closes it. Keeps it, if it can be resumed; else nothing is left of it. */
  async keep(): Promise<void> {
    if (!this.isResumable) return this.discard()
    await this.#file.sync()
    await this.#file.close()
    const staged = temporaryPath(dirname(this.path))
    await writeSynced(staged, JSON.stringify({ ...this.#note, flushed: this.#bytes }))
    await rename(staged, noteOf(this.path))
  }

  /** Leaves nothing of it. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {})
    await removePart(this.path)
  }

  /** Flushes it: what was added is on the disk. */
  async flush(): Promise<void> {
    await this.#file.sync()
  }

  /**
   * Makes it the target, at once and for good.
   *
   * @returns SHA-256 of its bytes, 64 hexadecimal digits
   */
  async publish(target: string): Promise<string> {
    await this.#file.close()
    await rename(this.path, target)
    await removePart(this.path)
    await syncFolder(dirname(target))
    return this.#hash.digest('hex')
  }
}

/**
 * Goes on with what earlier processes left of a download, if the rest of it can be asked for, and
 * removes all else that they left of that target. Only who holds the lock of the target may.
 *
 * @returns a part of this process's own, undefined when there is nothing to go on with
 */
export async function inheritPart(target: string, url: string): Promise<Part | undefined> {
  const left = await partsOf(target)
  const usable: { path: string; note: PartNote; bytes: number }[] = []
  for (const path of left) {
    const note = await readNote(path)
    const bytes = note ? await trustedBytes(path, note) : 0
    if (!note || note.validator === null || note.url_sha256 !== addressHash(url)) continue
    if (bytes > 0 && bytes <= (note.total ?? bytes)) usable.push({ path, note, bytes })
  }
  const [longest] = usable.sort((a, b) => b.bytes - a.bytes)
  let part: Part | undefined
  if (longest) {
    part = await Part.begin(target, { ...longest.note, flushed: 0 })
    const range = { end: longest.bytes - 1, highWaterMark: 2 ** 20 }
    for await (const piece of createReadStream(longest.path, range)) {
      await part.append(piece as Buffer)
    }
  }
  for (const path of left) await removePart(path)
  return part
}

/** The bytes of all parts of a target, in any process: they grow while it is downloaded. */
export async function partBytes(target: string): Promise<number> {
  const sizes = (await partsOf(target)).map((path) => stat(path).then(({ size }) => size))
  return (await Promise.allSettled(sizes)).reduce(
    (sum, size) => sum + (size.status === 'fulfilled' ? size.value : 0),
    0,
  )
}

async function partsOf(target: string): Promise<string[]> {
  const folder = dirname(target)
  const prefix = `${basename(target)}.`
  const names = await readdir(folder).catch(() => [])
  const parts = names
    .filter((name) => name.startsWith(prefix))
    .map((name) => /^\d+\.[0-9a-f]{12}\.part(?=$|\.json$)/.exec(name.slice(prefix.length))?.[0])
    .filter((rest) => rest !== undefined)
  return [...new Set(parts)].map((rest) => join(folder, `${prefix}${rest}`))
}

/**
 * The bytes at the beginning of a part that are surely those that came. A killed process loses
 * none, but a machine that lost its power may have kept the length of a file and not its bytes.
 */
async function trustedBytes(path: string, note: PartNote): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return 0
  const started = Date.now() - uptime() * 1000
  return found.mtimeMs > started ? found.size : Math.min(found.size, note.flushed)
}

const noteOf = (path: string): string => `${path}.json`

async function readNote(path: string): Promise<PartNote | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(noteOf(path), 'utf8')))
  } catch {
    return undefined
  }
}

async function removePart(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(noteOf(path), { force: true })
}

/**
 * Remembers the SHA-256 of files between runs, so that a month seen before costs a look at its
 * folder entry and not a read. Knows nothing about what the files are.
 */

import { mkdir, readFile, rename, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { RidecastError } from '../errors.ts'
import { temporaryPath, writeSynced } from '../staging.ts'
import { type FileIdentity, identify } from './parquet-file.ts'

/** Tells size and hash of files, from memory where it may. */
export interface HashMemory {
  /**
   * Size and hash of a file.
   *
   * @throws source_changed when it is written to meanwhile; system errors
   */
  identify(path: string): Promise<FileIdentity>
  /** Writes down what was learnt, once at the end. A folder that cannot be written to is let be. */
  save(): Promise<void>
}

/** What the memory touches of the world. */
export interface HashMemoryEffects {
  /** The clock. */
  readonly now?: () => Date
  /** Reads and hashes a file. */
  readonly identify?: (path: string) => Promise<FileIdentity>
}

// Numbers of 64 bits as text: JSON would round them.
const digits = z.string().regex(/^-?\d+$/)
const entrySchema = z.object({
  dev: digits,
  ino: digits,
  bytes: z.int().nonnegative(),
  mtime_ns: digits,
  ctime_ns: digits,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  seen: z.int(),
})
type Entry = z.output<typeof entrySchema>
type Stamp = Omit<Entry, 'sha256' | 'seen'>

const memorySchema = z.object({ format: z.literal(1), files: z.record(z.string(), entrySchema) })

/** The name of the memory in its folder. */
const fileName = 'hashes.json'

/** More files are not remembered: the oldest are forgotten. */
const mostFiles = 10_000

/**
 * A file touched so shortly before it was read may be changed again without its times telling:
 * clocks of file systems tick in steps of up to two seconds.
 */
const restlessMs = 2000

/**
 * A memory in a folder, read when it is first asked.
 *
 * @param folder of the memory's file; made when something is saved
 */
export function hashMemory(folder: string, effects: HashMemoryEffects = {}): HashMemory {
  const path = join(folder, fileName)
  const clock = (): number => (effects.now?.() ?? new Date()).getTime()
  const read = effects.identify ?? identify
  const learnt = new Map<string, Entry>()
  let known: Promise<Record<string, Entry>> | undefined
  return {
    async identify(file) {
      const name = resolve(file)
      known ??= load(path)
      const asked = clock()
      const before = await stampOf(name)
      const entry = learnt.get(name) ?? (await known)[name]
      if (entry && isSame(entry, before)) return { bytes: entry.bytes, sha256: entry.sha256 }
      const identity = await read(name)
      const after = await stampOf(name)
      if (!isSame(before, after) || identity.bytes !== after.bytes) {
        const text = `${file} was changed while it was read`
        throw new RidecastError('source_changed', `${text}: run the command again`)
      }
      const touched = Math.max(Number(after.mtime_ns), Number(after.ctime_ns)) / 1e6
      if (asked - touched > restlessMs) learnt.set(name, { ...after, ...identity, seen: asked })
      return identity
    },
    async save() {
      if (learnt.size === 0) return
      // What another process wrote since is kept; of two that save at once, one may be forgotten.
      const merged = { ...(await load(path)), ...Object.fromEntries(learnt) }
      const newest = Object.entries(merged).sort(([, a], [, b]) => b.seen - a.seen)
      const files = Object.fromEntries(newest.slice(0, mostFiles))
      try {
        await mkdir(folder, { recursive: true })
        const staged = temporaryPath(folder)
        await writeSynced(staged, `${JSON.stringify({ format: 1, files })}\n`)
        await rename(staged, path)
        learnt.clear()
        known = undefined
      } catch {
        // Then the files are read again next time.
      }
    },
  }
}

async function load(path: string): Promise<Record<string, Entry>> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(path, 'utf8'))).files
  } catch {
    return {}
  }
}

async function stampOf(path: string): Promise<Stamp> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  return {
    dev: String(dev),
    ino: String(ino),
    bytes: Number(size),
    mtime_ns: String(mtimeNs),
    ctime_ns: String(ctimeNs),
  }
}

function isSame(a: Stamp, b: Stamp): boolean {
  const names = ['dev', 'ino', 'bytes', 'mtime_ns', 'ctime_ns'] as const
  return names.every((name) => a[name] === b[name])
}

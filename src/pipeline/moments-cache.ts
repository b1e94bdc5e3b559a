/**
 * Sums that were made before, kept by file: keyed by the bytes of the trip file and by what was
 * summed, so that neither a penalty nor a solver asks for them anew. What is kept is checked when
 * it is read; what does not hold is summed again. A cache that cannot be written is a slow one, no
 * error. Knows nothing about engines.
 */

import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Taxi } from '../ride.ts'
import { sweep, temporaryPath } from '../staging.ts'
import type { Moments } from './moments.ts'
import {
  decodeMoments,
  encodeMoments,
  type MomentsHeader,
  momentsFormat,
  planText,
  readHeader,
} from './moments-file.ts'
import type { Plan } from './plan.ts'
import { contentKey, type KnownFile } from './source.ts'

/** The bytes that a cache may hold unless told otherwise: 2 GiB. */
export const defaultCacheBytes = 2 * 2 ** 30

/** Sums by file and plan. */
export interface MomentsCache {
  /** The sums of a file by a plan; undefined when they are not there or do not hold. */
  get(source: KnownFile, taxi: Taxi, plan: Plan): Promise<Moments | undefined>
  /** Keeps sums; a failure is told by `note` once, never thrown. */
  put(source: KnownFile, taxi: Taxi, plan: Plan, moments: Moments): Promise<void>
}

/** One file of a cache. */
export interface CacheEntry {
  readonly path: string
  readonly bytes: number
  /** When it was last written or read. */
  readonly usedAt: Date
  /** What it holds; undefined when that cannot be read. */
  readonly header: MomentsHeader | undefined
}

/** What pruning did. */
export interface Pruned {
  readonly removed: number
  readonly removedBytes: number
  readonly left: number
  readonly leftBytes: number
}

/** The cache that keeps nothing. */
export const noCache: MomentsCache = {
  async get() {
    return undefined
  },
  async put() {},
}

const suffix = '.arrow'

/**
 * Opens the cache in a folder, which is made when something is kept.
 *
 * @param folder holds one file for each trip file and plan
 * @param maxBytes past this the files used longest ago are removed, default
 *   {@link defaultCacheBytes}
 * @param note told in a line when the folder cannot be written
 */
export function openMomentsCache(
  folder: string,
  maxBytes = defaultCacheBytes,
  note: (text: string) => void = () => {},
): MomentsCache {
  let writable = true
  return {
    async get(source, taxi, plan) {
      const path = join(folder, nameOf(source, taxi, plan))
      const bytes = await readFile(path).catch(() => undefined)
      const moments = bytes && decodeMoments(bytes, plan)
      // The time of the last use is what pruning goes by.
      if (moments) await utimes(path, new Date(), new Date()).catch(() => {})
      return moments
    },
    async put(source, taxi, plan, moments) {
      if (!writable) return
      const file = basename(source.path)
      const bytes = encodeMoments(moments, plan, { file, sha256: source.sha256, taxi })
      try {
        await write(folder, nameOf(source, taxi, plan), bytes)
        await prune(folder, { maxBytes })
      } catch (error) {
        writable = false
        note(`sums are not kept in ${folder}: ${(error as Error).message}`)
      }
    },
  }
}

/** The name says nothing that a file's header does not; it only finds it. */
function nameOf(source: KnownFile, taxi: Taxi, plan: Plan): string {
  const content = contentKey(source)
  const key = JSON.stringify([momentsFormat, content, taxi, planText(plan)])
  const hash = createHash('sha256').update(key).digest('hex')
  return `${content.slice(0, 12)}-${hash.slice(0, 24)}${suffix}`
}

async function write(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true })
  await sweep(folder, Date.now())
  const temporary = temporaryPath(folder)
  try {
    // Not flushed: after a loss of power a damaged file is noticed, and its sums are made again.
    await writeFile(temporary, bytes)
    await rename(temporary, join(folder, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** The files of a cache, the one used last first. */
export async function cacheEntries(folder: string): Promise<CacheEntry[]> {
  const found = await Promise.all(
    (await namesIn(folder)).map(async (name) => {
      const path = join(folder, name)
      const info = await stat(path).catch(() => undefined)
      if (!info) return []
      const bytes = await readFile(path).catch(() => undefined)
      const header = bytes && readHeader(bytes)
      return [{ path, bytes: info.size, usedAt: info.mtime, header }]
    }),
  )
  return found.flat().sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime())
}

/**
 * Removes the files used longest ago until the bounds hold.
 *
 * @param bounds `maxBytes`: all files together; `usedSince`: none used longer ago
 */
export async function prune(
  folder: string,
  bounds: { readonly maxBytes?: number; readonly usedSince?: Date },
): Promise<Pruned> {
  const { maxBytes = Number.POSITIVE_INFINITY, usedSince = new Date(0) } = bounds
  const files = await Promise.all(
    (await namesIn(folder)).map(async (name) => {
      const path = join(folder, name)
      const info = await stat(path).catch(() => undefined)
      return info ? [{ path, bytes: info.size, usedAt: info.mtimeMs }] : []
    }),
  )
  const newest = files.flat().sort((a, b) => b.usedAt - a.usedAt)
  const result = { removed: 0, removedBytes: 0, left: 0, leftBytes: 0 }
  for (const { path, bytes, usedAt } of newest) {
    if (usedAt >= usedSince.getTime() && result.leftBytes + bytes <= maxBytes) {
      result.left++
      result.leftBytes += bytes
    } else {
      await rm(path, { force: true })
      result.removed++
      result.removedBytes += bytes
    }
  }
  return result
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => /^[\da-f]{12}-[\da-f]{24}\.arrow$/.test(name))
}

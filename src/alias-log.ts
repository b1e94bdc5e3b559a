/**
 * An alias as a log of numbered entries; the highest is where the alias points. A change creates
 * the next number. Knows nothing about models, or about how entries exclude each other.
 */

import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { RidecastError } from './errors.ts'
import {
  createEntry,
  entryName,
  entryNames,
  type Link,
  lastNumber,
  readEntryDocument,
} from './numbered-entries.ts'
import { codeOf, makeFolder, sweep } from './staging.ts'

/** The shape of an entry as it is written. */
export const aliasEntrySchema = z.object({
  sequence: z.int().positive(),
  version: z.string().nullable(),
  previous: z.string().nullable(),
  kind: z.enum(['first', 'promote', 'rollback', 'delete', 'elsewhere']),
  at: z.string(),
  reason: z.string(),
})

/**
 * One change of an alias: its number from 1 on, the version it points to since (null: none), the
 * one it pointed to before (null: none), how it came about (`elsewhere`: by another program, and
 * noticed later), when (ISO 8601, UTC), and why (may be empty).
 */
export type AliasEntry = z.output<typeof aliasEntrySchema>

/** What is decided of a change; the rest of its entry follows. */
export type Decision = Pick<AliasEntry, 'version' | 'kind' | 'reason'>

/** What a change decides, given the entries so far, oldest first; undefined leaves all as it is. */
export type Decide = (entries: readonly AliasEntry[]) => Promise<Decision | undefined>

/** What changing an alias asks of the world. */
export interface LogEffects {
  /** The clock. */
  now(): Date
  readonly link: Link
}

/** The real clock and file system. */
export const logEffects: LogEffects = { now: () => new Date(), link }

/** A path in the place of the folder holds no entry either. */
const absent = ['ENOENT', 'ENOTDIR']

/** How often a change is tried against others before it gives up. */
const attempts = 100

/** The entries of an alias, oldest first; empty when the folder is not there. */
export async function readAlias(folder: string): Promise<AliasEntry[]> {
  return readEntries(folder, await entryNames(folder, absent))
}

/** The latest entry of an alias, undefined when there is none. */
export async function latestEntry(folder: string): Promise<AliasEntry | undefined> {
  for (const name of (await entryNames(folder, absent)).reverse()) {
    const entry = await readEntry(folder, name)
    if (entry) return entry
  }
  return undefined
}

/**
 * The path of the newest entry when it says nothing, so that the alias points to where the one
 * before it does; undefined when all is well.
 */
export async function damagedEntry(folder: string): Promise<string | undefined> {
  const newest = (await entryNames(folder, absent)).at(-1)
  if (newest === undefined || (await readEntry(folder, newest))) return undefined
  return join(folder, newest)
}

async function readEntries(folder: string, names: readonly string[]): Promise<AliasEntry[]> {
  const entries: AliasEntry[] = []
  for (const name of names) {
    const entry = await readEntry(folder, name)
    if (entry) entries.push(entry)
  }
  return entries
}

/**
 * An entry, undefined when it says nothing: no writer that was killed leaves such a one, only a
 * disk that lost what was flushed to it. It is passed over, and its number stays taken.
 */
async function readEntry(folder: string, name: string): Promise<AliasEntry | undefined> {
  try {
    const entry = aliasEntrySchema.parse(await readEntryDocument(folder, name))
    return entryName(entry.sequence) === name ? entry : undefined
  } catch (error) {
    if (codeOf(error) === '' || codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Changes an alias: reads, decides, and creates the next entry; again from the start when another
 * process was first.
 *
 * @returns the entry that holds now, and whether this call made it
 * @throws registry_busy after 100 lost races; what `decide` throws
 */
export async function changeAlias(
  folder: string,
  decide: Decide,
  effects: LogEffects = logEffects,
): Promise<{ entry: AliasEntry | undefined; changed: boolean }> {
  await makeFolder(folder)
  await sweep(folder, effects.now().getTime())
  for (let attempt = 0; attempt < attempts; attempt++) {
    // The number and the entries come from one look at the folder. Whatever came after that look
    // took this number, or stands behind one that did: then it is not granted.
    const names = await entryNames(folder, absent)
    const entries = await readEntries(folder, names)
    const sequence = lastNumber(names) + 1
    const last = entries.at(-1)
    const decision = await decide(entries)
    if (!decision) return { entry: last, changed: false }
    const entry = entryOf(decision, sequence, last, effects.now())
    if (await createEntry(folder, sequence, entry, effects.link)) return { entry, changed: true }
  }
  throw new RidecastError(
    'registry_busy',
    `alias ${folder} was changed by others ${attempts} times while it was to be changed: try again`,
  )
}

/**
 * The entry of a change, its keys in the order in which they are written.
 *
 * @param last the entry before it
 */
export function entryOf(
  { version, kind, reason }: Decision,
  sequence: number,
  last: AliasEntry | undefined,
  now: Date,
): AliasEntry {
  const previous = last?.version ?? null
  return { sequence, version, previous, kind, at: now.toISOString(), reason }
}

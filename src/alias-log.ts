/**
 * An alias as a log of numbered entries; the highest is where the alias points. A change creates
 * the next number, which the file system grants to one process only: changes are serialized
 * without a lock, so that no crash can leave one behind. Knows nothing about models.
 */

import { link, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { RidecastError } from './errors.ts'
import { codeOf, makeFolder, sweep, syncFolder, temporaryPath, writeSynced } from './staging.ts'

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
  /** Makes a hard link; fails when the second path is taken, or where there are no such links. */
  link(from: string, to: string): Promise<void>
}

/** The real clock and file system. */
export const logEffects: LogEffects = { now: () => new Date(), link }

// An entry is a file or, where there are no hard links, a folder of the same name that holds one.
const namePattern = /^\d{8}\.json$/
const nameOf = (sequence: number): string => `${String(sequence).padStart(8, '0')}.json`
const innerName = 'entry.json'

/** How often a change is tried against others before it gives up. */
const attempts = 100

/** The entries of an alias, oldest first; empty when the folder is not there. */
export async function readAlias(folder: string): Promise<AliasEntry[]> {
  return readEntries(folder, await entryNames(folder))
}

/** The latest entry of an alias, undefined when there is none. */
export async function latestEntry(folder: string): Promise<AliasEntry | undefined> {
  for (const name of (await entryNames(folder)).reverse()) {
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
  const newest = (await entryNames(folder)).at(-1)
  if (newest === undefined || (await readEntry(folder, newest))) return undefined
  return join(folder, newest)
}

async function entryNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => namePattern.test(name)).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
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
    const path = join(folder, name)
    const text = await readFile((await stat(path)).isDirectory() ? join(path, innerName) : path)
    const entry = aliasEntrySchema.parse(JSON.parse(text.toString('utf8')))
    return nameOf(entry.sequence) === name ? entry : undefined
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
    const names = await entryNames(folder)
    const entries = await readEntries(folder, names)
    const sequence = Number.parseInt(names.at(-1) ?? '0', 10) + 1
    const last = entries.at(-1)
    const decision = await decide(entries)
    if (!decision) return { entry: last, changed: false }
    const entry = entryOf(decision, sequence, last, effects.now())
    if (await createEntry(folder, entry, effects)) return { entry, changed: true }
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

/** Creates an entry with its content in one step; false when its number is taken. */
async function createEntry(
  folder: string,
  entry: AliasEntry,
  effects: LogEffects,
): Promise<boolean> {
  const path = join(folder, nameOf(entry.sequence))
  const temporary = temporaryPath(folder)
  await writeSynced(temporary, `${JSON.stringify(entry, null, 2)}\n`)
  try {
    const granted = await linked(temporary, path, effects).catch(() => foldered(temporary, path))
    if (granted) await syncFolder(folder)
    return granted
  } finally {
    await rm(temporary, { force: true })
  }
}

async function linked(temporary: string, path: string, effects: LogEffects): Promise<boolean> {
  try {
    await effects.link(temporary, path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    // A network file system may have done it, lost its answer, and been asked again.
    return (await stat(temporary)).nlink > 1
  }
}

/**
 * The way without hard links, whatever a system says when it has none: a folder that holds the
 * entry is given the name. That fails, as a link does, where there is a file of that name or a
 * folder that holds something, so that both ways exclude each other too.
 */
async function foldered(temporary: string, path: string): Promise<boolean> {
  const holder = temporaryPath(dirname(path))
  await mkdir(holder)
  try {
    await rename(temporary, join(holder, innerName))
    await syncFolder(holder)
    await rename(holder, path)
    return true
  } catch (error) {
    if (await stat(path).catch(() => undefined)) return false
    throw error
  } finally {
    await rm(holder, { recursive: true, force: true })
  }
}

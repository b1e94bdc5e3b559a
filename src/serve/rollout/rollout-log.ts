/**
 * The record of a model's rollouts: a folder of numbered entries, each all there is to know after
 * it; the highest holds. A change creates the next number, which the file system grants to one
 * process only (docs/decisions/0016-rollout.md), so that servers and command lines that share the
 * folder agree without a lock. Knows nothing about what an entry means.
 */

import { link, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RidecastError } from '../../errors.ts'
import { codeOf, makeFolder, sweep, syncFolder, temporaryPath, writeSynced } from '../../staging.ts'
import { type Entry, entrySchema, type Trial } from './machine.ts'

/** What the record says now. */
export interface Recorded {
  /** All entries that can be read, oldest first. */
  readonly entries: readonly Entry[]
  /** Number of the newest entry, readable or not; 0 without one. */
  readonly revision: number
  /** The trial after the newest entry; null before the first, and while that entry is damaged. */
  readonly trial: Trial | null
  /** What is wrong with the newest entry, where it cannot be read; a new change goes past it. */
  readonly damage: string | undefined
}

/** What is decided of a change, given the record; undefined leaves it as it is. */
export type Decide = (
  recorded: Recorded,
  now: { revision: number; at: string },
) => Entry | undefined

/** The record of one model. */
export interface RolloutLog {
  /** Its folder; need not be there before the first change. */
  readonly folder: string
  /** Reads what is new. */
  read(): Promise<Recorded>
  /**
   * Reads, decides, and creates the next entry; again from the start when another was first.
   *
   * @returns the record after it, and the entry when this call made one
   * @throws registry_busy after 100 lost races, config_invalid when the folder cannot be written,
   *   and what `decide` throws
   */
  change(decide: Decide): Promise<{ recorded: Recorded; entry: Entry | undefined }>
}

/** What the record asks of the world. */
export interface RolloutLogEffects {
  /** The clock. */
  now(): Date
  /** Makes a hard link; fails when the second path is taken, or where there are no such links. */
  link(from: string, to: string): Promise<void>
}

/** The real clock and file system. */
export const rolloutLogEffects: RolloutLogEffects = { now: () => new Date(), link }

const attempts = 100
const namePattern = /^\d{8}\.json$/
const nameOf = (revision: number): string => `${String(revision).padStart(8, '0')}.json`
const innerName = 'entry.json'

/**
 * The record of a model.
 *
 * @param stateFolder of the server's state
 * @param model its name
 */
export function openRolloutLog(
  stateFolder: string,
  model: string,
  effects: RolloutLogEffects = rolloutLogEffects,
): RolloutLog {
  const folder = join(stateFolder, 'rollout', model)
  // An entry never changes once it has its number, so that each is read once.
  const known = new Map<string, Entry>()

  async function read(): Promise<Recorded> {
    const names = await entryNames(folder)
    const entries: Entry[] = []
    let damage: string | undefined
    for (const name of names) {
      const entry = known.get(name) ?? (await readEntry(folder, name))
      damage = typeof entry === 'string' ? entry : undefined
      if (typeof entry === 'string') continue
      known.set(name, entry)
      entries.push(entry)
    }
    const revision = Number.parseInt(names.at(-1) ?? '0', 10)
    const trial = damage === undefined ? (entries.at(-1)?.trial ?? null) : null
    return { entries, revision, trial, damage }
  }

  async function change(decide: Decide): Promise<{ recorded: Recorded; entry: Entry | undefined }> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const recorded = await read()
      const revision = recorded.revision + 1
      const entry = decide(recorded, { revision, at: effects.now().toISOString() })
      if (!entry) return { recorded, entry }
      if (await create(folder, entry, effects)) return { recorded: await read(), entry }
    }
    throw new RidecastError(
      'registry_busy',
      `rollout ${folder} was changed by others ${attempts} times while it was to be changed: try again`,
    )
  }

  return {
    folder,
    read,
    async change(decide) {
      try {
        return await change(decide)
      } catch (error) {
        if (codeOf(error) === '') throw error
        throw new RidecastError(
          'state_io',
          `rollout in ${folder} cannot be kept, found "${messageOf(error)}": check permissions and free space`,
          { cause: error },
        )
      }
    },
  }
}

async function entryNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => namePattern.test(name)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** An entry, or what is wrong with it: only a disk or a person damages one. */
async function readEntry(folder: string, name: string): Promise<Entry | string> {
  const path = join(folder, name)
  try {
    const file = (await stat(path)).isDirectory() ? join(path, innerName) : path
    const entry = entrySchema.parse(JSON.parse(await readFile(file, 'utf8')))
    if (nameOf(entry.revision) === name) return entry
    return `entry ${path} says that it is number ${entry.revision}`
  } catch (error) {
    return `entry ${path} cannot be read: ${messageOf(error).replaceAll(/\s+/g, ' ').slice(0, 300)}`
  }
}

/** Creates an entry with its content in one step; false when its number is taken. */
async function create(folder: string, entry: Entry, effects: RolloutLogEffects): Promise<boolean> {
  await makeFolder(folder)
  await sweep(folder, effects.now().getTime())
  const path = join(folder, nameOf(entry.revision))
  const temporary = temporaryPath(folder)
  await writeSynced(temporary, `${JSON.stringify(entry, null, 2)}\n`)
  try {
    const granted = await linked(temporary, path, effects).catch(() => {
      return foldered(folder, temporary, path)
    })
    if (granted) await syncFolder(folder)
    return granted
  } finally {
    await rm(temporary, { force: true })
  }
}

async function linked(from: string, to: string, effects: RolloutLogEffects): Promise<boolean> {
  try {
    await effects.link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    // A network file system may have done it, lost its answer, and been asked again.
    return (await stat(from)).nlink > 1
  }
}

/** Without hard links: a folder that holds the entry is given the name, which excludes a link too. */
async function foldered(folder: string, from: string, to: string): Promise<boolean> {
  const holder = temporaryPath(folder)
  await mkdir(holder)
  try {
    await rename(from, join(holder, innerName))
    await syncFolder(holder)
    await rename(holder, to)
    return true
  } catch (error) {
    if (await stat(to).catch(() => undefined)) return false
    throw error
  } finally {
    await rm(holder, { recursive: true, force: true })
  }
}

/**
 * The record of a model's rollouts: a folder of numbered entries, each all there is to know after
 * it; the highest holds. A change creates the next number, which the file system grants to one
 * process only (docs/decisions/0016-rollout.md), so that servers and command lines that share the
 * folder agree without a lock. Knows nothing about what an entry means.
 */

import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RidecastError } from '../../errors.ts'
import {
  createEntry,
  entryName,
  entryNames,
  type Link,
  lastNumber,
  readEntryDocument,
} from '../../numbered-entries.ts'
import { codeOf, makeFolder, sweep } from '../../staging.ts'
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
   * @throws registry_busy after 100 lost races, state_io when the folder cannot be written,
   *   and what `decide` throws
   */
  change(decide: Decide): Promise<{ recorded: Recorded; entry: Entry | undefined }>
}

/** What the record asks of the world. */
export interface RolloutLogEffects {
  /** The clock. */
  now(): Date
  readonly link: Link
}

/** The real clock and file system. */
export const rolloutLogEffects: RolloutLogEffects = { now: () => new Date(), link }

const attempts = 100
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
    const names = await entryNames(folder, ['ENOENT'])
    const entries: Entry[] = []
    let damage: string | undefined
    for (const name of names) {
      const entry = known.get(name) ?? (await readEntry(folder, name))
      damage = typeof entry === 'string' ? entry : undefined
      if (typeof entry === 'string') continue
      known.set(name, entry)
      entries.push(entry)
    }
    const revision = lastNumber(names)
    const trial = damage === undefined ? (entries.at(-1)?.trial ?? null) : null
    return { entries, revision, trial, damage }
  }

  async function change(decide: Decide): Promise<{ recorded: Recorded; entry: Entry | undefined }> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const recorded = await read()
      const revision = recorded.revision + 1
      const entry = decide(recorded, { revision, at: effects.now().toISOString() })
      if (!entry) return { recorded, entry }
      await makeFolder(folder)
      await sweep(folder, effects.now().getTime())
      if (await createEntry(folder, revision, entry, effects.link)) {
        return { recorded: await read(), entry }
      }
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

/** An entry, or what is wrong with it: only a disk or a person damages one. */
async function readEntry(folder: string, name: string): Promise<Entry | string> {
  const path = join(folder, name)
  try {
    const entry = entrySchema.parse(await readEntryDocument(folder, name))
    if (entryName(entry.revision) === name) return entry
    return `entry ${path} says that it is number ${entry.revision}`
  } catch (error) {
    return `entry ${path} cannot be read: ${messageOf(error).replaceAll(/\s+/g, ' ').slice(0, 300)}`
  }
}

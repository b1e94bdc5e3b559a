/**
 * The state of a search on disk: `search.ndjson` in a folder of its own, a header and then a line
 * for each thing that happened, only ever added to. A process that is killed loses the trials that
 * it was running, no others. Knows nothing about samplers or about running trials.
 */

import { type FileHandle, open, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isRidecastError, messageOf, RidecastError } from '../../errors.ts'
import { makeFolder, sweep, syncFolder, temporaryPath, writeSynced } from '../../staging.ts'
import { withLock } from '../download-lock.ts'
import { applyEvent, type LogEvent, lineOf, type SearchHeader } from './log-lines.ts'
import { readLog, searchFile } from './read-log.ts'
import type { Trial } from './trial.ts'

/** A lock is touched so often, and taken over when it was not for longer, milliseconds. */
const [touchMs, staleMs] = [10_000, 600_000]

/** The log of a search that goes on. */
export interface TrialLog {
  /** The trials so far, by number. */
  readonly trials: readonly Trial[]
  /**
   * Adds what happened, in the order of the calls: to `trials` at once, to the file by the time
   * that the promise is fulfilled. The end of a trial is then on the disk.
   *
   * @throws run_write_refused, and so for everything after it
   */
  add(event: LogEvent): Promise<void>
}

/**
 * Begins a search in a folder, or goes on with the one that is there, while no other process does.
 * A last line that a kill has cut off is removed.
 *
 * @param work is handed the log, which is its own until it is done
 * @throws usage_invalid when the folder holds another search, or a process that runs it;
 *   run_corrupt when it cannot be read; run_write_refused when the folder cannot be written; what
 *   the work throws
 */
export async function withTrialLog<T>(
  folder: string,
  header: SearchHeader,
  work: (log: TrialLog) => Promise<T>,
): Promise<T> {
  await makeFolder(folder).catch((error: unknown) => {
    throw refused(error, folder)
  })
  const path = resolve(folder, `${searchFile}.lock`)
  if (held.has(path)) throw busy(folder)
  held.add(path)
  let begun = false
  const lock = { purpose: 'search', staleMs, busyMs: 0 }
  const locked = withLock(path, lock, { isAlive: isAnother }, async (touch) => {
    begun = true
    const alive = setInterval(touch, touchMs)
    alive.unref()
    try {
      return await withFile(folder, header, work)
    } finally {
      clearInterval(alive)
    }
  })
  try {
    return await locked
  } catch (error) {
    if (begun) throw error
    throw isRidecastError(error, 'source_busy') ? busy(folder, error) : refused(error, folder)
  } finally {
    held.delete(path)
  }
}

/** The locks of this process. */
const held = new Set<string>()

/**
 * True for another process that is there. A lock of this process's id that it does not hold is left
 * by one before it: a container that starts again gives out the same ids.
 */
function isAnother(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // One of another user is there, but not ours to signal.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function busy(folder: string, cause?: unknown): RidecastError {
  return new RidecastError(
    'usage_invalid',
    `the search in ${folder} is run already: wait for it, or remove ${searchFile}.lock there when ` +
      'no process runs it',
    { cause },
  )
}

async function withFile<T>(
  folder: string,
  header: SearchHeader,
  work: (log: TrialLog) => Promise<T>,
): Promise<T> {
  const path = join(folder, searchFile)
  const kept = await readLog(path)
  if (kept) holdSame(folder, kept.header, header)
  const file = await (kept ? openAt(path, kept.bytes) : createLog(folder, path, header)).catch(
    (error: unknown) => {
      throw refused(error, folder)
    },
  )
  const log = new OpenLog(file, folder, kept?.trials ?? [])
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

class OpenLog implements TrialLog {
  readonly trials: Trial[]
  private readonly file: FileHandle
  private readonly folder: string
  private queue: Promise<void> = Promise.resolve()

  constructor(file: FileHandle, folder: string, trials: Trial[]) {
    this.file = file
    this.folder = folder
    this.trials = trials
  }

  add(event: LogEvent): Promise<void> {
    applyEvent(this.trials, event)
    const isEnd = event.event !== 'started' && event.event !== 'intermediate'
    // Once a write has failed nothing follows: a line after one that is half there would be lost.
    this.queue = this.queue.then(async () => {
      await this.file.appendFile(lineOf(event))
      if (isEnd) await this.file.datasync()
    })
    const done = this.queue.catch((error: unknown) => {
      throw refused(error, this.folder)
    })
    // Nobody has to wait for an intermediate value: whoever adds the next one is told.
    done.catch(() => {})
    return done
  }

  async close(): Promise<void> {
    await this.queue.catch(() => {})
    await this.file.close()
  }
}

/** Puts the header there whole or not at all. */
async function createLog(folder: string, path: string, header: SearchHeader): Promise<FileHandle> {
  await sweep(folder, Date.now())
  const temporary = temporaryPath(folder)
  await writeSynced(temporary, lineOf(header))
  await rename(temporary, path)
  await syncFolder(folder)
  return open(path, 'a')
}

/** Opens a file to be added to after its first bytes; what follows them is cut off. */
async function openAt(path: string, bytes: number): Promise<FileHandle> {
  const file = await open(path, 'a')
  try {
    await file.truncate(bytes)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Holds a search to go on as it began. */
function holdSame(folder: string, kept: SearchHeader, wanted: SearchHeader): void {
  const differing = (Object.keys(wanted) as (keyof SearchHeader)[]).flatMap((key) => {
    const [was, is] = [stable(kept[key]), stable(wanted[key])]
    return was === is ? [] : [`its ${key} is ${short(was)}, found ${short(is)}`]
  })
  if (differing.length === 0) return
  throw new RidecastError(
    'usage_invalid',
    `the search in ${folder} is another one: ${differing.join('; ')}; ` +
      'go on with what it began with, or search in another folder',
  )
}

/** JSON that does not depend on the order of keys, spaces apart. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

function short(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

function refused(error: unknown, folder: string): unknown {
  if (isRidecastError(error) && error.code !== 'source_io') return error
  return new RidecastError(
    'run_write_refused',
    `search folder ${folder} cannot be written, found "${messageOf(error)}": ` +
      'check permissions and free space',
    { cause: error },
  )
}

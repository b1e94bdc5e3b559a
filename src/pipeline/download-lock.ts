/**
 * A lock as a file, so that one process at a time does something: made where there is none, touched
 * while its owner gets on, taken over when he is gone. Each owner's lock has a token, and only who
 * holds the claim of that token may remove it: however many wait, one of them takes over. Knows
 * nothing about what is done under it.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { messageOf, RidecastError } from '../errors.ts'
import { codeOf } from '../staging.ts'

/** What a lock touches of the world; everything has a default. */
export interface LockEffects {
  /** The clock. */
  readonly now?: () => Date
  /** Waits until it looks again, milliseconds; rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Whether a process of this machine is there. */
  readonly isAlive?: (pid: number) => boolean
  /** Told whom it waits for, once it has waited for a second. */
  readonly note?: (text: string) => void
  /** Stops the waiting; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
}

/** What is locked, and how long it may take. */
export interface LockOptions {
  /** What the owner does, after "waiting for process 7 to": `download green 2021-01`. */
  readonly purpose: string
  /** A lock that was not touched for so long is taken over, milliseconds; default a minute. */
  readonly staleMs?: number
  /** Waiting ends when nothing has moved for so long, milliseconds; default five minutes. */
  readonly busyMs?: number
  /** What grows while the owner gets on; default nothing, so that `busyMs` bounds the waiting. */
  readonly progress?: () => Promise<number>
}

const ownerSchema = z.object({
  pid: z.int(),
  host: z.string(),
  at: z.string(),
  token: z.string().regex(/^[0-9a-f]+$/),
})
type Owner = z.output<typeof ownerSchema>

/** A waiter looks at once again, then after longer and longer, up to so many milliseconds. */
const pollMs = 250

/** Only who waits longer says so, milliseconds. */
const patienceMs = 1000

/** An owner touches so often at most, milliseconds. */
const touchMs = 1000

/**
 * Does something while no other process does anything under the same lock.
 *
 * @param path of the lock file; its folder is made
 * @param work is handed what it is to call whenever it gets on
 * @throws source_busy when the owner is there but nothing moves; source_io when the lock cannot be
 *   made; the signal's reason; what the work throws
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  effects: LockEffects,
  work: (touch: () => void) => Promise<T>,
): Promise<T> {
  const clock = (): number => (effects.now?.() ?? new Date()).getTime()
  const token = await acquire(path, options, effects, clock)
  let touched = clock()
  const touch = (): void => {
    if (clock() - touched < touchMs) return
    touched = clock()
    const time = new Date(touched)
    // One that was taken over has another owner, whose business this is not; it hurts nobody.
    utimes(path, time, time).catch(() => {})
  }
  try {
    return await work(touch)
  } finally {
    await remove(path, token, clock(), options.staleMs ?? 60_000)
  }
}

async function acquire(
  path: string,
  options: LockOptions,
  effects: LockEffects,
  clock: () => number,
): Promise<string> {
  const { staleMs = 60_000, busyMs = 300_000 } = options
  const { signal, wait = (ms, stop) => sleep(ms, undefined, stop && { signal: stop }) } = effects
  const token = randomBytes(8).toString('hex')
  const began = clock()
  // When something moved last, whose lock it was then and how far he had come, and who was told of.
  let [moved, seen, told] = [began, '', '']
  for (let turn = 0; ; turn++) {
    signal?.throwIfAborted()
    if (await create(path, token, clock())) return token
    const found = await look(path)
    if (!found) continue
    const { owner } = found
    if (isGone(owner, effects) || clock() - found.touchedMs > staleMs) {
      if (await remove(path, owner?.token ?? nameless, clock(), staleMs)) continue
    }
    const state = `${owner?.token} ${await options.progress?.()}`
    if (state !== seen) [moved, seen] = [clock(), state]
    if (clock() - moved > busyMs) throw busy(path, owner, options, busyMs)
    if (owner && owner.token !== told && clock() - began > patienceMs) {
      effects.note?.(
        `waiting for process ${owner.pid}${elsewhere(owner)} to ${options.purpose} ...`,
      )
      told = owner.token
    }
    await wait(Math.min(2 ** turn, pollMs), signal).finally(() => signal?.throwIfAborted())
  }
}

/** Stands for the owner of a lock that says none: he was killed before he wrote. */
const nameless = 'nameless'

async function create(path: string, token: string, now: number): Promise<boolean> {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    at: new Date(now).toISOString(),
    token,
  }
  try {
    await mkdir(dirname(path), { recursive: true })
    const isMade = await writeFile(path, `${JSON.stringify(owner)}\n`, { flag: 'wx' }).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'EEXIST') return false
        throw error
      },
    )
    if (!isMade) return false
  } catch (cause) {
    const remedy = 'pass --data DIR of a folder that can be written to'
    throw new RidecastError('source_io', `${path} cannot be made: ${messageOf(cause)}; ${remedy}`, {
      cause,
    })
  }
  const time = new Date(now)
  await utimes(path, time, time).catch(() => {})
  return true
}

/** The lock as it is; undefined when there is none any more. */
async function look(
  path: string,
): Promise<{ owner: Owner | undefined; touchedMs: number } | undefined> {
  try {
    // The owner first: should another lock come in between, the time is that of a fresh one. An
    // owner who says nothing may be about to.
    const owner = await ownerOf(path).catch(() => undefined)
    return { owner, touchedMs: (await stat(path)).mtimeMs }
  } catch {
    return undefined
  }
}

async function ownerOf(path: string): Promise<Owner> {
  return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')))
}

function isGone(owner: Owner | undefined, effects: LockEffects): boolean {
  if (!owner || owner.host !== hostname()) return false
  return !(effects.isAlive ?? isAlive)(owner.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // One of another user is there, but not ours to signal.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Removes the lock of one owner, if it is still his. He and those who wait may all try at once:
 * the claim lets one of them through, and without it nobody removes a lock.
 *
 * @returns false when somebody else is about to
 */
async function remove(path: string, token: string, now: number, staleMs: number): Promise<boolean> {
  const claim = `${path}.${token}`
  try {
    await writeFile(claim, '', { flag: 'wx' })
  } catch {
    // A claim lasts for an instant; one that stays was left by a process that was killed in it.
    const made = await stat(claim).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    )
    if (now - made > staleMs) await rm(claim, { force: true })
    return false
  }
  try {
    const found = await look(path)
    // Of those without a name, one may be younger than the one that was given up.
    const isMeant = found?.owner
      ? found.owner.token === token
      : token === nameless && found !== undefined && now - found.touchedMs > staleMs
    if (isMeant) await rm(path, { force: true })
  } finally {
    await rm(claim, { force: true })
  }
  return true
}

function elsewhere(owner: Owner): string {
  return owner.host === hostname() ? '' : ` on ${owner.host}`
}

function busy(
  path: string,
  owner: Owner | undefined,
  { purpose }: LockOptions,
  busyMs: number,
): RidecastError {
  const who = owner ? `process ${owner.pid}${elsewhere(owner)}` : 'another process'
  return new RidecastError(
    'source_busy',
    `${who} is to ${purpose} and has not got on for ${busyMs / 1000} s: end it, ` +
      `or remove ${path} when it is gone`,
  )
}

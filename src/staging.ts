/**
 * Files and folders that appear whole or not at all: written under a temporary name beside their
 * place, flushed, then given their name. What a killed writer left behind is swept later. Knows
 * nothing about what is written.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { RidecastError } from './errors.ts'

const prefix = '.tmp-'
const hour = 60 * 60 * 1000

/** A fresh name in a folder for what is not whole yet; {@link sweep} knows it by its form. */
export function temporaryPath(folder: string): string {
  return join(folder, `${prefix}${process.pid}-${randomBytes(6).toString('hex')}`)
}

/** Makes a folder and those above it, all of them flushed. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  const top = resolve(first)
  for (let made = resolve(path); made.length >= top.length; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
}

/** Writes a new file and flushes it. */
export async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

// What systems say that cannot flush a folder, or not open one; they flush it on their own.
const unflushable = new Set(['EISDIR', 'EPERM', 'EINVAL', 'EACCES', 'EBADF', 'ENOTSUP', 'ENOSYS'])

/** Flushes the entries of a folder, so that a name given in it outlives a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!unflushable.has(codeOf(error))) throw error
  }
}

/**
 * Removes what writers that died left in a folder, an hour after it was last written to. It is
 * renamed before it is emptied: a writer that only slept then fails, where it might otherwise give
 * its name to a folder that is half gone.
 *
 * @param now what counts as now, milliseconds since 1970
 */
export async function sweep(folder: string, now: number): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((found) => found.startsWith(prefix))) {
    try {
      const path = join(folder, name)
      if (now - (await stat(path)).mtimeMs <= hour) continue
      const aside = temporaryPath(folder)
      await rename(path, aside)
      await rm(aside, { recursive: true, force: true })
    } catch {
      // Another process sweeps too, or the folder is not ours to change: nothing depends on it.
    }
  }
}

/** The code of an error of the system such as `ENOENT`, empty for any other. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return ''
  return String(error.code)
}

/** An error of the system as `model_io`, any other as it is. */
export function systemFault(error: unknown, folder: string): unknown {
  if (codeOf(error) === '') return error
  return new RidecastError(
    'model_io',
    `models in ${folder} cannot be read or written, found "${(error as Error).message}": ` +
      'check permissions and free space',
    { cause: error },
  )
}

/**
 * A trip file that should lie on the disk: whether it does, and what may have been meant when it
 * does not. Knows nothing about what it holds.
 */

import { existsSync, type Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { distance } from 'fastest-levenshtein'
import { messageOf, RidecastError } from '../errors.ts'

/**
 * Makes sure that a regular file lies at a path.
 *
 * @param hint what else can be done when it does not, such as `; or name the month`
 * @throws source_not_found, which names what lies near; source_io
 */
export async function requireFile(path: string, hint: string): Promise<void> {
  const found = await readable(path, () => statOf(path))
  if (found?.isFile()) return
  const refuse = (what: string, folder: string, more: string): RidecastError =>
    new RidecastError(
      'source_not_found',
      `${path} ${what}, expected a trip file; ${folder} ${more}`,
    )
  if (found?.isDirectory()) {
    throw refuse('is a folder', 'it', await namesIn(path, basename(path)))
  }
  if (found) throw refuse('is a device or pipe', 'ridecast', 'reads regular files only')
  const folder = dirname(path)
  const names = await namesIn(folder, basename(path))
  throw refuse('is not there', `the folder ${folder}`, `${names}${hint}`)
}

/** Does something with a file that is there; a fault of the system becomes source_io. */
export async function readable<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    if (cause instanceof RidecastError) throw cause
    const text = `${path} cannot be read: ${messageOf(cause)}; check its permissions`
    throw new RidecastError('source_io', text, { cause })
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined
    throw error
  }
}

/** What a folder holds that may have been meant: up to three names, the nearest first. */
async function namesIn(folder: string, wanted: string): Promise<string> {
  const all = await readdir(folder).catch(() => undefined)
  if (!all) return existsSync(folder) ? 'cannot be listed' : 'is not there either'
  const near = all
    .filter((name) => /\.parquet$/i.test(name))
    .sort((a, b) => distance(a, wanted) - distance(b, wanted) || (a < b ? -1 : 1))
  if (near.length === 0) return 'holds no Parquet files'
  const more = near.length > 3 ? ` and ${near.length - 3} more` : ''
  return `holds ${near.slice(0, 3).join(', ')}${more}`
}

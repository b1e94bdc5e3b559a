/**
 * Takes a folder away in one step, unless an alias holds something in it: renamed first, looked at
 * again, and put back when somebody pointed an alias there meanwhile. A process that is killed
 * leaves the folder where it was, or away and to be swept. Knows nothing about what is in it.
 */

import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isFolder } from './registry-folders.ts'
import { makeFolder, syncFolder, temporaryPath } from './staging.ts'

/**
 * Removes a folder.
 *
 * @param path the folder
 * @param swept the folder that is swept of what killed processes leave, on the same file system
 * @param hold throws while the folder must stay; given where it lies now
 */
export async function removeFolder(
  path: string,
  swept: string,
  hold: (now: string) => Promise<void>,
): Promise<void> {
  await hold(path)
  // A folder of its own, just made: a sweep that goes by age leaves it alone.
  const aside = temporaryPath(swept)
  const moved = join(aside, 'removed')
  await mkdir(aside)
  try {
    await rename(path, moved)
    // Who points an alias looks afterwards whether its target is still there: one of the two sees
    // the other.
    await hold(moved)
  } catch (error) {
    // What cannot be put back stays aside, where a person may still find it.
    if (await isFolder(moved)) await rename(moved, path)
    await rm(aside, { recursive: true, force: true })
    throw error
  }
  await syncFolder(dirname(path))
  await rm(aside, { recursive: true, force: true })
}

/** Gives a folder another name; false when that is taken by one that holds something. */
export async function renameFolder(from: string, to: string): Promise<boolean> {
  await makeFolder(dirname(to))
  try {
    await rename(from, to)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) return false
    throw error
  }
  await syncFolder(dirname(to))
  return true
}

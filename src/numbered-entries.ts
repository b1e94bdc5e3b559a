/**
 * A folder of numbered entries. The file system grants the next number to one process only, so that
 * changes are serialized without a lock, and no crash can leave one behind. Knows nothing about what
 * an entry says.
 */

import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, syncFolder, temporaryPath, writeSynced } from './staging.ts'

/** Makes a hard link; fails when the second path is taken, or where there are no such links. */
export type Link = (from: string, to: string) => Promise<void>

// An entry is a file or, where there are no hard links, a folder of the same name that holds one.
const namePattern = /^\d{8}\.json$/
const innerName = 'entry.json'

/** The name of an entry, from number 1 on. */
export const entryName = (number: number): string => `${String(number).padStart(8, '0')}.json`

/**
 * Names of the entries of a folder, by number.
 *
 * @param absent codes of the system that mean that there are none
 */
export async function entryNames(folder: string, absent: readonly string[]): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => namePattern.test(name)).sort()
  } catch (error) {
    if (absent.includes(codeOf(error))) return []
    throw error
  }
}

/** The number of the last of some names, 0 without any. */
export const lastNumber = (names: readonly string[]): number =>
  Number.parseInt(names.at(-1) ?? '0', 10)

/** What an entry says: the document in it, unchecked. Throws what reading and parsing throw. */
export async function readEntryDocument(folder: string, name: string): Promise<unknown> {
  const path = join(folder, name)
  const file = (await stat(path)).isDirectory() ? join(path, innerName) : path
  return JSON.parse(await readFile(file, 'utf8'))
}

/** Creates an entry with its content in one step; false when its number is taken. */
export async function createEntry(
  folder: string,
  number: number,
  document: unknown,
  link: Link,
): Promise<boolean> {
  const path = join(folder, entryName(number))
  const temporary = temporaryPath(folder)
  await writeSynced(temporary, `${JSON.stringify(document, null, 2)}\n`)
  try {
    const granted = await linked(temporary, path, link).catch(() => foldered(temporary, path))
    if (granted) await syncFolder(folder)
    return granted
  } finally {
    await rm(temporary, { force: true })
  }
}

async function linked(temporary: string, path: string, link: Link): Promise<boolean> {
  try {
    await link(temporary, path)
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

/**
 * Descriptions and tags as files: one a description, one a tag, each replaced whole. So two that
 * set different tags at once lose neither, and of two that set the same one the later holds. They
 * lie beside the versions, `models/<name>/notes/` for the model and `notes/<version>/` for one,
 * because a version is never changed. Knows nothing about what may be noted.
 */

import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isVersion } from './artifact.ts'
import { isName } from './model-reference.ts'
import type { Notes } from './registry.ts'
import { isFolder } from './registry-folders.ts'
import { codeOf, makeFolder, sweep, syncFolder, temporaryPath, writeSynced } from './staging.ts'

const descriptionFile = 'description.txt'
const hour = 60 * 60 * 1000

/** The folder of the notes of a model, or of one of its versions. */
export function notesFolder(modelFolder: string, version?: string): string {
  return join(modelFolder, 'notes', ...(version === undefined ? [] : [version]))
}

/** Notes as they are; empty where there are none. */
export async function readNotes(folder: string): Promise<Notes> {
  const tags: Record<string, string> = {}
  for (const name of (await names(join(folder, 'tags'))).filter(isName)) {
    const value = await textOf(join(folder, 'tags', name))
    if (value !== undefined) tags[name] = value
  }
  return { description: (await textOf(join(folder, descriptionFile))) ?? '', tags }
}

/**
 * Writes a description; an empty one is taken away.
 *
 * @param now what counts as now
 */
export async function writeDescription(folder: string, text: string, now: Date): Promise<void> {
  const path = join(folder, descriptionFile)
  await (text === '' ? remove(path) : replace(path, text, now))
}

/** Sets tags one after the other; other tags stay. */
export async function writeTags(
  folder: string,
  tags: Readonly<Record<string, string>>,
  now: Date,
): Promise<void> {
  for (const [name, value] of Object.entries(tags)) {
    await replace(join(folder, 'tags', name), value, now)
  }
}

/** Takes a tag away; one that is not there is no fault. */
export async function removeTag(folder: string, tag: string): Promise<void> {
  if (isName(tag)) await remove(join(folder, 'tags', tag))
}

/**
 * Removes the notes of versions that are not there, an hour after they were last written to: a
 * deletion that was cut short left them, and younger ones may be of a version that is being saved.
 */
export async function sweepNotes(modelFolder: string, now: Date): Promise<void> {
  for (const version of (await names(notesFolder(modelFolder))).filter(isVersion)) {
    const folder = notesFolder(modelFolder, version)
    const written = await Promise.all(
      [folder, join(folder, 'tags')].map(async (path) => (await stat(path).catch(none))?.mtimeMs),
    )
    const isOld = written.every((time) => time === undefined || now.getTime() - time > hour)
    if (isOld && !(await isFolder(join(modelFolder, version)))) {
      await rm(folder, { recursive: true, force: true }).catch(none)
    }
  }
}

const none = (): undefined => undefined

/** Gives a file its content in one step, whether it is there or not. */
async function replace(path: string, text: string, now: Date): Promise<void> {
  const folder = dirname(path)
  await makeFolder(folder)
  await sweep(folder, now.getTime())
  const temporary = temporaryPath(folder)
  try {
    await writeSynced(temporary, text)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(folder)
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
  if (await isFolder(dirname(path))) await syncFolder(dirname(path))
}

async function textOf(path: string): Promise<string | undefined> {
  return unless(readFile(path, 'utf8'))
}

async function names(folder: string): Promise<string[]> {
  return ((await unless(readdir(folder))) ?? []).sort()
}

/** What is read; undefined when it is not there, or is no file or folder as it should be. */
async function unless<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error))) return undefined
    throw error
  }
}

/**
 * The counts of a trial on disk, a file for each process that serves, so that a restart loses none
 * but the last second's and every process judges by all of them. Knows nothing about rules.
 */

import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, makeFolder, temporaryPath } from '../../staging.ts'
import { sumCounts, type TrialCounts, trialCountsSchema } from './arm-counts.ts'

const folderOf = (folder: string, trial: string): string => join(folder, 'counts', trial)

/**
 * Writes the counts of a process, whole or not at all. They are not flushed: what a loss of power
 * takes are counts of a second.
 *
 * @param folder of the model's rollouts
 * @param own name of the process
 */
export async function writeCounts(
  folder: string,
  trial: string,
  own: string,
  counts: TrialCounts,
): Promise<void> {
  const place = folderOf(folder, trial)
  // Taken before anything is waited for: the counts go on while the file is written.
  const text = JSON.stringify(counts)
  await makeFolder(place)
  const temporary = temporaryPath(place)
  try {
    await writeFile(temporary, text)
    await rename(temporary, join(place, `${own}.json`))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/**
 * The counts of all processes of a trial together.
 *
 * @param step the revision that began its current step
 * @param own where this process has newer ones in memory: its name and they
 */
export async function readCounts(
  folder: string,
  trial: string,
  step: number,
  own?: { readonly name: string; readonly counts: TrialCounts },
): Promise<TrialCounts> {
  const place = folderOf(folder, trial)
  const names = await readdir(place).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  const others = names.filter((name) => /^[^.].*\.json$/.test(name) && name !== `${own?.name}.json`)
  const all = await Promise.all(others.map((name) => readOne(join(place, name))))
  const found = all.filter((one) => one !== undefined)
  return sumCounts(step, own ? [...found, own.counts] : found)
}

/** Counts of one process; those that cannot be read are left out, they only delay a judgement. */
async function readOne(path: string): Promise<TrialCounts | undefined> {
  try {
    return trialCountsSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

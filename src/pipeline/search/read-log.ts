/**
 * Reads the state of a search that is kept on disk, up to where a kill may have cut it off. Knows
 * nothing about writing it.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RidecastError } from '../../errors.ts'
import { codeOf } from '../../staging.ts'
import { applyEvent, eventOf, headerOf, type SearchHeader } from './log-lines.ts'
import type { Trial } from './trial.ts'

/** The name of the file in the folder of a search. */
export const searchFile = 'search.ndjson'

/** A search as it was kept. */
export interface KeptSearch {
  readonly header: SearchHeader
  /** By number. Those that were under way, or still are, count as `running`. */
  readonly trials: readonly Trial[]
}

/**
 * Reads a search without changing it; it may be running.
 *
 * @returns undefined when the folder holds none
 * @throws run_corrupt
 */
export async function readSearch(folder: string): Promise<KeptSearch | undefined> {
  return readLog(join(folder, searchFile))
}

/** What a file holds, and how many of its bytes are whole lines. */
export interface ReadLog {
  readonly header: SearchHeader
  readonly trials: Trial[]
  readonly bytes: number
}

/**
 * Reads the file of a search.
 *
 * @returns undefined when it is not there
 * @throws run_corrupt
 */
export async function readLog(path: string): Promise<ReadLog | undefined> {
  const content = await readFile(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw corrupt(path, messageOf(error), error)
  })
  if (content === undefined) return undefined
  const { lines, bytes } = wholeLines(content)
  let at = 1
  try {
    const [first, ...rest] = lines
    const header = headerOf(first === undefined ? undefined : JSON.parse(first))
    const trials: Trial[] = []
    for (const line of rest) {
      at++
      applyEvent(trials, eventOf(JSON.parse(line)))
    }
    return { header, trials, bytes }
  } catch (error) {
    throw corrupt(path, `line ${at}: ${messageOf(error)}`, error)
  }
}

/**
 * Lines with an end, and where the last of them ends. One at the end that is not JSON was cut off
 * too, by a loss of power.
 */
function wholeLines(content: Buffer): { lines: string[]; bytes: number } {
  const bytes = content.lastIndexOf('\n') + 1
  const lines = content.subarray(0, bytes).toString('utf8').split('\n').slice(0, -1)
  if (lines.length < 2 || isJson(lines.at(-1) as string)) return { lines, bytes }
  return { lines: lines.slice(0, -1), bytes: content.lastIndexOf('\n', bytes - 2) + 1 }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function corrupt(path: string, found: string, cause: unknown): RidecastError {
  return new RidecastError(
    'run_corrupt',
    `search log ${path} cannot be read, ${found}: mend it, or search in another folder`,
    { cause },
  )
}

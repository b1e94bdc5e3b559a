/**
 * Files scored one after the other, with the rows that have no prediction counted by reason and
 * written down. Knows nothing about flags or about what is printed.
 */

import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, RidecastError } from '../../errors.ts'
import { codeOf, makeFolder, temporaryPath } from '../../staging.ts'
import type { ScoreJob } from './plan-scoring.ts'
import { scoreFile } from './score-file.ts'
import type { RowFault, ScoreCounts, ScoreOptions } from './score-rows.ts'

/** How files are scored. */
export interface ScoreAllOptions extends ScoreOptions {
  /** A file with a row that has no prediction is not written. */
  readonly strict: boolean
  /** Path of the NDJSON file of rows without a prediction, none by default. */
  readonly faults?: string | undefined
}

/** What runs along. */
export interface ScoreAllEffects {
  readonly signal: AbortSignal
  /** Called with the file that is scored, all rows so far, and the rows of one file that says so. */
  progress(label: string, rows: number, total: number | undefined): void
}

/** Rows without a prediction for one reason. */
export interface FaultReason {
  /** Without what was found in each row. */
  readonly reason: string
  readonly rows: number
  /** Number of the first one in its file. */
  readonly first: number
  /** The file of the first one. */
  readonly file: string
}

/** What was counted over all files. */
export interface AllCounts extends ScoreCounts {
  /** The most frequent reason first; at most 20. */
  readonly reasons: readonly FaultReason[]
}

/**
 * Scores files.
 *
 * @throws what {@link scoreFile} throws; source_interrupted; usage_invalid when the file of faults
 *   or a folder cannot be written
 */
export async function scoreAll(
  jobs: readonly ScoreJob[],
  options: ScoreAllOptions,
  effects: ScoreAllEffects,
): Promise<AllCounts> {
  const faults = await FaultFile.open(options.faults)
  const reasons = new Reasons()
  const { signal } = effects
  let [rows, faulty] = [0, 0]
  const assumed = { trip_distance: 0, pickup_datetime: 0 }
  try {
    for (const { source, target } of jobs) {
      const { label } = source
      if (jobs.length > 1) await folderOf(target.to as string)
      const watch = {
        signal,
        async fault(found: readonly RowFault[]) {
          reasons.add(found, label)
          await faults?.add(jobs.length > 1 ? found.map((one) => ({ file: label, ...one })) : found)
        },
        progress(counts: ScoreCounts, total: number | undefined) {
          effects.progress(label, rows + counts.rows, jobs.length > 1 ? undefined : total)
        },
      }
      const isTaken = (counts: ScoreCounts): boolean => !options.strict || counts.faults === 0
      const counts = await scoreFile(source, target, options, watch, isTaken)
      rows += counts.rows
      faulty += counts.faults
      assumed.trip_distance += counts.assumed.trip_distance
      assumed.pickup_datetime += counts.assumed.pickup_datetime
    }
    await faults?.finish()
    return { rows, faults: faulty, assumed, reasons: reasons.all() }
  } catch (error) {
    if (!signal.aborted) throw error
    throw new RidecastError(
      'source_interrupted',
      'scoring was interrupted: the file that it was at is not written, run it again',
      { cause: error },
    )
  } finally {
    await faults?.close()
  }
}

async function folderOf(path: string): Promise<void> {
  await makeFolder(dirname(path)).catch((cause: unknown) => {
    throw unwritten(cause, dirname(path), 'a folder, or a place for one')
  })
}

function unwritten(cause: unknown, path: string, expected: string): unknown {
  if (codeOf(cause) === '') return cause
  const text = `${path} cannot be written (${messageOf(cause)}): expected ${expected}`
  return new RidecastError('usage_invalid', text, { cause })
}

/** The file of rows without a prediction; it appears when all of them are in it. */
class FaultFile {
  private readonly path: string
  private readonly part: string
  private readonly handle: FileHandle

  private constructor(path: string, part: string, handle: FileHandle) {
    this.path = path
    this.part = part
    this.handle = handle
  }

  static async open(path: string | undefined): Promise<FaultFile | undefined> {
    if (path === undefined) return undefined
    const part = temporaryPath(dirname(path))
    const handle = await open(part, 'wx').catch((cause: unknown) => {
      throw unwritten(cause, path, 'a file in a folder that is there')
    })
    return new FaultFile(path, part, handle)
  }

  async add(faults: readonly RowFault[]): Promise<void> {
    await this.handle.writeFile(faults.map((fault) => `${JSON.stringify(fault)}\n`).join(''))
  }

  async finish(): Promise<void> {
    await this.handle.sync()
    await rename(this.part, this.path)
  }

  async close(): Promise<void> {
    await this.handle.close()
    await rm(this.part, { force: true })
  }
}

/** Reasons that are told apart, at most: a file of noise has no end of them. */
const mostReasons = 1000

class Reasons {
  private readonly byText = new Map<string, FaultReason>()

  add(faults: readonly RowFault[], file: string): void {
    for (const { row, fault } of faults) {
      const text = fault.replace(/, found ("(\\.|[^"\\])*"|[^;"])*/g, '')
      const reason =
        this.byText.has(text) || this.byText.size < mostReasons ? text : 'other reasons'
      const known = this.byText.get(reason) ?? { reason, rows: 0, first: row, file }
      this.byText.set(reason, { ...known, rows: known.rows + 1 })
    }
  }

  all(): FaultReason[] {
    return [...this.byText.values()].sort((a, b) => b.rows - a.rows).slice(0, 20)
  }
}

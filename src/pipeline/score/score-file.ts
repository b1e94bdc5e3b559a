/**
 * One file scored into another, which appears whole or not at all, or into a pipe. Knows nothing
 * about flags or about what is printed.
 */

import { createWriteStream } from 'node:fs'
import { mkdtemp, open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf, RidecastError } from '../../errors.ts'
import { codeOf, syncFolder, temporaryPath } from '../../staging.ts'
import type { Format } from './formats.ts'
import type { RowFile } from './row-batch.ts'
import {
  bytesOf,
  openRows,
  type ScoreCounts,
  type ScoreOptions,
  type ScoreWatch,
  scoreRows,
} from './score-rows.ts'
import type { ScoredRows } from './scored-rows.ts'

/** Where rows come from. */
export interface ScoreSource {
  /** A path, or bytes as they come. */
  readonly from: string | Readable
  readonly format: Format
  /** How errors call it. */
  readonly label: string
}

/** Where scored rows go. */
export interface ScoreTarget {
  /** A path, whose file appears when it is whole, or a pipe. */
  readonly to: string | Writable
  readonly format: Format
}

/**
 * Scores rows.
 *
 * @param accept asked before a file gets its name; where it says no, there is none
 * @returns what was counted
 * @throws what {@link scoreRows} throws; usage_invalid when the target cannot be written
 */
export async function scoreFile(
  source: ScoreSource,
  target: ScoreTarget,
  options: ScoreOptions,
  watch: ScoreWatch = {},
  accept: (counts: ScoreCounts) => boolean = () => true,
): Promise<ScoreCounts> {
  return withPath(source, watch.signal, async (from) => {
    const file = await openRows(from, source.format, source.label, watch.signal)
    try {
      return typeof target.to === 'string'
        ? await toFile(file, target.to, target.format, options, watch, accept)
        : await toPipe(file, target.to, target.format, options, watch)
    } finally {
      await file.close()
    }
  })
}

/** Formats that are read from their end first come from a pipe by way of a temporary file. */
async function withPath<T>(
  { from, format }: ScoreSource,
  signal: AbortSignal | undefined,
  work: (from: string | Readable) => Promise<T>,
): Promise<T> {
  if (typeof from === 'string' || !['parquet', 'arrow'].includes(format)) return work(from)
  const folder = await mkdtemp(join(tmpdir(), 'ridecast-score-'))
  try {
    const path = join(folder, `standard-input.${format}`)
    await pipeline(from, createWriteStream(path), signal ? { signal } : {})
    return await work(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function toFile(
  file: RowFile,
  path: string,
  format: Format,
  options: ScoreOptions,
  watch: ScoreWatch,
  accept: (counts: ScoreCounts) => boolean,
): Promise<ScoreCounts> {
  const part = temporaryPath(dirname(path))
  const flow = new Flow(scoreRows(file, options, watch))
  try {
    const handle = await open(part, 'wx')
    try {
      for await (const piece of inLarge(bytesOf(flow.rows(), format, file.path))) {
        await handle.writeFile(piece)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    const counts = flow.counts()
    if (accept(counts)) {
      await rename(part, path)
      await syncFolder(dirname(path))
    }
    return counts
  } catch (error) {
    throw flow.fault ?? unwritten(error, path)
  } finally {
    await rm(part, { force: true })
  }
}

async function toPipe(
  file: RowFile,
  pipe: Writable,
  format: Format,
  options: ScoreOptions,
  watch: ScoreWatch,
): Promise<ScoreCounts> {
  const flow = new Flow(scoreRows(file, options, watch))
  const { signal } = watch
  try {
    // The pipe is the process's own: others write to it afterwards.
    const settings = { end: false, ...(signal && { signal }) }
    await pipeline(inLarge(bytesOf(flow.rows(), format, file.path)), pipe, settings)
    return flow.counts()
  } catch (error) {
    throw flow.fault ?? error
  }
}

/** A flow whose end is asked for by another than who takes its rows. */
class Flow {
  /** What ended it early: encoders wrap what their source throws. */
  fault: unknown
  private readonly source: AsyncGenerator<ScoredRows, ScoreCounts>
  private counted: ScoreCounts | undefined

  constructor(source: AsyncGenerator<ScoredRows, ScoreCounts>) {
    this.source = source
  }

  async *rows(): AsyncGenerator<ScoredRows> {
    try {
      this.counted = yield* this.source
    } catch (error) {
      this.fault = error
      throw error
    }
  }

  counts(): ScoreCounts {
    if (this.counted === undefined) throw new Error('the flow has not come to its end')
    return this.counted
  }
}

const pieceBytes = 2 ** 18

/** Small pieces together: each write is a call of the system. */
async function* inLarge(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    const buffer =
      typeof piece === 'string'
        ? Buffer.from(piece)
        : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    waiting.push(buffer)
    bytes += buffer.length
    if (bytes < pieceBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}

/** A fault of the system in writing, as the fault of a target. */
function unwritten(error: unknown, path: string): unknown {
  if (codeOf(error) === '') return error
  const text = `${path} cannot be written (${messageOf(error)}): expected a file in a folder that is there`
  return new RidecastError('usage_invalid', text, { cause: error })
}

/**
 * Scoring as a flow: rows in, predictions, rows out, with what was counted on the way. Memory does
 * not grow with the rows. Knows nothing about where the bytes go.
 */

import { createReadStream } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Predictor } from '../../predictor.ts'
import type { Taxi } from '../../ride.ts'
import type { Format } from './formats.ts'
import { openArrow, openParquet, readArrow } from './read-arrow.ts'
import { readCsv } from './read-csv.ts'
import { readNdjson } from './read-ndjson.ts'
import { RideReader } from './ride-rows.ts'
import type { RowBatch, RowFile } from './row-batch.ts'
import { addedNames, type ScoredRows, scoredRows } from './scored-rows.ts'
import { type Assumed, Scorer } from './scorer.ts'
import { arrowBytes, parquetBytes } from './write-arrow.ts'
import { csvText, ndjsonText } from './write-text.ts'

/** A row without a prediction. */
export interface RowFault {
  /** Number of the row, the first one being 1; a header is none. */
  readonly row: number
  readonly fault: string
}

/** What is wanted. */
export interface ScoreOptions {
  readonly predictor: Predictor
  /** Whose names the columns may have. */
  readonly taxis: readonly Taxi[]
  /** Probability of the interval that is wanted, none by default. */
  readonly coverage?: number | undefined
  /** The column of the predictions, default `duration`. */
  readonly column?: string | undefined
}

/** What was counted so far. */
export interface ScoreCounts {
  readonly rows: number
  readonly faults: number
  /** Scored rows by what was assumed of them. */
  readonly assumed: Assumed
}

/** What a flow tells while it runs; both do nothing by default. */
export interface ScoreWatch {
  /** Called for rows without a prediction, in order, some at a time. */
  fault?(faults: readonly RowFault[]): Promise<void>
  /** Called with what was counted and the rows of the file, where it says so. */
  progress?(counts: ScoreCounts, total: number | undefined): void
  /** Ends the work between two batches. */
  readonly signal?: AbortSignal
}

/**
 * Opens rows. To be closed.
 *
 * @param source a path, or bytes as they come, which Parquet and Arrow files cannot be read from
 * @param path how errors call it
 * @throws what the readers of the formats throw
 */
export async function openRows(
  source: string | Readable,
  format: Format,
  path: string,
  signal?: AbortSignal,
): Promise<RowFile> {
  if (format === 'parquet') return openParquet(pathOf(source))
  if (format === 'arrow' || (format === 'arrows' && typeof source === 'string')) {
    return openArrow(pathOf(source))
  }
  const bytes = typeof source === 'string' ? createReadStream(source) : source
  if (signal) addAbortSignal(signal, bytes)
  const batches = (): AsyncIterable<RowBatch> => {
    if (format === 'arrows') return readArrow(bytes, path)
    return format === 'csv' ? readCsv(bytes, path) : readNdjson(bytes, path)
  }
  return {
    path,
    rows: undefined,
    batches,
    close() {
      bytes.destroy()
    },
  }
}

function pathOf(source: string | Readable): string {
  if (typeof source === 'string') return source
  throw new TypeError('a file of this format is not read from a pipe')
}

/**
 * The rows with their predictions, some at a time.
 *
 * @returns what was counted
 * @throws source_columns, source_column_type, usage_invalid (a column is there already),
 *   input_invalid (no such interval), and what reading throws
 */
export async function* scoreRows(
  file: RowFile,
  options: ScoreOptions,
  watch: ScoreWatch = {},
): AsyncGenerator<ScoredRows, ScoreCounts> {
  const scorer = new Scorer(options.predictor, options.coverage)
  const { inputs, required, assumed } = scorer
  const reader = new RideReader({ inputs, required, taxis: options.taxis }, file.path)
  const names = addedNames(options.column)
  let [rows, faults] = [0, 0]
  const counts = (): ScoreCounts => ({ rows, faults, assumed: { ...assumed } })
  for await (const batch of file.batches()) {
    watch.signal?.throwIfAborted()
    const scores = scorer.score(reader.read(batch))
    const scored = scoredRows(batch, scores, names, file.path)
    const found = scores.fault.flatMap((fault, i): RowFault[] => {
      return fault === null ? [] : [{ row: rows + i + 1, fault }]
    })
    if (found.length > 0) await watch.fault?.(found)
    rows += batch.length
    faults += found.length
    yield scored
    watch.progress?.(counts(), file.rows)
  }
  return counts()
}

/** Scored rows in a format. */
export function bytesOf(
  rows: AsyncIterable<ScoredRows>,
  format: Format,
  path: string,
): AsyncGenerator<Uint8Array | string> {
  if (format === 'parquet') return parquetBytes(rows)
  if (format === 'csv') return csvText(rows, path)
  if (format === 'ndjson') return ndjsonText(rows, path)
  return arrowBytes(rows, format === 'arrow' ? 'file' : 'stream')
}

/**
 * Rows as they came, some at a time, whatever format they came in: what is read of them and what
 * they are written from. Knows nothing about models or about files.
 */

import type { RecordBatch } from 'apache-arrow'
import { RidecastError } from '../../errors.ts'
import type { ArrowColumn } from '../arrow-columns.ts'

/** Rows that are read into memory together, of formats that do not say it themselves. */
export const batchRows = 2 ** 14

/** Bytes of text that one row may have: a quote that is never closed would take in the whole file. */
export const longestRow = 2 ** 20

/** One column: typed as Arrow has it, or one value for each row, undefined or null where it is missing. */
export type Cells =
  | { readonly arrow: ArrowColumn }
  | { readonly values: readonly unknown[]; readonly arrow?: never }

/** Some rows of a file. */
export interface RowBatch {
  readonly length: number
  /** The columns, in order; of NDJSON the keys of these rows. */
  readonly names: readonly string[]
  /** Rows that cannot be read at all, by position, and why. */
  readonly unread: ReadonlyMap<number, string>
  /** A column of {@link names}. */
  cells(name: string): Cells
  /** The rows as Arrow has them. */
  record(): RecordBatch
  /**
   * The rows as the text that they were, of text formats; undefined for one that cannot be carried
   * over as it is.
   */
  readonly texts?: {
    readonly format: 'csv' | 'ndjson'
    readonly rows: readonly (string | undefined)[]
  }
}

/** A file that is open. */
export interface RowFile {
  /** How errors call it. */
  readonly path: string
  /** Rows in the file, where it says so before it is read. */
  readonly rows: number | undefined
  /** All rows in order; one batch without rows for a file that has none. */
  batches(): AsyncIterable<RowBatch>
  /** Lets go of the file. */
  close(): Promise<void> | void
}

/**
 * Refuses a name that stands for two columns.
 *
 * @throws source_columns
 */
export function checkNames(names: readonly string[], path: string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) {
      throw new RidecastError(
        'source_columns',
        `${path} has two columns called ${JSON.stringify(name)}: expected each name once, rename one`,
      )
    }
    seen.add(name)
  }
}

/** The error of a text file that ends, or breaks off, where it should not. */
export function brokenText(path: string, row: number, reason: string): RidecastError {
  return new RidecastError(
    'source_truncated',
    `${path} is cut off or damaged at row ${row} (${reason}): get it again`,
  )
}

/**
 * Bytes as text, piece by piece.
 *
 * @throws source_column_type for bytes that are not UTF-8
 */
export async function* textOf(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode()
    } catch (cause) {
      throw new RidecastError(
        'source_column_type',
        `${path} holds bytes that are no text: expected UTF-8, convert it`,
        { cause },
      )
    }
  }
  for await (const piece of bytes) yield decode(piece)
  yield decode()
}

/** Rows with the columns that predictions add to them. Knows nothing about formats. */

import { Float64, type RecordBatch, Utf8 } from 'apache-arrow'
import { RidecastError } from '../../errors.ts'
import { joined, type NewColumn, recordOf } from './arrow-rows.ts'
import type { RowBatch } from './row-batch.ts'
import type { Scores } from './scorer.ts'

/** Names of the added columns. */
export interface AddedNames {
  readonly duration: string
  readonly low: string
  readonly high: string
  readonly fault: string
}

/** `duration`, `low`, `high`, `fault`; of a column named otherwise `eta`, `eta_low` ... */
export function addedNames(column = 'duration'): AddedNames {
  const before = column === 'duration' ? '' : `${column}_`
  return {
    duration: column,
    low: `${before}low`,
    high: `${before}high`,
    fault: `${before}fault`,
  }
}

/** Rows and what is added to them. */
export interface ScoredRows {
  readonly rows: RowBatch
  /** In order: minutes, the ends of an interval where it is wanted, the fault. */
  readonly added: readonly NewColumn[]
}

/**
 * Rows with the columns of their predictions.
 *
 * @param path how errors call the file
 * @throws usage_invalid when the rows have a column of such a name
 */
export function scoredRows(
  rows: RowBatch,
  scores: Scores,
  names: AddedNames,
  path: string,
): ScoredRows {
  const { duration, low, high, fault } = scores
  const added: NewColumn[] = [
    { name: names.duration, type: new Float64(), values: duration },
    ...(low ? [{ name: names.low, type: new Float64(), values: low }] : []),
    ...(high ? [{ name: names.high, type: new Float64(), values: high }] : []),
    { name: names.fault, type: new Utf8(), values: fault },
  ]
  const taken = added.find(({ name }) => rows.names.includes(name))
  if (taken === undefined) return { rows, added }
  throw new RidecastError(
    'usage_invalid',
    `${path} has a column called ${taken.name} already, which predictions would be written to: name another with --column, such as --column predicted`,
  )
}

/** The rows and what is added to them, as Arrow has them. */
export function recordOfScored({ rows, added }: ScoredRows): RecordBatch {
  return joined(rows.record(), recordOf(added, rows.length))
}

/**
 * Tables as CSV, for spreadsheets and data frames: RFC 4180, lines ended by CR LF, UTF-8 without a
 * mark. Knows nothing about what stands in them.
 */

import { stringify } from 'csv-stringify/sync'

/** A value of a cell; null is an empty one. */
export type Cell = string | number | null

// What spreadsheets take for the beginning of a formula.
const formula = /^[=+\-@\t\r\n]/
const numeric = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/**
 * Rows as CSV. A text that a spreadsheet would run as a formula gets a `'` before it; one that
 * is a number stays as it is.
 *
 * @param rows the first one holds the names of the columns
 */
export function csv(rows: readonly (readonly Cell[])[]): string {
  const safe = rows.map((row) => row.map(guarded))
  // A line feed alone is quoted too, and an empty text told from no value.
  const options = { record_delimiter: 'windows', quoted_match: /^$|[\r\n]/ } as const
  return stringify(safe, options)
}

function guarded(cell: Cell): string | null {
  if (typeof cell !== 'string') return cell === null ? null : String(cell)
  return formula.test(cell) && !numeric.test(cell) ? `'${cell}` : cell
}

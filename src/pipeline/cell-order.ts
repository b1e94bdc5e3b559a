/**
 * Puts the cells of a cross in order. Knows nothing about where cells come from.
 */

import type { Cross } from './moments.ts'

/** Rides by pair of levels, without saying of which blocks. */
export type Cells = Omit<Cross, 'a' | 'b'>

/** Sorts cells, each pair of levels once, by row, then by column: two passes of a counting sort. */
export function orderedCells(cells: Cells, rows: number, columns: number): Cells {
  const byColumn = scattered(cells, cells.columns, columns)
  return scattered(byColumn, byColumn.rows, rows)
}

/** Cells by ascending key, equal keys as they were. */
function scattered({ rows, columns, counts }: Cells, keys: Int32Array, limit: number): Cells {
  const next = new Int32Array(limit + 1)
  for (let k = 0; k < keys.length; k++) {
    const key = (keys[k] as number) + 1
    next[key] = (next[key] as number) + 1
  }
  for (let key = 1; key <= limit; key++) {
    next[key] = (next[key] as number) + (next[key - 1] as number)
  }
  const out = {
    rows: new Int32Array(keys.length),
    columns: new Int32Array(keys.length),
    counts: new Float64Array(keys.length),
  }
  for (let k = 0; k < keys.length; k++) {
    const key = keys[k] as number
    const at = next[key] as number
    next[key] = at + 1
    out.rows[at] = rows[k] as number
    out.columns[at] = columns[k] as number
    out.counts[at] = counts[k] as number
  }
  return out
}

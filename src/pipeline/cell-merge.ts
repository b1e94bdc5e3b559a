/**
 * Crosses of several moments as one. Knows nothing about levels beyond where each of them goes.
 */

import type { Cross } from './moments.ts'

/** Rides by pair of levels, without saying of which blocks. */
export type Cells = Omit<Cross, 'a' | 'b'>

/** Cells, in order, with the sign that they go into a total with. */
export interface CellPart {
  readonly cells: Cells
  readonly sign: 1 | -1
  /** By level of the part: its place in the total, ascending; -1 where no ride is left. */
  readonly rowPlaces: Int32Array
  readonly columnPlaces: Int32Array
}

/**
 * Adds up cells, row by row; those that come to nothing are left out.
 *
 * @param rows levels of the total's rows
 * @param columns levels of its columns
 * @returns in order
 */
export function mergedCells(parts: readonly CellPart[], rows: number, columns: number): Cells {
  const out = new GrowingCells(
    parts.reduce((most, { cells }) => Math.max(most, cells.rows.length), 0),
  )
  const row = new OpenRow(columns)
  const cursors = new Int32Array(parts.length)
  for (let r = 0; r < rows; r++) {
    row.clear()
    for (let m = 0; m < parts.length; m++) {
      cursors[m] = addRow(row, r, parts[m] as CellPart, cursors[m] as number)
    }
    row.close(r, out)
  }
  return out.cells()
}

/** Adds the cells of row `r` of the total, from cell `from` of the part on; returns where they end. */
function addRow(row: OpenRow, r: number, part: CellPart, from: number): number {
  const { sign, rowPlaces, columnPlaces } = part
  const { rows, columns, counts } = part.cells
  let at = from
  for (; at < rows.length; at++) {
    const place = rowPlaces[rows[at] as number] as number
    if (place > r) break
    const column = columnPlaces[columns[at] as number] as number
    // A level without a ride, of place -1, has no pairs either: all its cells cancel.
    if (place === r && column >= 0) row.add(column, sign * (counts[at] as number))
  }
  return at
}

/** The cells of one row. */
class OpenRow {
  private readonly counts: Float64Array
  /** Columns met, the first {@link size} of them, and by column whether it was met. */
  private readonly met: Int32Array
  private readonly isMet: Uint8Array
  private size = 0

  constructor(columns: number) {
    this.counts = new Float64Array(columns)
    this.met = new Int32Array(columns)
    this.isMet = new Uint8Array(columns)
  }

  add(column: number, count: number): void {
    if (this.isMet[column] === 0) {
      this.isMet[column] = 1
      this.met[this.size++] = column
    }
    this.counts[column] = (this.counts[column] as number) + count
  }

  clear(): void {
    for (let k = 0; k < this.size; k++) {
      const column = this.met[k] as number
      this.isMet[column] = 0
      this.counts[column] = 0
    }
    this.size = 0
  }

  close(row: number, into: GrowingCells): void {
    const met = this.inOrder()
    for (let k = 0; k < this.size; k++) {
      const column = met[k] as number
      const count = this.counts[column] as number
      if (count > 0) into.push(row, column, count)
    }
  }

  /** Columns met, ascending. */
  private inOrder(): Int32Array {
    const { met, isMet, size } = this
    // Looking at all columns takes less than sorting where many of them were met.
    if (size * 8 < isMet.length) return met.subarray(0, size).sort()
    let next = 0
    for (let column = 0; next < size; column++) if (isMet[column] === 1) met[next++] = column
    return met
  }
}

class GrowingCells {
  private rows: Int32Array
  private columns: Int32Array
  private counts: Float64Array
  private size = 0

  constructor(room: number) {
    this.rows = new Int32Array(room)
    this.columns = new Int32Array(room)
    this.counts = new Float64Array(room)
  }

  push(row: number, column: number, count: number): void {
    if (this.size === this.rows.length) this.grow()
    this.rows[this.size] = row
    this.columns[this.size] = column
    this.counts[this.size++] = count
  }

  cells(): Cells {
    const { rows, columns, counts, size } = this
    return {
      rows: rows.slice(0, size),
      columns: columns.slice(0, size),
      counts: counts.slice(0, size),
    }
  }

  private grow(): void {
    const { rows, columns, counts } = this
    const room = rows.length * 2 + 64
    this.rows = new Int32Array(room)
    this.columns = new Int32Array(room)
    this.counts = new Float64Array(room)
    this.rows.set(rows)
    this.columns.set(columns)
    this.counts.set(counts)
  }
}

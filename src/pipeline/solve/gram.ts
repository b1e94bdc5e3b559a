/**
 * The Gram matrix of a system as sparse rows in plain doubles: fast products with vectors for
 * iterative solvers, single columns for coordinate descent. Knows nothing about penalties.
 */

import { diagonalOf, type System, type SystemBlock } from './system.ts'

/** Rows of a sparse matrix: the entries of row i stand from `start[i]` to `start[i + 1]`. */
export interface SparseRows {
  readonly start: Int32Array
  readonly columns: Int32Array
  readonly values: Float64Array
}

/** X'X without a penalty, (size x size). */
export interface Gram {
  readonly size: number
  readonly system: System
  /** Rides by pair of levels: every pair once, in the row of the smaller coordinate. */
  readonly upper: SparseRows
  readonly diagonal: Float64Array
}

/** Reads the rows off a system. */
export function gramOf(system: System): Gram {
  const placed = system.crosses.map(({ a, b, rows, columns, counts }) => {
    const rowAt = (system.blocks[a] as SystemBlock).at
    const columnAt = (system.blocks[b] as SystemBlock).at
    return { rows, columns, counts, rowAt, columnAt }
  })
  placed.sort((p, q) => p.columnAt - q.columnAt)
  const upper = sparseRows(system.numericAt, (put) => {
    for (const { rows, columns, counts, rowAt, columnAt } of placed) {
      for (let c = 0; c < counts.length; c++) {
        put(rowAt + (rows[c] as number), columnAt + (columns[c] as number), counts[c] as number)
      }
    }
  })
  return { size: system.size, system, upper, diagonal: diagonalOf(system) }
}

/**
 * `out = X'X v`; rounding is the same on every machine.
 *
 * @param v `size` values
 * @param out `size` values, overwritten; not `v`
 */
export function multiply(gram: Gram, v: Float64Array, out: Float64Array): void {
  const { system, upper, diagonal } = gram
  const { start, columns, values } = upper
  const levels = system.numericAt
  out.fill(0)
  for (let i = 0; i < levels; i++) {
    const own = v[i] as number
    let row = (out[i] as number) + (diagonal[i] as number) * own
    const end = start[i + 1] as number
    for (let c = start[i] as number; c < end; c++) {
      const j = columns[c] as number
      const value = values[c] as number
      row += value * (v[j] as number)
      out[j] = (out[j] as number) + value * own
    }
    out[i] = row
  }
  multiplyBorder(system, v, out)
}

/** Adds what the numeric terms and the intercept share with everything. */
function multiplyBorder(system: System, v: Float64Array, out: Float64Array): void {
  const { numericAt, numericCount: width, interceptAt, n, numericSums, numericSquares } = system
  const intercept = v[interceptAt] as number
  let total = n * intercept
  for (const { at, counts, numeric } of system.blocks) {
    const sums = numeric.hi
    for (let i = 0, k = 0; i < counts.length; i++) {
      const count = counts[i] as number
      const own = v[at + i] as number
      let row = (out[at + i] as number) + count * intercept
      total += count * own
      for (let p = 0; p < width; p++, k++) {
        const sum = sums[k] as number
        row += sum * (v[numericAt + p] as number)
        out[numericAt + p] = (out[numericAt + p] as number) + sum * own
      }
      out[at + i] = row
    }
  }
  for (let p = 0; p < width; p++) {
    const sum = numericSums.hi[p] as number
    total += sum * (v[numericAt + p] as number)
    let row = (out[numericAt + p] as number) + sum * intercept
    for (let q = 0; q < width; q++) {
      row += (numericSquares.hi[p * width + q] as number) * (v[numericAt + q] as number)
    }
    out[numericAt + p] = row
  }
  out[interceptAt] = total
}

/**
 * Gathers sparse rows.
 *
 * @param fill called twice, and has to put the same entries both times; they stay in their order
 */
export function sparseRows(
  rows: number,
  fill: (put: (row: number, column: number, value: number) => void) => void,
): SparseRows {
  const start = new Int32Array(rows + 1)
  fill((row) => {
    start[row + 1] = (start[row + 1] as number) + 1
  })
  for (let i = 0; i < rows; i++) start[i + 1] = (start[i + 1] as number) + (start[i] as number)
  const columns = new Int32Array(start[rows] as number)
  const values = new Float64Array(columns.length)
  const next = start.slice(0, rows)
  fill((row, column, value) => {
    const at = next[row] as number
    columns[at] = column
    values[at] = value
    next[row] = at + 1
  })
  return { start, columns, values }
}

/** Both triangles of the upper one, without the diagonal: every row whole. */
export function wholeRows({ start, columns, values }: SparseRows): SparseRows {
  const size = start.length - 1
  return sparseRows(size, (put) => {
    for (let i = 0; i < size; i++) {
      for (let c = start[i] as number; c < (start[i + 1] as number); c++) {
        put(i, columns[c] as number, values[c] as number)
        put(columns[c] as number, i, values[c] as number)
      }
    }
  })
}

/** Single columns of a Gram matrix. */
export interface GramColumns {
  /** Adds `by` times column `j` of X'X to `to`, `size` values. */
  add(j: number, by: number, to: Float64Array): void
}

/** Makes the columns of a Gram matrix accessible one by one. */
export function columnsOf({ system, upper, diagonal }: Gram): GramColumns {
  const { start, columns, values } = wholeRows(upper)
  const { blocks, numericAt, numericCount: width, interceptAt } = system
  const { numericSums, numericSquares } = system
  const bump = (to: Float64Array, i: number, value: number): void => {
    to[i] = (to[i] as number) + value
  }
  const level = (j: number, by: number, to: Float64Array): void => {
    for (let c = start[j] as number; c < (start[j + 1] as number); c++) {
      bump(to, columns[c] as number, by * (values[c] as number))
    }
    bump(to, j, by * (diagonal[j] as number))
    bump(to, interceptAt, by * (diagonal[j] as number))
    const { at, numeric } = blocks.findLast((block) => block.at <= j) as SystemBlock
    for (let p = 0; p < width; p++) {
      bump(to, numericAt + p, by * (numeric.hi[(j - at) * width + p] as number))
    }
  }
  const quantity = (p: number, by: number, to: Float64Array): void => {
    for (const { at, counts, numeric } of blocks) {
      for (let i = 0; i < counts.length; i++) {
        bump(to, at + i, by * (numeric.hi[i * width + p] as number))
      }
    }
    for (let q = 0; q < width; q++) {
      bump(to, numericAt + q, by * (numericSquares.hi[p * width + q] as number))
    }
    bump(to, interceptAt, by * (numericSums.hi[p] as number))
  }
  return {
    add(j, by, to) {
      if (j < numericAt) level(j, by, to)
      else quantity(j - numericAt, by, to)
    },
  }
}

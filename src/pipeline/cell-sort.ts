/** Rides by pair of levels, in order. Knows nothing about what levels stand for. */

import type { Cells } from './cell-merge.ts'

/** One more than the largest of some positions. */
function extentOf(positions: Int32Array): number {
  let extent = 0
  for (let i = 0; i < positions.length; i++) {
    extent = Math.max(extent, (positions[i] as number) + 1)
  }
  return extent
}

/**
 * The order that sorts cells by `keys` below `extent`, equal keys staying as they are: counting sort.
 *
 * @param order the order that they are in, default as they come
 */
function countingOrder(keys: Int32Array, extent: number, order?: Int32Array): Int32Array {
  const start = new Int32Array(extent + 1)
  for (let i = 0; i < keys.length; i++) {
    const after = (keys[i] as number) + 1
    start[after] = (start[after] as number) + 1
  }
  for (let key = 1; key <= extent; key++) {
    start[key] = (start[key] as number) + (start[key - 1] as number)
  }
  const sorted = new Int32Array(keys.length)
  for (let k = 0; k < sorted.length; k++) {
    const i = order === undefined ? k : (order[k] as number)
    const key = keys[i] as number
    const at = start[key] as number
    sorted[at] = i
    start[key] = at + 1
  }
  return sorted
}

/** Sorts cells by row, then by column, and adds up those that are the same; counts are above 0. */
export function sortedCells(rows: Int32Array, columns: Int32Array, counts: Float64Array): Cells {
  const [height, width] = [extentOf(rows), extentOf(columns)]
  // Few pairs of many cells: adding them up in a matrix takes less than sorting.
  if (height * width <= matrixShare * rows.length) {
    return summedCells(rows, columns, counts, height, width)
  }
  const order = countingOrder(rows, height, countingOrder(columns, width))
  const cells = {
    rows: new Int32Array(rows.length),
    columns: new Int32Array(rows.length),
    counts: new Float64Array(rows.length),
  }
  let [last, lastRow, lastColumn] = [-1, -1, -1]
  for (let k = 0; k < order.length; k++) {
    const i = order[k] as number
    const [row, column] = [rows[i] as number, columns[i] as number]
    if (row !== lastRow || column !== lastColumn) {
      last++
      cells.rows[last] = lastRow = row
      cells.columns[last] = lastColumn = column
    }
    cells.counts[last] = (cells.counts[last] as number) + (counts[i] as number)
  }
  const size = last + 1
  return {
    rows: cells.rows.slice(0, size),
    columns: cells.columns.slice(0, size),
    counts: cells.counts.slice(0, size),
  }
}

/** Cells of a matrix that one cell to be added may cost: looking through is cheaper than sorting. */
const matrixShare = 4

/** What {@link sortedCells} does, by a matrix of all pairs. */
function summedCells(
  rows: Int32Array,
  columns: Int32Array,
  counts: Float64Array,
  height: number,
  width: number,
): Cells {
  const matrix = new Float64Array(height * width)
  let size = 0
  for (let i = 0; i < rows.length; i++) {
    const at = (rows[i] as number) * width + (columns[i] as number)
    const before = matrix[at] as number
    if (before === 0) size++
    matrix[at] = before + (counts[i] as number)
  }
  const cells = {
    rows: new Int32Array(size),
    columns: new Int32Array(size),
    counts: new Float64Array(size),
  }
  let k = 0
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const count = matrix[row * width + column] as number
      if (count === 0) continue
      cells.rows[k] = row
      cells.columns[k] = column
      cells.counts[k] = count
      k++
    }
  }
  return cells
}

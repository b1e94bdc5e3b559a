/** Sparse matrices by rows, and how they are made from entries in any order. */

/** A matrix (rows x columns) in compressed sparse row form. */
export interface SparseRows {
  readonly rows: number
  readonly columns: number
  /** Row `i` is the entries from `indptr[i]` to `indptr[i + 1]`, exclusive; `rows + 1` long. */
  readonly indptr: Int32Array
  /** The column of each entry, ascending within a row, each column at most once. */
  readonly indices: Int32Array
  /** The value of each entry; a 0 or NaN that was given is kept. */
  readonly values: Float64Array
}

/** Entries of a matrix, row after row, columns in any order. */
export interface Entries {
  /** Where each row begins, and the end of the last. */
  readonly indptr: number[]
  /** The column of each entry. */
  columns: number[]
  /** The value of each entry. */
  readonly values: number[]
}

/** Orders the entries of each row by column; those of one cell are added in the order given. */
export function compress({ indptr, columns, values }: Entries, width: number): SparseRows {
  const starts = new Int32Array(indptr.length)
  const indices = new Int32Array(columns.length)
  const sums = new Float64Array(columns.length)
  let size = 0
  for (let row = 0; row + 1 < indptr.length; row++) {
    const order: number[] = []
    for (let k = indptr[row]!; k < indptr[row + 1]!; k++) order.push(k)
    // Stable: sums do not depend on how a sort treats equals.
    order.sort((a, b) => columns[a]! - columns[b]!)
    const start = size
    for (const k of order) {
      const column = columns[k]!
      if (size > start && indices[size - 1] === column) sums[size - 1]! += values[k]!
      else {
        indices[size] = column
        sums[size++] = values[k]!
      }
    }
    starts[row + 1] = size
  }
  return {
    rows: indptr.length - 1,
    columns: width,
    indptr: starts,
    indices: indices.slice(0, size),
    values: sums.slice(0, size),
  }
}

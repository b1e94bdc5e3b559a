/**
 * A number for every pair of small whole numbers. Few pairs stand in a matrix, which a processor's
 * cache holds; many in a table with open addressing that has a pair and its number side by side.
 * Knows nothing about what the numbers stand for.
 */

/** Cells of a matrix, at most: 4 MB. */
const matrixLimit = 2 ** 20

/** Words of a slot: row, column, value. */
const slotWords = 3

/** Rows of a matrix to begin with. */
const fewestRows = 64

/** Slots to begin with. */
const fewestSlots = 2 ** 16

/** Pairs and their values. */
export interface Pairs {
  readonly rows: Int32Array
  readonly columns: Int32Array
  readonly values: Float64Array
}

/** Values below 2^31 by pair of numbers from 0 to 2^31 - 1; 0 where nothing was put. */
export class PairTable {
  /** All values; where that of a pair is says {@link at}. */
  values: Int32Array
  private height: number
  private width: number
  private isMatrix = true
  /** Pairs in slots. */
  private size = 0
  /** Slots, less 1. */
  private mask = fewestSlots - 1
  private readonly make: (length: number) => Int32Array

  /**
   * @param width columns of the matrix to begin with
   * @param make makes arrays of zeros; those of a matrix come from there
   */
  constructor(width = 64, make = (length: number): Int32Array => new Int32Array(length)) {
    this.make = make
    this.height = fewestRows
    this.width = width
    this.values = make(this.height * width)
  }

  /**
   * Where the value of a pair is in {@link values}, which this may replace by a larger array. A
   * value that is 0 has to be set before the next call.
   */
  at(row: number, column: number): number {
    if (!this.isMatrix) return this.slotOf(row, column)
    if (row < this.height && column < this.width) return row * this.width + column
    this.widen(row, column)
    return this.at(row, column)
  }

  /** Columns of the matrix that {@link values} is, row by row; undefined where it is none. */
  get matrixWidth(): number | undefined {
    return this.isMatrix ? this.width : undefined
  }

  /** Every pair with a value other than 0, in no order. */
  pairs(): Pairs {
    const { values, isMatrix, width } = this
    const [first, step] = isMatrix ? [0, 1] : [2, slotWords]
    let size = 0
    for (let k = first; k < values.length; k += step) if (values[k] !== 0) size++
    const [rows, columns] = [new Int32Array(size), new Int32Array(size)]
    const found = new Float64Array(size)
    let next = 0
    for (let k = first; k < values.length; k += step) {
      const value = values[k] as number
      if (value === 0) continue
      rows[next] = isMatrix ? Math.floor(k / width) : (values[k - 2] as number)
      columns[next] = isMatrix ? k % width : (values[k - 1] as number)
      found[next++] = value
    }
    return { rows, columns, values: found }
  }

  /** A larger matrix, or slots where it would be too large. */
  private widen(row: number, column: number): void {
    const { rows, columns, values } = this.pairs()
    while (row >= this.height) this.height *= 2
    while (column >= this.width) this.width *= 2
    this.isMatrix = this.height * this.width <= matrixLimit
    this.values = this.isMatrix
      ? this.make(this.height * this.width)
      : new Int32Array(fewestSlots * slotWords)
    for (let k = 0; k < values.length; k++) {
      const at = this.at(rows[k] as number, columns[k] as number)
      this.values[at] = values[k] as number
    }
  }

  private slotOf(row: number, column: number): number {
    // Two thirds full at most.
    if (this.size * 3 > this.mask * 2) this.growSlots()
    const { values, mask } = this
    let slot = hash(row, column) & mask
    for (;;) {
      const at = slot * slotWords
      if (values[at + 2] === 0) {
        values[at] = row
        values[at + 1] = column
        this.size++
        return at + 2
      }
      if (values[at] === row && values[at + 1] === column) return at + 2
      slot = (slot + 1) & mask
    }
  }

  private growSlots(): void {
    const before = this.values
    this.mask = this.mask * 2 + 1
    this.values = new Int32Array((this.mask + 1) * slotWords)
    this.size = 0
    for (let from = 0; from < before.length; from += slotWords) {
      const value = before[from + 2] as number
      if (value === 0) continue
      const at = this.slotOf(before[from] as number, before[from + 1] as number)
      this.values[at] = value
    }
  }
}

function hash(row: number, column: number): number {
  let h = Math.imul(row, 0x9e3779b1) ^ Math.imul(column, 0x85ebca6b)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return h ^ (h >>> 13)
}

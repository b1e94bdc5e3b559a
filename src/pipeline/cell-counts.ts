/**
 * Counts of pairs of small whole numbers. Few pairs are counted in a matrix, which a processor's
 * cache holds; many in a table with open addressing that has a pair and its count side by side.
 * Knows nothing about what the numbers stand for.
 */

/** Cells of a matrix, at most: 4 MB. */
const matrixLimit = 2 ** 20

/** Words of a slot: row, column, count, and one to spare so that none straddles cache lines. */
const slotWords = 4

/** Pairs and how often each was met, in no order. */
export interface CountedCells {
  readonly rows: Int32Array
  readonly columns: Int32Array
  readonly counts: Float64Array
}

/** Counts pairs of numbers from 0 to 2^31 - 1; each pair fewer than 2^32 times. */
export class CellCounts {
  private height = 64
  private width = 64
  private matrix: Uint32Array | undefined = new Uint32Array(64 * 64)
  private slots = new Uint32Array(0)
  /** Pairs in the slots. */
  private size = 0

  /** Counts the first `length` pairs of `rows` and `columns`. */
  add(rows: Int32Array, columns: Int32Array, length: number): void {
    if (this.matrix) this.makeRoom(rows, columns, length)
    const { matrix, width } = this
    if (!matrix) {
      for (let j = 0; j < length; j++) this.put(rows[j] as number, columns[j] as number, 1)
      return
    }
    for (let j = 0; j < length; j++) {
      const cell = (rows[j] as number) * width + (columns[j] as number)
      matrix[cell] = (matrix[cell] as number) + 1
    }
  }

  /** What was counted. */
  cells(): CountedCells {
    const { matrix, width, slots } = this
    const size = matrix?.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0) ?? this.size
    const rows = new Int32Array(size)
    const columns = new Int32Array(size)
    const counts = new Float64Array(size)
    const [from, step] = matrix ? [matrix, 1] : [slots.subarray(2), slotWords]
    let at = 0
    for (let k = 0; k < from.length; k += step) {
      if (from[k] === 0) continue
      rows[at] = matrix ? Math.floor(k / width) : (slots[k] as number)
      columns[at] = matrix ? k % width : (slots[k + 1] as number)
      counts[at++] = from[k] as number
    }
    return { rows, columns, counts }
  }

  /** Widens the matrix, or gives it up for slots. */
  private makeRoom(rows: Int32Array, columns: Int32Array, length: number): void {
    let { height, width } = this
    for (let j = 0; j < length; j++) {
      while ((rows[j] as number) >= height) height *= 2
      while ((columns[j] as number) >= width) width *= 2
    }
    if (height === this.height && width === this.width) return
    const before = this.cells()
    if (height * width <= matrixLimit) {
      const matrix = new Uint32Array(height * width)
      before.counts.forEach((count, k) => {
        matrix[(before.rows[k] as number) * width + (before.columns[k] as number)] = count
      })
      this.matrix = matrix
      this.height = height
      this.width = width
      return
    }
    this.matrix = undefined
    this.slots = new Uint32Array(slotWords * 2 ** 17)
    before.counts.forEach((count, k) => {
      this.put(before.rows[k] as number, before.columns[k] as number, count)
    })
  }

  private put(row: number, column: number, count: number): void {
    const { slots } = this
    const mask = slots.length - 1
    let at = (hash(row, column) * slotWords) & mask
    while (slots[at + 2] !== 0) {
      if (slots[at] === row && slots[at + 1] === column) {
        slots[at + 2] = (slots[at + 2] as number) + count
        return
      }
      at = (at + slotWords) & mask
    }
    slots[at] = row
    slots[at + 1] = column
    slots[at + 2] = count
    this.size++
    if (this.size * slotWords * 2 > slots.length) this.growSlots()
  }

  private growSlots(): void {
    const before = this.slots
    this.slots = new Uint32Array(before.length * 2)
    this.size = 0
    for (let at = 0; at < before.length; at += slotWords) {
      const count = before[at + 2] as number
      if (count > 0) this.put(before[at] as number, before[at + 1] as number, count)
    }
  }
}

function hash(row: number, column: number): number {
  let h = Math.imul(row, 0x9e3779b1) ^ Math.imul(column, 0x85ebca6b)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  // Few enough bits that a slot's place stays a small integer.
  return (h ^ (h >>> 13)) & 0x1fffffff
}

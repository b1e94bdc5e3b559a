/**
 * The values of the rides that a plan takes of a batch, and exact sums over them. Whole numbers are
 * added as plain doubles for as long as nothing can round, which is most of the speed, and carried
 * over into pairs of doubles then. Knows nothing about terms or plans.
 */

import { addProductTo, addTo, type Sums, settle, zeroSums } from './double-double.ts'

/** Sums of whole numbers are exact in a double up to here. */
const exactLimit = 2 ** 53

/** Values of one column by ride taken; the next batch reuses them. */
export class TakenValues {
  /** Only the first {@link length} count. */
  values = new Float64Array(0)
  length = 0
  /** Whether all are whole numbers. */
  whole = true
  /** The largest absolute value. */
  top = 0

  /** Takes the values of `column` at the positions `at`. */
  take(column: Float64Array, at: Int32Array): void {
    if (this.values.length < at.length) this.values = new Float64Array(at.length)
    const { values } = this
    let top = 0
    let whole = true
    for (let j = 0; j < at.length; j++) {
      const value = column[at[j] as number] as number
      values[j] = value
      top = Math.max(top, Math.abs(value))
      whole = whole && Math.floor(value) === value
    }
    this.length = at.length
    this.top = top
    this.whole = whole && Number.isFinite(top)
  }
}

/** Adds all values to sum `i`. */
export function addValues(
  sums: Sums,
  i: number,
  { values, length, whole, top }: TakenValues,
): void {
  const run = whole ? Math.floor(exactLimit / top) : 0
  if (run < 2) {
    for (let j = 0; j < length; j++) addTo(sums, i, values[j] as number)
    return
  }
  for (let from = 0; from < length; from += run) {
    const end = Math.min(length, from + run)
    let sum = 0
    for (let j = from; j < end; j++) sum += values[j] as number
    addTo(sums, i, sum)
  }
}

/** Adds all products of `a` and `b`, ride by ride, to sum `i`. */
export function addProducts(sums: Sums, i: number, a: TakenValues, b: TakenValues): void {
  const { values: left, length } = a
  const { values: right } = b
  const run = a.whole && b.whole ? Math.floor(exactLimit / (a.top * b.top)) : 0
  if (run < 2) {
    for (let j = 0; j < length; j++) {
      addProductTo(sums, i, left[j] as number, right[j] as number)
    }
    return
  }
  for (let from = 0; from < length; from += run) {
    const end = Math.min(length, from + run)
    let sum = 0
    for (let j = from; j < end; j++) sum += (left[j] as number) * (right[j] as number)
    addTo(sums, i, sum)
  }
}

/**
 * Counts and sums of several columns by group; those of a group lie side by side, so that a ride
 * touches one place in memory. A column is summed in plain doubles until what was added could have
 * passed 2^53 together, or some value was no whole number.
 */
export class GroupSums {
  private readonly width: number
  /** Count and sums by group, (groups x width), row-major. */
  private high: Float64Array
  /** Low words of the sums, laid out alike; empty while plain doubles do for every column. */
  private low = new Float64Array(0)
  /** By column: no sum of it is larger. */
  private readonly reach: Float64Array

  /** @param columns how many columns are summed */
  constructor(columns: number) {
    this.width = columns + 1
    this.high = new Float64Array(64 * this.width)
    this.reach = new Float64Array(columns)
  }

  /**
   * Counts rides and adds their values.
   *
   * @param groups the group of each ride
   * @param size groups there are by now
   */
  add(groups: Int32Array, length: number, columns: readonly TakenValues[], size: number): void {
    this.makeRoom(size)
    const { high, width } = this
    for (let j = 0; j < length; j++) {
      const at = (groups[j] as number) * width
      high[at] = (high[at] as number) + 1
    }
    columns.forEach((column, p) => {
      const reach = (this.reach[p] as number) + length * column.top
      this.reach[p] = column.whole ? reach : Number.POSITIVE_INFINITY
      if ((this.reach[p] as number) <= exactLimit) this.addPlain(groups, column, p + 1)
      else this.addPairs(groups, column, p + 1)
    })
  }

  /** Rides of a group. */
  count(group: number): number {
    return this.high[group * this.width] as number
  }

  /** The sums of columns `from` to `to`, by group in the given order: (groups x columns), row-major. */
  sums(order: Int32Array, from: number, to: number): Sums {
    const closed = zeroSums(order.length * (to - from))
    let next = 0
    for (const group of order) {
      const at = group * this.width + 1
      for (let p = from; p < to; p++) {
        closed.hi[next] = this.high[at + p] as number
        closed.lo[next++] = this.low[at + p] ?? 0
      }
    }
    settle(closed)
    return closed
  }

  private addPlain(groups: Int32Array, { values, length }: TakenValues, offset: number): void {
    const { high, width } = this
    for (let j = 0; j < length; j++) {
      const at = (groups[j] as number) * width + offset
      high[at] = (high[at] as number) + (values[j] as number)
    }
  }

  private addPairs(groups: Int32Array, { values, length }: TakenValues, offset: number): void {
    if (this.low.length === 0) this.low = new Float64Array(this.high.length)
    const sums = { hi: this.high, lo: this.low }
    for (let j = 0; j < length; j++) {
      addTo(sums, (groups[j] as number) * this.width + offset, values[j] as number)
    }
  }

  private makeRoom(size: number): void {
    const needed = size * this.width
    if (needed <= this.high.length) return
    const length = Math.max(needed, this.high.length * 2)
    const high = new Float64Array(length)
    high.set(this.high)
    this.high = high
    if (this.low.length === 0) return
    const low = new Float64Array(length)
    low.set(this.low)
    this.low = low
  }
}

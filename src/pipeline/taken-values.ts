/**
 * The values of the rides that a plan takes of a batch, and exact sums over them. Whole numbers are
 * added as plain doubles for as long as nothing can round, which is most of the speed, and carried
 * over into pairs of doubles then. Knows nothing about terms or plans.
 */

import { addProductTo, addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'

/** Sums of whole numbers are exact in a double up to here. */
const exactLimit = 2 ** 53

/** Values of one column by ride taken; the next batch reuses them. */
export class TakenValues {
  /** Only the first {@link length} count. */
  readonly values: Float64Array
  length = 0
  /** Whether all are whole numbers. */
  whole = true
  /** The largest absolute value. */
  top = 0
  /** The loops that go over them. */
  readonly loops: RowLoops

  constructor(loops: RowLoops) {
    this.loops = loops
    this.values = loops.doubles(pieceRides)
  }

  /**
   * Takes values of rides.
   *
   * @param length how many
   * @param fill puts them at the beginning of the array; returns whether all are known to be whole
   */
  take(length: number, fill: (into: Float64Array) => boolean): void {
    const areWhole = fill(this.values)
    this.length = length
    this.top = this.loops.topOf(this.values, length)
    this.whole = Number.isFinite(this.top) && (areWhole || this.areWhole())
  }

  private areWhole(): boolean {
    const { values, length } = this
    for (let j = 0; j < length; j++) if (!Number.isInteger(values[j])) return false
    return true
  }
}

/** A 1 for each ride: what counts them when it is summed. */
export class Ones extends TakenValues {
  constructor(loops: RowLoops) {
    super(loops)
    this.values.fill(1)
    this.top = 1
  }

  /** Makes it as long as the others. */
  count(length: number): void {
    this.length = length
  }
}

/** Adds all values to sum `i`. */
export function addValues(
  sums: Sums,
  i: number,
  { values, length, whole, top, loops }: TakenValues,
): void {
  const run = whole ? Math.floor(exactLimit / top) : 0
  if (run < 2) {
    for (let j = 0; j < length; j++) addTo(sums, i, values[j] as number)
    return
  }
  for (let from = 0; from < length; from += run) {
    const end = Math.min(length, from + run)
    addTo(sums, i, loops.sumOf(values, from, end))
  }
}

/** Adds all products of `a` and `b`, ride by ride, to sum `i`. */
export function addProducts(sums: Sums, i: number, a: TakenValues, b: TakenValues): void {
  const { values: left, length, loops } = a
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
    addTo(sums, i, loops.sumOfProducts(left, right, from, end))
  }
}

/**
 * Sums of several columns by group; those of a group lie side by side, so that a ride touches one
 * place in memory. A column is summed in plain doubles until what was added could have passed 2^53
 * together, or some value was no whole number.
 */
export class GroupSums {
  private readonly width: number
  /** Sums by group, (groups x width), row-major. */
  private high: Float64Array
  /** Their low words, laid out alike; empty while plain doubles do for every column. */
  private low = new Float64Array(0)
  /** By column: no sum of it is larger. */
  private readonly reach: Float64Array
  private readonly loops: RowLoops

  /** @param width columns */
  constructor(width: number, loops: RowLoops) {
    this.width = width
    this.loops = loops
    this.high = loops.doubles(64 * width)
    this.reach = new Float64Array(width)
  }

  /**
   * Adds the values of each ride to the sums of its group.
   *
   * @param groups the group of each ride, as many as the columns are long
   * @param size groups there are by now
   */
  add(groups: Int32Array, columns: readonly TakenValues[], size: number): void {
    this.makeRoom(size)
    const plain: number[] = []
    columns.forEach(({ length, whole, top }, p) => {
      const reach = (this.reach[p] as number) + length * top
      this.reach[p] = whole ? reach : Number.POSITIVE_INFINITY
      if ((this.reach[p] as number) <= exactLimit) plain.push(p)
      else this.addPairs(groups, columns[p] as TakenValues, p)
    })
    const values = plain.map((p) => (columns[p] as TakenValues).values)
    this.loops.addByGroup(this.high, this.width, plain, groups, values, groups.length)
  }

  /**
   * Counts rides by group, where that is the only column.
   *
   * @param groups the group of each ride, of those at the positions `at` only
   * @param size groups there are by now
   */
  count(groups: Int32Array, at: Int32Array, size: number): void {
    this.makeRoom(size)
    this.loops.countGroups(this.high, groups, at)
  }

  /** The sum of column 0 of a group. */
  first(group: number): number {
    return this.high[group * this.width] as number
  }

  /** The sums of columns `from` to `to`, by group in the given order: (groups x columns), row-major. */
  sums(order: Int32Array, from: number, to: number): Sums {
    const closed = zeroSums(order.length * (to - from))
    let next = 0
    for (const group of order) {
      const at = group * this.width
      for (let p = from; p < to; p++) {
        closed.hi[next] = this.high[at + p] as number
        closed.lo[next++] = this.low[at + p] ?? 0
      }
    }
    settle(closed)
    return closed
  }

  private addPairs(groups: Int32Array, { values, length }: TakenValues, column: number): void {
    if (this.low.length === 0) this.low = new Float64Array(this.high.length)
    const sums = { hi: this.high, lo: this.low }
    for (let j = 0; j < length; j++) {
      addTo(sums, (groups[j] as number) * this.width + column, values[j] as number)
    }
  }

  private makeRoom(size: number): void {
    const needed = size * this.width
    if (needed <= this.high.length) return
    const length = Math.max(needed, this.high.length * 2)
    const high = this.loops.doubles(length)
    high.set(this.high)
    this.high = high
    if (this.low.length === 0) return
    const low = new Float64Array(length)
    low.set(this.low)
    this.low = low
  }
}

/**
 * The values of the rides that a plan takes of a batch, and exact sums over them. Whole numbers are
 * added as plain doubles for as long as nothing can round, which is most of the speed, and carried
 * over into pairs of doubles then. Knows nothing about terms or plans.
 */

import { addProductTo, addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'

/** Sums of whole numbers are exact in a double up to here. */
const exactLimit = 2 ** 53

/** Integers of 32 bits reach as far, and their products are summed as far. */
const [integerLimit, productLimit] = [2 ** 31 - 1, 2 ** 63]

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
  private readonly asIntegers: Int32Array
  private areIntegers = false

  constructor(loops: RowLoops) {
    this.loops = loops
    this.values = loops.doubles(pieceRides)
    this.asIntegers = loops.ints(pieceRides)
  }

  /** The values as integers of 32 bits; undefined where one is none. */
  get integers(): Int32Array | undefined {
    if (!this.whole || this.top > integerLimit) return undefined
    if (!this.areIntegers) this.loops.integers(this.asIntegers, this.values, this.length)
    this.areIntegers = true
    return this.asIntegers
  }

  /**
   * Takes values of rides.
   *
   * @param length how many
   * @param fill puts them at the beginning of the array; returns whether all are known to be whole
   */
  take(length: number, fill: (into: Float64Array) => boolean): void {
    const areWhole = fill(this.values)
    this.areIntegers = false
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
  const { length, loops } = a
  const [left, right] = [a.integers, b.integers]
  if (!left || !right) {
    for (let j = 0; j < length; j++) {
      addProductTo(sums, i, a.values[j] as number, b.values[j] as number)
    }
    return
  }
  const run = Math.floor(productLimit / Math.max(1, a.top * b.top)) - 1
  for (let from = 0; from < length; from += run) {
    const end = Math.min(length, from + run)
    for (const word of loops.sumOfProducts(left, right, from, end)) addTo(sums, i, word)
  }
}

/**
 * Several values of each ride side by side. They are summed in plain doubles until what was summed of
 * a column could have passed 2^53 together, or some value was no whole number.
 */
export class Records {
  /** Columns, padded to an even number. */
  readonly width: number
  /** (rides x width), row-major; 0 in columns that plain doubles do not do for. */
  readonly values: Float64Array
  /** Columns that plain doubles do not do for. */
  readonly others: (readonly [column: number, values: TakenValues])[] = []
  private readonly columns: readonly TakenValues[]
  /** By column: no sum of it is larger. */
  private readonly reach: Float64Array
  private readonly loops: RowLoops

  constructor(columns: readonly TakenValues[], loops: RowLoops) {
    this.columns = columns
    this.width = columns.length + (columns.length % 2)
    this.values = loops.doubles(pieceRides * this.width)
    this.reach = new Float64Array(columns.length)
    this.loops = loops
  }

  /** Takes what the columns have taken. */
  take(): void {
    const { columns, reach, width, values } = this
    this.others.length = 0
    columns.forEach((column, p) => {
      const { length, whole, top } = column
      reach[p] = whole ? (reach[p] as number) + length * top : Number.POSITIVE_INFINITY
      if ((reach[p] as number) <= exactLimit) {
        this.loops.putColumn(values, width, p, column.values, length)
      } else {
        this.others.push([p, column])
        for (let j = 0; j < length; j++) values[j * width + p] = 0
      }
    })
  }
}

/** Rides by group. */
export class GroupCounts {
  private counts: Float64Array
  private readonly loops: RowLoops

  constructor(loops: RowLoops) {
    this.loops = loops
    this.counts = loops.doubles(64)
  }

  /**
   * Counts rides by group.
   *
   * @param groups the group of each ride, of those at the positions `at` only
   * @param size groups there are by now
   */
  add(groups: Int32Array, at: Int32Array, size: number): void {
    this.counts = roomFor(size, this.counts, (length) => this.loops.doubles(length))
    this.loops.countGroups(this.counts, groups, at)
  }

  /** The rides of a group. */
  count(group: number): number {
    return this.counts[group] as number
  }
}

/** Sums of records by group; those of a group lie side by side, too. */
export class GroupSums {
  private readonly records: Records
  /** Sums by group, (groups x width), row-major. */
  private high: Float64Array
  /** Their low words, laid out alike; empty while plain doubles do for every column. */
  private low: Float64Array = new Float64Array(0)
  private readonly loops: RowLoops

  constructor(records: Records, loops: RowLoops) {
    this.records = records
    this.loops = loops
    this.high = loops.doubles(64 * records.width)
  }

  /**
   * Adds the records to the sums of their groups.
   *
   * @param groups the group of each ride
   * @param size groups there are by now
   */
  add(groups: Int32Array, size: number): void {
    const { records, loops } = this
    const { width, values, others } = records
    this.high = roomFor(size * width, this.high, (length) => loops.doubles(length))
    loops.addRecords(this.high, values, width, groups)
    if (others.length === 0) return
    this.low = roomFor(this.high.length, this.low, (length) => new Float64Array(length))
    const sums = { hi: this.high, lo: this.low }
    for (const [column, { values }] of others) {
      for (let j = 0; j < groups.length; j++) {
        addTo(sums, (groups[j] as number) * width + column, values[j] as number)
      }
    }
  }

  /** The rides of a group, where the first column is the 1 of each. */
  count(group: number): number {
    return this.high[group * this.records.width] as number
  }

  /** The sums of a column by group, in the given order. */
  sums(order: Int32Array, column: number): Sums {
    const closed = zeroSums(order.length)
    order.forEach((group, k) => {
      const at = group * this.records.width + column
      closed.hi[k] = this.high[at] as number
      closed.lo[k] = this.low[at] ?? 0
    })
    settle(closed)
    return closed
  }
}

/** An array of at least so many values; where the one there is is shorter, a longer one with them. */
function roomFor(
  length: number,
  array: Float64Array,
  make: (length: number) => Float64Array,
): Float64Array {
  if (length <= array.length) return array
  const longer = make(Math.max(length, array.length * 2))
  longer.set(array)
  return longer
}

/**
 * The values of the rides that a plan takes of a batch, side by side, and exact sums over them.
 * Whole numbers are added as plain doubles for as long as nothing can round, which is most of the
 * speed, and then carried over into pairs of doubles. Knows nothing about levels or plans.
 */

import { addProductTo, addTo, type Sums } from './double-double.ts'

/** Sums of whole numbers below this one are exact in a double. */
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
 * Sums of a column by group, which stay exact in plain doubles until the values added so far could
 * have passed 2^53 together, or one of them was no whole number.
 */
export class GroupSums {
  private sums: Sums = { hi: new Float64Array(256), lo: new Float64Array(0) }
  private reach = 0
  private plain = true

  /** Adds 1 for each of the first `length` rides to the sum of its group. */
  count(groups: Int32Array, length: number, size: number): void {
    this.makeRoom(size)
    const { hi } = this.sums
    for (let j = 0; j < length; j++) {
      const group = groups[j] as number
      hi[group] = (hi[group] as number) + 1
    }
  }

  /**
   * Adds each value to the sum of its group.
   *
   * @param size groups there are by now
   */
  add(groups: Int32Array, { values, length, whole, top }: TakenValues, size: number): void {
    this.makeRoom(size)
    this.reach += length * top
    if (this.plain && !(whole && this.reach < exactLimit)) {
      this.plain = false
      this.sums = { hi: this.sums.hi, lo: new Float64Array(this.sums.hi.length) }
    }
    const { sums } = this
    const { hi } = sums
    if (!this.plain) {
      for (let j = 0; j < length; j++) addTo(sums, groups[j] as number, values[j] as number)
      return
    }
    for (let j = 0; j < length; j++) {
      const group = groups[j] as number
      hi[group] = (hi[group] as number) + (values[j] as number)
    }
  }

  /** High and low word of the sum of a group. */
  words(group: number): readonly [number, number] {
    return [this.sums.hi[group] ?? 0, this.sums.lo[group] ?? 0]
  }

  private makeRoom(size: number): void {
    const { hi, lo } = this.sums
    if (size <= hi.length) return
    const length = Math.max(size, hi.length * 2)
    const wider = (array: Float64Array, room: number): Float64Array => {
      const copy = new Float64Array(room)
      copy.set(array)
      return copy
    }
    this.sums = { hi: wider(hi, length), lo: wider(lo, this.plain ? 0 : length) }
  }
}

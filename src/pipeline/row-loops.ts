/**
 * The loops that every ride goes through, over arrays in a memory of their own: they are
 * WebAssembly, which reaches no other. What is not in a table yet is left to the caller, by
 * position, in `late`.
 */

import type { RideBatch } from '../ride.ts'
import { LoopMemory } from './loop-memory.ts'
import { type KernelName, rowKernels } from './row-kernels.ts'
import { mostPairs } from './sum-kernels.ts'

/** Rides that loops go over at once, at most: their columns stay in a processor's cache. */
export const pieceRides = 4096

/** Loops by name: numbers and addresses in, a number out. */
type Kernel = (...values: number[]) => number
type Kernels = Readonly<Record<KernelName, Kernel>>

/** Arrays and the loops over them. All arrays have to come from the memory of the loops. */
export class RowLoops {
  /** Where arrays come from. */
  readonly memory = new LoopMemory()
  private readonly kernels = this.memory.loops('rows', rowKernels) as Kernels
  private readonly words = this.memory.doubles(2)

  /** Numbers, all zero. */
  ints(length: number): Int32Array {
    return this.memory.ints(length)
  }

  /** Values, all zero. */
  doubles(length: number): Float64Array {
    return this.memory.doubles(length)
  }

  /**
   * Durations in seconds, and keys of those that are whole, see `input-keys.ts`.
   *
   * @returns whether some are neither whole nor missing
   */
  durations(rides: RideBatch, seconds: Float64Array, keys: Int32Array): boolean {
    const { pickup, dropoff, length } = rides
    const [from, to] = [pickup.byteOffset, dropoff.byteOffset]
    return this.kernels.durations(from, to, seconds.byteOffset, keys.byteOffset, length) !== 0
  }

  /** Keys of times in units of so many microseconds: how many there are since the unit `first`. */
  times({ pickup, length }: RideBatch, keys: Int32Array, micros: number, first: number): void {
    this.kernels.times(pickup.byteOffset, keys.byteOffset, length, micros, first)
  }

  /**
   * Keys of values in whole units, of which `scale` are 1.
   *
   * @returns whether a value is missing, and whether one is, or has no key of its own
   */
  units(
    values: Float64Array,
    keys: Int32Array,
    length: number,
    scale: number,
  ): { readonly gaps: boolean; readonly odd: boolean } {
    const flags = this.kernels.units(values.byteOffset, keys.byteOffset, length, scale)
    return { gaps: (flags & 1) !== 0, odd: flags !== 0 }
  }

  /** Keys of speeds. */
  speeds({ pickup, dropoff, length }: RideBatch, miles: Float64Array, keys: Int32Array): void {
    const [from, to] = [pickup.byteOffset, dropoff.byteOffset]
    this.kernels.speeds(from, to, miles.byteOffset, keys.byteOffset, length)
  }

  /** Keys of distances over those in a straight line. */
  ratios(miles: Float64Array, straight: Float64Array, keys: Int32Array, length: number): void {
    this.kernels.ratios(miles.byteOffset, straight.byteOffset, keys.byteOffset, length)
  }

  /** Keys of pairs of ids from those of the ids. */
  pairsOfIds(left: Int32Array, right: Int32Array, keys: Int32Array, length: number): void {
    this.kernels.pairsOfIds(left.byteOffset, right.byteOffset, keys.byteOffset, length)
  }

  /**
   * Positions of rides with a duration from `least` up to `most` microseconds, and the others.
   *
   * @returns how many there are
   */
  timely(
    { pickup, dropoff, length }: RideBatch,
    taken: Int32Array,
    others: Int32Array,
    least: number,
    most: number,
  ): number {
    const [from, to] = [pickup.byteOffset, dropoff.byteOffset]
    const [yes, no] = [taken.byteOffset, others.byteOffset]
    return this.kernels.timely(from, to, yes, no, length, least, most)
  }

  /** Takes the numbers at the positions `at`. */
  gather(into: Int32Array, from: Int32Array, at: Int32Array): void {
    this.kernels.gather(into.byteOffset, from.byteOffset, at.byteOffset, at.length)
  }

  /** Takes the values at the positions `at`. */
  gatherValues(into: Float64Array, from: Float64Array, at: Int32Array): void {
    this.kernels.gatherValues(into.byteOffset, from.byteOffset, at.byteOffset, at.length)
  }

  /**
   * Numbers by key.
   *
   * @param known by key, below 0 where it is not known
   * @returns how many were not
   */
  lookUp(
    into: Int32Array,
    known: Int32Array,
    keys: Int32Array,
    length: number,
    late: Int32Array,
  ): number {
    const [to, from] = [into.byteOffset, known.byteOffset]
    return this.kernels.lookUp(to, from, keys.byteOffset, length, late.byteOffset)
  }

  /**
   * Values by key at the positions `at`.
   *
   * @param known by key, NaN where it is not known
   * @param late positions in `into` whose value is not known
   * @returns how many are not
   */
  gatherKnown(
    into: Float64Array,
    known: Float64Array,
    keys: Int32Array,
    at: Int32Array,
    late: Int32Array,
  ): number {
    const [to, from] = [into.byteOffset, known.byteOffset]
    const [by, where] = [keys.byteOffset, at.byteOffset]
    return this.kernels.gatherKnown(to, from, by, where, at.length, late.byteOffset)
  }

  /** The largest absolute value of the first `length`; NaN where one is NaN. */
  topOf(values: Float64Array, length: number): number {
    return this.kernels.topOf(values.byteOffset, length)
  }

  /**
   * Numbers by pair of numbers from a matrix of numbers plus 1.
   *
   * @param left row of the matrix, below 0 for none; `right` its column
   * @returns how many have no number, lie outside, or have no row or column
   */
  lookUpPairs(
    into: Int32Array,
    matrix: Int32Array,
    width: number,
    left: Int32Array,
    right: Int32Array,
    length: number,
    late: Int32Array,
  ): number {
    const [to, from] = [into.byteOffset, matrix.byteOffset]
    const [rows, columns] = [left.byteOffset, right.byteOffset]
    const height = matrix.length / width
    const { lookUpPairs } = this.kernels
    return lookUpPairs(to, from, height, width, rows, columns, length, late.byteOffset)
  }

  /**
   * Counts the rides at the positions `at` by key. The first one of each key is late, too; where the
   * count is below 0 it stays, and all rides are late.
   *
   * @returns how many are
   */
  countKeys(counts: Int32Array, keys: Int32Array, at: Int32Array, late: Int32Array): number {
    const [to, by] = [counts.byteOffset, keys.byteOffset]
    return this.kernels.countKeys(to, by, at.byteOffset, at.length, late.byteOffset)
  }

  /** Counts the rides at the positions `at` by group. */
  countGroups(counts: Float64Array, groups: Int32Array, at: Int32Array): void {
    const [to, by] = [counts.byteOffset, groups.byteOffset]
    this.kernels.countGroups(to, by, at.byteOffset, at.length)
  }

  /** The sum of the values from `from` up to `end`, exact where no sum on the way passes 2^53. */
  sumOf(values: Float64Array, from: number, end: number): number {
    return this.kernels.sumOf(values.byteOffset, from, end)
  }

  /** Values as integers of 32 bits, which they have to be. */
  integers(into: Int32Array, values: Float64Array, length: number): void {
    this.kernels.integers(into.byteOffset, values.byteOffset, length)
  }

  /**
   * The sum of products from `from` up to `end`, exact where no sum on the way passes 2^63: as two
   * doubles.
   */
  sumOfProducts(
    left: Int32Array,
    right: Int32Array,
    from: number,
    end: number,
  ): readonly [number, number] {
    const { kernels, words } = this
    kernels.sumOfProducts(left.byteOffset, right.byteOffset, from, end, words.byteOffset)
    return [words[0] as number, words[1] as number]
  }

  /**
   * Makes values a column of records.
   *
   * @param records (rides x width), row-major
   */
  putColumn(
    records: Float64Array,
    width: number,
    column: number,
    values: Float64Array,
    length: number,
  ): void {
    const bytes = Float64Array.BYTES_PER_ELEMENT
    const first = records.byteOffset + column * bytes
    this.kernels.putColumn(first, width * bytes, values.byteOffset, length)
  }

  /**
   * Adds records to the sums of their groups.
   *
   * @param into (groups x width), row-major
   * @param records (rides x width)
   * @param width an even number of columns
   */
  addRecords(into: Float64Array, records: Float64Array, width: number, groups: Int32Array): void {
    const bytes = Float64Array.BYTES_PER_ELEMENT
    for (let from = 0; from < width / 2; from += mostPairs) {
      const add = this.kernels[`addRecords${Math.min(mostPairs, width / 2 - from)}`] as Kernel
      const [to, by] = [into.byteOffset + from * 2 * bytes, records.byteOffset + from * 2 * bytes]
      add(to, width * bytes, groups.byteOffset, groups.length, by)
    }
  }
}

/** A batch in parts of at most {@link pieceRides}, with the position of the first ride of each. */
export function* piecesOf(rides: RideBatch): Generator<readonly [RideBatch, number]> {
  for (let from = 0; from < rides.length; from += pieceRides) {
    const to = Math.min(rides.length, from + pieceRides)
    const own = Object.entries(rides.columns).map(([name, values]) => {
      return [name, values.subarray(from, to)]
    })
    const piece = {
      length: to - from,
      pickup: rides.pickup.subarray(from, to),
      dropoff: rides.dropoff.subarray(from, to),
      columns: Object.fromEntries(own),
    }
    yield [piece, from]
  }
}

/**
 * The loops that every ride goes through, over arrays in a memory of their own: they are
 * WebAssembly, which reaches no other. What is not in a table yet is left to the caller, by
 * position, in `late`.
 */

import type { RideBatch } from '../ride.ts'
import { wasmExports, wasmMemory, wasmModule } from '../wasm-assembler.ts'
import { mostColumns, rowKernels } from './row-kernels.ts'

/** Rides that loops go over at once, at most: their columns stay in a processor's cache. */
export const pieceRides = 4096

/** Bytes of a page of memory. */
const pageBytes = 65_536
/** Pages to begin with, and as far as addresses reach. */
const fewestPages = 64
const mostPages = 65_535

/** Loops by name: numbers and addresses in, a number out. */
type Kernels = Readonly<Record<string, (...values: number[]) => number>>

let module: Uint8Array<ArrayBuffer> | undefined

/** Arrays and the loops over them. All arrays have to come from here; none is ever given back. */
export class RowLoops {
  private readonly memory = wasmMemory(fewestPages, mostPages)
  private readonly kernels: Kernels
  private used = 0

  constructor() {
    module ??= wasmModule(rowKernels(), mostPages)
    this.kernels = wasmExports(module, this.memory) as Kernels
  }

  /** Numbers, all zero. */
  ints(length: number): Int32Array {
    const at = this.room(length * Int32Array.BYTES_PER_ELEMENT)
    return new Int32Array(this.memory.buffer, at, length)
  }

  /** Values, all zero. */
  doubles(length: number): Float64Array {
    const at = this.room(length * Float64Array.BYTES_PER_ELEMENT)
    return new Float64Array(this.memory.buffer, at, length)
  }

  /**
   * Durations in seconds, and keys of those that are whole, see `input-keys.ts`.
   *
   * @returns whether some are neither whole nor missing
   */
  durations(rides: RideBatch, seconds: Float64Array, keys: Int32Array): boolean {
    const { pickup, dropoff, length } = rides
    return this.run('durations', [pickup, dropoff, seconds, keys], length) !== 0
  }

  /** Keys of hours, those since `first`. */
  hours({ pickup, length }: RideBatch, keys: Int32Array, first: number): void {
    this.run('hours', [pickup, keys], length, first)
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
    const flags = this.run('units', [values, keys], length, scale)
    return { gaps: (flags & 1) !== 0, odd: flags !== 0 }
  }

  /** Keys of speeds. */
  speeds({ pickup, dropoff, length }: RideBatch, miles: Float64Array, keys: Int32Array): void {
    this.run('speeds', [pickup, dropoff, miles, keys], length)
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
    return this.run('timely', [pickup, dropoff, taken, others], length, least, most)
  }

  /** Takes the numbers at the positions `at`. */
  gather(into: Int32Array, from: Int32Array, at: Int32Array): void {
    this.run('gather', [into, from, at], at.length)
  }

  /** Takes the values at the positions `at`. */
  gatherValues(into: Float64Array, from: Float64Array, at: Int32Array): void {
    this.run('gatherValues', [into, from, at], at.length)
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
    return this.kernel('lookUp')(...addresses([into, known, keys]), length, late.byteOffset)
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
    const from = addresses([into, known, keys, at])
    return this.kernel('gatherKnown')(...from, at.length, late.byteOffset)
  }

  /** The largest absolute value of the first `length`; NaN where one is NaN. */
  topOf(values: Float64Array, length: number): number {
    return this.run('topOf', [values], length)
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
    const shape = [into.byteOffset, matrix.byteOffset, matrix.length / width, width]
    const of = addresses([left, right])
    return this.kernel('lookUpPairs')(...shape, ...of, length, late.byteOffset)
  }

  /**
   * Counts the rides at the positions `at` by key. The first one of each key is late, too; where the
   * count is below 0 it stays, and all rides are late.
   *
   * @returns how many are
   */
  countKeys(counts: Int32Array, keys: Int32Array, at: Int32Array, late: Int32Array): number {
    const from = addresses([counts, keys, at])
    return this.kernel('countKeys')(...from, at.length, late.byteOffset)
  }

  /** Counts the rides at the positions `at` by group. */
  countGroups(counts: Float64Array, groups: Int32Array, at: Int32Array): void {
    this.run('countGroups', [counts, groups, at], at.length)
  }

  /** The sum of the values from `from` up to `end`, exact where no sum on the way passes 2^53. */
  sumOf(values: Float64Array, from: number, end: number): number {
    return this.run('sumOf', [values], from, end)
  }

  /** The sum of products from `from` up to `end`, exact where no sum on the way passes 2^53. */
  sumOfProducts(left: Float64Array, right: Float64Array, from: number, end: number): number {
    return this.run('sumOfProducts', [left, right], from, end)
  }

  /**
   * Adds columns of values to those of their groups, (groups x width).
   *
   * @param places the column of the groups that each is added to
   */
  addByGroup(
    into: Float64Array,
    width: number,
    places: readonly number[],
    groups: Int32Array,
    values: readonly Float64Array[],
    length: number,
  ): void {
    const bytes = Float64Array.BYTES_PER_ELEMENT
    for (let from = 0; from < places.length; from += mostColumns) {
      const some = places.slice(from, from + mostColumns).map((place) => place * bytes)
      const of = addresses(values.slice(from, from + mostColumns))
      const sums = [into.byteOffset, width * bytes, groups.byteOffset, length]
      this.kernel(`addColumns${some.length}`)(...sums, ...some, ...of)
    }
  }

  private run(name: string, arrays: readonly ArrayBufferView[], ...numbers: number[]): number {
    return this.kernel(name)(...addresses(arrays), ...numbers)
  }

  private kernel(name: string): (...values: number[]) => number {
    return this.kernels[name] as (...values: number[]) => number
  }

  private room(bytes: number): number {
    const at = this.used
    // Whole doubles, so that every array begins at one.
    this.used += Math.ceil(bytes / 8) * 8
    const missing = this.used - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.max(fewestPages, Math.ceil(missing / pageBytes)))
    return at
  }
}

const addresses = (arrays: readonly ArrayBufferView[]): number[] =>
  arrays.map(({ byteOffset }) => byteOffset)

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

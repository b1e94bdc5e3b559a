/**
 * The levels of categorical terms by ride of a batch, each computed once for every input that is
 * met. Knows nothing about which terms there are.
 */

import type { Atom } from '../atoms.ts'
import type { RideBatch } from '../ride.ts'
import { type Input, type InputKeys, inputOfAtom, keyCount, tellsCode } from './input-keys.ts'
import { noKey } from './key-kernels.ts'
import { LevelIndex } from './level-index.ts'
import { PairTable } from './pair-table.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'

/** The levels of a term by ride of the batch: numbers in order of appearance, over all batches. */
export interface TermLevels {
  /** Number of the level of each ride, -1 where an input is missing; the next batch reuses it. */
  readonly numbers: Int32Array
  /** False when every ride of the batch has a level. */
  readonly gaps: boolean
  /** Levels met so far, also of rides that no plan takes. */
  readonly size: number
  /** Code by number; only the first {@link size} count. */
  readonly codes: Float64Array
}

/** Levels of an atom whose codes may be many more are fewer, nearly always: there are 265 zones. */
const usualLevels = 300

/** The level by a key that no ride had, or rides without a level. */
const notMet = -1

/** The level by a key that does not tell it. */
const notTold = -2

/** Levels of one atom. */
export class AtomLevels implements TermLevels {
  serial = 0
  readonly numbers: Int32Array
  gaps = false
  private readonly late: Int32Array
  private readonly atom: Atom
  private readonly loops: RowLoops
  private readonly index: LevelIndex
  private readonly input: Input | undefined
  /** By key of the input; empty where it has no keys. */
  private readonly known: Int32Array

  constructor(atom: Atom, loops: RowLoops) {
    this.atom = atom
    this.loops = loops
    this.index = new LevelIndex(atom.levels)
    this.numbers = loops.ints(pieceRides)
    this.late = loops.ints(pieceRides)
    this.input = inputOfAtom(atom.spec)
    this.known = loops.ints(this.input ? keyCount(this.input) : 0).fill(notMet)
  }

  get size(): number {
    return this.index.size
  }

  get codes(): Float64Array {
    return this.index.codes
  }

  /** The numbers of a batch. */
  fill(rides: RideBatch, inputs: InputKeys): void {
    const { known, numbers } = this
    const { length } = rides
    this.gaps = false
    if (!this.input) {
      for (let i = 0; i < length; i++) numbers[i] = this.meet(noKey, rides, i)
      return
    }
    const keys = inputs.of(this.input)
    const late = this.loops.lookUp(numbers, known, keys, length, this.late)
    for (let k = 0; k < late; k++) {
      const i = this.late[k] as number
      const key = keys[i] as number
      const number = known[key] as number
      numbers[i] = number < 0 ? this.meet(key, rides, i) : number
    }
  }

  /** The level of a ride whose input was not met before, or is missing, or has no key. */
  private meet(key: number, rides: RideBatch, i: number): number {
    const code = this.atom.code(rides, i)
    const number = code < 0 ? -1 : this.index.of(code)
    if (this.known[key] === notMet) {
      this.known[key] = tellsCode(this.atom.spec, key) ? number : notTold
    }
    if (number < 0) this.gaps = true
    return number
  }
}

/** Levels of a product: pairs of a level of all atoms but the last and one of the last. */
export class ProductLevels implements TermLevels {
  serial = 0
  readonly numbers: Int32Array
  gaps = false
  size = 0
  codes = new Float64Array(256)
  /** What it is a product of; they have to be filled first. */
  readonly factors: readonly [AtomLevels | ProductLevels, AtomLevels | ProductLevels]
  private readonly radix: number
  private readonly table: PairTable
  private readonly loops: RowLoops
  private readonly late: Int32Array

  /** @param radix codes of the right factor are below this */
  constructor(
    left: AtomLevels | ProductLevels,
    right: AtomLevels | ProductLevels,
    radix: number,
    loops: RowLoops,
  ) {
    this.factors = [left, right]
    this.radix = radix
    this.loops = loops
    this.table = new PairTable(Math.min(radix, usualLevels), (length) => loops.ints(length))
    this.numbers = loops.ints(pieceRides)
    this.late = loops.ints(pieceRides)
  }

  /** The numbers of a batch, once its factors have theirs. */
  fill({ length }: RideBatch): void {
    const { factors, table, numbers } = this
    const [left, right] = factors
    const { numbers: lefts } = left
    const { numbers: rights } = right
    this.gaps = left.gaps || right.gaps
    const { matrixWidth } = table
    if (matrixWidth === undefined) {
      for (let i = 0; i < length; i++)
        numbers[i] = this.meet(lefts[i] as number, rights[i] as number)
      return
    }
    const { late } = this
    const { values } = table
    const size = this.loops.lookUpPairs(numbers, values, matrixWidth, lefts, rights, length, late)
    for (let k = 0; k < size; k++) {
      const i = late[k] as number
      numbers[i] = this.meet(lefts[i] as number, rights[i] as number)
    }
  }

  /** The number of a pair, a new one where it was not met yet; -1 where either is missing. */
  private meet(l: number, r: number): number {
    if (l < 0 || r < 0) return -1
    const { table } = this
    const at = table.at(l, r)
    // One more than the number: 0 is a pair that was not met yet.
    const known = table.values[at] as number
    if (known > 0) return known - 1
    const number = this.append(l, r)
    table.values[at] = number + 1
    return number
  }

  private append(l: number, r: number): number {
    if (this.size === this.codes.length) {
      const wider = new Float64Array(this.size * 2)
      wider.set(this.codes)
      this.codes = wider
    }
    const [left, right] = this.factors
    this.codes[this.size] = (left.codes[l] as number) * this.radix + (right.codes[r] as number)
    return this.size++
  }
}

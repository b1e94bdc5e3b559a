/**
 * What terms make of the rides of a batch, column by column, each term once however many plans ask
 * for it. What a term makes of a ride is said in `features.ts` and `atoms.ts` only: inputs that
 * have been met before are looked up here. Knows nothing about which rides are taken.
 */

import type { Atom } from '../atoms.ts'
import { type CategoricalTerm, fixedPoint, type NumericTerm } from '../features.ts'
import { isColumn } from '../measures.ts'
import type { ColumnName, RideBatch } from '../ride.ts'
import { InputKeys, keyCount, noKey, tellsCode } from './input-keys.ts'
import { LevelIndex } from './level-index.ts'
import { PairTable } from './pair-table.ts'
import { pieceRides, RowLoops } from './row-loops.ts'

/** A column by ride of the batch; the next batch reuses it. */
export interface TermValues {
  /** NaN where it is missing. */
  readonly values: Float64Array
  /** False when every ride of the batch has a value; true may be too much. */
  readonly gaps: boolean
}

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

/** The columns of terms over one batch after the other. */
export class BatchTerms {
  /** The loops, and the memory of all arrays that they go over. */
  readonly loops = new RowLoops()
  private batch: RideBatch | undefined
  private serial = 0
  private readonly keys = new InputKeys(this.loops)
  /** Columns of a batch in the memory of the loops. */
  private readonly copies = new Map<string, Float64Array>()
  private readonly columns = new Map<string, ValueColumn>()
  private readonly levelColumns = new Map<string, AtomLevels | ProductLevels>()

  /** The batch that is asked about; its columns may be longer than it. */
  get rides(): RideBatch {
    return this.batch as RideBatch
  }

  /**
   * Turns to a batch: another one, or the same with other rides in it.
   *
   * @param rides at most {@link pieceRides}; their columns are copied
   */
  load({ length, pickup, dropoff, columns }: RideBatch): this {
    const own = Object.entries(columns).map(([name, values]) => [name, this.copied(name, values)])
    this.batch = {
      length,
      pickup: this.copied('pickup', pickup),
      dropoff: this.copied('dropoff', dropoff),
      columns: Object.fromEntries(own),
    }
    this.serial++
    this.keys.load(this.batch)
    return this
  }

  private copied(name: string, values: Float64Array): Float64Array {
    let copy = this.copies.get(name)
    if (!copy) {
      copy = this.loops.doubles(pieceRides)
      this.copies.set(name, copy)
    }
    copy.set(values)
    return copy
  }

  /** A column as it is; undefined where the batch does not have it. */
  column(name: ColumnName): TermValues | undefined {
    const values = this.rides.columns[name]
    return values && { values, gaps: this.keys.gapsIn(name) }
  }

  /** Keys of what an atom is computed from, see {@link InputKeys}; undefined where it has none. */
  keysOf({ spec }: Atom): Int32Array | undefined {
    return this.keys.ofAtom(spec)
  }

  /** Values of a numeric term in fixed-point units. */
  units(term: NumericTerm): TermValues {
    const column = this.valueColumn(term)
    column.fill(this.serial, this.rides, this.keys)
    return column
  }

  private valueColumn(term: NumericTerm): ValueColumn {
    const key = JSON.stringify([term.of, term.steps])
    let column = this.columns.get(key)
    if (!column) {
      column = new ValueColumn(term, this.loops)
      this.columns.set(key, column)
    }
    return column
  }

  /** True when a term is known to have a value for every ride of the batch. */
  hasAll({ of, steps }: NumericTerm): boolean {
    return steps.length === 0 && isColumn(of) && this.keys.areRegular(of)
  }

  /**
   * Takes the durations in seconds at positions of the batch.
   *
   * @returns whether all up to now were whole numbers
   */
  takeSeconds(into: Float64Array, at: Int32Array): boolean {
    const { values, whole } = this.keys.seconds()
    this.loops.gatherValues(into, values, at)
    return whole
  }

  /**
   * Takes the values of a numeric term in fixed-point units at positions of the batch.
   *
   * @returns whether all up to now were whole numbers
   */
  takeUnits(term: NumericTerm, into: Float64Array, at: Int32Array): boolean {
    return this.valueColumn(term).take(into, this.rides, this.keys, at)
  }

  /** Levels of a categorical term. */
  levels(term: Pick<CategoricalTerm, 'atoms'>): TermLevels {
    return this.levelsOf(term.atoms)
  }

  private levelsOf(atoms: readonly Atom[]): AtomLevels | ProductLevels {
    const name = atoms.map(({ key }) => key).join(' x ')
    const last = atoms.at(-1) as Atom
    const alone = atoms.length === 1
    let column = this.levelColumns.get(name)
    if (!column) {
      column = alone
        ? new AtomLevels(last, this.loops)
        : new ProductLevels(
            this.levelsOf(atoms.slice(0, -1)),
            this.levelsOf([last]),
            last.levels,
            this.loops,
          )
      this.levelColumns.set(name, column)
    }
    if (column.serial !== this.serial) {
      if (!alone) {
        this.levelsOf(atoms.slice(0, -1))
        this.levelsOf([last])
      }
      column.fill(this.rides, this.keys)
      column.serial = this.serial
    }
    return column
  }
}

class ValueColumn implements TermValues {
  readonly values: Float64Array
  gaps = false
  private whole = true
  private serial = 0
  /** All positions of a batch. */
  private readonly every: Int32Array
  private readonly late: Int32Array
  private readonly term: NumericTerm
  private readonly loops: RowLoops
  /** By key of the input, NaN where it was not met yet. */
  private readonly known: Float64Array

  constructor(term: NumericTerm, loops: RowLoops) {
    this.term = term
    this.loops = loops
    this.values = loops.doubles(pieceRides)
    this.every = loops.ints(pieceRides)
    for (let i = 0; i < pieceRides; i++) this.every[i] = i
    this.late = loops.ints(pieceRides)
    this.known = loops.doubles(keyCount).fill(Number.NaN)
  }

  fill(serial: number, rides: RideBatch, inputs: InputKeys): void {
    if (this.serial === serial) return
    this.serial = serial
    this.gaps = false
    this.take(this.values, rides, inputs, this.every.subarray(0, rides.length))
  }

  take(into: Float64Array, rides: RideBatch, inputs: InputKeys, at: Int32Array): boolean {
    const { of } = this.term
    if (!isColumn(of)) {
      for (let j = 0; j < at.length; j++) into[j] = this.meet(noKey, rides, at[j] as number)
      return this.whole
    }
    const keys = inputs.ofColumn(of)
    const late = this.loops.gatherKnown(into, this.known, keys, at, this.late)
    for (let k = 0; k < late; k++) {
      const j = this.late[k] as number
      const i = at[j] as number
      const key = keys[i] as number
      const value = this.known[key] as number
      into[j] = Number.isNaN(value) ? this.meet(key, rides, i) : value
    }
    return this.whole
  }

  /** The value of a ride whose input was not met before, or is missing, or has no key. */
  private meet(key: number, rides: RideBatch, i: number): number {
    const value = fixedPoint(this.term.value(rides, i), this.term.scale)
    if (key !== noKey) this.known[key] = value
    if (Number.isNaN(value)) this.gaps = true
    else this.whole = this.whole && Number.isInteger(value)
    return value
  }
}

class AtomLevels implements TermLevels {
  serial = 0
  readonly numbers: Int32Array
  gaps = false
  private readonly late: Int32Array
  private readonly atom: Atom
  private readonly loops: RowLoops
  private readonly index: LevelIndex
  private readonly known: Int32Array

  constructor(atom: Atom, loops: RowLoops) {
    this.atom = atom
    this.loops = loops
    this.index = new LevelIndex(atom.levels)
    this.numbers = loops.ints(pieceRides)
    this.late = loops.ints(pieceRides)
    this.known = loops.ints(keyCount).fill(-1)
  }

  get size(): number {
    return this.index.size
  }

  get codes(): Float64Array {
    return this.index.codes
  }

  fill(rides: RideBatch, inputs: InputKeys): void {
    const { known, numbers } = this
    const { length } = rides
    const keys = inputs.ofAtom(this.atom.spec)
    this.gaps = false
    if (!keys) {
      for (let i = 0; i < length; i++) numbers[i] = this.meet(noKey, rides, i)
      return
    }
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
    if (tellsCode(this.atom.spec, key)) this.known[key] = number
    if (number < 0) this.gaps = true
    return number
  }
}

/** Levels of a product: pairs of a level of all atoms but the last and one of the last. */
class ProductLevels implements TermLevels {
  serial = 0
  readonly numbers: Int32Array
  gaps = false
  size = 0
  codes = new Float64Array(256)
  private readonly left: TermLevels
  private readonly right: TermLevels
  private readonly radix: number
  private readonly table: PairTable
  private readonly loops: RowLoops
  private readonly late: Int32Array

  constructor(left: TermLevels, right: TermLevels, radix: number, loops: RowLoops) {
    this.left = left
    this.right = right
    this.radix = radix
    this.loops = loops
    this.table = new PairTable((length) => loops.ints(length))
    this.numbers = loops.ints(pieceRides)
    this.late = loops.ints(pieceRides)
  }

  fill({ length }: RideBatch): void {
    const { left, right, table, numbers } = this
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
    this.codes[this.size] =
      (this.left.codes[l] as number) * this.radix + (this.right.codes[r] as number)
    return this.size++
  }
}

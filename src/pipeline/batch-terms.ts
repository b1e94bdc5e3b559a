/**
 * What terms make of the rides of a batch, column by column, each term once however many plans ask
 * for it. What a term makes of a ride is said in `features.ts` and `atoms.ts` only: inputs that
 * have been met before are looked up here. Knows nothing about which rides are taken.
 */

import type { Atom } from '../atoms.ts'
import { type CategoricalTerm, fixedPoint, type NumericTerm } from '../features.ts'
import type { ColumnName, RideBatch } from '../ride.ts'
import { InputKeys, keyCount } from './input-keys.ts'
import { LevelIndex } from './level-index.ts'
import { PairTable } from './pair-table.ts'

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
  private batch: RideBatch | undefined
  private serial = 0
  private readonly keys = new InputKeys()
  private readonly columns = new Map<string, ValueColumn>()
  private readonly levelColumns = new Map<string, AtomLevels | ProductLevels>()

  /** The batch that is asked about. */
  get rides(): RideBatch {
    return this.batch as RideBatch
  }

  /** Turns to a batch: another one, or the same with other rides in it. */
  load(rides: RideBatch): this {
    this.batch = rides
    this.serial++
    this.keys.load(rides)
    return this
  }

  /** Durations in seconds; NaN or infinite where a time is missing or none. */
  seconds(): Float64Array {
    return this.keys.seconds()
  }

  /** A column as it is; undefined where the batch does not have it. */
  column(name: ColumnName): TermValues | undefined {
    const values = this.rides.columns[name]
    return values && { values, gaps: this.keys.gapsIn(name) }
  }

  /** Values of a numeric term in fixed-point units. */
  units(term: NumericTerm): TermValues {
    const key = JSON.stringify([term.of, term.steps])
    let column = this.columns.get(key)
    if (!column) {
      column = new ValueColumn(term)
      this.columns.set(key, column)
    }
    column.fill(this.serial, this.rides, this.keys)
    return column
  }

  /** Levels of a categorical term. */
  levels(term: CategoricalTerm): TermLevels {
    return this.levelsOf(term.atoms)
  }

  private levelsOf(atoms: readonly Atom[]): AtomLevels | ProductLevels {
    const name = atoms.map(({ key }) => key).join(' x ')
    const last = atoms.at(-1) as Atom
    const alone = atoms.length === 1
    let column = this.levelColumns.get(name)
    if (!column) {
      column = alone
        ? new AtomLevels(last)
        : new ProductLevels(this.levelsOf(atoms.slice(0, -1)), this.levelsOf([last]), last.levels)
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
  values = new Float64Array(0)
  gaps = false
  private serial = 0
  private readonly term: NumericTerm
  /** By key of the input, NaN where it was not met yet. */
  private readonly known = new Float64Array(keyCount).fill(Number.NaN)

  constructor(term: NumericTerm) {
    this.term = term
  }

  fill(serial: number, rides: RideBatch, inputs: InputKeys): void {
    if (this.serial === serial) return
    this.serial = serial
    const { term, known } = this
    const { length } = rides
    if (this.values.length < length) this.values = new Float64Array(length)
    const { values } = this
    const keys = inputs.ofColumn(term.of)
    let gaps = false
    for (let i = 0; i < length; i++) {
      const key = keys[i] as number
      let value = key < 0 ? Number.NaN : (known[key] as number)
      if (Number.isNaN(value)) {
        value = fixedPoint(term.value(rides, i), term.scale)
        if (key >= 0) known[key] = value
        gaps ||= Number.isNaN(value)
      }
      values[i] = value
    }
    this.gaps = gaps
  }
}

/** Not met yet, among numbers of levels by key. */
const unknown = -2

class AtomLevels implements TermLevels {
  serial = 0
  numbers = new Int32Array(0)
  gaps = false
  private readonly atom: Atom
  private readonly index: LevelIndex
  private readonly known = new Int32Array(keyCount).fill(unknown)

  constructor(atom: Atom) {
    this.atom = atom
    this.index = new LevelIndex(atom.levels)
  }

  get size(): number {
    return this.index.size
  }

  get codes(): Float64Array {
    return this.index.codes
  }

  fill(rides: RideBatch, inputs: InputKeys): void {
    const { known } = this
    const { length } = rides
    if (this.numbers.length < length) this.numbers = new Int32Array(length)
    const { numbers } = this
    const keys = inputs.ofAtom(this.atom.spec)
    let least = 0
    for (let i = 0; i < length; i++) {
      const key = keys ? (keys[i] as number) : -1
      let number = key < 0 ? unknown : (known[key] as number)
      if (number === unknown) {
        const code = this.atom.code(rides, i)
        number = code < 0 ? -1 : this.index.of(code)
        if (key >= 0) known[key] = number
      }
      numbers[i] = number
      least = Math.min(least, number)
    }
    this.gaps = least < 0
  }
}

/** Levels of a product: pairs of a level of all atoms but the last and one of the last. */
class ProductLevels implements TermLevels {
  serial = 0
  numbers = new Int32Array(0)
  gaps = false
  size = 0
  codes = new Float64Array(256)
  private readonly left: TermLevels
  private readonly right: TermLevels
  private readonly radix: number
  private readonly table = new PairTable()

  constructor(left: TermLevels, right: TermLevels, radix: number) {
    this.left = left
    this.right = right
    this.radix = radix
  }

  fill({ length }: RideBatch): void {
    const { left, right, table } = this
    const { numbers: lefts } = left
    const { numbers: rights } = right
    if (this.numbers.length < length) this.numbers = new Int32Array(length)
    const { numbers } = this
    this.gaps = left.gaps || right.gaps
    for (let i = 0; i < length; i++) {
      const l = lefts[i] as number
      const r = rights[i] as number
      if (l < 0 || r < 0) {
        numbers[i] = -1
        continue
      }
      const at = table.at(l, r)
      // One more than the number: 0 is a pair that was not met yet.
      const known = table.values[at] as number
      if (known > 0) numbers[i] = known - 1
      else {
        numbers[i] = this.append(l, r)
        table.values[at] = this.size
      }
    }
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

/**
 * What terms make of the rides of a batch, column by column, each term once however many plans ask
 * for it. What a term makes of a ride is said in `features.ts` and `atoms.ts` only: inputs that
 * have been met before are looked up here. Knows nothing about which rides are taken.
 */

import type { Atom } from '../atoms.ts'
import { type CategoricalTerm, fixedPoint, type NumericTerm } from '../features.ts'
import { isColumn } from '../measures.ts'
import type { ColumnName, RideBatch } from '../ride.ts'
import { InputKeys, inputOfAtom, inputOfValue, keyCount } from './input-keys.ts'
import { KnownValues } from './known-values.ts'
import { AtomLevels, ProductLevels, type TermLevels } from './level-columns.ts'
import { pieceRides, RowLoops } from './row-loops.ts'

/** A column by ride of the batch; the next batch reuses it. */
export interface TermValues {
  /** NaN where it is missing. */
  readonly values: Float64Array
  /** False when every ride of the batch has a value; true may be too much. */
  readonly gaps: boolean
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
  /** The same by what was asked for: keys of atoms are long. */
  private readonly ofTerms = new Map<readonly Atom[], AtomLevels | ProductLevels>()

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
    const input = inputOfAtom(spec)
    return input && this.keys.of(input)
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
  levels({ atoms }: Pick<CategoricalTerm, 'atoms'>): TermLevels {
    let column = this.ofTerms.get(atoms)
    if (!column) {
      column = this.levelColumn(atoms)
      this.ofTerms.set(atoms, column)
    }
    return this.filled(column)
  }

  private levelColumn(atoms: readonly Atom[]): AtomLevels | ProductLevels {
    const name = atoms.map(({ key }) => key).join(' x ')
    let column = this.levelColumns.get(name)
    if (!column) {
      const last = atoms.at(-1) as Atom
      const [left, right] = [atoms.slice(0, -1), [last]]
      column =
        left.length === 0
          ? new AtomLevels(last, this.loops)
          : new ProductLevels(
              this.levelColumn(left),
              this.levelColumn(right),
              last.levels,
              this.loops,
            )
      this.levelColumns.set(name, column)
    }
    return column
  }

  private filled<Column extends AtomLevels | ProductLevels>(column: Column): Column {
    if (column.serial !== this.serial) {
      column.serial = this.serial
      if (column instanceof ProductLevels) for (const one of column.factors) this.filled(one)
      column.fill(this.rides, this.keys)
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
  private readonly term: NumericTerm
  private readonly input: ReturnType<typeof inputOfValue>
  private readonly known: KnownValues | undefined

  constructor(term: NumericTerm, loops: RowLoops) {
    this.term = term
    this.values = loops.doubles(pieceRides)
    this.every = loops.ints(pieceRides)
    for (let i = 0; i < pieceRides; i++) this.every[i] = i
    this.input = inputOfValue(term.of)
    if (this.input) {
      this.known = new KnownValues(keyCount(this.input), loops, (rides, i) => this.meet(rides, i))
    }
  }

  fill(serial: number, rides: RideBatch, inputs: InputKeys): void {
    if (this.serial === serial) return
    this.serial = serial
    this.gaps = false
    this.take(this.values, rides, inputs, this.every.subarray(0, rides.length))
  }

  take(into: Float64Array, rides: RideBatch, inputs: InputKeys, at: Int32Array): boolean {
    if (this.input) this.known?.take(into, inputs.of(this.input), rides, at)
    else for (let j = 0; j < at.length; j++) into[j] = this.meet(rides, at[j] as number)
    return this.whole
  }

  /** The value of a ride whose input was not met before, or is missing, or has no key. */
  private meet(rides: RideBatch, i: number): number {
    const value = fixedPoint(this.term.value(rides, i), this.term.scale)
    if (Number.isNaN(value)) this.gaps = true
    else this.whole = this.whole && Number.isInteger(value)
    return value
  }
}

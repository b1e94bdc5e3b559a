/**
 * What terms make of the rides of a batch, column by column, each term once however many plans ask
 * for it. What a term makes of a ride is said in `features.ts` and `atoms.ts` only: values that
 * have been met before are looked up here. Knows nothing about which rides are taken.
 */

import type { Atom } from '../atoms.ts'
import { type CategoricalTerm, fixedPoint, type NumericTerm } from '../features.ts'
import { type ColumnName, hourMicros, type RideBatch, rideColumns } from '../ride.ts'

/** Inputs that are looked up have keys from 0 up to this one, which stands for a missing value. */
const missingKey = 2 ** 14
/** The key of an input that is not looked up. */
const noKey = -1

/** The columns of terms over one batch after the other. Arrays are used again by the next batch. */
export class BatchTerms {
  private batch: RideBatch | undefined
  /** The hour that key 0 stands for, since 1970. */
  private firstHour: number | undefined
  private readonly keys = new Map<string, Column<Int32Array>>()
  private readonly results = new Map<string, Column<Float64Array>>()
  private readonly known = new Map<string, Float64Array>()

  /** The batch that is asked about. */
  get rides(): RideBatch {
    return this.batch as RideBatch
  }

  /** Turns to a batch: another one, or the same with other rides in it. */
  load(rides: RideBatch): this {
    this.batch = rides
    for (const column of this.keys.values()) column.filled = false
    for (const column of this.results.values()) column.filled = false
    return this
  }

  /** Durations in seconds; NaN or infinite where a time is missing or none. */
  seconds(): Float64Array {
    return this.result('seconds', (out) => {
      const { pickup, dropoff, length } = this.rides
      for (let i = 0; i < length; i++) {
        out[i] = ((dropoff[i] as number) - (pickup[i] as number)) / 1e6
      }
    })
  }

  /** Codes of a categorical term, -1 where an input is missing. */
  codes(term: CategoricalTerm): Float64Array {
    const [first, ...others] = term.atoms as [Atom, ...Atom[]]
    if (others.length === 0) return this.atomCodes(first)
    return this.result(`product ${term.atoms.map(({ key }) => key).join(' x ')}`, (out) => {
      const { length } = this.rides
      out.set(this.atomCodes(first).subarray(0, length))
      for (const atom of others) {
        const parts = this.atomCodes(atom)
        const { levels } = atom
        for (let i = 0; i < length; i++) {
          const code = out[i] as number
          const part = parts[i] as number
          out[i] = code < 0 || part < 0 ? -1 : code * levels + part
        }
      }
    })
  }

  /** Values of a numeric term in fixed-point units, NaN where it is missing. */
  units(term: NumericTerm): Float64Array {
    const { of, scale } = term
    const key = `units ${JSON.stringify([of, term.steps])}`
    const compute = (i: number): number => fixedPoint(term.value(this.rides, i), scale)
    return this.result(key, (out) => this.look(key, this.columnKeys(of), compute, out))
  }

  private atomCodes(atom: Atom): Float64Array {
    const compute = (i: number): number => atom.code(this.rides, i)
    return this.result(`atom ${atom.key}`, (out) => {
      const keys = this.keysOf(atom)
      if (keys) this.look(atom.key, keys, compute, out)
      else for (let i = 0; i < this.rides.length; i++) out[i] = compute(i)
    })
  }

  /** Keys such that rides of equal keys have equal codes; undefined where there are none. */
  private keysOf({ spec }: Atom): Int32Array | undefined {
    if (spec.kind === 'id') return this.columnKeys(spec.column)
    if (spec.kind === 'derived') return this.hourKeys()
    if (spec.kind === 'duration_minute') return this.durationKeys()
    if (spec.kind !== 'bin' || spec.of === 'speed') return undefined
    return spec.of === 'duration' ? this.durationKeys() : this.columnKeys(spec.of)
  }

  /** Whole units of a column: ids, hundredths of a mile, cents. */
  private columnKeys(name: ColumnName): Int32Array {
    return this.keyColumn(name, (keys) => {
      const { scale } = rideColumns[name]
      const values = this.rides.columns[name] as Float64Array
      for (let i = 0; i < keys.length; i++) {
        const value = values[i] as number
        const units = Math.round(value * scale)
        if (units >= 0 && units < missingKey && units / scale === value) keys[i] = units
        else keys[i] = Number.isNaN(value) ? missingKey : noKey
      }
    })
  }

  /** Whole hours of the pickup: all that its derived names tell. */
  private hourKeys(): Int32Array {
    return this.keyColumn('hour', (keys) => {
      const { pickup } = this.rides
      for (let i = 0; i < keys.length; i++) {
        const hour = Math.floor((pickup[i] as number) / hourMicros)
        // Half the keys lie before the first ride: files are in order of time, but not quite.
        if (Number.isFinite(hour)) this.firstHour ??= hour - missingKey / 2
        const key = hour - (this.firstHour ?? 0)
        keys[i] = key >= 0 && key < missingKey ? key : Number.isNaN(key) ? missingKey : noKey
      }
    })
  }

  private durationKeys(): Int32Array {
    return this.keyColumn('duration', (keys) => {
      const { pickup, dropoff } = this.rides
      const seconds = this.seconds()
      for (let i = 0; i < keys.length; i++) {
        const value = seconds[i] as number
        const whole =
          value >= 0 &&
          value < missingKey &&
          Math.floor(value) * 1e6 === (dropoff[i] as number) - (pickup[i] as number)
        keys[i] = whole ? value : Number.isNaN(value) ? missingKey : noKey
      }
    })
  }

  /** Fills `out` by key from what is known, and with what is computed for keys not met before. */
  private look(
    name: string,
    keys: Int32Array,
    compute: (i: number) => number,
    out: Float64Array,
  ): void {
    let known = this.known.get(name)
    if (!known) {
      known = new Float64Array(missingKey + 1).fill(Number.NaN)
      this.known.set(name, known)
    }
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number
      let value = key < 0 ? Number.NaN : (known[key] as number)
      // NaN is what is not known yet; where it is the answer it is computed again.
      if (Number.isNaN(value)) {
        value = compute(i)
        if (key >= 0) known[key] = value
      }
      out[i] = value
    }
  }

  private result(name: string, fill: (out: Float64Array) => void): Float64Array {
    let column = this.results.get(name)
    if (!column || column.array.length < this.rides.length) {
      column = { array: new Float64Array(this.rides.length), filled: false }
      this.results.set(name, column)
    }
    if (!column.filled) fill(column.array)
    column.filled = true
    return column.array
  }

  private keyColumn(name: string, fill: (keys: Int32Array) => void): Int32Array {
    const { length } = this.rides
    let column = this.keys.get(name)
    if (!column || column.array.length < length) {
      column = { array: new Int32Array(length), filled: false }
      this.keys.set(name, column)
    }
    const keys = column.array.subarray(0, length)
    if (!column.filled) fill(keys)
    column.filled = true
    return keys
  }
}

interface Column<T> {
  array: T
  filled: boolean
}

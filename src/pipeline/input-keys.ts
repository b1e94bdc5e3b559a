/**
 * Keys for the inputs of terms: small whole numbers such that equal keys are equal inputs (speeds
 * aside), so that what a term makes of an input needs to be computed once. Knows nothing about terms.
 */

import type { AtomSpec } from '../atoms.ts'
import { isColumn } from '../measures.ts'
import { type ColumnName, hourMicros, type RideBatch, rideColumns } from '../ride.ts'

/** The key of a missing value. */
const missingKey = 2 ** 14

/** The key of inputs that have none of their own: what is said of one of them holds for no other. */
export const noKey = missingKey + 1

/** Keys are below this. */
export const keyCount = noKey + 1

/** Keys of speeds in one mile per hour. */
const speedKeys = 16

/** True for atoms that are computed from an input with keys. */
export function hasKeys(spec: AtomSpec): boolean {
  if (spec.kind === 'derived') return spec.name !== 'quarter_hour'
  if (spec.kind === 'bin') return spec.of === 'duration' || spec.of === 'speed' || isColumn(spec.of)
  return spec.kind !== 'pickup_minute'
}

/** True when all inputs with a key have the same code: not where an edge cuts a range of speeds. */
export function tellsCode(spec: AtomSpec, key: number): boolean {
  if (key === noKey) return false
  if (spec.kind !== 'bin' || spec.of !== 'speed' || key === missingKey) return true
  const [from, to] = [key / speedKeys, (key + 1) / speedKeys]
  return !spec.edges.some((edge) => edge > from && edge < to)
}

/** Keys of one batch after the other; arrays are used again by the next batch. */
export class InputKeys {
  private batch: RideBatch | undefined
  private serial = 0
  /** The hour that key 0 stands for, since 1970. */
  private firstHour: number | undefined
  private readonly columns = new Map<string, KeyColumn>()
  private readonly durations = { values: new Float64Array(0), whole: true }
  private durationsOf = 0

  /** Turns to a batch. */
  load(rides: RideBatch): void {
    this.batch = rides
    this.serial++
  }

  /**
   * Durations in seconds, NaN or infinite where a time is missing or none, and whether all up to
   * now were whole numbers.
   */
  seconds(): { readonly values: Float64Array; readonly whole: boolean } {
    const { durations } = this
    const { pickup, dropoff, length } = this.rides
    if (this.durationsOf === this.serial) return durations
    if (durations.values.length < length) durations.values = new Float64Array(length)
    const out = durations.values
    for (let i = 0; i < length; i++) {
      const micros = (dropoff[i] as number) - (pickup[i] as number)
      // Whole seconds, nearly always, come cheaper than by a division.
      const units = (micros * 1e-6 + 0.5) | 0
      if (units * 1e6 === micros) out[i] = units
      else {
        const exact = micros / 1e6
        out[i] = exact
        if (!Number.isInteger(exact) && Number.isFinite(exact)) durations.whole = false
      }
    }
    this.durationsOf = this.serial
    return durations
  }

  /** Keys of what an atom is computed from; undefined where it has none. */
  ofAtom(spec: AtomSpec): Int32Array | undefined {
    if (!hasKeys(spec)) return undefined
    if (spec.kind === 'id' || spec.kind === 'zone') return this.ofColumn(spec.column)
    // Other derived names and days tell whole hours apart, nothing finer.
    if (spec.kind === 'derived' || spec.kind === 'pickup_day') return this.ofHours()
    if (spec.kind === 'duration_minute') return this.ofDurations()
    if (spec.kind === 'pickup_minute') return undefined
    if (spec.of === 'speed') return this.ofSpeeds()
    return spec.of === 'duration' ? this.ofDurations() : this.ofColumn(spec.of as ColumnName)
  }

  /** Keys of a column: its value in whole units, such as ids, hundredths of a mile, cents. */
  ofColumn(name: ColumnName): Int32Array {
    return this.column(name, (keys) => {
      const { scale } = rideColumns[name]
      const values = this.rides.columns[name] as Float64Array
      let [gaps, odd] = [false, false]
      for (let i = 0; i < keys.length; i++) {
        const value = values[i] as number
        // A whole number for positive values, which the comparison makes sure of.
        const units = (value * scale + 0.5) | 0
        if (units >= 0 && units < missingKey && units / scale === value) keys[i] = units
        else {
          const isMissing = Number.isNaN(value)
          gaps = gaps || isMissing
          odd = true
          keys[i] = isMissing ? missingKey : noKey
        }
      }
      return { gaps, regular: !odd }
    }).keys
  }

  /** True when every ride has a value of a column, and each value a key of its own. */
  areRegular(name: ColumnName): boolean {
    this.ofColumn(name)
    return this.columns.get(name)?.regular === true
  }

  /** Whether a column has a missing value. */
  gapsIn(name: ColumnName): boolean {
    this.ofColumn(name)
    return this.columns.get(name)?.gaps === true
  }

  private get rides(): RideBatch {
    return this.batch as RideBatch
  }

  private ofHours(): Int32Array {
    return this.column('pickup hour', (keys) => {
      const { pickup } = this.rides
      const first = this.hourOfKey0(pickup)
      // The ride before, nearly always, was in the same hour.
      let from = 0
      let to = 0
      let last = noKey
      for (let i = 0; i < keys.length; i++) {
        const micros = pickup[i] as number
        if (!(micros >= from && micros < to)) {
          const hour = Math.floor(micros / hourMicros)
          const key = hour - first
          from = hour * hourMicros
          to = from + hourMicros
          last = key >= 0 && key < missingKey ? key : Number.isNaN(key) ? missingKey : noKey
        }
        keys[i] = last
      }
      return unknown
    }).keys
  }

  /** Half the keys lie before the first ride: files are in order of time, but not quite. */
  private hourOfKey0(pickup: Float64Array): number {
    if (this.firstHour === undefined) {
      const known = pickup.find(Number.isFinite)
      if (known === undefined) return 0
      this.firstHour = Math.floor(known / hourMicros) - missingKey / 2
    }
    return this.firstHour
  }

  private ofDurations(): Int32Array {
    return this.column('duration', (keys) => {
      const { pickup, dropoff } = this.rides
      const { values: seconds } = this.seconds()
      for (let i = 0; i < keys.length; i++) {
        const value = seconds[i] as number
        const units = value | 0
        // A quotient that rounds to a whole number need not be one.
        const isWhole = units === value && units >= 0 && units < missingKey
        if (isWhole && (dropoff[i] as number) - (pickup[i] as number) === units * 1e6) {
          keys[i] = units
        } else keys[i] = Number.isNaN(value) ? missingKey : noKey
      }
      return unknown
    }).keys
  }

  /** Speeds have keys by range: see {@link tellsCode}. */
  private ofSpeeds(): Int32Array {
    return this.column('speed', (keys) => {
      const { pickup, dropoff, columns } = this.rides
      const miles = columns.trip_distance as Float64Array
      for (let i = 0; i < keys.length; i++) {
        const micros = (dropoff[i] as number) - (pickup[i] as number)
        // As the atom computes it: a speed next to an edge must not fall on its other side.
        const speed = micros > 0 ? ((miles[i] as number) * hourMicros) / micros : Number.NaN
        const range = speed * speedKeys
        if (range >= 0 && range < missingKey) keys[i] = range | 0
        else keys[i] = Number.isNaN(speed) ? missingKey : noKey
      }
      return unknown
    }).keys
  }

  private column(
    name: string,
    fill: (keys: Int32Array) => Pick<KeyColumn, 'gaps' | 'regular'>,
  ): KeyColumn {
    const { length } = this.rides
    let column = this.columns.get(name)
    if (!column || column.keys.length !== length) {
      column = { keys: new Int32Array(length), ...unknown, serial: 0 }
      this.columns.set(name, column)
    }
    if (column.serial !== this.serial) {
      Object.assign(column, fill(column.keys))
      column.serial = this.serial
    }
    return column
  }
}

/** What is said of keys of which nothing is known. */
const unknown = { gaps: true, regular: false }

interface KeyColumn {
  readonly keys: Int32Array
  /** Whether a value is missing. */
  gaps: boolean
  /** Whether no value is missing, and each has a key of its own. */
  regular: boolean
  /** The batch that it was filled for. */
  serial: number
}

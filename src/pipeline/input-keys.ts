/**
 * Keys for the inputs of terms: small whole numbers such that equal keys are equal inputs, so that
 * what a term makes of an input needs to be computed once. Knows nothing about terms.
 */

import type { AtomSpec } from '../atoms.ts'
import { type ColumnName, hourMicros, type RideBatch, rideColumns } from '../ride.ts'

/** The key of a missing value. */
const missingKey = 2 ** 14

/** Keys are below this; -1 is the key of an input that has none. */
export const keyCount = missingKey + 1

/** Keys of one batch after the other; arrays are used again by the next batch. */
export class InputKeys {
  private batch: RideBatch | undefined
  private serial = 0
  /** The hour that key 0 stands for, since 1970. */
  private firstHour: number | undefined
  private readonly columns = new Map<string, KeyColumn>()
  private durations = new Float64Array(0)
  private durationsOf = 0

  /** Turns to a batch. */
  load(rides: RideBatch): void {
    this.batch = rides
    this.serial++
  }

  /** Durations in seconds; NaN or infinite where a time is missing or none. */
  seconds(): Float64Array {
    const { pickup, dropoff, length } = this.rides
    if (this.durationsOf === this.serial) return this.durations
    if (this.durations.length < length) this.durations = new Float64Array(length)
    const out = this.durations
    for (let i = 0; i < length; i++) {
      out[i] = ((dropoff[i] as number) - (pickup[i] as number)) / 1e6
    }
    this.durationsOf = this.serial
    return out
  }

  /** Keys of what an atom is computed from; undefined where it has none. */
  ofAtom(spec: AtomSpec): Int32Array | undefined {
    if (spec.kind === 'id') return this.ofColumn(spec.column)
    // Derived names tell whole hours apart, nothing finer.
    if (spec.kind === 'derived') return this.ofHours()
    if (spec.kind === 'duration_minute') return this.ofDurations()
    if (spec.kind !== 'bin' || spec.of === 'speed') return undefined
    return spec.of === 'duration' ? this.ofDurations() : this.ofColumn(spec.of)
  }

  /** Keys of a column: its value in whole units, such as ids, hundredths of a mile, cents. */
  ofColumn(name: ColumnName): Int32Array {
    return this.column(name, (keys) => {
      const { scale } = rideColumns[name]
      const values = this.rides.columns[name] as Float64Array
      let gaps = false
      for (let i = 0; i < keys.length; i++) {
        const value = values[i] as number
        // A whole number for positive values, which the comparison makes sure of.
        const units = (value * scale + 0.5) | 0
        if (units >= 0 && units < missingKey && units / scale === value) keys[i] = units
        else {
          const isMissing = Number.isNaN(value)
          gaps ||= isMissing
          keys[i] = isMissing ? missingKey : -1
        }
      }
      return gaps
    }).keys
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
      for (let i = 0; i < keys.length; i++) {
        const hour = Math.floor((pickup[i] as number) / hourMicros)
        // Half the keys lie before the first ride: files are in order of time, but not quite.
        if (Number.isFinite(hour)) this.firstHour ??= hour - missingKey / 2
        const key = hour - (this.firstHour ?? 0)
        keys[i] = key >= 0 && key < missingKey ? key : Number.isNaN(key) ? missingKey : -1
      }
      return true
    }).keys
  }

  private ofDurations(): Int32Array {
    return this.column('duration', (keys) => {
      const { pickup, dropoff } = this.rides
      const seconds = this.seconds()
      for (let i = 0; i < keys.length; i++) {
        const value = seconds[i] as number
        const units = value | 0
        const micros = (dropoff[i] as number) - (pickup[i] as number)
        if (units >= 0 && units < missingKey && units * 1e6 === micros) keys[i] = units
        else keys[i] = Number.isNaN(value) ? missingKey : -1
      }
      return true
    }).keys
  }

  private column(name: string, fill: (keys: Int32Array) => boolean): KeyColumn {
    const { length } = this.rides
    let column = this.columns.get(name)
    if (!column || column.keys.length !== length) {
      column = { keys: new Int32Array(length), gaps: false, serial: 0 }
      this.columns.set(name, column)
    }
    if (column.serial !== this.serial) {
      column.gaps = fill(column.keys)
      column.serial = this.serial
    }
    return column
  }
}

interface KeyColumn {
  readonly keys: Int32Array
  gaps: boolean
  /** The batch that it was filled for. */
  serial: number
}

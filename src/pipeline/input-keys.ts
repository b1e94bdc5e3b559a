/**
 * Keys for the inputs of terms: small whole numbers such that equal keys are equal inputs (speeds
 * aside), so that what a term makes of an input needs to be computed once. Knows nothing about terms.
 */

import type { AtomSpec } from '../atoms.ts'
import { isColumn } from '../measures.ts'
import { type ColumnName, hourMicros, type RideBatch, rideColumns } from '../ride.ts'
import { missingKey, noKey, speedKeys } from './key-kernels.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'

/** Keys are below this. */
export const keyCount = noKey + 1

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
  private readonly durations: { readonly values: Float64Array; whole: boolean }
  private readonly loops: RowLoops

  constructor(loops: RowLoops) {
    this.loops = loops
    this.durations = { values: loops.doubles(pieceRides), whole: true }
  }

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
    this.ofDurations()
    return this.durations
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
      const { length, columns } = this.rides
      const { scale } = rideColumns[name]
      const { gaps, odd } = this.loops.units(columns[name] as Float64Array, keys, length, scale)
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
      this.loops.hours(this.rides, keys, this.hourOfKey0())
      return unknown
    }).keys
  }

  /** Half the keys lie before the first ride: files are in order of time, but not quite. */
  private hourOfKey0(): number {
    if (this.firstHour === undefined) {
      const { pickup, length } = this.rides
      const known = pickup.subarray(0, length).find(Number.isFinite)
      if (known === undefined) return 0
      this.firstHour = Math.floor(known / hourMicros) - missingKey / 2
    }
    return this.firstHour
  }

  private ofDurations(): Int32Array {
    return this.column('duration', (keys) => {
      const { durations } = this
      const isOdd = this.loops.durations(this.rides, durations.values, keys)
      durations.whole &&= !isOdd
      return unknown
    }).keys
  }

  /** Speeds have keys by range: see {@link tellsCode}. */
  private ofSpeeds(): Int32Array {
    return this.column('speed', (keys) => {
      const { columns } = this.rides
      this.loops.speeds(this.rides, columns.trip_distance as Float64Array, keys)
      return unknown
    }).keys
  }

  private column(
    name: string,
    fill: (keys: Int32Array) => Pick<KeyColumn, 'gaps' | 'regular'>,
  ): KeyColumn {
    let column = this.columns.get(name)
    if (!column) {
      column = { keys: this.loops.ints(pieceRides), ...unknown, serial: 0 }
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

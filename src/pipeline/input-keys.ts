/**
 * Keys for the inputs of terms: small whole numbers such that equal keys are equal inputs (those with
 * keys by range aside), so that what a term makes of an input needs to be computed once.
 */

import type { AtomSpec, Measured } from '../atoms.ts'
import { type MeasureName, measureOf } from '../measures.ts'
import { type ColumnName, hourMicros, type RideBatch, rideColumns } from '../ride.ts'
import { missingKey, noKey, pairKeyCount, ratioKeys, speedKeys } from './key-kernels.ts'
import { KnownValues } from './known-values.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'

/** What terms are computed from and there are keys of: a column, or what this names. */
export type Input =
  | ColumnName
  /** Whole hours of the pickup, or quarters of them. */
  | 'hours'
  | 'quarters'
  | 'duration'
  /** Zones of pickup and drop-off. */
  | 'zones'
  /** Speed and distance ratio, by range. */
  | 'speed'
  | 'ratio'

/** The keys in 1 of inputs that have keys by range. */
const rangeKeys: Readonly<Partial<Record<Input, number>>> = { speed: speedKeys, ratio: ratioKeys }

/** The input whose keys tell a measure, or its range; undefined where there is none. */
function inputOfMeasure(of: Measured): Input | undefined {
  if (of === 'duration' || of === 'speed') return of
  if (of === 'distance_ratio') return 'ratio'
  if (of === 'minute_of_day') return undefined
  const [first, second] = measureOf(of).inputs
  if (second !== undefined) return 'zones'
  return first === 'pickup_datetime' ? 'hours' : first
}

/** The input whose keys tell the value of a measure; undefined where there is none. */
export function inputOfValue(of: MeasureName): Input | undefined {
  const input = inputOfMeasure(of)
  return input && rangeKeys[input] === undefined ? input : undefined
}

/** The input that an atom is computed from; undefined where it has no keys. */
export function inputOfAtom(spec: AtomSpec): Input | undefined {
  switch (spec.kind) {
    case 'id':
    case 'zone':
      return spec.column
    case 'bin':
      return inputOfMeasure(spec.of)
    case 'derived':
      return spec.name === 'quarter_hour' ? 'quarters' : 'hours'
    case 'pickup_day':
      return 'hours'
    case 'duration_minute':
      return 'duration'
    case 'pickup_minute':
      return undefined
  }
}

/** Keys of an input are below this. */
export function keyCount(input: Input): number {
  return input === 'zones' ? pairKeyCount : noKey + 1
}

/** True when all inputs with a key have the same code: not where an edge cuts a range. */
export function tellsCode(spec: AtomSpec, key: number): boolean {
  if (key === noKey) return false
  if (spec.kind !== 'bin' || key === missingKey) return true
  const perUnit = rangeKeys[inputOfMeasure(spec.of) as Input]
  if (perUnit === undefined) return true
  const [from, to] = [key / perUnit, (key + 1) / perUnit]
  return !spec.edges.some((edge) => edge > from && edge < to)
}

/** Keys of one batch after the other; arrays are used again by the next batch. */
export class InputKeys {
  private batch: RideBatch | undefined
  private serial = 0
  /** The pickup that key 0 stands for, a whole hour; undefined before there was one. */
  private firstMicros: number | undefined
  private readonly columns = new Map<Input, KeyColumn>()
  private readonly durations: { readonly values: Float64Array; whole: boolean }
  /** All positions of a batch. */
  private readonly every: Int32Array
  private straight: { readonly values: Float64Array; readonly known: KnownValues } | undefined
  private readonly loops: RowLoops

  constructor(loops: RowLoops) {
    this.loops = loops
    this.durations = { values: loops.doubles(pieceRides), whole: true }
    this.every = loops.ints(pieceRides)
    for (let i = 0; i < pieceRides; i++) this.every[i] = i
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
    this.of('duration')
    return this.durations
  }

  /** Keys of an input by ride of the batch. */
  of(input: Input): Int32Array {
    return this.column(input).keys
  }

  /** True when every ride has a value of a column, and each value a key of its own. */
  areRegular(name: ColumnName): boolean {
    return this.column(name).regular
  }

  /** Whether a column has a missing value. */
  gapsIn(name: ColumnName): boolean {
    return this.column(name).gaps
  }

  private get rides(): RideBatch {
    return this.batch as RideBatch
  }

  private fill(input: Input, keys: Int32Array): Pick<KeyColumn, 'gaps' | 'regular'> {
    const { loops, rides, durations } = this
    const { length, columns } = rides
    switch (input) {
      case 'hours':
      case 'quarters':
        this.fillTimes(input === 'hours' ? hourMicros : hourMicros / 4, keys)
        return unknown
      case 'duration':
        durations.whole = !loops.durations(rides, durations.values, keys) && durations.whole
        return unknown
      case 'speed':
        loops.speeds(rides, columns.trip_distance as Float64Array, keys)
        return unknown
      case 'zones':
        loops.pairsOfIds(this.of('PULocationID'), this.of('DOLocationID'), keys, length)
        return unknown
      case 'ratio':
        loops.ratios(columns.trip_distance as Float64Array, this.straightLines(), keys, length)
        return unknown
      default: {
        // Its value in whole units, such as ids, hundredths of a mile, cents.
        const values = columns[input] as Float64Array
        const { gaps, odd } = loops.units(values, keys, length, rideColumns[input].scale)
        return { gaps, regular: !odd }
      }
    }
  }

  /** Half the keys lie before the first ride: files are in order of time, but not quite. */
  private fillTimes(micros: number, keys: Int32Array): void {
    const { pickup, length } = this.rides
    if (this.firstMicros === undefined) {
      const known = pickup.subarray(0, length).find(Number.isFinite)
      if (known !== undefined) this.firstMicros = Math.floor(known / hourMicros) * hourMicros
    }
    const first = (this.firstMicros ?? 0) / micros - missingKey / 2
    this.loops.times(this.rides, keys, micros, first)
  }

  /** Miles between the zones of each ride. */
  private straightLines(): Float64Array {
    const { read } = measureOf('zone_distance')
    this.straight ??= {
      values: this.loops.doubles(pieceRides),
      known: new KnownValues(keyCount('zones'), this.loops, read),
    }
    const { values, known } = this.straight
    known.take(values, this.of('zones'), this.rides, this.every.subarray(0, this.rides.length))
    return values
  }

  private column(input: Input): KeyColumn {
    let column = this.columns.get(input)
    if (!column) {
      column = { keys: this.loops.ints(pieceRides), ...unknown, serial: 0 }
      this.columns.set(input, column)
    }
    if (column.serial !== this.serial) {
      Object.assign(column, this.fill(input, column.keys))
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

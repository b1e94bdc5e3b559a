/**
 * Counts rides as such: durations, speeds, hours of the week, zones, ways between zones, distances.
 * Memory does not grow with rides. Knows nothing about files or how the counts are told.
 */

import { maxZone } from '../../ride.ts'
import { hourOfWeek } from './column-counts.ts'
import { CorrelationCounts } from './correlation-counts.ts'
import { NumberCounts } from './number-counts.ts'
import { plausibleMiles } from './plausible.ts'

/** What the plain recipe takes, minutes, both included. */
export const keptMinutes = { min: 1, max: 60 } as const

/** Kept rides are counted by the second: 0 to 3600. */
const seconds = keptMinutes.max * 60 + 1

/** Bins of distance: half miles up to this many miles. */
export const binnedMiles = 20

/** Rides of one batch as columns of one length; NaN where there is no value. */
export interface RideCells {
  readonly length: number
  /** Microseconds on the wall clock. */
  readonly pickup: Float64Array
  readonly dropoff: Float64Array
  readonly from: Float64Array | undefined
  readonly to: Float64Array | undefined
  readonly miles: Float64Array | undefined
  /** Numeric columns, in the order of the names. */
  readonly numbers: readonly Float64Array[]
}

const zoneCount = maxZone + 1

/** Counts rides. */
export class RideCounts {
  kept = 0
  readonly notKept = { without_time: 0, backwards: 0, under_a_minute: 0, over_an_hour: 0 }
  readonly duration = new NumberCounts()
  readonly speed = new NumberCounts()
  /** By hour of the week and second, 168 x 3601. */
  readonly bySecond = new Uint32Array(168 * seconds)
  /** By half mile and second, 40 x 3601. */
  readonly byDistance = new Uint32Array(2 * binnedMiles * seconds)
  /** Sum of the minutes of kept rides by hour of the week. */
  readonly hourMinutes = new Float64Array(168)
  readonly pickups = new Float64Array(zoneCount)
  readonly dropoffs = new Float64Array(zoneCount)
  readonly withoutZone = { pickup: 0, dropoff: 0 }
  /** By pickup and drop-off zone, 266 x 266: all rows, kept rides, their minutes. */
  readonly pairs = new Float64Array(zoneCount ** 2)
  readonly keptPairs = new Float64Array(zoneCount ** 2)
  readonly pairMinutes = new Float64Array(zoneCount ** 2)
  readonly correlations: CorrelationCounts
  private readonly row: Float64Array

  /** @param names of the numeric columns, as the file spells them */
  constructor(names: readonly string[]) {
    this.correlations = new CorrelationCounts(['duration', ...names])
    this.row = new Float64Array(names.length + 1)
  }

  /** Takes the rides of a batch in. */
  add(rides: RideCells): void {
    const minutes = new Float64Array(rides.length)
    const speeds = new Float64Array(rides.length).fill(Number.NaN)
    for (let i = 0; i < rides.length; i++) {
      const length = ((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 60e6
      minutes[i] = length
      const isKept = this.isKept(length)
      const pair = this.addZones(rides, i)
      if (isKept) speeds[i] = this.addKept(rides, i, length, pair)
    }
    this.duration.add(minutes)
    this.speed.add(speeds)
  }

  private isKept(minutes: number): boolean {
    const { notKept } = this
    if (Number.isNaN(minutes)) notKept.without_time++
    else if (minutes < 0) notKept.backwards++
    else if (minutes < keptMinutes.min) notKept.under_a_minute++
    else if (minutes > keptMinutes.max) notKept.over_an_hour++
    else return true
    return false
  }

  /** The position of its pair of zones, -1 where one is missing. */
  private addZones({ from, to }: RideCells, i: number): number {
    if (from === undefined || to === undefined) return -1
    const [start, end] = [from[i] as number, to[i] as number]
    if (isZone(start)) this.pickups[start] = (this.pickups[start] as number) + 1
    else this.withoutZone.pickup++
    if (isZone(end)) this.dropoffs[end] = (this.dropoffs[end] as number) + 1
    else this.withoutZone.dropoff++
    if (!isZone(start) || !isZone(end)) return -1
    const pair = start * zoneCount + end
    this.pairs[pair] = (this.pairs[pair] as number) + 1
    return pair
  }

  /** Miles per hour, NaN where the distance is missing or not believed. */
  private addKept(rides: RideCells, i: number, minutes: number, pair: number): number {
    this.kept++
    const second = Math.floor(minutes * 60 + 1e-6)
    const hour = hourOfWeek(rides.pickup[i] as number)
    const at = hour * seconds + second
    this.bySecond[at] = (this.bySecond[at] as number) + 1
    this.hourMinutes[hour] = (this.hourMinutes[hour] as number) + minutes
    if (pair >= 0) {
      this.keptPairs[pair] = (this.keptPairs[pair] as number) + 1
      this.pairMinutes[pair] = (this.pairMinutes[pair] as number) + minutes
    }
    const miles = rides.miles?.[i]
    if (miles !== undefined && !(miles >= 0.01 && miles <= plausibleMiles)) return Number.NaN
    this.row[0] = minutes
    for (let k = 0; k < rides.numbers.length; k++) {
      this.row[k + 1] = (rides.numbers[k] as Float64Array)[i] as number
    }
    this.correlations.add(this.row)
    if (miles === undefined) return Number.NaN
    const bin = Math.floor(miles * 2 + 1e-9)
    if (bin < 2 * binnedMiles) {
      const place = bin * seconds + second
      this.byDistance[place] = (this.byDistance[place] as number) + 1
    }
    return miles / (minutes / 60)
  }
}

function isZone(id: number): boolean {
  return id >= 1 && id <= maxZone && Number.isInteger(id)
}

/** Whole seconds of a row of {@link RideCounts.bySecond} or `byDistance`, counted. */
export function secondsOf(counts: Uint32Array, row: number): Uint32Array {
  return counts.subarray(row * seconds, (row + 1) * seconds)
}

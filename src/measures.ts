/**
 * What can be measured of a ride before it begins: its quantities, and numbers made of its zones and
 * its time. Knows nothing about recipes or models.
 */

import { isHoliday } from './holidays.ts'
import {
  type ColumnName,
  columnNames,
  hourMicros,
  type InputName,
  type RideBatch,
  rideColumns,
} from './ride.ts'
import { zoneOf } from './zones.ts'

/** Names of numbers that are made of other columns. */
export const madeNames = [
  'zone_distance',
  'distance_ratio',
  'pickup_longitude',
  'pickup_latitude',
  'dropoff_longitude',
  'dropoff_latitude',
  'minute_of_day',
  'hour',
  'weekday',
  'hour_of_week',
  'holiday',
] as const

/** A number that is made of other columns. */
export type MadeName = (typeof madeNames)[number]

/** What a numeric term or a bin is of. */
export type MeasureName = ColumnName | MadeName

/** All names of measures. */
export const measureNames: readonly MeasureName[] = [...columnNames, ...madeNames]

/** True for a column of the trip files. */
export function isColumn(name: MeasureName | 'duration' | 'speed'): name is ColumnName {
  return (columnNames as readonly string[]).includes(name)
}

/** How a measure is read. */
export interface Measure {
  /** What it is computed from. */
  readonly inputs: readonly InputName[]
  /** What one unit means, for people. */
  readonly unit: string
  /** The value of ride `i`, NaN where it is missing. */
  read(rides: RideBatch, i: number): number
}

// Degrees to miles at 40.73 degrees north, on a sphere of 3,958.8 miles: over a city the sphere is
// flat to a thousandth. Square roots are rounded alike everywhere, which sines are not.
const milesPerDegree = { longitude: 52.358, latitude: 69.0936 }

const maxZones = 266
let distances: Float64Array | undefined

/** Miles between the centroids of two zones by `from * 266 + to`, to a thousandth. */
function zoneDistances(): Float64Array {
  const table = new Float64Array(maxZones * maxZones).fill(Number.NaN)
  const places = Array.from({ length: maxZones }, (_, id) => zoneOf(id))
  for (const from of places) {
    for (const to of places) {
      if (!from || !to) continue
      const east = (to.longitude - from.longitude) * milesPerDegree.longitude
      const north = (to.latitude - from.latitude) * milesPerDegree.latitude
      table[from.id * maxZones + to.id] =
        Math.round(Math.sqrt(east * east + north * north) * 1000) / 1000
    }
  }
  return table
}

const isZone = (id: number): boolean => (id | 0) === id && id > 0 && id < maxZones

/** Miles in a straight line between the centroids of two zones; NaN where one has none. */
export function zoneDistance(from: number, to: number): number {
  distances ??= zoneDistances()
  const inside = isZone(from) && isZone(to)
  return inside ? (distances[from * maxZones + to] ?? Number.NaN) : Number.NaN
}

const column = (rides: RideBatch, name: ColumnName, i: number): number =>
  (rides.columns[name] as Float64Array)[i] as number

const betweenZones = (rides: RideBatch, i: number): number =>
  zoneDistance(column(rides, 'PULocationID', i), column(rides, 'DOLocationID', i))

const coordinate = (
  name: 'PULocationID' | 'DOLocationID',
  axis: 'longitude' | 'latitude',
): Measure => ({
  inputs: [name],
  unit: `degrees of ${axis} of the zone's centroid`,
  read: (rides, i) => zoneOf(column(rides, name, i))?.[axis] ?? Number.NaN,
})

const mod = (value: number, by: number): number => ((value % by) + by) % by

/** From the time of the pickup; 1970-01-01 was a Thursday, weeks begin on Monday. */
const ofTime = (unit: string, part: (micros: number) => number): Measure => ({
  inputs: ['pickup_datetime'],
  unit,
  read(rides, i) {
    const micros = rides.pickup[i] as number
    return Number.isFinite(micros) ? part(micros) : Number.NaN
  },
})

const hours = (micros: number): number => Math.floor(micros / hourMicros)

const made: Readonly<Record<MadeName, Measure>> = {
  zone_distance: {
    inputs: ['PULocationID', 'DOLocationID'],
    unit: 'miles in a straight line between the centroids of the zones',
    read: betweenZones,
  },
  distance_ratio: {
    inputs: ['PULocationID', 'DOLocationID', 'trip_distance'],
    unit: 'distance of the route over the straight line between the zones',
    read(rides, i) {
      const straight = betweenZones(rides, i)
      return straight > 0 ? column(rides, 'trip_distance', i) / straight : Number.NaN
    },
  },
  pickup_longitude: coordinate('PULocationID', 'longitude'),
  pickup_latitude: coordinate('PULocationID', 'latitude'),
  dropoff_longitude: coordinate('DOLocationID', 'longitude'),
  dropoff_latitude: coordinate('DOLocationID', 'latitude'),
  minute_of_day: ofTime('whole minutes since midnight', (micros) =>
    mod(Math.floor(micros / 60e6), 1440),
  ),
  hour: ofTime('hour of the day', (micros) => mod(hours(micros), 24)),
  weekday: ofTime('day of the week from Monday, 0', (micros) =>
    Math.floor(mod(hours(micros) + 72, 168) / 24),
  ),
  hour_of_week: ofTime('hours since Monday 0:00', (micros) => mod(hours(micros) + 72, 168)),
  holiday: ofTime('1 on a federal holiday', (micros) =>
    isHoliday(Math.floor(hours(micros) / 24)) ? 1 : 0,
  ),
}

/** The measure of a name. */
export function measureOf(name: MeasureName): Measure {
  if (!isColumn(name)) return made[name]
  return {
    inputs: [name],
    unit: rideColumns[name].unit,
    read: (rides, i) => column(rides, name, i),
  }
}

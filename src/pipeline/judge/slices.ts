/**
 * Rides by what they have in common: where and when they begin, how far they go, how long they are
 * predicted to take. Knows nothing about models.
 */

import { measureOf } from '../../measures.ts'
import { type ColumnName, maxZone, type RideBatch, type ZonePart } from '../../ride.ts'
import { zoneOf, zones } from '../../zones.ts'
import { ErrorSums } from './error-sums.ts'
import type { ErrorMeasures, FamilyKey, RideSlice, SliceFamily, WorstSlice } from './judgement.ts'

/** Columns that slices are made from, where files have them. */
export const slicedColumns: readonly ColumnName[] = [
  'PULocationID',
  'DOLocationID',
  'trip_distance',
]

/** Every ride has one place among the names of a family. */
interface Family {
  readonly key: FamilyKey
  readonly title: string
  readonly names: readonly string[]
  place(rides: RideBatch, i: number, predicted: number): number
}

const unknown = 'not known'

const columnValue = (rides: RideBatch, name: ColumnName, i: number): number =>
  rides.columns[name]?.[i] ?? Number.NaN

/** Half-open bands between edges, with names such as `2 to 3 miles`; the last is open. */
function bands(edges: readonly number[], unit: string): string[] {
  return edges.map((from, k) => {
    const to = edges[k + 1]
    return to === undefined ? `${from} ${unit} and more` : `${from} to ${to} ${unit}`
  })
}

/** The last edge that is not above a value; -1 where all are. */
function bandOf(edges: readonly number[], value: number): number {
  let k = edges.length - 1
  while (k >= 0 && value < (edges[k] as number)) k--
  return k
}

/** Zones have `N/A` for what lies outside or is not known. */
const partNames: Readonly<Record<ZonePart, string>> = {
  borough: 'Outside the city',
  service: 'Outside or unknown',
}

function byZone(key: FamilyKey, title: string, part: ZonePart): Family {
  const nameOf = (text: string): string => (text === 'N/A' ? partNames[part] : text)
  const names = [...new Set(zones.map((zone) => nameOf(zone[part])))].sort()
  const places = Int8Array.from({ length: maxZone + 1 }, (_, id) => {
    const zone = zoneOf(id)
    return zone ? names.indexOf(nameOf(zone[part])) : names.length
  })
  return {
    key,
    title,
    names: [...names, unknown],
    place: (rides, i) => places[columnValue(rides, 'PULocationID', i)] ?? names.length,
  }
}

function byTime(key: 'hour' | 'weekday', title: string, names: readonly string[]): Family {
  const measure = measureOf(key)
  return { key, title, names, place: (rides, i) => measure.read(rides, i) }
}

const mileEdges = [0, 0.5, 1, 2, 3, 5, 10, 20]
const mileNames = bands(mileEdges, 'miles')

const minuteEdges = [0, 5, 10, 15, 20, 30, 45]

/** Bands of predicted minutes, for people. */
export const predictedNames: readonly string[] = bands(minuteEdges, 'minutes')

/** The band of a prediction; one below 0 is in the first. */
export const predictedBand = (predicted: number): number =>
  Math.max(0, bandOf(minuteEdges, predicted))

/** Newark, JFK and LaGuardia. */
const airports = [1, 132, 138]

/** 0 with an airport at one end, 1 without, 2 where an end is not known. */
function airportPlace(rides: RideBatch, i: number): number {
  const ends = [columnValue(rides, 'PULocationID', i), columnValue(rides, 'DOLocationID', i)]
  if (ends.some((id) => airports.includes(id))) return 0
  return ends.some(Number.isNaN) ? 2 : 1
}

const families: readonly Family[] = [
  byTime(
    'hour',
    'Hour of the pickup',
    Array.from({ length: 24 }, (_, hour) => String(hour)),
  ),
  byTime('weekday', 'Day of the week', [
    'Monday',
    'Tuesday',
    'Wednesday',
    'Thursday',
    'Friday',
    'Saturday',
    'Sunday',
  ]),
  {
    key: 'distance',
    title: 'Distance',
    names: [...mileNames, 'negative', unknown],
    place(rides, i) {
      const miles = columnValue(rides, 'trip_distance', i)
      if (Number.isNaN(miles)) return mileNames.length + 1
      return miles < 0 ? mileNames.length : bandOf(mileEdges, miles)
    },
  },
  {
    key: 'predicted',
    title: 'Predicted minutes',
    names: predictedNames,
    place: (_, __, predicted) => predictedBand(predicted),
  },
  byZone('pickup_borough', 'Borough of the pickup', 'borough'),
  byZone('pickup_service', 'Service zone of the pickup', 'service'),
  {
    key: 'airport',
    title: 'Airports',
    names: ['to or from an airport', 'elsewhere', unknown],
    place: airportPlace,
  },
]

/** Measures the slices of all families. */
export class SliceSums {
  private readonly sums = families.map(({ names }) => new ErrorSums(names.length))

  /** Takes a ride. */
  add(rides: RideBatch, i: number, predicted: number, error: number): void {
    for (let k = 0; k < families.length; k++) {
      const place = (families[k] as Family).place(rides, i, predicted)
      ;(this.sums[k] as ErrorSums).add(place, error)
    }
  }

  /**
   * The families that files tell of.
   *
   * @param support rides that a slice needs to count for the gap
   */
  families(support: number): SliceFamily[] {
    return families.flatMap(({ key, title, names }, k) => {
      const sums = this.sums[k] as ErrorSums
      const slices = names.flatMap((name, slot): RideSlice[] => {
        const measures = sums.measures(slot)
        return measures ? [{ name, ...measures }] : []
      })
      if (slices.every(({ name }) => name === unknown)) return []
      return [{ key, title, slices, gap: gapOf(slices, support) }]
    })
  }
}

function gapOf(slices: readonly RideSlice[], support: number): number | null {
  const all = slices.filter(({ n }) => n >= support).map(({ rmse }) => rmse)
  return all.length > 1 ? Math.max(...all) - Math.min(...all) : null
}

/** The slice with the highest RMSE of those with enough rides, the first one of equals. */
export function worstOf(
  all: readonly SliceFamily[],
  support: number,
  { rmse }: Pick<ErrorMeasures, 'rmse'>,
): WorstSlice | null {
  let worst: WorstSlice | null = null
  for (const { key, slices } of all) {
    for (const slice of slices) {
      if (slice.n < support || (worst !== null && slice.rmse <= worst.rmse)) continue
      worst = { family: key, ...slice, ratio: rmse > 0 ? slice.rmse / rmse : 1 }
    }
  }
  return worst
}

/**
 * Holds a file as a whole to its contract: how many rides, on which days, how long, how fast.
 * Knows nothing about single columns.
 */

import {
  type Band,
  type Contract,
  type MeasureName,
  measureNames,
  type Period,
  periodFor,
} from '../../contract.ts'
import { type Anomaly, type AnomalyCode, countText, type Severity, shareText } from './anomaly.ts'
import type { Measures } from './measures.ts'
import { unitOf } from './unit.ts'

/** What a measure outside its band is called, below and above. */
const codes: Readonly<Record<MeasureName, readonly [low: AnomalyCode, high: AnomalyCode]>> = {
  rides_per_day: ['DATASET_LOW_NUM_EXAMPLES', 'DATASET_HIGH_NUM_EXAMPLES'],
  neighbour_ratio: ['COMPARATOR_LOW_NUM_EXAMPLES', 'COMPARATOR_HIGH_NUM_EXAMPLES'],
  empty_days: ['NO_DATA_IN_SPAN', 'NO_DATA_IN_SPAN'],
  thin_days: ['NO_DATA_IN_SPAN', 'NO_DATA_IN_SPAN'],
  outside_month: ['TIME_OUTSIDE_MONTH', 'TIME_OUTSIDE_MONTH'],
  unreadable_times: ['TIME_NOT_READABLE', 'TIME_NOT_READABLE'],
  backwards: ['TIME_DROPOFF_BEFORE_PICKUP', 'TIME_DROPOFF_BEFORE_PICKUP'],
  over_three_hours: ['TIME_LONG_RIDES', 'TIME_LONG_RIDES'],
  kept: ['DATASET_LOW_KEPT_SHARE', 'DATASET_HIGH_KEPT_SHARE'],
  median_minutes: ['RIDE_DURATION_LOW', 'RIDE_DURATION_HIGH'],
  median_miles: ['RIDE_DISTANCE_LOW', 'RIDE_DISTANCE_HIGH'],
  median_mph: ['RIDE_SPEED_LOW', 'RIDE_SPEED_HIGH'],
  zone_concentration: ['ZONES_SWAPPED', 'ZONES_SWAPPED'],
  quietest_hour: ['TIME_OF_DAY_SHIFTED', 'TIME_OF_DAY_SHIFTED'],
  duplicates: ['DATASET_DUPLICATE_EXAMPLES', 'DATASET_DUPLICATE_EXAMPLES'],
}

/** Measures that are a share of rows. */
const shares: ReadonlySet<MeasureName> = new Set<MeasureName>([
  'outside_month',
  'unreadable_times',
  'backwards',
  'over_three_hours',
  'kept',
  'duplicates',
])

/** The sentence of an anomaly, given the value as text. */
const sentences: Readonly<Record<MeasureName, (value: string, measures: Measures) => string>> = {
  rides_per_day: (value, { rows }) =>
    `the month has ${countText(rows)} rides, ${value} a day, which no such month has had`,
  neighbour_ratio: (value, { rows, notes }) =>
    `the month has ${countText(rows)} rides, ${value} of what is usual a day around it (${notes.neighbour_ratio ?? ''})`,
  empty_days: (value, { notes }) =>
    `${value === '1' ? 'a day has' : `${value} days have`} no rides: ${notes.empty_days ?? ''}`,
  thin_days: (value, { notes }) =>
    `${value === '1' ? 'a day has' : `${value} days have`} hardly any rides: ${notes.thin_days ?? ''}`,
  outside_month: (value, { notes }) =>
    `${value} of the pickups lie outside the month of the file's name${notes.outside_month ? `; most are of ${notes.outside_month}` : ''}`,
  unreadable_times: (value) => `${value} of the rows have no readable pickup and drop-off time`,
  backwards: (value) => `${value} of the rides end before they begin`,
  over_three_hours: (value) => `${value} of the rides take longer than three hours`,
  kept: (value) => `${value} of the rows take 1 to 60 minutes`,
  median_minutes: (value) => `the median ride takes ${value} minutes`,
  median_miles: (value) => `the median ride is ${value} miles long`,
  median_mph: (value) => `the median ride goes at ${value} miles per hour`,
  zone_concentration: (value) =>
    `pickups cluster in few zones ${value} times as much as drop-offs do: the two columns may be exchanged`,
  quietest_hour: (value) =>
    `the quietest hours of the day lie around ${value}:00: times may be of another zone, such as UTC`,
  duplicates: (value) => `${value} of the rows repeat another row exactly`,
}

/** Checks every measure that has a value and a band for its month. */
export function checkMeasures(contract: Contract, measures: Measures): Anomaly[] {
  return measureNames.flatMap((name) => {
    const period = periodFor(contract.measures[name], measures.month)
    const value = measures.values[name]
    if (!period || value === undefined || Number.isNaN(value)) return []
    return checkMeasure(name, value, period, measures)
  })
}

function checkMeasure(
  name: MeasureName,
  value: number,
  period: Period,
  measures: Measures,
): Anomaly[] {
  const side = { error: sideOf(value, period.error), warn: sideOf(value, period.warn) }
  const found = side.error ?? side.warn
  if (!found) return []
  // Above a single neighbour: it may as well be the other file that lost its rides.
  const unsure = name === 'neighbour_ratio' && found === 'high' && measures.neighbours < 2
  const severity: Severity = side.error && !unsure ? 'error' : 'warn'
  const band = (side.error ? period.error : period.warn) as Band
  const text = valueText(name, value)
  const unit = name === 'median_mph' ? unitOf(measures, period) : ''
  const column = columnOf(name, measures)
  return [
    {
      code: codes[name][found === 'low' ? 0 : 1],
      severity,
      column,
      count: measures.counts[name],
      share: shares.has(name) ? value : undefined,
      expected: bandText(name, band),
      found: text,
      examples: measures.examples[name] ?? [],
      message: `${sentences[name](text, measures)}${unit}`,
    },
  ]
}

function columnOf(name: MeasureName, { names }: Measures): string | undefined {
  if (name === 'median_miles' || name === 'median_mph') return names.distance
  if (name === 'outside_month' || name === 'quietest_hour') return names.pickup
  return undefined
}

function sideOf(value: number, band: Band | undefined): 'low' | 'high' | undefined {
  if (!band) return undefined
  const [low, high] = band
  if (low !== null && value < low) return 'low'
  return high !== null && value > high ? 'high' : undefined
}

function valueText(name: MeasureName, value: number): string {
  if (shares.has(name)) return shareText(value)
  if (name === 'neighbour_ratio') return shareText(value)
  if (Number.isInteger(value)) return countText(value)
  return value >= 100 ? countText(Math.round(value)) : String(Number(value.toPrecision(3)))
}

function bandText(name: MeasureName, [low, high]: Band): string {
  const text = (value: number): string => valueText(name, value)
  if (low !== null && high !== null && low > 0) return `${text(low)} to ${text(high)}`
  if (high === 0) return 'none'
  if (high !== null) return `at most ${text(high)}`
  return low === null ? 'anything' : `at least ${text(low)}`
}

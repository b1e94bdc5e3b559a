/**
 * What a ride is: the columns of the trip files by fleet, their units and plausible ranges,
 * and the columnar batch that every feature is computed from, one ride or a million.
 * Knows nothing about files, recipes or models.
 */

/** The fleets whose trip files can be trained on. */
export const taxis = ['green', 'yellow', 'fhv', 'fhvhv'] as const

/** A fleet of taxis. */
export type Taxi = (typeof taxis)[number]

/** True for fleets with commas, as a model of several states them. */
export function areTaxis(text: string): boolean {
  return text.split(',').every((name) => (taxis as readonly string[]).includes(name))
}

/** The largest zone id; zones are numbered 1 to 265. */
export const maxZone = 265

/**
 * Ids are integers from 0 to this, both included. Codes of products of ids are packed into
 * one number on this radix, so three ids still fit into the 53 bits of a double.
 */
export const maxId = 65_535

/** One column of a trip file that a recipe may name. */
export interface RideColumn {
  /** `id`: a category by number; `number`: a quantity. */
  readonly kind: 'id' | 'number'
  /** What one unit means, for people. */
  readonly unit: string
  /**
   * Fixed-point units in 1: 100 where official files hold whole hundredths. A value `x` is
   * summed exactly as the integer `x * scale`.
   */
  readonly scale: number
  /** True when the value is known only once the ride is over: a recipe must ask for such leakage. */
  readonly afterRide: boolean
}

const id = (unit: string, afterRide = false): RideColumn => ({
  kind: 'id',
  unit,
  scale: 1,
  afterRide,
})
const dollars: RideColumn = { kind: 'number', unit: 'US dollars', scale: 100, afterRide: true }

/**
 * Columns by their canonical name; in files they are matched without regard to case.
 * The two time columns are not among them: every fleet calls them differently.
 */
export const rideColumns = {
  PULocationID: id('taxi zone of the pickup, 1 to 265'),
  DOLocationID: id('taxi zone of the drop-off, 1 to 265'),
  VendorID: id('provider of the meter record'),
  RatecodeID: id('rate code: 1 standard, 2 JFK, 3 Newark, 4 Nassau, 5 negotiated, 6 group'),
  trip_type: id('green only: 1 street hail, 2 dispatch'),
  trip_distance: { kind: 'number', unit: 'miles', scale: 100, afterRide: false },
  passenger_count: { kind: 'number', unit: 'passengers', scale: 1, afterRide: false },
  payment_type: id('1 card, 2 cash, 3 no charge, 4 dispute, 5 unknown, 6 voided', true),
  fare_amount: dollars,
  extra: dollars,
  mta_tax: dollars,
  tip_amount: dollars,
  tolls_amount: dollars,
  ehail_fee: dollars,
  improvement_surcharge: dollars,
  total_amount: dollars,
  congestion_surcharge: dollars,
  airport_fee: dollars,
  cbd_congestion_fee: dollars,
} as const satisfies Record<string, RideColumn>

/** The canonical name of a column. */
export type ColumnName = keyof typeof rideColumns

/** All canonical column names. */
export const columnNames = Object.keys(rideColumns) as ColumnName[]

/** What a feature can be computed from: a column or the time of the pickup. */
export type InputName = ColumnName | 'pickup_datetime'

/** How one fleet's files spell things: each with its spellings over the years, the newest first. */
export interface Fleet {
  /** What the fleet is, for people. */
  readonly title: string
  /** Column with the time of the pickup. */
  readonly pickup: readonly string[]
  /** Column with the time of the drop-off. */
  readonly dropoff: readonly string[]
  /** Columns that are not spelled as their canonical name; case never matters. */
  readonly columns: Partial<Readonly<Record<ColumnName, readonly string[]>>>
}

/**
 * The column map of every fleet by era. Yellow files of 2009 and 2010 have coordinates instead of
 * zones; files for hire (`fhv`) have no distance in any year.
 */
export const fleets: Readonly<Record<Taxi, Fleet>> = {
  green: {
    title: 'green taxis',
    pickup: ['lpep_pickup_datetime'],
    dropoff: ['lpep_dropoff_datetime'],
    columns: {},
  },
  yellow: {
    title: 'yellow taxis',
    pickup: ['tpep_pickup_datetime', 'pickup_datetime', 'Trip_Pickup_DateTime'],
    dropoff: ['tpep_dropoff_datetime', 'dropoff_datetime', 'Trip_Dropoff_DateTime'],
    columns: {
      RatecodeID: ['RatecodeID', 'rate_code'],
      fare_amount: ['fare_amount', 'Fare_Amt'],
      tip_amount: ['tip_amount', 'Tip_Amt'],
      tolls_amount: ['tolls_amount', 'Tolls_Amt'],
      total_amount: ['total_amount', 'Total_Amt'],
    },
  },
  fhv: {
    title: 'for-hire vehicles',
    pickup: ['pickup_datetime', 'Pickup_date'],
    dropoff: ['dropOff_datetime'],
    columns: { PULocationID: ['PUlocationID', 'locationID'], DOLocationID: ['DOlocationID'] },
  },
  fhvhv: {
    title: 'high-volume for-hire vehicles',
    pickup: ['pickup_datetime'],
    dropoff: ['dropoff_datetime'],
    columns: {
      trip_distance: ['trip_miles'],
      fare_amount: ['base_passenger_fare'],
      tip_amount: ['tips'],
      tolls_amount: ['tolls'],
    },
  },
}

/**
 * Rides as columns, all of one length. NaN stands for a missing value everywhere.
 * Times are microseconds since 1970-01-01T00:00 on the local wall clock, without a zone.
 */
export interface RideBatch {
  /** Number of rides. */
  readonly length: number
  /** Time of the pickup, microseconds; NaN where missing, Infinity where it is text that is no time. */
  readonly pickup: Float64Array
  /** Time of the drop-off, microseconds; NaN where missing, and always NaN when serving. */
  readonly dropoff: Float64Array
  /** Values by canonical column name, in the column's unit; a column nobody asked for is absent. */
  readonly columns: Partial<Record<ColumnName, Float64Array>>
}

/** Microseconds in an hour. */
export const hourMicros = 3_600_000_000

/**
 * A wall-clock time as text: `2021-02-03T08:15`, `2021-02-03 08:15:30` or with a fraction.
 * A zone (`Z`, `+01:00`) is refused: the trip files have none, and guessing shifts the hour.
 *
 * @returns microseconds since 1970-01-01T00:00 on that clock, or NaN when it is not such a time
 */
export function parseWallClock(text: string): number {
  const plain = text.trim()
  const match = wallClock.exec(plain)
  if (!match) return Number.NaN
  // By position: the pattern has fixed widths up to the seconds.
  const year = twoDigits(plain, 0) * 100 + twoDigits(plain, 2)
  const month = twoDigits(plain, 5)
  const day = twoDigits(plain, 8)
  const hour = twoDigits(plain, 11)
  const minute = twoDigits(plain, 14)
  const second = plain.length > 16 ? twoDigits(plain, 17) : 0
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN
  if (year < 100 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month))
    return Number.NaN
  const fraction = match[1] === undefined ? 0 : Number(match[1].padEnd(6, '0'))
  const seconds = ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
  return seconds * 1e6 + fraction
}

/** Days of a month, 1 to 12. */
function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Days from 1970-01-01 in the Gregorian calendar, years from 0: an object of Date costs ten times it. */
function daysSince1970(year: number, month: number, day: number): number {
  // Years that begin in March put the leap day last.
  const y = month > 2 ? year : year - 1
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return y * 365 + leapDays + dayOfYear - 719_468
}

const wallClock = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.(\d{1,6}))?)?$/

function twoDigits(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 0x30 * 11
}

/**
 * The text of a wall-clock time, to the second or as exactly as it is: what {@link parseWallClock}
 * reads back.
 *
 * @param micros microseconds since 1970-01-01T00:00 on that clock
 */
export function formatWallClock(micros: number): string {
  const seconds = Math.floor(micros / 1e6)
  const fraction = micros - seconds * 1e6
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0')}`
}

/**
 * Names that are derived from the time of the pickup, with the number of their levels: weekdays from
 * Monday, quarters of an hour of the day, weekend and holiday 1 where they are.
 */
export const derivedLevels = {
  hour: 24,
  weekday: 7,
  hour_of_week: 168,
  quarter_hour: 96,
  weekend: 2,
  holiday: 2,
} as const

/** A name derived from the time of the pickup. */
export type DerivedName = keyof typeof derivedLevels

/** A column that names a taxi zone. */
export type ZoneColumn = 'PULocationID' | 'DOLocationID'

/** What zones are grouped by. */
export type ZonePart = 'borough' | 'service'

/** Categories of the zones of a ride by the names that recipes give them. */
export const zoneNames = {
  pickup_borough: { column: 'PULocationID', part: 'borough' },
  dropoff_borough: { column: 'DOLocationID', part: 'borough' },
  pickup_service: { column: 'PULocationID', part: 'service' },
  dropoff_service: { column: 'DOLocationID', part: 'service' },
} as const satisfies Record<string, { column: ZoneColumn; part: ZonePart }>

/** A name of {@link zoneNames}. */
export type ZoneName = keyof typeof zoneNames

/** A batch of one ride with room for the given columns, all missing: to be filled and reused. */
export function emptyRide(columns: readonly ColumnName[]): RideBatch {
  const missing = (): Float64Array => new Float64Array(1).fill(Number.NaN)
  return {
    length: 1,
    pickup: missing(),
    dropoff: missing(),
    columns: Object.fromEntries(columns.map((name) => [name, missing()])),
  }
}

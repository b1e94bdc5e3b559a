/**
 * What is believed of the numbers of a taxi ride: beyond these bounds a value is a fault of the
 * record, not a rare ride. Only named, never dropped. Knows nothing about files.
 */

import type { ColumnName } from '../../ride.ts'
import type { Range } from './distribution.ts'

/** Longest distance that is believed, miles. */
export const plausibleMiles = 100

const dollars = (high: number): Range => ({ low: 0, high })

/** Bounds by canonical column, both included. */
export const plausible: Partial<Readonly<Record<ColumnName | 'duration' | 'speed', Range>>> = {
  trip_distance: { low: 0, high: plausibleMiles },
  // Some vans take more than the usual six.
  passenger_count: { low: 0, high: 9 },
  fare_amount: dollars(500),
  tip_amount: dollars(200),
  tolls_amount: dollars(100),
  total_amount: dollars(600),
  extra: dollars(25),
  mta_tax: dollars(5),
  ehail_fee: dollars(5),
  improvement_surcharge: dollars(2),
  congestion_surcharge: dollars(5),
  airport_fee: dollars(10),
  cbd_congestion_fee: dollars(5),
  // Minutes: a shift is twelve hours, a meter left on runs for a day.
  duration: { low: 0, high: 12 * 60 },
  // Miles per hour: no highway of the city allows more than 55.
  speed: { low: 0, high: 80 },
}

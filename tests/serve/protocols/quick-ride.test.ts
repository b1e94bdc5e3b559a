/** The quick check of a batch's rows agrees with the schema of `POST /predict`. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quickRides } from '../../../src/serve/protocols/quick-ride.ts'
import { fieldsOf, rideSchema } from '../../../src/serve/ride-fields.ts'

const fields = fieldsOf(
  ['PULocationID', 'DOLocationID', 'VendorID', 'trip_distance', 'pickup_datetime', 'fare_amount'],
  ['VendorID', 'trip_distance'],
)

const value = fc.oneof(
  fc.constantFrom(0, 1, 43, 265, 266, -1, 1.5, 65_535, 65_536, 1e308, -0, Number.NaN),
  fc.constantFrom(Number.POSITIVE_INFINITY, '43', '', null, undefined, true, [], {}),
  fc.constantFrom('2021-02-03T08:15', '2021-02-30T08:15', '2021-02-03T08:15Z', '08:15'),
)
const ride = fc.oneof(
  { weight: 8, arbitrary: fc.record(Object.fromEntries(fields.map(({ name }) => [name, value]))) },
  {
    weight: 8,
    arbitrary: fc.record({
      PULocationID: fc.constantFrom(1, 43, 265),
      DOLocationID: fc.constantFrom(1, 151),
      VendorID: fc.constantFrom(0, 2),
      trip_distance: fc.double({ min: 0, max: 100, noNaN: true }),
      pickup_datetime: fc.constantFrom('2021-02-03T08:15', undefined, null, '2021-02-03T09:15'),
    }),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
)

test('what it takes, the schema takes with the same result, and it takes most that is right', () => {
  const schema = rideSchema(fields)
  const quick = quickRides(fields)
  let taken = 0
  let right = 0
  fc.assert(
    fc.property(ride, (one) => {
      const parsed = schema.safeParse(one)
      const ours = quick(one)
      if (parsed.success) right++
      if (ours === undefined) return
      taken++
      // Absent and undefined are the same to the predictor.
      expect(parsed.success && JSON.parse(JSON.stringify(parsed.data))).toEqual(
        JSON.parse(JSON.stringify(ours)),
      )
    }),
    { numRuns: 5000, seed: 20210101 },
  )
  expect(right).toBeGreaterThan(1000)
  expect(taken).toBeGreaterThan(right / 2)
})

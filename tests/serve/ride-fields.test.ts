import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldsOf, quickCheck, rideOf, rideSchema } from '../../src/serve/ride-fields.ts'

const fields = fieldsOf(
  ['PULocationID', 'DOLocationID', 'trip_distance', 'pickup_datetime', 'VendorID'],
  ['PULocationID', 'trip_distance', 'VendorID'],
)
const check = { fields, schema: rideSchema(fields), quick: quickCheck(fields) }

const odd = fc.oneof(
  fc.constantFrom(null, undefined, 0, -0, -1, 265, 266, 1.5, 65_535, 65_536, 1e308, '43', '', true),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, '2021-02-03T08:15', '2021-02-30T08:15', {}),
  fc.double(),
)
const member = (...usual: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: odd })
const bodies = fc.record(
  {
    PULocationID: member(1, 43, 265),
    DOLocationID: member(1, 151, 265),
    trip_distance: member(0, 1.01, 200_000),
    pickup_datetime: member('2021-02-03T08:15', '2021-12-31 23:59:59.5'),
    VendorID: member(1, 2),
    other: fc.jsonValue(),
  },
  { requiredKeys: [] },
)

describe('the quick check', () => {
  test('takes nothing that the schema refuses, and gives what the schema gives', () => {
    let taken = 0
    fc.assert(
      fc.property(bodies, (body) => {
        const ride = check.quick(body)
        if (ride === undefined) return
        taken++
        const given = check.schema.parse(body)
        const present = Object.entries(given).filter(([, value]) => value !== undefined)
        expect(ride).toEqual(Object.fromEntries(present))
      }),
      { numRuns: 3000, seed: 7 },
    )
    expect(taken).toBeGreaterThan(300)
  })

  test('takes a ride as clients send it', () => {
    const body = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.01, VendorID: 2 }
    expect(check.quick(body)).toEqual(body)
  })

  test.each([[null], [[]], ['text'], [7], [undefined]])('leaves %j to the schema', (body) => {
    expect(check.quick(body)).toBeUndefined()
    expect(rideOf(body, check)).toMatchObject([{ code: 'wrong_type', pointer: '#' }])
  })
})

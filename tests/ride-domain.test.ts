import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseContract } from '../src/contract.ts'
import { rowRules } from '../src/pipeline/contract/reasons.ts'
import { type ColumnName, columnNames, maxId, type RideBatch, rideColumns } from '../src/ride.ts'
import { domainOf, environmentsOf } from '../src/ride-domain.ts'
import { fieldsOf, rideSchema } from '../src/serve/ride-fields.ts'

/** A contract that says nothing of its own about a column. */
const bare = (name: ColumnName) =>
  parseContract(
    `{ format: 1, fleet: green, columns: { ${name}: { type: ${rideColumns[name].kind} } } }`,
    'bare',
  )

function rideOf(name: ColumnName, value: number): RideBatch {
  return {
    length: 1,
    pickup: Float64Array.of(0),
    dropoff: Float64Array.of(60e6),
    columns: { [name]: Float64Array.of(value) },
  }
}

/** What the rules of a contract make of a value in a file. */
function isTrained(name: ColumnName, value: number): boolean {
  return rowRules(bare(name), [name], undefined).every(
    (rule) => !rule.breaks(rideOf(name, value), 0),
  )
}

/** What the server makes of it in a request. */
function isServed(name: ColumnName, value: number): boolean {
  const ride = { PULocationID: 1, DOLocationID: 1, trip_distance: 1, [name]: value }
  return rideSchema(fieldsOf([name])).safeParse(ride).success
}

describe('what a value can be', () => {
  test.each(columnNames)('of %s is the same in a file and in a request', (name) => {
    const near = [-1, 0, 0.5, 1, 264, 265, 266, maxId, maxId + 1]
    const value = fc.oneof(
      fc.constantFrom(...near),
      fc.integer({ min: -1000, max: 100_000 }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    )
    fc.assert(
      fc.property(value, (one) => {
        expect(isServed(name, one)).toBe(isTrained(name, one))
      }),
    )
  })

  test('is stated for zones, ids, distances and amounts', () => {
    expect(domainOf('PULocationID')).toEqual({ kind: 'id', from: 1, to: 265, zone: true })
    expect(domainOf('VendorID')).toEqual({ kind: 'id', from: 0, to: maxId, zone: false })
    expect(domainOf('trip_distance')).toEqual({ kind: 'number', unit: 'miles', from: 0 })
    expect(domainOf('fare_amount')).toEqual({ kind: 'number', unit: 'US dollars' })
  })
})

test('what is known only after the ride is of TRAINING alone', () => {
  for (const name of columnNames) {
    const expected = rideColumns[name].afterRide ? ['TRAINING'] : ['TRAINING', 'SERVING']
    expect(environmentsOf(name)).toEqual(expected)
  }
  expect(environmentsOf('dropoff_datetime')).toEqual(['TRAINING'])
  expect(environmentsOf('pickup_datetime')).toEqual(['TRAINING', 'SERVING'])
})

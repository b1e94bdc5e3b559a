import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  columnNames,
  emptyRide,
  fleets,
  hourMicros,
  maxId,
  maxZone,
  parseWallClock,
  rideColumns,
  taxis,
} from '../src/ride.ts'
import { zones } from '../src/zones.ts'

const utc = (...parts: [number, number, number, number, number, number?]): number =>
  Date.UTC(...parts) * 1000

describe('parseWallClock', () => {
  test.each([
    ['2021-02-03T08:15', utc(2021, 1, 3, 8, 15)],
    ['2021-02-03 08:15', utc(2021, 1, 3, 8, 15)],
    ['2021-02-03 08:15:30', utc(2021, 1, 3, 8, 15, 30)],
    [' 2021-02-03T08:15:30 ', utc(2021, 1, 3, 8, 15, 30)],
    ['2021-02-03T08:15:30.5', utc(2021, 1, 3, 8, 15, 30) + 500_000],
    ['2021-02-03T08:15:30.000001', utc(2021, 1, 3, 8, 15, 30) + 1],
    ['2021-02-03T08:15:30.123456', utc(2021, 1, 3, 8, 15, 30) + 123_456],
    ['1970-01-01T00:00', 0],
    ['1969-12-31T23:59:59.999999', -1],
    ['2020-02-29T00:00', utc(2020, 1, 29, 0, 0)],
    ['2000-02-29T23:59:59', utc(2000, 1, 29, 23, 59, 59)],
  ])('reads %j', (text, micros) => {
    expect(parseWallClock(text)).toBe(micros)
  })

  test('keeps an hour that the clocks of the machine skip or repeat', () => {
    // Chatham and New York both have such hours; as wall-clock text they are hours like others.
    const [one, two, three] = ['01:30', '02:30', '03:30'].map((time) =>
      parseWallClock(`2021-03-14T${time}`),
    ) as [number, number, number]
    expect([two - one, three - two]).toEqual([hourMicros, hourMicros])
  })

  test.each([
    '',
    'yesterday',
    '2021-02-03',
    '2021-02-03T8:15',
    '2021-2-3 08:15',
    '2021-02-03T08:15Z',
    '2021-02-03T08:15+01:00',
    '2021-02-03 08:15 EST',
    '02/03/2021 08:15',
    '2021-02-03T24:00',
    '2021-02-03T08:60',
    '2021-02-03T08:15:60',
    '2021-02-03T08:15:30.1234567',
    '2021-02-03T08:15:30.',
    '2021-02-31T08:15',
    '2021-02-29T08:15',
    '1900-02-29T08:15',
    '2021-13-01T08:15',
    '2021-00-01T08:15',
    '2021-01-00T08:15',
    '0021-01-01T08:15',
    '2021-02-03T08:15\n2021-02-03T08:15',
    '٢٠٢١-02-03T08:15',
  ])('refuses %j', (text) => {
    expect(parseWallClock(text)).toBeNaN()
  })

  test('agrees with Date on random times', () => {
    const range = { min: Date.UTC(1000, 0), max: Date.UTC(9999, 11) }
    fc.assert(
      fc.property(fc.integer(range), fc.constantFrom('T', ' '), (millis, between) => {
        const text = new Date(millis).toISOString().replace('T', between).replace('Z', '')
        expect(parseWallClock(text)).toBe(millis * 1000)
        expect(parseWallClock(text.slice(0, 16))).toBe(Math.floor(millis / 60_000) * 60e6)
      }),
      { numRuns: 500, seed: 1 },
    )
  })
})

describe('the columns of a ride', () => {
  test('what is known only after the ride is marked so, and nothing else', () => {
    // The data dictionaries of the Taxi & Limousine Commission: fares, fees, tips, tolls, the
    // total and how it was paid are written when the meter stops.
    const before = columnNames.filter((name) => !rideColumns[name].afterRide)
    expect(before.sort()).toEqual([
      'DOLocationID',
      'PULocationID',
      'RatecodeID',
      'VendorID',
      'passenger_count',
      'trip_distance',
      'trip_type',
    ])
  })

  test('names of a fleet differ without regard to case, as files are read', () => {
    for (const taxi of taxis) {
      const { pickup, dropoff, columns } = fleets[taxi]
      const all = [...columnNames.map((name) => columns[name] ?? [name]), pickup, dropoff].flat()
      expect(new Set(all.map((name) => name.toLowerCase())).size, taxi).toBe(all.length)
    }
  })

  test('three ids and the hours of a week fit into the integers of a double', () => {
    expect((maxId + 1) ** 3).toBeLessThan(2 ** 53)
    expect(maxZone).toBe(zones.length)
    expect(maxZone).toBeLessThan(maxId)
  })
})

describe('emptyRide', () => {
  test('is one ride with everything missing, each value in its own array', () => {
    const ride = emptyRide(['PULocationID', 'trip_distance'])
    expect(ride.length).toBe(1)
    expect(Object.keys(ride.columns)).toEqual(['PULocationID', 'trip_distance'])
    const arrays = [ride.pickup, ride.dropoff, ...Object.values(ride.columns)]
    for (const array of arrays) expect([...array]).toEqual([Number.NaN])
    expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBe(arrays.length)
  })
})

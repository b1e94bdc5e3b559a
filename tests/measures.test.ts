import { describe, expect, test } from 'vitest'
import { type MeasureName, measureNames, measureOf, zoneDistance } from '../src/measures.ts'
import { emptyRide, parseWallClock, type RideBatch } from '../src/ride.ts'
import { zones } from '../src/zones.ts'

/** A ride from zone to zone. */
function ride(from: number, to: number, miles: number, at = '2021-02-03T08:15:30'): RideBatch {
  const batch = emptyRide(['PULocationID', 'DOLocationID', 'trip_distance'])
  batch.pickup[0] = parseWallClock(at)
  const put = (name: 'PULocationID' | 'DOLocationID' | 'trip_distance', value: number): void => {
    ;(batch.columns[name] as Float64Array)[0] = value
  }
  put('PULocationID', from)
  put('DOLocationID', to)
  put('trip_distance', miles)
  return batch
}

const read = (name: MeasureName, rides: RideBatch): number => measureOf(name).read(rides, 0)

describe('the distance between zones', () => {
  test('is that of a sphere to half a per cent', () => {
    // Haversine formula, radius 3,958.8 miles.
    const radians = Math.PI / 180
    const known = zones.filter(({ longitude }) => !Number.isNaN(longitude))
    expect(known).toHaveLength(263)
    for (const a of known) {
      for (const b of known) {
        const [p, q] = [a.latitude * radians, b.latitude * radians]
        const h =
          Math.sin((q - p) / 2) ** 2 +
          Math.cos(p) * Math.cos(q) * Math.sin(((b.longitude - a.longitude) * radians) / 2) ** 2
        const miles = 2 * 3958.8 * Math.asin(Math.sqrt(h))
        expect(Math.abs(zoneDistance(a.id, b.id) - miles)).toBeLessThan(0.002 + 0.005 * miles)
      }
    }
  })

  test('is 0 within a zone, the same both ways, and missing without a centroid', () => {
    expect(zoneDistance(43, 43)).toBe(0)
    expect(zoneDistance(43, 151)).toBe(zoneDistance(151, 43))
    for (const other of [264, 265, 0, -1, 266, 43.5, Number.NaN]) {
      expect(zoneDistance(43, other)).toBeNaN()
      expect(zoneDistance(other, 43)).toBeNaN()
    }
  })

  test('is that of the first of the zones that share an outline', () => {
    expect(zoneDistance(56, 57)).toBe(0)
    expect(zoneDistance(103, 104)).toBe(0)
    expect(zoneDistance(104, 105)).toBe(0)
  })
})

describe('a measure', () => {
  test('of the distance over the straight line is missing where there is none', () => {
    const straight = zoneDistance(43, 151)
    expect(read('distance_ratio', ride(43, 151, 2))).toBe(2 / straight)
    expect(read('distance_ratio', ride(43, 43, 2))).toBeNaN()
    expect(read('distance_ratio', ride(43, 265, 2))).toBeNaN()
    expect(read('distance_ratio', ride(43, 151, Number.NaN))).toBeNaN()
  })

  test('of the time is that of the clock on the wall', () => {
    // 3 February 2021 was a Wednesday.
    const rides = ride(43, 151, 1)
    expect(read('minute_of_day', rides)).toBe(8 * 60 + 15)
    expect(read('hour', rides)).toBe(8)
    expect(read('weekday', rides)).toBe(2)
    expect(read('hour_of_week', rides)).toBe(2 * 24 + 8)
    const before1970 = ride(43, 151, 1, '1969-12-31T23:59:59')
    expect(read('minute_of_day', before1970)).toBe(1439)
    expect(read('weekday', before1970)).toBe(2)
  })

  test('is computed from the inputs that it names, and missing without them', () => {
    for (const name of measureNames) {
      const { inputs, unit } = measureOf(name)
      expect(unit).not.toBe('')
      const columns = inputs.filter((input) => input !== 'pickup_datetime')
      expect(read(name, emptyRide(columns))).toBeNaN()
    }
  })
})

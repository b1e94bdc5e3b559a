/** What a model makes of its inputs, on a model whose answer is known. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { partialDependence, permutationImportance } from '../../../src/pipeline/judge/inputs.ts'
import { Reservoir } from '../../../src/pipeline/judge/reservoir.ts'
import { sampleRides } from '../../../src/pipeline/judge/sample-rides.ts'
import { planOf } from '../../../src/pipeline/plan.ts'
import { hourMicros } from '../../../src/ride.ts'
import { randomNumbers, rideBatch } from '../../random-rides.ts'
import { greenColumns, makeParquet } from '../make-parquet.ts'
import { knownModel, ofHour, onSunday, perMile } from './known-model.ts'

// Monday 2021-02-01T00:00.
const start = Date.UTC(2021, 1, 1) * 1000
const random = randomNumbers(3)
const upTo = (n: number): number => Math.floor(random() * n)

/** Rides that take exactly as long as the model says: the RMSE rises from 0. */
const rows = Array.from({ length: 2000 }, () => {
  const hour = upTo(7 * 24)
  const pickup = start + hour * hourMicros + upTo(60) * 60e6
  const trip_distance = upTo(1000) / 100
  const minutes = 3 + perMile * trip_distance + ofHour(hour % 24) + (hour >= 6 * 24 ? onSunday : 0)
  return {
    pickup,
    dropoff: pickup + minutes * 60e6,
    PULocationID: 1 + upTo(50),
    DOLocationID: 1 + upTo(50),
    VendorID: 1 + upTo(2),
    trip_distance,
  }
})
const rides = rideBatch(rows)
const model = knownModel(rides)

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

describe('permutationImportance', () => {
  const found = permutationImportance(model, rides, { repeats: 5 })
  const of = (input: string) => found.find((one) => one.input === input)

  test('is what independent values in place of the true ones cost', () => {
    // A value and another drawn from the same rides differ by a variance of twice theirs.
    const miles = rows.map((row) => row.trip_distance)
    const variance = mean(miles.map((one) => one ** 2)) - mean(miles) ** 2
    const expected = perMile * Math.sqrt(2 * variance)
    expect(Math.abs((of('trip_distance')?.rise ?? 0) / expected - 1)).toBeLessThan(0.03)
    expect(of('trip_distance')?.deviation).toBeGreaterThan(0)
    expect(of('trip_distance')?.deviation).toBeLessThan(0.05 * expected)
  })

  test('is the sum over all that is made of the time', () => {
    const added = rows.map(
      (row) => row.dropoff / 60e6 - row.pickup / 60e6 - perMile * row.trip_distance,
    )
    const variance = mean(added.map((one) => one ** 2)) - mean(added) ** 2
    const expected = Math.sqrt(2 * variance)
    expect(Math.abs((of('pickup_datetime')?.rise ?? 0) / expected - 1)).toBeLessThan(0.05)
  })

  test('is nothing for what the model does not look at', () => {
    for (const input of ['PULocationID', 'DOLocationID', 'VendorID']) {
      expect(of(input)?.rise).toBeCloseTo(0, 9)
    }
  })

  test('has the most needed input first, each once', () => {
    expect(found.slice(0, 2).map(({ input }) => input)).toEqual([
      'trip_distance',
      'pickup_datetime',
    ])
    expect(found).toHaveLength(model.features.inputs.length)
  })

  test('is decided by the seed', () => {
    const some = (seed: number) => permutationImportance(model, rides, { seed, repeats: 1 })
    expect(some(4)).toEqual(some(4))
    expect(some(4)).not.toEqual(some(5))
  })

  test('leaves the rides as they were', () => {
    expect(rides).toEqual(rideBatch(rows))
  })
})

describe('partialDependence', () => {
  const average = mean(rows.map((row) => (row.dropoff - row.pickup) / 60e6))

  test('rises with distance as the coefficient says', () => {
    const miles = mean(rows.map((row) => row.trip_distance))
    const { input, points } = partialDependence(model, rides, 'trip_distance', [0, 2, 10])
    expect(input).toBe('trip_distance')
    for (const { value, minutes } of points) {
      expect(minutes).toBeCloseTo(average + perMile * (value - miles), 9)
    }
    expect(points.map(({ value }) => value)).toEqual([0, 2, 10])
  })

  test('sets the hour of the pickup and keeps the day', () => {
    const hours = mean(
      rows.map((row) => ofHour(Math.floor((row.pickup - start) / hourMicros) % 24)),
    )
    for (const { value, minutes } of partialDependence(model, rides, 'hour', [0, 8, 23]).points) {
      expect(minutes).toBeCloseTo(average + ofHour(value) - hours, 9)
    }
  })

  test('sets the day of the week and keeps the hour', () => {
    const sundays = mean(rows.map((row) => (row.pickup >= start + 6 * 24 * hourMicros ? 1 : 0)))
    for (const { value, minutes } of partialDependence(model, rides, 'weekday', [0, 6]).points) {
      const isSunday = value === 6 ? 1 : 0
      expect(minutes).toBeCloseTo(average + onSunday * (isSunday - sundays), 9)
    }
  })

  test('refuses an input that the model does not have', () => {
    expect(() => partialDependence(model, rides, 'passenger_count', [1])).toThrow(
      'input passenger_count is not one of the model: expected one of PULocationID, DOLocationID, pickup_datetime, trip_distance, VendorID',
    )
  })
})

describe('sampleRides', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ridecast-sample-'))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  const fileOf = (name: string, rowGroup: number) => {
    const fileRides = rows.map(
      ({ pickup, dropoff, PULocationID, DOLocationID, trip_distance }) => ({
        pickup,
        dropoff: Math.round(dropoff),
        from: PULocationID,
        to: DOLocationID,
        miles: trip_distance,
      }),
    )
    const path = makeParquet(join(folder, name), greenColumns(fileRides), rowGroup)
    return { source: { path }, taxi: 'green' as const }
  }
  const plan = planOf(model.recipe, model.features)

  test('keeps whole rides, the same ones however they come', async () => {
    const some = await sampleRides([fileOf('a.parquet', 1e6)], plan, model.features, { size: 50 })
    const same = await sampleRides([fileOf('b.parquet', 77)], plan, model.features, { size: 50 })
    expect(some.length).toBe(50)
    expect(same).toEqual(some)
    const known = new Map(rows.map((row) => [`${row.pickup} ${row.trip_distance}`, row]))
    for (let i = 0; i < some.length; i++) {
      const { trip_distance: miles, PULocationID: from } = some.columns
      const row = known.get(`${some.pickup[i]} ${miles?.[i]}`)
      expect(from?.[i]).toBe(row?.PULocationID)
      expect(some.dropoff[i]).toBe(Math.round(row?.dropoff ?? 0))
    }
  })

  test('keeps all rides where there are fewer', async () => {
    const all = await sampleRides([fileOf('c.parquet', 1e6)], plan, model.features)
    const taken = rows.filter(({ pickup, dropoff }) => dropoff - pickup >= 60e6)
    expect(all.length).toBe(taken.length)
    expect([...all.pickup]).toEqual(taken.map(({ pickup }) => pickup))
  })
})

describe('Reservoir', () => {
  test('keeps every item of a stream as often as any other', () => {
    const kept = new Float64Array(100)
    for (let seed = 0; seed < 4000; seed++) {
      const reservoir = new Reservoir(10, seed)
      const items = new Int32Array(10)
      for (let item = 0; item < kept.length; item++) {
        const place = reservoir.next()
        if (place >= 0) items[place] = item
      }
      for (const item of items) kept[item]! += 1
    }
    // Each is expected 400 times, with a standard deviation of 19; chi squared with 99 degrees of
    // freedom and a factor of 0.9 for draws without replacement stays below 150 in 99.9 % of cases.
    const squares = kept.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0)
    expect(squares).toBeLessThan(150)
    expect(squares).toBeGreaterThan(40)
  })

  test('keeps one of three as often as the others', () => {
    const kept = [0, 0, 0]
    for (let seed = 0; seed < 3000; seed++) {
      const reservoir = new Reservoir(1, seed)
      const places = [reservoir.next(), reservoir.next(), reservoir.next()]
      kept[places.lastIndexOf(0)]! += 1
    }
    // Five standard deviations of 26.
    for (const count of kept) expect(Math.abs(count - 1000)).toBeLessThan(130)
  })
})

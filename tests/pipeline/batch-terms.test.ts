import { describe, expect, test } from 'vitest'
import type { AtomSpec } from '../../src/atoms.ts'
import { compileFeatures, type Features, featuresOf, fixedPoint } from '../../src/features.ts'
import { zoneDistance } from '../../src/measures.ts'
import { BatchTerms } from '../../src/pipeline/batch-terms.ts'
import { ratioKeys } from '../../src/pipeline/key-kernels.ts'
import { profilePlan } from '../../src/pipeline/profile.ts'
import type { RideBatch } from '../../src/ride.ts'
import { everyTerm, type RideRow, randomRides, rideBatch } from '../random-rides.ts'
import { planFor, recipeOf } from './small-rides.ts'

/** What every term makes of every ride, one ride at a time. */
function oneByOne({ categorical, numeric }: Features, rides: RideBatch): number[][] {
  const each = Array.from({ length: rides.length }, (_, i) => i)
  return [
    ...categorical.map((term) => each.map((i) => Math.max(-1, term.code(rides, i) + 0))),
    ...numeric.map((term) => each.map((i) => fixedPoint(term.value(rides, i), term.scale) + 0)),
  ]
}

/** The same by columns. */
function byColumns({ categorical, numeric }: Features, terms: BatchTerms): number[][] {
  const { length } = terms.rides
  return [
    ...categorical.map((term) => {
      const { numbers, codes, gaps, size } = terms.levels(term)
      const found = Array.from(numbers.subarray(0, length))
      expect(found.every((number) => number < size)).toBe(true)
      expect(found.some((number) => number < 0) && !gaps).toBe(false)
      return found.map((number) => (number < 0 ? -1 : (codes[number] as number)))
    }),
    ...numeric.map((term) => {
      const { values, gaps } = terms.units(term)
      const found = Array.from(values.subarray(0, length))
      expect(found.some(Number.isNaN)).toBe(gaps)
      // -0 and 0 are the same in every sum.
      return found.map((value) => value + 0)
    }),
  ]
}

/** Terms of every kind of atom there is, alone and as a product. */
function everyAtom(): Features {
  const specs: AtomSpec[] = [
    { kind: 'id', column: 'PULocationID' },
    { kind: 'id', column: 'DOLocationID', or_missing: true },
    { kind: 'derived', name: 'hour' },
    { kind: 'derived', name: 'weekday', or_missing: true },
    { kind: 'derived', name: 'hour_of_week' },
    { kind: 'bin', of: 'trip_distance', edges: [0.01, 0.285, 1, 163.84, 1e5] },
    { kind: 'bin', of: 'duration', edges: [1, 5.5, 60], or_missing: true },
    { kind: 'bin', of: 'speed', edges: [5, 50] },
    { kind: 'duration_minute' },
    { kind: 'pickup_minute' },
    { kind: 'pickup_day', or_missing: true },
    { kind: 'derived', name: 'quarter_hour' },
    { kind: 'zone', column: 'PULocationID', part: 'borough' },
    // Edges on, beside and far beyond what a key stands for.
    {
      kind: 'bin',
      of: 'distance_ratio',
      edges: [0.3, 0.5, 1, 1.0005, 1.3, 16, 40],
      or_missing: true,
    },
    { kind: 'bin', of: 'zone_distance', edges: [0.001, 1.5, 6], or_missing: true },
    { kind: 'bin', of: 'pickup_longitude', edges: [-74, -73.95], or_missing: true },
    { kind: 'bin', of: 'dropoff_latitude', edges: [40.7, 40.8] },
    { kind: 'bin', of: 'minute_of_day', edges: [90, 720.5] },
    { kind: 'bin', of: 'hour', edges: [6, 12.5] },
    { kind: 'bin', of: 'holiday', edges: [1] },
  ]
  const alone = specs.map((spec, k) => ({ name: `t${k}`, atoms: [spec] }))
  const products = specs.slice(2).map((spec, k) => {
    return { name: `p${k}`, atoms: [specs[k] as AtomSpec, spec] }
  })
  const numeric = (['zone_distance', 'distance_ratio', 'hour', 'minute_of_day'] as const).map(
    (of) => ({ name: of, of, steps: [] }),
  )
  return featuresOf({ categorical: [...alone, ...products], numeric })
}

describe('terms by columns', () => {
  const many: [string, Features][] = [
    ['of every kind', compileFeatures(everyTerm)],
    ['of every kind of atom', everyAtom()],
    ['of a profile', profilePlan(planFor(recipeOf({ numeric: ['trip_distance'] }))).features],
  ]

  test.each(many)('%s are what they are ride by ride, batch after batch', (_, features) => {
    const terms = new BatchTerms()
    // Batches of several lengths, the second as odd as the first, met values again in all.
    for (const [seed, length] of [
      [1, 700],
      [2, 300],
      [1, 900],
      [3, 0],
      [4, 1],
    ] as const) {
      const rides = rideBatch(randomRides(seed, length))
      terms.load(rides)
      expect(byColumns(features, terms)).toEqual(oneByOne(features, rides))
    }
  })

  test('are right at the ends of what is looked up', () => {
    const minute = 60e6
    const distances = [0, -0, 0.005, 163.83, 163.84, 163.85, 1e300, -1.5, NaN, Infinity, 0.285]
    const durations = [0, 1, 16_383, 16_384, 16_385, 0.5, -60, 3599.999999, NaN, Infinity, 1e12]
    const hours = [0, -1, 0.5, 8191, 8192, -8192, -8193, 16_384, NaN, Infinity, 400_000]
    const rows = distances.flatMap((trip_distance, a) =>
      durations.map((seconds, b): RideRow => {
        const pickup = (hours[(a + b) % hours.length] as number) * 60 * minute
        const ids = [0, 1, 265, 299, 300, 16_383, 16_384, 65_535, 65_536, -1, 2.5, NaN]
        return {
          pickup,
          dropoff: pickup + seconds * 1e6,
          PULocationID: ids[a % ids.length] as number,
          DOLocationID: ids[b % ids.length] as number,
          VendorID: 1,
          trip_type: 2,
          RatecodeID: b,
          trip_distance,
          passenger_count: a,
        }
      }),
    )
    for (const [, features] of many) {
      const terms = new BatchTerms()
      for (const batch of [rows, [...rows].reverse()]) {
        const rides = rideBatch(batch)
        terms.load(rides)
        expect(byColumns(features, terms)).toEqual(oneByOne(features, rides))
      }
    }
  })

  test('keep apart speeds and ratios that share a key, where an edge lies between them', () => {
    // From Newark airport to Kennedy airport, 20 to 21 miles in 20 minutes, one hundredth apart.
    const [from, to] = [1, 132]
    const miles = Array.from({ length: 101 }, (_, k) => (2000 + k) / 100)
    const between = miles.slice(1).filter((_, k) => k % 7 === 0)
    const straight = zoneDistance(from, to)
    expect(0.01 / straight).toBeLessThan(1 / ratioKeys)
    const features = featuresOf({
      categorical: [
        {
          name: 'ratio',
          atoms: [
            {
              kind: 'bin',
              of: 'distance_ratio',
              edges: between.map((at) => (at - 0.005) / straight),
            },
          ],
        },
        {
          name: 'speed',
          atoms: [{ kind: 'bin', of: 'speed', edges: between.map((at) => 3 * (at - 0.005)) }],
        },
      ],
      numeric: [],
    })
    const [ride] = randomRides(1, 1) as [RideRow]
    const rides = rideBatch(
      miles.map((trip_distance) => {
        const zones = { PULocationID: from, DOLocationID: to }
        return { ...ride, ...zones, trip_distance, pickup: 0, dropoff: 20 * 60e6 }
      }),
    )
    const terms = new BatchTerms().load(rides)
    const found = byColumns(features, terms)
    expect(found).toEqual(oneByOne(features, rides))
    expect(found.map((codes) => new Set(codes).size)).toEqual([16, 16])
  })

  test('are computed again when the same batch has other rides in it', () => {
    const features = compileFeatures(everyTerm)
    const rides = rideBatch(randomRides(1, 50))
    const terms = new BatchTerms().load(rides)
    byColumns(features, terms)
    const others = rideBatch(randomRides(2, 50))
    rides.pickup.set(others.pickup)
    for (const [name, column] of Object.entries(rides.columns)) {
      column.set(others.columns[name as keyof typeof others.columns] as Float64Array)
    }
    terms.load(rides)
    expect(byColumns(features, terms)).toEqual(oneByOne(features, rides))
  })
})

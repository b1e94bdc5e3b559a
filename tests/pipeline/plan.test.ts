import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Moments } from '../../src/pipeline/moments.ts'
import { MomentsBuilder } from '../../src/pipeline/moments-builder.ts'
import {
  beside,
  type Plan,
  type Refused,
  RideSelector,
  type Slice,
} from '../../src/pipeline/plan.ts'
import type { RideBatch } from '../../src/ride.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide, smallRide } from './small-rides.ts'

const recipe = recipeOf({
  target: { min: 1, max: 60 },
  filters: [{ column: 'passenger_count', above: 0, at_most: 8 }],
  categorical: ['PULocationID', 'hour'],
  numeric: ['trip_distance'],
})
const runs = { seed: 20210101, numRuns: 60 }

const none: Refused = {
  null_time: 0,
  unparsable_time: 0,
  below_min: 0,
  above_max: 0,
  filtered: 0,
  null_value: 0,
}

const good: SmallRide = {
  hour: 5,
  seconds: 600,
  columns: { PULocationID: 43, passenger_count: 1, trip_distance: 1.01 },
}

function refusedBy(plan: Plan, batch: RideBatch): Refused {
  const selector = new RideSelector(plan)
  selector.forEach(batch, () => {})
  return { ...selector.refused }
}

const withColumns = (columns: SmallRide['columns'], seconds = 600): RideBatch =>
  batchOf([{ ...good, seconds, columns: { ...good.columns, ...columns } }])
const withTimes = (pickup: number, dropoff: number): RideBatch => ({
  ...batchOf([good]),
  pickup: Float64Array.of(pickup),
  dropoff: Float64Array.of(dropoff),
})
const missing = Number.NaN
const noTime = Number.POSITIVE_INFINITY

describe('a ride is refused', () => {
  const plan = planFor(recipe)

  test.each<[string, keyof Refused, RideBatch]>([
    ['without a pickup time', 'null_time', withTimes(missing, 1e15)],
    ['without a drop-off time', 'null_time', withTimes(1e15, missing)],
    ['when the pickup time is no time', 'unparsable_time', withTimes(noTime, 1e15)],
    ['when the drop-off time is no time', 'unparsable_time', withTimes(1e15, noTime)],
    ['when neither time is one', 'unparsable_time', withTimes(noTime, noTime)],
    ['when one time is missing and the other no time', 'null_time', withTimes(noTime, missing)],
    ['a second below the least duration', 'below_min', withColumns({}, 59)],
    ['when it ends before it begins', 'below_min', withColumns({}, -600)],
    ['a second above the longest duration', 'above_max', withColumns({}, 3601)],
    ['when a filter does not hold', 'filtered', withColumns({ passenger_count: 0 })],
    ['when a filtered column is missing', 'filtered', withColumns({ passenger_count: missing })],
    ['without a number that a term needs', 'null_value', withColumns({ trip_distance: missing })],
    ['with an infinite number', 'null_value', withColumns({ trip_distance: -Infinity })],
    ['without a category that a term needs', 'null_value', withColumns({ PULocationID: missing })],
    ['with a category that is no id', 'null_value', withColumns({ PULocationID: 43.5 })],
    ['with an id beyond the largest', 'null_value', withColumns({ PULocationID: 65_536 })],
  ])('%s', (_, reason, batch) => {
    expect(refusedBy(plan, batch)).toEqual({ ...none, [reason]: 1 })
  })

  test('neither at the least nor at the longest duration', () => {
    expect(refusedBy(plan, withColumns({}, 60))).toEqual(none)
    expect(refusedBy(plan, withColumns({}, 3600))).toEqual(none)
  })

  test('by the first reason only, in the documented order', () => {
    // Every ride has all later faults too.
    const bad = { passenger_count: 9, trip_distance: missing }
    const batches: [keyof Refused, RideBatch][] = [
      ['null_time', { ...withColumns(bad), pickup: Float64Array.of(missing) }],
      ['unparsable_time', { ...withColumns(bad), pickup: Float64Array.of(noTime) }],
      ['below_min', withColumns(bad, 59)],
      ['above_max', withColumns(bad, 3601)],
      ['filtered', withColumns(bad)],
      ['null_value', withColumns({ ...bad, passenger_count: 8 })],
    ]
    for (const [reason, batch] of batches) {
      expect(refusedBy(plan, batch)).toEqual({ ...none, [reason]: 1 })
    }
    expect(batches.map(([reason]) => reason)).toEqual(Object.keys(none))
  })
})

describe('filters', () => {
  const passing = (filter: Record<string, number>): number[] => {
    const plan = planFor(
      recipeOf({ filters: [{ column: 'fare_amount', ...filter }], numeric: ['trip_distance'] }),
    )
    const fares = [-1, 0, 0.01, 7.99, 8, 8.01, missing]
    return fares.filter(
      (fare) => refusedBy(plan, withColumns({ fare_amount: fare })).filtered === 0,
    )
  }

  test.each([
    ['open below', { above: 0 }, [0.01, 7.99, 8, 8.01]],
    ['closed below', { at_least: 0 }, [0, 0.01, 7.99, 8, 8.01]],
    ['open above', { below: 8 }, [-1, 0, 0.01, 7.99]],
    ['closed above', { at_most: 8 }, [-1, 0, 0.01, 7.99, 8]],
    ['open below and closed above', { above: 0, at_most: 8 }, [0.01, 7.99, 8]],
    ['closed below and open above', { at_least: 0, below: 8 }, [0, 0.01, 7.99]],
  ])('%s', (_, filter, expected) => {
    expect(passing(filter)).toEqual(expected)
  })
})

describe('counts', () => {
  const faulty = fc
    .tuple(smallRide, fc.constantFrom(1, 1, 1, 2, -1, 100), fc.constantFrom(0, 0, 0, 1, 2, 3))
    .map(([ride, times, fault]) => ({
      ...ride,
      seconds: fault === 3 ? missing : ride.seconds * times,
      columns: {
        ...ride.columns,
        ...(fault === 1 ? { trip_distance: missing } : {}),
        ...(fault === 2 ? { PULocationID: -1 } : {}),
      },
    }))
  const slices: fc.Arbitrary<Slice> = fc.oneof(
    fc.constant({ kind: 'all' as const }),
    fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 40 })).map(([from, length]) => {
      return { kind: 'rows' as const, from, to: from + length }
    }),
  )

  test('add up: every row is summed, outside the slice, or refused once', () => {
    fc.assert(
      fc.property(
        fc.array(faulty, { maxLength: 80, size: 'max' }),
        slices,
        fc.nat({ max: 80 }),
        (rides, slice, cut) => {
          const plan = planFor(recipe, slice)
          const { rows, n, outside, refused } = momentsOf(
            plan,
            rides.slice(0, cut),
            rides.slice(cut),
          )
          const sum = Object.values(refused).reduce((a: number, b: number) => a + b, 0)
          expect(rows).toBe(rides.length)
          expect(n + outside + sum).toBe(rows)
        },
      ),
      runs,
    )
  })
})

describe('slices', () => {
  // The third ride is refused: positions count the others.
  const rides = [1, 2, 99, 3, 4, 5].map(
    (minutes, k): SmallRide => ({ ...good, hour: k, seconds: minutes * 60 }),
  )
  const taken = (slice: Slice, cut = rides.length): number[] => {
    const builder = new MomentsBuilder([planFor(recipe, slice)])
    const found: number[] = []
    const selector = new RideSelector(planFor(recipe, slice))
    for (const part of [rides.slice(0, cut), rides.slice(cut)]) {
      const batch = batchOf(part)
      selector.forEach(batch, (i) => found.push((part[i] as SmallRide).seconds / 60))
      builder.add(batch)
    }
    const moments = builder.finish()[0] as Moments
    expect(moments.n).toBe(found.length)
    expect(moments.outside).toBe(5 - found.length)
    return found
  }

  test('by rows count kept rides in file order, `from` included and `to` not', () => {
    expect(taken({ kind: 'rows', from: 0, to: 3 })).toEqual([1, 2, 3])
    expect(taken({ kind: 'rows', from: 3, to: Number.POSITIVE_INFINITY })).toEqual([4, 5])
    expect(taken({ kind: 'rows', from: 1, to: 2 })).toEqual([2])
    expect(taken({ kind: 'rows', from: 5, to: 9 })).toEqual([])
  })

  test('by rows go on counting from batch to batch', () => {
    for (let cut = 0; cut <= rides.length; cut++) {
      expect(taken({ kind: 'rows', from: 1, to: 4 }, cut)).toEqual([2, 3, 4])
    }
  })

  test('by pickup take the time `from`, not the time `to`', () => {
    const [second, fifth] = [1, 4].map((k) => batchOf(rides).pickup[k] as number)
    const slice = { kind: 'pickup', from: second as number, to: fifth as number } as const
    expect(taken(slice)).toEqual([2, 3])
    expect(taken({ ...slice, from: Number.NEGATIVE_INFINITY })).toEqual([1, 2, 3])
    expect(taken({ ...slice, to: Number.POSITIVE_INFINITY })).toEqual([2, 3, 4, 5])
  })
})

test('other features are summed over the very rides that a plan takes', () => {
  const plan = planFor(recipe)
  const others = planFor(recipeOf({ categorical: ['DOLocationID'], numeric: [] })).features
  const rides: SmallRide[] = [
    { ...good, columns: { ...good.columns, DOLocationID: 1 } },
    // Ids beyond the largest and infinite numbers are refused by value, not for being missing.
    { ...good, columns: { ...good.columns, DOLocationID: 2, PULocationID: 70_000 } },
    { ...good, columns: { ...good.columns, DOLocationID: 3, trip_distance: Infinity } },
  ]
  expect(momentsOf(plan, rides).n).toBe(1)
  expect(momentsOf({ ...plan, features: others }, rides).n).toBe(3)
  const moments = momentsOf(beside(plan, others), rides)
  expect(moments.n).toBe(1)
  expect([...(moments.blocks[0]?.codes ?? [])]).toEqual([1])
})

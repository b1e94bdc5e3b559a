import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RidecastError } from '../../src/errors.ts'
import { hashMoments, type Moments } from '../../src/pipeline/moments.ts'
import { mergeMoments, subtractMoments } from '../../src/pipeline/moments-algebra.ts'
import { MomentsBuilder } from '../../src/pipeline/moments-builder.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { profilePlan } from '../../src/pipeline/profile.ts'
import { randomRides, rideBatch } from '../random-rides.ts'
import { momentsOf, planFor, recipeOf, type SmallRide, smallRide } from './small-rides.ts'

const runs = { seed: 20210101, numRuns: 60 }

const factors = ['PULocationID', 'DOLocationID', 'VendorID', 'hour_of_week'] as const
const quantities = ['trip_distance', 'passenger_count', 'fare_amount'] as const

/** Distances in whole units of 2^-20 miles: what is finer is summed to 1e-12 only. */
const clipped = { name: 'miles', of: 'trip_distance', steps: [{ clip: [0, 30] }] }

/** Any recipe of a few terms, products among them. */
const recipes = fc
  .record({
    alone: fc.subarray([...factors]),
    products: fc.uniqueArray(fc.subarray([...factors], { minLength: 2, maxLength: 3 }), {
      maxLength: 2,
      selector: (names) => names.join(),
    }),
    numeric: fc.subarray([...quantities]),
    log: fc.boolean(),
  })
  .filter(({ alone, products, numeric }) => alone.length + products.length + numeric.length > 0)
  .map(({ alone, products, numeric, log }) =>
    recipeOf({
      categorical: [...alone, ...products.map((product) => ({ product }))],
      numeric: [
        ...numeric,
        ...(log ? [{ name: 'log', of: 'trip_distance', steps: [{ clip: [0, 30] }, 'log1p'] }] : []),
      ],
      filters: [{ column: 'passenger_count', at_least: 1 }],
    }),
  )

/** Rides of which some are refused, and some have sums beyond 2^53 of a square. */
const rides = fc.array(
  fc.tuple(smallRide, fc.constantFrom(0, 0, 0, 1, 2)).map(([ride, luck]): SmallRide => {
    if (luck === 0) return ride
    if (luck === 1) return { ...ride, seconds: Number.NaN }
    return { ...ride, columns: { ...ride.columns, trip_distance: 1e10 } }
  }),
  { maxLength: 40, size: 'max' },
)

const sameSums = (a: Moments, b: Moments): void => {
  // Words first, which say where a difference is; then everything, by its fingerprint.
  expect(a.blocks.map(({ codes }) => [...codes])).toEqual(b.blocks.map(({ codes }) => [...codes]))
  expect(a.crosses).toEqual(b.crosses)
  expect(hashMoments(a)).toBe(hashMoments(b))
}

describe('moments of parts, added up', () => {
  test('are those of all rides, in any order and in any number of parts', () => {
    fc.assert(
      fc.property(
        recipes,
        fc.array(rides, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (recipe, parts, luck) => {
          const plan = planFor(recipe)
          const whole = momentsOf(plan, parts.flat())
          const each = parts.map((part) => momentsOf(plan, part))
          sameSums(mergeMoments(each), whole)
          const order = each.map((part): [number, Moments] => [luck.next().value, part])
          const shuffled = order.sort(([a], [b]) => a - b).map(([, part]) => part)
          sameSums(mergeMoments(shuffled), whole)
          // Two by two: what is added may itself be a sum.
          sameSums(
            shuffled.reduce((a, b) => mergeMoments([a, b])),
            whole,
          )
        },
      ),
      runs,
    )
  })

  test('of one part are that part', () => {
    const moments = momentsOf(planFor(recipeOf({ categorical: ['VendorID'] })), [])
    expect(mergeMoments([moments])).toBe(moments)
  })

  test('leave the parts as they were', () => {
    const plan = planFor(recipeOf({ categorical: ['PULocationID', 'hour'], numeric: [clipped] }))
    const parts = [3, 4].map((seed) => summed(plan, seed))
    const before = parts.map(hashMoments)
    subtractMoments(mergeMoments(parts), parts[0] as Moments)
    expect(parts.map(hashMoments)).toEqual(before)
  })

  test('with all odd values that files have are those of all rides', () => {
    const recipe = recipeOf({
      categorical: ['PULocationID', 'DOLocationID', { product: ['PULocationID', 'hour'] }],
      numeric: [clipped],
    })
    const plan = { ...planFor(recipe), target: { min: -1e9, max: 1e9 } }
    const rows = randomRides(9, 2000)
    const of = (from: number, to: number): Moments => {
      const builder = new MomentsBuilder([plan])
      builder.add(rideBatch(rows.slice(from, to)))
      return builder.finish()[0] as Moments
    }
    const all = of(0, 2000)
    sameSums(mergeMoments([of(0, 1), of(1, 900), of(900, 900), of(900, 2000)]), all)
    expect(all.n).toBeGreaterThan(500)
    expect(all.refused.null_value).toBeGreaterThan(100)
  })

  test('of profiles, which have no crosses, are those of all rides', () => {
    const plan = profilePlan(planFor(recipeOf({ numeric: ['trip_distance'] })))
    fc.assert(
      fc.property(rides, rides, (a, b) => {
        sameSums(
          mergeMoments([momentsOf(plan, a), momentsOf(plan, b)]),
          momentsOf(plan, [...a, ...b]),
        )
      }),
      runs,
    )
  })

  test('that are too large are refused, although no part is', () => {
    const plan = planFor(recipeOf({ numeric: ['trip_distance'] }))
    // The square is 2^989.9: two of them pass the bound of 2^990.
    const far: SmallRide = { hour: 0, seconds: 60, columns: { trip_distance: 2 ** 494.95 / 100 } }
    const one = momentsOf(plan, [far])
    expect(() => mergeMoments([one, one])).toThrow(
      expect.objectContaining<Partial<RidecastError>>({ code: 'sums_overflow' }),
    )
  })

  test('name the columns that were rounded in any part, and those that round together', () => {
    const plan = planFor(recipeOf({ numeric: ['trip_distance', 'passenger_count'] }))
    const of = (trip_distance: number, passenger_count = 1): Moments =>
      momentsOf(plan, [{ hour: 0, seconds: 60, columns: { trip_distance, passenger_count } }])
    const [exact, fine] = [of(1), of(1 / 3)]
    expect(mergeMoments([exact, fine]).inexact).toEqual(['trip_distance'])
    expect(mergeMoments([fine, exact, exact]).inexact).toEqual(['trip_distance'])
    // Rides times squares stay below 2^106 for one ride of 2^52.4, and pass it for two.
    const large = of(1, 6e15)
    expect(large.inexact).toEqual([])
    expect(mergeMoments([large, large]).inexact).toEqual(['passenger_count'])
  })
})

describe('moments taken away again', () => {
  test('leave those of the other rides, to the byte', () => {
    fc.assert(
      fc.property(recipes, rides, rides, (recipe, a, b) => {
        const plan = planFor(recipe)
        const [first, second] = [momentsOf(plan, a), momentsOf(plan, b)]
        const both = mergeMoments([first, second])
        sameSums(subtractMoments(both, second), first)
        sameSums(subtractMoments(both, first), second)
        sameSums(mergeMoments([subtractMoments(both, second), second]), both)
      }),
      runs,
    )
  })

  test('take levels and cells with them whose rides are gone', () => {
    const plan = planFor(recipeOf({ categorical: ['PULocationID', 'DOLocationID'] }))
    const ride = (PULocationID: number, DOLocationID: number): SmallRide => {
      return { hour: 0, seconds: 60, columns: { PULocationID, DOLocationID } }
    }
    const kept = momentsOf(plan, [ride(1, 1), ride(2, 2), ride(3, 1)])
    // Zone 9 and the pair 2 -> 1 are in here alone.
    const gone = momentsOf(plan, [ride(9, 1), ride(2, 1), ride(1, 1)])
    const rest = subtractMoments(mergeMoments([kept, gone]), gone)
    expect([...(rest.blocks[0]?.codes ?? [])]).toEqual([1, 2, 3])
    expect([...(rest.crosses[0]?.rows ?? [])]).toEqual([0, 1, 2])
    expect([...(rest.crosses[0]?.columns ?? [])]).toEqual([0, 1, 0])
    expect([...(rest.crosses[0]?.counts ?? [])]).toEqual([1, 1, 1])
    sameSums(rest, kept)
  })

  test('all of them leave the moments of no ride', () => {
    const plan = planFor(recipeOf({ categorical: ['PULocationID', 'hour'], numeric: [clipped] }))
    const all = summed(plan, 5)
    sameSums(subtractMoments(all, all), momentsOf(plan, []))
  })

  test('of a window that moves on leave what the window has', () => {
    const plan = planFor(
      recipeOf({
        categorical: [{ product: ['PULocationID', 'DOLocationID'] }, 'hour_of_week'],
        numeric: [clipped],
      }),
    )
    const months = Array.from({ length: 6 }, (_, m) => summed(plan, m))
    let window = mergeMoments(months.slice(0, 3))
    for (let m = 3; m < 6; m++) {
      const next = mergeMoments([window, months[m] as Moments])
      window = subtractMoments(next, months[m - 3] as Moments)
      sameSums(window, mergeMoments(months.slice(m - 2, m + 1)))
    }
  })
})

/** Moments of 300 random rides of any duration. */
function summed(plan: Plan, seed: number): Moments {
  const builder = new MomentsBuilder([{ ...plan, target: { min: -1e9, max: 1e9 } }])
  builder.add(rideBatch(randomRides(seed, 300)))
  return builder.finish()[0] as Moments
}

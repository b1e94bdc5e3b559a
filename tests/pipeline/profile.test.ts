import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileFeatures } from '../../src/features.ts'
import type { Moments } from '../../src/pipeline/moments.ts'
import { MomentsBuilder } from '../../src/pipeline/moments-builder.ts'
import { planOf } from '../../src/pipeline/plan.ts'
import { profileOf, profilePlan } from '../../src/pipeline/profile.ts'
import { type Profile, profileSchema } from '../../src/profile.ts'
import { checkRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { parseWallClock } from '../../src/ride.ts'
import { type RideRow, rideBatch } from '../random-rides.ts'

const recipeOf = (parts: Partial<Record<keyof Recipe, unknown>>): Recipe =>
  checkRecipe({ name: 'x', ...parts }, 'x')

const classic = recipeOf({
  categorical: ['PULocationID', 'DOLocationID'],
  numeric: ['trip_distance'],
})

/** The profile of the rides that a recipe takes, as training makes it. */
function profile(recipe: Recipe, rows: readonly RideRow[]): Profile {
  const builder = new MomentsBuilder([profilePlan(planOf(recipe, compileFeatures(recipe)))])
  builder.add(rideBatch(rows))
  return profileOf(builder.finish()[0] as Moments)
}

/** A ride of so many seconds from a Monday, 8:15. */
const ride = (seconds: number, others: RideRow = {}): RideRow => {
  const pickup = parseWallClock('2021-02-01T08:15')
  return {
    pickup,
    dropoff: pickup + seconds * 1e6,
    PULocationID: 43,
    DOLocationID: 151,
    trip_distance: 1,
    ...others,
  }
}

describe('a profile', () => {
  test('of a few rides is what one counts by hand', () => {
    const sunday = parseWallClock('2021-02-07T23:59:59')
    const { trip_distance, ...others } = profile(classic, [
      ride(60, { trip_distance: 1.5 }),
      ride(119, { trip_distance: 2.5 }),
      ride(180, { trip_distance: 0, PULocationID: 7 }),
      ride(240, { trip_distance: 200_000, pickup: sunday, dropoff: sunday + 240e6 }),
      ride(59),
      ride(60, { trip_distance: Number.NaN }),
    ])
    expect(others).toEqual({
      rides: 4,
      duration: {
        // (60 + 119 + 180 + 240) / 4 seconds; deviations -89.75, -30.75, 30.25, 90.25.
        mean: 599 / 4 / 60,
        std: expect.closeTo(
          Math.sqrt((89.75 ** 2 + 30.75 ** 2 + 30.25 ** 2 + 90.25 ** 2) / 3) / 60,
        ),
        minutes: [0, 2, 0, 1, 1],
      },
      hour_of_week: Array.from({ length: 168 }, (_, hour) => ({ 8: 3, 167: 1 })[hour] ?? 0),
      pickups: [
        [7, 1],
        [43, 3],
      ],
      dropoffs: [[151, 4]],
      pairs: [
        // 0 miles and 200,000 miles are not plausible.
        [7, 151, 1, null],
        [43, 151, 3, 2],
      ],
    })
    expect(trip_distance).toMatchObject({ mean: 2, plausible_up_to: 100 })
    const { edges = [], counts = [] } = trip_distance ?? {}
    const bins = counts.flatMap((count, k) => (count > 0 ? [[edges[k - 1], count]] : []))
    expect(bins).toEqual([
      [undefined, 1],
      [1.5, 1],
      [2.5, 1],
      [1000, 1],
    ])
  })

  test('has bins for every distance and passes its schema', () => {
    const made = profile(classic, [ride(60)])
    expect(made.trip_distance?.counts).toHaveLength((made.trip_distance?.edges.length ?? 0) + 1)
    expect(profileSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made)
  })

  test('of a single ride has a deviation of 0, which JSON can hold', () => {
    expect(profile(classic, [ride(90)]).duration).toEqual({ mean: 1.5, std: 0, minutes: [0, 1] })
  })

  test('of a recipe without distances has none', () => {
    const blind = recipeOf({ categorical: ['PULocationID'] })
    const made = profile(blind, [ride(60, { trip_distance: 5 }), ride(60)])
    expect(made.trip_distance).toBeNull()
    expect(made.pairs).toEqual([[43, 151, 2, null]])
    expect(profileSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made)
  })

  test('counts training rides whose zones are missing, as zone 0', () => {
    const zoneless = recipeOf({ numeric: ['trip_distance'] })
    const { rides, pickups, dropoffs, pairs } = profile(zoneless, [
      ride(60, { PULocationID: Number.NaN, DOLocationID: Number.NaN }),
      ride(60, { PULocationID: Number.NaN }),
      ride(60),
    ])
    expect({ rides, pickups, dropoffs }).toEqual({
      rides: 3,
      pickups: [
        [0, 2],
        [43, 1],
      ],
      dropoffs: [
        [0, 1],
        [151, 2],
      ],
    })
    expect(pairs.map(([from, to, count]) => [from, to, count])).toEqual([
      [0, 0, 1],
      [0, 151, 1],
      [43, 151, 1],
    ])
  })

  test('counts durations below zero and of months in the outermost minutes', () => {
    const wide = recipeOf({ ...classic, target: { min: -100, max: 1e6 } })
    const { rides, duration } = profile(wide, [
      ride(-120),
      ride(30),
      ride(65_535 * 60),
      ride(9e5 * 60),
    ])
    expect(rides).toBe(4)
    expect(duration.minutes).toHaveLength(65_536)
    expect([duration.minutes[0], duration.minutes[65_535]]).toEqual([2, 2])
    expect(duration.minutes.reduce((sum, count) => sum + count, 0)).toBe(4)
  })

  test('counts every ride once in each of its parts', () => {
    const row = fc
      .record({
        seconds: fc.integer({ min: 0, max: 4000 }),
        PULocationID: fc.integer({ min: 1, max: 4 }),
        DOLocationID: fc.integer({ min: 1, max: 4 }),
        hundredths: fc.oneof(fc.nat(3000), fc.nat(20_000_000)),
      })
      .map(({ seconds, hundredths, ...zones }) =>
        ride(seconds, { ...zones, trip_distance: hundredths / 100 }),
      )
    const some = fc.array(row, { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(some, (rows) => {
        const taken = rows.filter(({ pickup = 0, dropoff = 0 }) => {
          return dropoff - pickup >= 60e6 && dropoff - pickup <= 3600e6
        })
        if (taken.length === 0) return
        const made = profile(classic, rows)
        const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
        expect([
          made.rides,
          sum(made.duration.minutes),
          sum(made.hour_of_week),
          sum(made.trip_distance?.counts ?? []),
          sum(made.pickups.map(([, count]) => count)),
          sum(made.dropoffs.map(([, count]) => count)),
          sum(made.pairs.map(([, , count]) => count)),
        ]).toEqual(Array(7).fill(taken.length))
        const minutes = taken.map(({ pickup = 0, dropoff = 0 }) => (dropoff - pickup) / 60e6)
        const mean = sum(minutes) / minutes.length
        expect(made.duration.mean).toBeCloseTo(mean, 9)
        const spread = sum(minutes.map((value) => (value - mean) ** 2))
        expect(made.duration.std).toBeCloseTo(Math.sqrt(spread / Math.max(1, taken.length - 1)), 5)
        const plausible = taken.flatMap(({ trip_distance: miles = 0 }) =>
          miles >= 0.01 && miles <= 100 ? [miles] : [],
        )
        // Distances are rounded to 2^-20 miles before they are summed.
        const expected = sum(plausible) / Math.max(1, plausible.length)
        expect(made.trip_distance?.mean).toBeCloseTo(expected, 5)
      }),
      { numRuns: 100, seed: 1 },
    )
  })
})

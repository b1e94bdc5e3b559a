/**
 * Small batches of rides for tests of sums and solvers: written as whole numbers, so that every
 * test knows what the exact answer is. Knows nothing about files.
 */

import fc from 'fast-check'
import { compileFeatures } from '../../src/features.ts'
import type { Moments } from '../../src/pipeline/moments.ts'
import { MomentsBuilder } from '../../src/pipeline/moments-builder.ts'
import { type Plan, planOf, type Slice } from '../../src/pipeline/plan.ts'
import { checkRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { type ColumnName, columnNames, hourMicros, type RideBatch } from '../../src/ride.ts'

/** A ride: whole seconds, and values by column. */
export interface SmallRide {
  /** Hours since Monday 2021-01-04T00:00. */
  readonly hour: number
  /** Duration; may be NaN (no drop-off) or a fraction. */
  readonly seconds: number
  readonly columns: Partial<Record<ColumnName, number>>
}

const monday = Date.UTC(2021, 0, 4) * 1000

/** Rides as a batch that has every column; what a ride does not name is missing. */
export function batchOf(rides: readonly SmallRide[]): RideBatch {
  const pickup = Float64Array.from(rides, ({ hour }) => monday + hour * hourMicros)
  return {
    length: rides.length,
    pickup,
    dropoff: Float64Array.from(rides, ({ seconds }, i) => (pickup[i] as number) + seconds * 1e6),
    columns: Object.fromEntries(
      columnNames.map((name) => [
        name,
        Float64Array.from(rides, ({ columns }) => columns[name] ?? Number.NaN),
      ]),
    ),
  }
}

/** A checked recipe of the given parts; any column is allowed and any duration from 0 s to 10 h kept. */
export function recipeOf(parts: Record<string, unknown>): Recipe {
  const target = { min: 0, max: 600 }
  return checkRecipe({ name: 'test', target, allow_leakage: true, ...parts }, 'test')
}

/** The plan of a recipe, on all rides or a slice. */
export function planFor(recipe: Recipe, slice?: Slice): Plan {
  return planOf(recipe, compileFeatures(recipe), slice)
}

/** The sums of rides, given in one batch or several. */
export function momentsOf(plan: Plan, ...batches: readonly (readonly SmallRide[])[]): Moments {
  const builder = new MomentsBuilder([plan])
  for (const rides of batches) builder.add(batchOf(rides))
  return builder.finish()[0] as Moments
}

/**
 * Rides between few zones: distances in whole hundredths, durations in whole seconds, so that
 * zones, pairs and hours meet often.
 */
export const smallRide: fc.Arbitrary<SmallRide> = fc
  .record({
    hour: fc.integer({ min: 0, max: 3 }),
    seconds: fc.integer({ min: 1, max: 3600 }),
    from: fc.integer({ min: 1, max: 4 }),
    to: fc.integer({ min: 1, max: 4 }),
    vendor: fc.integer({ min: 1, max: 2 }),
    hundredths: fc.integer({ min: 0, max: 2000 }),
    passengers: fc.integer({ min: 0, max: 6 }),
    cents: fc.integer({ min: -500, max: 9000 }),
  })
  .map(({ hour, seconds, from, to, vendor, hundredths, passengers, cents }) => ({
    hour: hour * 37,
    seconds,
    columns: {
      PULocationID: from,
      DOLocationID: to,
      VendorID: vendor,
      trip_distance: hundredths / 100,
      passenger_count: passengers,
      fare_amount: cents / 100,
    },
  }))

/** Small models written by hand, for tests of the server: every coefficient is a short number. */

import type { Documents } from '../../src/artifact.ts'
import type { ModelDocument } from '../../src/model.ts'
import type { Profile } from '../../src/profile.ts'
import { checkRecipe } from '../../src/recipe.ts'

function documentsOf(
  recipe: Record<string, unknown>,
  intercept: number,
  effects: Readonly<Record<string, number>>,
  withDistance = true,
): Documents {
  const checked = checkRecipe(recipe, 'of a test')
  const names = Object.keys(effects).sort()
  const model: ModelDocument = {
    format_version: 1,
    kind: 'linear',
    taxi: 'green',
    recipe: checked,
    intercept,
    vectorizer: { kind: 'dict-vectorizer', separator: '=', feature_names: names },
    coefficients: names.map((name) => effects[name] as number),
  }
  // 1,000 rides, 999 of them below 20 miles, half on Monday at 8 and half on Tuesday at 9.
  const hours = new Array<number>(168).fill(0)
  hours[8] = 500
  hours[24 + 9] = 500
  const profile: Profile = {
    rides: 1000,
    duration: { mean: 14, std: 3, minutes: [0, 1000] },
    hour_of_week: hours,
    pickups: [[43, 1000]],
    dropoffs: [[151, 1000]],
    trip_distance: withDistance
      ? { mean: 2.5, plausible_up_to: 100, edges: [10, 20], counts: [900, 99, 1] }
      : null,
    pairs: [[43, 151, 1000, 1.25]],
  }
  const measures = { n: 1000, rmse: 3.5, mse: 12.25, r2: 0.5, bias: 0 }
  const file = { month: '2021-01', file: 'green_tripdata_2021-01.parquet', rows: 1100, kept: 1000 }
  return {
    model,
    metrics: { train: measures, validation: measures, baseline: { rmse: 12 } },
    profile,
    lineage: {
      format_version: 1,
      taxi: 'green',
      recipe: checked,
      train: [{ ...file, sha256: 'ab'.repeat(32) }],
      validation: [],
    },
  }
}

/**
 * Zones and distance, as `plain`: 10 + 2 (from 43) - 0.5 (to 151) + 3 a mile, at least 1.
 * Zone 1 as the pickup takes 40 off.
 */
export const zonesAndDistance = documentsOf(
  { name: 'plain', categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] },
  10,
  { 'PULocationID=43': 2, 'PULocationID=1': -40, 'DOLocationID=151': -0.5, trip_distance: 3 },
)

/** Needs the hour, the number of passengers and the vendor; knows nothing of distances. */
export const hoursAndPassengers = documentsOf(
  { name: 'others', categorical: ['hour', 'VendorID'], numeric: ['passenger_count'] },
  20,
  { 'hour=8': 4, 'hour=9': 1, 'VendorID=2': -1, passenger_count: 0.25 },
  false,
)

/** Slopes against each other: huge distances give what is no number. */
export const opposed = documentsOf(
  {
    name: 'opposed',
    numeric: ['trip_distance', { name: 'again', of: 'trip_distance', steps: [] }],
  },
  0,
  { trip_distance: 3, again: -3 },
)

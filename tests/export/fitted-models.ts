/** Models of every kind, fitted to random rides in a second: trees, a forest, a line, and their sums. */

import type { Documents } from '../../src/artifact.ts'
import { loadModel, type Model } from '../../src/model.ts'
import { fitRides } from '../../src/pipeline/fit-rides.ts'
import { checkRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { hourMicros, type RideBatch } from '../../src/ride.ts'
import { randomRides, rideBatch } from '../random-rides.ts'

/** Trees over ids, a product, bins, parts of zones and times, and every measure that is made. */
export const grown: Recipe = checkRecipe(
  {
    name: 'grown',
    model: 'trees',
    categorical: [
      'PULocationID',
      'DOLocationID',
      'VendorID',
      'pickup_service',
      'quarter_hour',
      { name: 'pair', product: ['PULocationID', 'DOLocationID'] },
      { name: 'rate', category: 'RatecodeID', or_missing: true },
      { name: 'far', bin: 'distance_ratio', edges: [0.5, 1, 2], or_missing: true },
    ],
    numeric: [
      ...['trip_distance', 'zone_distance', 'distance_ratio', 'passenger_count', 'holiday'],
      ...['pickup_longitude', 'pickup_latitude', 'dropoff_longitude', 'dropoff_latitude'],
      ...['minute_of_day', 'hour', 'weekday', 'hour_of_week'],
      { name: 'log', of: 'trip_distance', steps: ['log1p'] },
    ],
    trees: { rounds: 40, leaves: 16, min_rows: 5, category_smoothing: 1, min_category_rows: 5 },
  },
  'grown',
)

/** The same as a forest. */
export const wood: Recipe = {
  ...grown,
  name: 'wood',
  model: 'forest',
  trees: { ...grown.trees, leaves: 40, min_rows: 2 },
}

/** A linear model of places, times and what may be missing. */
export const line: Recipe = checkRecipe(
  {
    name: 'line',
    factors: [
      { name: 'straight', bin: 'zone_distance', edges: [0.5, 2, 8], or_missing: true },
      { name: 'from', category: 'pickup_borough', or_missing: true },
      { name: 'vendor', category: 'VendorID', or_missing: true },
    ],
    categorical: [
      'PULocationID',
      'hour',
      { name: 'from_far', product: ['from', 'straight', 'vendor'] },
      { name: 'day', product: ['weekend', 'holiday', 'quarter_hour'] },
    ],
    numeric: [{ name: 'miles', of: 'trip_distance', steps: [{ clip: [0, 30] }] }],
    l2: 1,
  },
  'line',
)

/** A weighted sum of trees and the line. */
export const both: Recipe = checkRecipe(
  { name: 'both', model: 'ensemble', members: [grown, line] },
  'both',
)

/** A weighted sum of models of one kind, and trees among them that share every name. */
export const stand: Recipe = checkRecipe(
  { name: 'stand', model: 'ensemble', members: [grown, wood] },
  'stand',
)

/** Rides with all that the recipes need, and durations that depend on them. */
function training(): RideBatch {
  const needed = ['pickup', 'trip_distance', 'PULocationID', 'DOLocationID'] as const
  const rides = rideBatch(
    randomRides(5, 2500).filter((ride) => needed.every((name) => Number.isFinite(ride[name]))),
  )
  const column = (name: 'trip_distance' | 'PULocationID' | 'DOLocationID'): Float64Array =>
    rides.columns[name] as Float64Array
  for (let i = 0; i < rides.length; i++) {
    const miles = Math.min(30, Math.max(0, column('trip_distance')[i] as number))
    const late = ((Math.floor((rides.pickup[i] as number) / hourMicros) % 24) + 24) % 24 > 15
    const zones = ((column('PULocationID')[i] as number) * 3) % 5
    const to = ((column('DOLocationID')[i] as number) * 7) % 4
    const minutes = 3 + 2.5 * Math.sqrt(miles) + (late ? 6 : 0) + zones + to
    rides.dropoff[i] = (rides.pickup[i] as number) + Math.round(minutes * 60) * 1e6
  }
  return rides
}

/** A fitted model, as it is read back from its document. */
export async function fitted(recipe: Recipe): Promise<Model> {
  const { model } = await fitRides(recipe, 'green', training(), { threads: 1 })
  return loadModel(JSON.parse(JSON.stringify(model.toJSON())))
}

/** The documents of a version of a fitted model; the profile and measures are those of another. */
export function documentsWith(model: Model, { metrics, profile, lineage }: Documents): Documents {
  return {
    model: model.toJSON(),
    metrics,
    profile,
    lineage: { ...(lineage as object), recipe: model.recipe },
  }
}

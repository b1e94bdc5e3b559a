/**
 * Rides made up for tests, row by row and at random, odd ones among them, and models of them. The
 * same seed gives the same rides. Knows nothing about files.
 */

import { compileFeatures, type Features, featureRow } from '../src/features.ts'
import { linearModel } from '../src/linear-model.ts'
import type { LinearModel, Model } from '../src/model.ts'
import { modelFormat } from '../src/model-format.ts'
import { checkRecipe } from '../src/recipe.ts'
import type { Recipe } from '../src/recipe-schema.ts'
import { type ColumnName, columnNames, type RideBatch } from '../src/ride.ts'
import { DictVectorizer, type FeatureRow } from '../src/vectorizer.ts'

/** A ride; what is absent is missing. Times in microseconds since 1970-01-01T00:00. */
export interface RideRow extends Partial<Record<ColumnName, number>> {
  readonly pickup?: number
  readonly dropoff?: number
}

/** Rides as a batch that has every column. */
export function rideBatch(rows: readonly RideRow[]): RideBatch {
  const column = (name: keyof RideRow): Float64Array =>
    Float64Array.from(rows, (row) => row[name] ?? Number.NaN)
  return {
    length: rows.length,
    pickup: column('pickup'),
    dropoff: column('dropoff'),
    columns: Object.fromEntries(columnNames.map((name) => [name, column(name)])),
  }
}

/** Batches one after another. */
export function joinedBatches(batches: readonly RideBatch[]): RideBatch {
  const values = (read: (batch: RideBatch) => Float64Array): Float64Array =>
    Float64Array.from(batches.flatMap((batch) => [...read(batch)]))
  return {
    length: batches.reduce((length, batch) => length + batch.length, 0),
    pickup: values((batch) => batch.pickup),
    dropoff: values((batch) => batch.dropoff),
    columns: Object.fromEntries(
      columnNames
        .filter((name) => batches[0]?.columns[name])
        .map((name) => [name, values((batch) => batch.columns[name] as Float64Array)]),
    ),
  }
}

/** Numbers from 0 to 1, 1 excluded: Mulberry32, public domain, by T. Ettinger. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Rides between few zones, 1960 to 2029. About every eighth value is odd: missing, no id, far out
 * of range.
 */
export function randomRides(seed: number, length: number): RideRow[] {
  const random = randomNumbers(seed)
  const upTo = (n: number): number => Math.floor(random() * n)
  const id = (levels: number): number => {
    const odd = [Number.NaN, -1, 2.5, 65_536, 65_535, 0, 1e300, Number.POSITIVE_INFINITY]
    return random() < 0.12 ? (odd[upTo(odd.length)] as number) : 1 + upTo(levels)
  }
  const quantity = (hundredths: number): number => {
    const odd = [Number.NaN, -3.25, 207_372.29, 0, 1 / 3, Number.MAX_VALUE]
    return random() < 0.12 ? (odd[upTo(odd.length)] as number) : upTo(hundredths) / 100
  }
  const year = 365.2425 * 86_400e6
  return Array.from({ length }, () => {
    const pickup = Math.floor((random() * 70 - 10) * year)
    return {
      pickup: random() < 0.05 ? Number.NaN : pickup,
      dropoff: pickup + upTo(4000) * 1e6,
      PULocationID: id(8),
      DOLocationID: id(8),
      VendorID: id(2),
      RatecodeID: id(6),
      trip_type: id(2),
      trip_distance: quantity(3500),
      passenger_count: quantity(900),
      fare_amount: quantity(9000),
    }
  })
}

/** A recipe with every kind of term there is. */
export const everyTerm: Recipe = checkRecipe(
  {
    name: 'every_term',
    categorical: [
      'PULocationID',
      'DOLocationID',
      'weekday',
      'hour',
      'hour_of_week',
      { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
      { name: 'far', bin: 'trip_distance', edges: [0.01, 1, 2.5, 10] },
      { bin: 'passenger_count', edges: [-1.5, 0] },
      { product: ['PU_DO', 'far'] },
      { product: ['VendorID', 'trip_type', { bin: 'trip_distance', edges: [3] }, 'hour'] },
    ],
    numeric: [
      'trip_distance',
      'RatecodeID',
      { of: 'trip_distance', steps: [{ clip: [0, 30] }, 'sqrt'] },
      { of: 'trip_distance', steps: ['log1p'] },
      { of: 'trip_distance', steps: ['is_zero'] },
      { name: 'beyond', of: 'trip_distance', steps: [{ hinge: 7.5 }] },
      { name: 'some', of: 'passenger_count', steps: [{ between: [1, 4] }] },
      { name: 'any', of: 'passenger_count', steps: [{ is_between: [1, 8] }] },
    ],
  },
  'every_term',
)

/** The features of every ride of a batch. */
export function featureRows(features: Features, rides: RideBatch): FeatureRow[] {
  return Array.from({ length: rides.length }, (_, i) => featureRow(features, rides, i))
}

/** A linear model with a random coefficient for every feature of `randomRides(5, 400)`. */
export function randomModel(recipe: Recipe): LinearModel {
  const rows = featureRows(compileFeatures(recipe), rideBatch(randomRides(5, 400)))
  const vectorizer = new DictVectorizer().fit(rows)
  const random = randomNumbers(8)
  return linearModel({
    format_version: modelFormat,
    kind: 'linear',
    taxi: 'green',
    recipe,
    intercept: 20 * random(),
    vectorizer: vectorizer.toJSON(),
    // Distances reach 1e308: slopes that small keep the sums finite.
    coefficients: vectorizer.featureNames().map((name) => {
      return (random() - 0.5) * (name.includes('=') ? 20 : 1e-3)
    }),
  })
}

/** A model that has to be a linear one. */
export function linearOf(model: Model): LinearModel {
  if (model.kind === 'linear') return model
  throw new Error(`model of recipe ${model.recipe.name} is of kind ${model.kind}, not linear`)
}

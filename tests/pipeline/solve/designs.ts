/**
 * Random small least squares problems of the kinds that break solvers: nested and disconnected
 * blocks, constant, zero, duplicated and huge columns, one ride, one level. Each as rides with a
 * recipe for the production path, and as a dense matrix for the exact one.
 */

import fc from 'fast-check'
import { compileFeatures, featureRow } from '../../../src/features.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'
import { batchOf, recipeOf, type SmallRide, smallRide } from '../small-rides.ts'
import type { Dense, DenseColumn } from './reference.ts'

/** One problem. */
export interface Design {
  readonly rides: readonly SmallRide[]
  readonly recipe: Recipe
}

const pair = { name: 'pair', product: ['PULocationID', 'DOLocationID'] }
const bins = { bin: 'trip_distance', edges: [5, 10] }

const blocks: Readonly<Record<string, readonly unknown[]>> = {
  none: [],
  one: ['PULocationID'],
  two: ['PULocationID', 'DOLocationID'],
  three: ['PULocationID', 'DOLocationID', 'VendorID'],
  pair: [pair],
  nested: ['PULocationID', 'DOLocationID', pair],
  'nested and crossed': ['PULocationID', pair, 'hour_of_week'],
  'products that share a factor': [
    { name: 'from_hour', product: ['PULocationID', 'hour_of_week'] },
    { name: 'to_hour', product: ['DOLocationID', 'hour_of_week'] },
  ],
  bins: ['DOLocationID', bins, { name: 'from_bin', product: ['VendorID', bins] }],
}

// Values by column for one kind of trouble each; `extra` and the like are free for it.
const numerics: Readonly<Record<string, readonly unknown[]>> = {
  none: [],
  distance: ['trip_distance'],
  'several, with ids as numbers': [
    'trip_distance',
    'fare_amount',
    { name: 'to_id', of: 'DOLocationID' },
  ],
  transforms: [
    { name: 'log', of: 'trip_distance', steps: ['log1p'] },
    { name: 'root', of: 'trip_distance', steps: ['sqrt'] },
    { name: 'hinge', of: 'trip_distance', steps: [{ hinge: 7.5 }] },
  ],
  constant: ['extra', 'trip_distance'],
  zero: ['trip_distance', 'mta_tax'],
  'duplicated and scaled': [
    'trip_distance',
    { name: 'again', of: 'trip_distance' },
    'tolls_amount',
  ],
  indicator: ['tip_amount', 'passenger_count'],
  huge: ['ehail_fee', 'passenger_count'],
  'huge and duplicated': ['ehail_fee', { name: 'again', of: 'ehail_fee' }, 'extra'],
}

const graphs = ['any', 'disconnected', 'one pair'] as const

/** Puts a ride into a zone graph, and fills the columns that are trouble. */
function shaped(ride: SmallRide, graph: (typeof graphs)[number], outlier: boolean): SmallRide {
  const { PULocationID: from = 1, DOLocationID: to = 1, trip_distance: miles = 0 } = ride.columns
  const half = from <= 2 ? 0 : 2
  const zones = {
    any: [from, to],
    // Two components: 1, 2 to 11, 12 and 3, 4 to 13, 14.
    disconnected: [from, 10 + half + (to <= 2 ? 1 : 2)],
    'one pair': [7, 8],
  }[graph]
  const [PULocationID, DOLocationID] = zones as [number, number]
  return {
    ...ride,
    columns: {
      ...ride.columns,
      PULocationID,
      DOLocationID,
      extra: 0.5,
      mta_tax: 0,
      tolls_amount: Math.round(miles * 300) / 100,
      tip_amount: PULocationID === 2 || PULocationID === 7 ? 1 : 0,
      ehail_fee: outlier ? 200_000 + Math.round(miles * 100) / 100 : miles,
    },
  }
}

const pick = <T>(from: Readonly<Record<string, T>>): fc.Arbitrary<T> =>
  fc.constantFrom(...Object.values(from))

/** Random designs of up to 60 rides; `l2` by the arbitrary given. */
export function designs(l2: fc.Arbitrary<number>): fc.Arbitrary<Design> {
  const ride = fc.tuple(smallRide, fc.integer({ min: 0, max: 9 }))
  return fc
    .record({
      rides: fc.oneof(
        { weight: 9, arbitrary: fc.array(ride, { minLength: 2, maxLength: 60, size: 'max' }) },
        { weight: 1, arbitrary: fc.array(ride, { minLength: 1, maxLength: 1 }) },
      ),
      graph: fc.constantFrom(...graphs, 'any' as const),
      categorical: pick(blocks),
      numeric: pick(numerics),
      l2,
    })
    .filter(({ categorical, numeric }) => categorical.length + numeric.length > 0)
    .map(({ rides, graph, categorical, numeric, l2 }) => ({
      rides: rides.map(([one, luck]) => shaped(one, graph, luck === 0)),
      recipe: recipeOf({ categorical, numeric, l2 }),
    }))
}

/** Ridge penalties from 1e-6 to 1e6. */
export const penalties: fc.Arbitrary<number> = fc
  .integer({ min: -6, max: 6 })
  .map((power) => 10 ** power)

/** The dense matrix of a design, column by column as a DictVectorizer makes it. */
export function denseOf({ rides, recipe }: Design): Dense {
  const features = compileFeatures(recipe)
  const batch = batchOf(rides)
  const rows = rides.map((_, i) => featureRow(features, batch, i))
  const scales = new Map(features.numeric.map(({ name, scale }) => [name, scale]))
  const columns = new Map<string, DenseColumn & { units: bigint[] }>()
  rows.forEach((row, i) => {
    for (const [name, value] of Object.entries(row)) {
      const scale = scales.get(name) ?? 1
      const column = typeof value === 'number' ? name : `${name}=${value}`
      const units = typeof value === 'number' ? Math.round(value * scale) : 1
      const found = columns.get(column) ?? {
        name: column,
        scale: BigInt(scale),
        units: new Array<bigint>(rides.length).fill(0n),
      }
      found.units[i] = BigInt(units)
      columns.set(column, found)
    }
  })
  return {
    columns: [...columns.values()],
    seconds: rides.map(({ seconds }) => BigInt(seconds)),
    l2: recipe.l2,
  }
}

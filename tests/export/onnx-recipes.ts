/** Linear models and rides at random for the ONNX export: every kind of term, hostile values. */

import fc from 'fast-check'
import { isRidecastError } from '../../src/errors.ts'
import { compileFeatures } from '../../src/features.ts'
import { linearModel } from '../../src/linear-model.ts'
import { madeNames } from '../../src/measures.ts'
import type { Model } from '../../src/model.ts'
import { modelFormat } from '../../src/model-format.ts'
import { checkRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { derivedLevels, type RideBatch, zoneNames } from '../../src/ride.ts'
import { DictVectorizer } from '../../src/vectorizer.ts'
import { featureRows, type RideRow, rideBatch } from '../random-rides.ts'

const hour = 3_600_000_000

/** Quantities that are usual, at an edge, or hostile. */
export const quantity = fc.oneof(
  fc.integer({ min: -300, max: 3500 }).map((hundredths) => hundredths / 100),
  fc.constantFrom(
    ...[0, -0, 1, -1, 0.5, 2.5, 30, 1 / 3, 2 ** -21, 3 * 2 ** -21, 2 ** 40, 2 ** 53, -(2 ** 63)],
    ...[
      1e-50,
      2e-50,
      1e-17,
      1e-13,
      1 + 1e-9,
      1e300,
      -1e300,
      5e-324,
      -5e-324,
      Number.MAX_VALUE,
      Number.EPSILON,
    ],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ),
)

/** Ids of a few levels, others that are none, and some that a careless product would mix up. */
export const id = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  // Zones without a place, and the first that is none, among them.
  fc.constantFrom(43, 132, 151, 263, 264, 265, 266),
  fc.constantFrom(
    ...[-1, -2, 2.5, -0, 65_535, 65_536, 65_537, 131_072, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53],
    ...[-(2 ** 16), -(2 ** 32), 2 ** 62, -(2 ** 62), 1e300, Number.NaN, Number.POSITIVE_INFINITY],
  ),
)

/** Times from years before 1970 on, on the hour, beside it, at the ends of what is exact. */
export const pickup = fc.oneof(
  fc.integer({ min: -400_000, max: 500_000 }).map((hours) => hours * hour),
  fc.integer({ min: -400_000, max: 500_000 }).map((hours) => hours * hour - 1),
  fc.constantFrom(0, -1, 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
)

/** One ride. */
export const rideRow: fc.Arbitrary<RideRow> = fc.record({
  pickup,
  PULocationID: id,
  DOLocationID: id,
  VendorID: id,
  RatecodeID: id,
  trip_distance: quantity,
  passenger_count: quantity,
})

const column = fc.oneof(
  fc.constantFrom('trip_distance', 'passenger_count', 'RatecodeID'),
  fc.constantFrom(...madeNames),
)
const bound = fc.oneof(
  fc.integer({ min: -8, max: 40 }).map((quarters) => quarters / 4),
  fc.constantFrom(1e300, -1e300, 5e-324, 1e-50, 1 / 3, 1 + 1e-9, 1 - 1e-9),
)
const ascending = (values: number[]): number[] => [...new Set(values)].sort((a, b) => a - b)
const range = fc.uniqueArray(bound, { minLength: 2, maxLength: 2 }).map(ascending)
const step = fc.oneof(
  fc.constantFrom('log1p', 'sqrt', 'is_zero'),
  fc.record({ clip: range }),
  fc.record({ hinge: bound }),
  fc.record({ between: range }),
  fc.record({ is_between: range }),
)
const edges = fc.uniqueArray(bound, { minLength: 1, maxLength: 6 }).map(ascending)
const orMissing = { or_missing: fc.constant(true as const) }
const bin = fc.oneof(
  fc.record({ bin: column, edges }),
  fc.record({ bin: column, edges, ...orMissing }),
)
const atom = fc.constantFrom(
  ...['PULocationID', 'DOLocationID', 'VendorID', 'RatecodeID'],
  ...Object.keys(derivedLevels),
  ...Object.keys(zoneNames),
)
const category = fc.record({ category: atom, ...orMissing })
const factor = fc.oneof(atom, atom, category, bin, fc.constantFrom('t0', 't1'))
const categorical = fc.oneof(
  atom,
  category,
  bin,
  fc.record({ product: fc.array(factor, { minLength: 2, maxLength: 4 }) }),
)
const numeric = fc.record({ of: column, steps: fc.array(step, { maxLength: 4 }) })

/** A recipe of up to nine terms called t0, t1 ... */
export const recipe: fc.Arbitrary<Recipe> = fc
  .record({
    categorical: fc.array(categorical, { maxLength: 5 }),
    numeric: fc.array(numeric, { maxLength: 4 }),
    min: fc.constantFrom(1, 0, -1e6, 0.1),
  })
  .map(({ categorical, numeric, min }) => {
    const named = categorical.map((spec, t) => {
      return typeof spec === 'string' ? spec : { ...spec, name: `t${t}` }
    })
    try {
      const checked = checkRecipe(
        {
          name: 'random',
          target: { min, max: 2e6 },
          categorical: named,
          numeric: numeric.map((spec, t) => ({ ...spec, name: `n${t}` })),
        },
        'random',
      )
      compileFeatures(checked)
      return checked
    } catch (error) {
      // No term at all, one twice, a factor that does not come earlier, too many levels.
      if (isRidecastError(error, 'recipe_invalid')) return undefined
      throw error
    }
  })
  .filter((checked) => checked !== undefined)

const coefficient = fc.oneof(
  fc.double({ min: -30, max: 30, noNaN: true }),
  // Some that are 0 or 1 in single precision only.
  fc.constantFrom(0, -0, 1e300, -1e300, 5e-324, 1e-50, 1 / 3, 1, 1 + 1e-9, 1 - 1e-9),
)

/** A model that knows the levels of some rides, and rides to ask it about, those among them. */
export const modelAndRides: fc.Arbitrary<{ model: Model; rides: RideBatch }> = fc
  .record({
    recipe,
    known: fc.array(rideRow, { minLength: 1, maxLength: 12 }),
    others: fc.array(rideRow, { minLength: 1, maxLength: 30 }),
    coefficients: fc.array(coefficient, { minLength: 5, maxLength: 40 }),
  })
  .map(({ recipe, known, others, coefficients }) => {
    const vectorizer = new DictVectorizer().fit(
      featureRows(compileFeatures(recipe), rideBatch(known)),
    )
    const [intercept = 0, ...slopes] = coefficients
    const model = linearModel({
      format_version: modelFormat,
      kind: 'linear',
      taxi: 'green',
      recipe,
      intercept,
      vectorizer: vectorizer.toJSON(),
      coefficients: vectorizer.featureNames().map((_, k) => slopes[k % slopes.length] as number),
    })
    return { model, rides: rideBatch([...known, ...others]) }
  })

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { RidecastError } from '../src/errors.ts'
import { compileFeatures } from '../src/features.ts'
import { loadModel, type ModelDocument } from '../src/model.ts'
import { modelFormat } from '../src/model-format.ts'
import { checkRecipe, parseRecipe } from '../src/recipe.ts'
import type { Recipe } from '../src/recipe-schema.ts'
import { parseWallClock } from '../src/ride.ts'
import { DictVectorizer } from '../src/vectorizer.ts'
import { type Json, modelContract } from './model-contract.ts'
import { everyTerm, linearOf, randomModel, rideBatch } from './random-rides.ts'

const shipped = (name: string): Recipe => {
  const text = readFileSync(new URL(`../recipes/${name}.yaml`, import.meta.url), 'utf8')
  return parseRecipe(text, name)
}

/** The document with other coefficients and feature names. */
function altered(
  document: Json,
  change: (names: string[], coefficients: unknown[]) => void,
): unknown {
  const vectorizer = document.vectorizer as Json
  const names = [...(vectorizer.feature_names as string[])]
  const coefficients = [...(document.coefficients as unknown[])]
  change(names, coefficients)
  return { ...document, coefficients, vectorizer: { ...vectorizer, feature_names: names } }
}

const added = (name: string) => (document: Json) =>
  altered(document, (names, coefficients) => {
    names.push(name)
    coefficients.push(1)
  })

for (const recipe of [shipped('plain'), shipped('pairs'), shipped('standard'), everyTerm]) {
  modelContract(`the linear model of ${recipe.name}`, () => ({
    model: randomModel(recipe),
    corrupt: {
      'a coefficient too few': (document) =>
        altered(document, (_, coefficients) => coefficients.pop()),
      'a coefficient too many': (document) =>
        altered(document, (_, coefficients) => coefficients.push(0)),
      'a feature name too few': (document) => altered(document, (names) => names.pop()),
      'a feature name twice': (document) =>
        altered(document, (names) => {
          names[1] = names[0] as string
        }),
      'a coefficient that is null, as JSON writes NaN': (document) =>
        altered(document, (_, coefficients) => {
          coefficients[0] = null
        }),
      'a coefficient that is NaN': (document) =>
        altered(document, (_, coefficients) => {
          coefficients[0] = Number.NaN
        }),
      'a coefficient that is infinite': (document) =>
        altered(document, (_, coefficients) => {
          coefficients[0] = Number.POSITIVE_INFINITY
        }),
      'a coefficient that is text': (document) =>
        altered(document, (_, coefficients) => {
          coefficients[0] = '1'
        }),
      'an intercept that is null': (document) => ({ ...document, intercept: null }),
      'an intercept that is NaN': (document) => ({ ...document, intercept: Number.NaN }),
      'a feature of no term': added('colour=red'),
      'a quantity of no term': added('colour'),
      'an empty feature name': added(''),
      'a level that is no id': added(`${firstCategory(recipe)}=red`),
      'a level without a value': added(`${firstCategory(recipe)}=`),
      'a category without a level': added(firstCategory(recipe)),
      'a quantity with a level': added(`${firstQuantity(recipe)}=5`),
      'a vectorizer of another kind': (document) => ({
        ...document,
        vectorizer: { ...(document.vectorizer as Json), kind: 'hashing' },
      }),
      'another separator than the names have': (document) => ({
        ...document,
        vectorizer: { ...(document.vectorizer as Json), separator: ':' },
      }),
      'the recipe of another model': (document) => ({
        ...document,
        recipe: checkRecipe({ name: 'other', categorical: ['trip_type'] }, 'other'),
      }),
    },
  }))
}

function firstCategory(recipe: Recipe): string {
  return compileFeatures(recipe).categorical[0]?.name ?? ''
}

function firstQuantity(recipe: Recipe): string {
  return compileFeatures(recipe).numeric[0]?.name ?? ''
}

describe('a linear model by hand', () => {
  const recipe = checkRecipe(
    {
      name: 'by_hand',
      categorical: [
        { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
        'hour',
        { name: 'far', bin: 'trip_distance', edges: [2, 5] },
      ],
      numeric: ['trip_distance', { name: 'root', of: 'trip_distance', steps: ['sqrt'] }],
    },
    'by_hand',
  )
  const effects: readonly (readonly [string, number])[] = [
    ['PU_DO=43_151', 1.5],
    ['PU_DO=7_7', -2],
    ['far=2..5', 0.25],
    ['far=>=5', 8],
    ['hour=8', 4],
    ['root', 0.5],
    ['trip_distance', 3],
  ]
  const document: ModelDocument = {
    format_version: modelFormat,
    kind: 'linear',
    taxi: 'green',
    recipe,
    intercept: 10,
    vectorizer: DictVectorizer.fromFeatureNames(effects.map(([name]) => name)).toJSON(),
    coefficients: effects.map(([, minutes]) => minutes),
  }
  const model = loadModel(document)

  test('adds the coefficient of every level and the product of every quantity', () => {
    const rides = rideBatch([
      {
        PULocationID: 43,
        DOLocationID: 151,
        trip_distance: 4,
        pickup: parseWallClock('2021-02-03T08:59:59'),
      },
      { PULocationID: 151, DOLocationID: 43, trip_distance: 9 },
    ])
    // 10 + 1.5 + 4 + 0.25 + 4 * 3 + 2 * 0.5
    expect(model.predict(rides, 0)).toBe(28.75)
    // 10 + nothing for the pair and the hour + 8 + 9 * 3 + 3 * 0.5
    expect(model.predict(rides, 1)).toBe(46.5)
    expect(model.explain(rides, 1)).toEqual([
      { term: 'PU_DO', value: '151_43', minutes: 0, unseen: true },
      { term: 'hour', value: null, minutes: 0, unseen: true },
      { term: 'far', value: '>=5', minutes: 8, unseen: false },
      { term: 'trip_distance', value: 9, minutes: 27, unseen: false },
      { term: 'root', value: 3, minutes: 1.5, unseen: false },
    ])
  })

  test('tells its effects by term and level', () => {
    expect(linearOf(model).effects().slice(2, 6)).toEqual([
      { feature: 'far=2..5', term: 'far', level: '2..5', minutes: 0.25 },
      { feature: 'far=>=5', term: 'far', level: '>=5', minutes: 8 },
      { feature: 'hour=8', term: 'hour', level: '8', minutes: 4 },
      { feature: 'root', term: 'root', minutes: 0.5 },
    ])
  })

  test('a level whose coefficient is 0 is seen', () => {
    const zero = loadModel({ ...document, coefficients: document.coefficients.map(() => 0) })
    const ride = rideBatch([{ PULocationID: 7, DOLocationID: 7 }])
    expect(zero.explain(ride, 0)[0]).toEqual({
      term: 'PU_DO',
      value: '7_7',
      minutes: 0,
      unseen: false,
    })
  })

  test('a quantity that was in no training ride adds nothing', () => {
    const names = document.vectorizer.feature_names.filter((name) => name !== 'root')
    const few = loadModel({
      ...document,
      vectorizer: DictVectorizer.fromFeatureNames(names).toJSON(),
      coefficients: names.map(() => 1),
    })
    expect(few.predict(rideBatch([{ trip_distance: 4 }]), 0)).toBe(10 + 1 + 4)
  })

  test('ids above the size of a table are found too', () => {
    // PU_DO codes reach 2^32: these two pairs lie on both sides of 2^17.
    const names = ['PU_DO=0_1', 'PU_DO=65535_65535']
    const wide = loadModel({
      ...document,
      vectorizer: DictVectorizer.fromFeatureNames(names).toJSON(),
      coefficients: [1, 2],
    })
    const rides = rideBatch([
      { PULocationID: 0, DOLocationID: 1 },
      { PULocationID: 65_535, DOLocationID: 65_535 },
      { PULocationID: 65_535, DOLocationID: 65_534 },
    ])
    expect([0, 1, 2].map((i) => wide.predict(rides, i))).toEqual([11, 12, 10])
  })

  test('what is wrong with a document is told', () => {
    const message = (changed: unknown): string => {
      try {
        loadModel(changed)
      } catch (error) {
        if (error instanceof RidecastError) return error.message
        throw error
      }
      throw new Error('it was accepted')
    }
    expect(message({ ...document, coefficients: [1] })).toBe(
      'model.json has 1 coefficients for 7 features: expected one finite number each',
    )
    expect(message({ ...document, intercept: 'ten' })).toMatch(/ intercept: .*expected number/)
    expect(message({ ...document, recipe: { ...recipe, categorical: ['hour'] } })).toBe(
      'model.json has the feature PU_DO=43_151, which no term of its recipe makes',
    )
  })
})

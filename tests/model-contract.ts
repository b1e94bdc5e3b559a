/**
 * The suite that every kind of model passes. A kind's own test file calls {@link modelContract}
 * and adds what is special to that kind.
 */

import { describe, expect, test } from 'vitest'
import { isRidecastError } from '../src/errors.ts'
import { loadModel, type Model } from '../src/model.ts'
import { emptyRide, type RideBatch } from '../src/ride.ts'
import { linearOf, type RideRow, randomRides, rideBatch } from './random-rides.ts'

/** A model to hold to the contract. */
export interface ModelHarness {
  readonly model: Model
  /** Documents that are corrupt for this kind, by what is wrong with them. */
  readonly corrupt: Readonly<Record<string, (document: Json) => unknown>>
}

/** A document as a mutable object. */
export type Json = Record<string, unknown>

const rows = randomRides(11, 600)

/** Minutes for every ride of a batch. */
function predictions(model: Model, rides: RideBatch): number[] {
  return Array.from({ length: rides.length }, (_, i) => model.predict(rides, i))
}

/** The document as whoever reads the file gets it. */
function documentOf(model: Model): Json {
  return JSON.parse(JSON.stringify(model.toJSON()))
}

function without(document: Json, key: string): Json {
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== key))
}

/**
 * Runs the suite.
 *
 * @param kind its name, for the heading
 * @param prepare makes a model that was fitted to some of the rides of `randomRides(5, 400)`
 */
export function modelContract(kind: string, prepare: () => ModelHarness): void {
  describe(`${kind} keeps the Model contract`, () => {
    const { model, corrupt } = prepare()
    const rides = rideBatch(rows)
    const minutes = predictions(model, rides)
    const linear = model.kind === 'linear' ? model : undefined

    test('it tells rides apart, so that the tests below can fail', () => {
      expect(new Set(minutes).size).toBeGreaterThan(rows.length / 4)
      expect(minutes.every(Number.isFinite)).toBe(true)
    })

    test('the order of the columns and columns it does not use change nothing', () => {
      const turned = Object.fromEntries(Object.entries(rides.columns).reverse())
      expect(predictions(model, { ...rides, columns: turned })).toEqual(minutes)
      const used = Object.entries(rides.columns).filter(([name]) =>
        (model.features.inputs as readonly string[]).includes(name),
      )
      expect(predictions(model, { ...rides, columns: Object.fromEntries(used) })).toEqual(minutes)
    })

    test('the order of the rides and the rides around one change nothing', () => {
      expect(predictions(model, rideBatch([...rows].reverse())).reverse()).toEqual(minutes)
      const alone = rows.map((row) => model.predict(rideBatch([row]), 0))
      expect(alone).toEqual(minutes)
    })

    test('the drop-off is not looked at', () => {
      const ended = { ...rides, dropoff: new Float64Array(rides.length).fill(Number.NaN) }
      expect(predictions(model, ended)).toEqual(minutes)
    })

    test('a reused ride is read anew each time', () => {
      const { inputs } = model.features
      const columns = inputs.filter((name) => name !== 'pickup_datetime')
      const one = emptyRide(columns)
      rows.slice(0, 100).forEach((row, i) => {
        one.pickup[0] = row.pickup ?? Number.NaN
        for (const name of columns) (one.columns[name] as Float64Array)[0] = row[name] ?? Number.NaN
        expect(model.predict(one, 0)).toBe(minutes[i])
      })
    })

    test('unseen categories are reported', () => {
      const strange: RideRow = { ...rows[0], PULocationID: 60_001, DOLocationID: 60_002 }
      const parts = model.explain(rideBatch([strange]), 0)
      const zones = parts.filter(({ term }) => /^((PU|DO)LocationID|PU_DO)$/.test(term))
      expect(zones.length).toBeGreaterThan(0)
      const categories = model.categories(rideBatch([strange]), 0)
      for (const { term, unseen, value } of zones) {
        expect(categories).toContainEqual({ term, value, minutes: 0, unseen: true })
        expect(unseen).toBe(true)
        expect(value).toMatch(/^(60001|60002|60001_60002)$/)
      }
    })

    test('categories are those of the reasons, without minutes', () => {
      const kinds = model.kind === 'ensemble' ? model.members.map((one) => one.model) : [model]
      const names = new Set(
        kinds.flatMap(({ features }) => features.categorical.map((t) => t.name)),
      )
      for (let i = 0; i < rides.length; i++) {
        const reasons = model.explain(rides, i).filter(({ term }) => names.has(term))
        expect(model.categories(rides, i)).toEqual(reasons.map((one) => ({ ...one, minutes: 0 })))
      }
    })

    if (linear)
      test('unseen categories add nothing', () => {
        const strange: RideRow = { ...rows[0], PULocationID: 60_001, DOLocationID: 60_002 }
        const contributions = model.explain(rideBatch([strange]), 0)
        expect(linear.predictSeen(rideBatch([strange]), 0)).toBeNaN()
        const categories = model.features.categorical
        expect(categories.length).toBeGreaterThan(0)
        categories.forEach((term, t) => {
          if (!term.inputs.includes('PULocationID')) return
          expect(contributions[t]).toMatchObject({ term: term.name, minutes: 0, unseen: true })
          if (term.inputs.length === 1) expect(contributions[t]?.value).toBe('60001')
        })
      })

    if (linear)
      test('a ride without any value gives the intercept, and says that all is missing', () => {
        const nothing = rideBatch([{}])
        expect(model.predict(nothing, 0)).toBe(model.intercept)
        expect(linear.predictSeen(nothing, 0)).toBe(model.intercept)
        for (const { value, minutes, unseen } of model.explain(nothing, 0)) {
          expect({ value, minutes, unseen }).toEqual({ value: null, minutes: 0, unseen: true })
        }
      })

    test('contributions add up to the prediction exactly, in their order', () => {
      for (let i = 0; i < rides.length; i++) {
        const parts = model.explain(rides, i)
        let sum = model.intercept
        parts.forEach((part, t) => {
          if (linear) expect(part.minutes).toBe(linear.contribution(t, rides, i))
          sum += part.minutes
        })
        expect(sum).toBe(minutes[i])
        const isStrange = parts.some(({ unseen, value }) => unseen && value !== null)
        if (linear) expect(linear.predictSeen(rides, i)).toBe(isStrange ? Number.NaN : minutes[i])
      }
    })

    test('contributions bear the names of the terms, in their order', () => {
      const members = model.kind === 'ensemble' ? model.members.map((one) => one.model) : [model]
      const all = members.flatMap(({ features: { categorical, numeric } }) =>
        [...categorical, ...numeric].map(({ name }) => name),
      )
      const names = [...new Set(all)]
      if (linear) expect(names).toHaveLength(linear.terms)
      expect(model.explain(rides, 0).map(({ term }) => term)).toEqual(names)
    })

    test('rides are not changed', () => {
      const before = structuredClone(rides)
      predictions(model, rides)
      for (let i = 0; i < rides.length; i++) model.explain(rides, i)
      expect(rides).toEqual(before)
    })

    if (linear)
      test('effects are one for each column, sorted as the vectorizer sorts', () => {
        const effects = linearOf(model).effects()
        expect(effects).toHaveLength(model.columns)
        const names = effects.map(({ feature }) => feature)
        expect(names).toEqual([...names].sort())
        const terms = new Set(model.explain(rides, 0).map(({ term }) => term))
        for (const { term, level, feature } of effects) {
          expect(terms).toContain(term)
          expect(feature).toBe(level === undefined ? term : `${term}=${level}`)
        }
      })

    test('its document brings back the same model, to the byte', () => {
      const json = JSON.stringify(model.toJSON())
      const loaded = loadModel(JSON.parse(json))
      expect(JSON.stringify(loaded.toJSON())).toBe(json)
      expect(predictions(loaded, rides)).toEqual(minutes)
      if (linear) expect(linearOf(loaded).effects()).toEqual(linear.effects())
      const { kind, recipe, columns, intercept } = model
      expect(loaded).toMatchObject({ kind, recipe, columns, intercept })
      for (let i = 0; i < 50; i++) expect(loaded.explain(rides, i)).toEqual(model.explain(rides, i))
    })

    test('its document says kind, format and fleet', () => {
      expect(documentOf(model)).toMatchObject({ kind: model.kind, format_version: 1 })
      expect(documentOf(model).taxi).toMatch(/^(green|yellow)$/)
    })

    const always: ModelHarness['corrupt'] = {
      'null in its place': () => null,
      'a text in its place': (document) => JSON.stringify(document),
      'a list in its place': (document) => [document],
      'another format version': (document) => ({ ...document, format_version: 2 }),
      'another kind': (document) => ({ ...document, kind: 'oracle' }),
      'another fleet': (document) => ({ ...document, taxi: 'purple' }),
      ...(model.kind !== 'ensemble' && {
        'a recipe without terms': (document: Json) => ({
          ...document,
          recipe: { ...(document.recipe as Json), categorical: [], numeric: [] },
        }),
      }),
      'a recipe with an unknown key': (document) => ({
        ...document,
        recipe: { ...(document.recipe as Json), colour: 'red' },
      }),
      'a recipe with an unknown term': (document) => ({
        ...document,
        recipe: { ...(document.recipe as Json), categorical: ['colour'] },
      }),
      'a recipe with a term twice': (document) => ({
        ...document,
        recipe: { ...(document.recipe as Json), categorical: ['hour', 'hour'] },
      }),
      'a recipe with leakage': (document) => ({
        ...document,
        recipe: { ...(document.recipe as Json), numeric: ['fare_amount'] },
      }),
    }
    const missing = Object.fromEntries(
      Object.keys(documentOf(model)).map((key) => [
        `no ${key}`,
        (document: Json) => without(document, key),
      ]),
    )

    test.each(Object.entries({ ...always, ...missing, ...corrupt }))(
      'a document with %s is refused',
      (_, change) => {
        const fault = ((): unknown => {
          try {
            return loadModel(change(documentOf(model)))
          } catch (error) {
            return error
          }
        })()
        expect(fault).toSatisfy((error: unknown) => isRidecastError(error, 'artifact_corrupt'))
        expect((fault as Error).message).toMatch(/^model\.json /)
      },
    )
  })
}

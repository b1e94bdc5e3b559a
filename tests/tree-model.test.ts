import { describe, expect, test } from 'vitest'
import { loadModel, type Model } from '../src/model.ts'
import { fitRides, fitToRides } from '../src/pipeline/fit-rides.ts'
import { predictAt } from '../src/predict-at.ts'
import { createPredictor } from '../src/predictor.ts'
import type { Profile } from '../src/profile.ts'
import { checkRecipe } from '../src/recipe.ts'
import type { Recipe } from '../src/recipe-schema.ts'
import { hourMicros, type RideBatch } from '../src/ride.ts'
import { type Json, modelContract } from './model-contract.ts'
import { randomRides, rideBatch } from './random-rides.ts'

const trees = checkRecipe(
  {
    name: 'grown',
    model: 'trees',
    categorical: [
      'PULocationID',
      'DOLocationID',
      { name: 'pair', product: ['PULocationID', 'DOLocationID'] },
    ],
    numeric: ['trip_distance', 'zone_distance', 'minute_of_day', 'weekday'],
    trees: { rounds: 40, leaves: 8, min_rows: 5, category_smoothing: 1, min_category_rows: 5 },
  },
  'grown',
)
const forest: Recipe = {
  ...trees,
  name: 'wood',
  model: 'forest',
  trees: { ...trees.trees, leaves: 30, min_rows: 2 },
}
const line = checkRecipe(
  {
    name: 'line',
    categorical: ['PULocationID', 'hour'],
    numeric: [{ name: 'miles', of: 'trip_distance', steps: [{ clip: [0, 30] }] }],
    l2: 1,
  },
  'line',
)
const both = checkRecipe({ name: 'both', model: 'ensemble', members: [trees, line] }, 'both')

/** Rides with all that members need, and durations that depend on them. */
function training(): RideBatch {
  const rides = rideBatch(
    randomRides(5, 1500).filter(({ pickup, trip_distance, PULocationID, DOLocationID }) =>
      [pickup, trip_distance, PULocationID, DOLocationID].every((value) => Number.isFinite(value)),
    ),
  )
  for (let i = 0; i < rides.length; i++) {
    const miles = Math.min(30, (rides.columns.trip_distance as Float64Array)[i] as number)
    const hour = Math.floor((rides.pickup[i] as number) / hourMicros) % 24
    const zone = (rides.columns.PULocationID as Float64Array)[i] as number
    const minutes =
      3 + 2.5 * Math.sqrt(Math.max(0, miles)) + ((hour + 24) % 24 > 15 ? 6 : 0) + (zone % 5)
    rides.dropoff[i] = (rides.pickup[i] as number) + Math.round(minutes * 60) * 1e6
  }
  return rides
}

const rides = training()
const fitted = new Map<string, Model>()
for (const recipe of [trees, forest, both]) {
  fitted.set(recipe.name, (await fitRides(recipe, 'green', rides)).model)
}
const modelOf = (recipe: Recipe): Model => fitted.get(recipe.name) as Model

const learner = (document: Json): Json => (document.ensemble as Json).learner as Json

for (const recipe of [trees, forest]) {
  modelContract(`the model of ${recipe.model}`, () => ({
    model: modelOf(recipe),
    corrupt: {
      'a level too few': (document) => {
        const levels = document.levels as Record<string, string[]>
        return { ...document, levels: { ...levels, PULocationID: ['x'] } }
      },
      'levels out of order': (document) => {
        const levels = document.levels as Record<string, string[]>
        const turned = [...(levels.PULocationID ?? [])].reverse()
        return { ...document, levels: { ...levels, PULocationID: turned } }
      },
      'trees over other features': (document) => {
        const { ensemble } = document as { ensemble: Json }
        const names = [...(learner(document).feature_names as string[])].reverse()
        return {
          ...document,
          ensemble: { ...ensemble, learner: { ...learner(document), feature_names: names } },
        }
      },
      'trees that are none': (document) => ({ ...document, ensemble: { learner: 7 } }),
    },
  }))
}

modelContract('the model of an ensemble', () => ({
  model: modelOf(both),
  corrupt: {
    'a negative weight': (document) => {
      const [first, ...others] = document.members as Json[]
      return { ...document, members: [{ ...first, weight: -1 }, ...others] }
    },
    'a member too few': (document) => ({
      ...document,
      members: (document.members as Json[]).slice(1),
    }),
    'members in another order': (document) => ({
      ...document,
      members: [...(document.members as Json[])].reverse(),
    }),
  },
}))

describe('a predictor over trees or an ensemble', () => {
  const hours = new Array<number>(168).fill(0)
  hours[8] = 300
  hours[20] = 100
  const profile: Profile = {
    rides: 400,
    duration: { mean: 10, std: 5, minutes: [] },
    hour_of_week: hours,
    pickups: [],
    dropoffs: [],
    trip_distance: { mean: 3, plausible_up_to: 100, edges: [1, 10], counts: [0, 400, 0] },
    pairs: [[43, 151, 5, 2]],
  }
  const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 2 }

  test.each([trees, forest, both])('explains what it predicts, of $name', (recipe) => {
    const predictor = createPredictor(modelOf(recipe), profile)
    const timed = { ...ride, pickup_datetime: Date.UTC(2021, 0, 4, 8, 30) * 1000 }
    for (const one of [timed, ride]) {
      const { duration, contributions, intercept, total } = predictor.explain(one)
      expect(predictor.predict(one).duration).toBe(duration)
      expect(contributions.reduce((sum, { minutes }) => sum + minutes, intercept)).toBe(total)
      expect(duration).toBe(Math.max(1, total))
    }
  })

  test.each([trees, both])(
    'averages over the hours where the time is not known, of $name',
    (recipe) => {
      const predictor = createPredictor(modelOf(recipe), profile)
      // 4 January 2021 was a Monday.
      const at = (hour: number): number => {
        const pickup_datetime = Date.UTC(2021, 0, 4, hour, 30) * 1000
        return predictor.predict({ ...ride, pickup_datetime }).duration
      }
      const { duration, warnings } = predictor.predict(ride)
      expect(duration).toBeCloseTo(0.75 * at(8) + 0.25 * at(20), 5)
      expect(warnings.map(({ code }) => code)).toContain('pickup_assumed')
    },
  )

  test('says which categories it has not met', () => {
    const predictor = createPredictor(modelOf(both), profile)
    const { warnings } = predictor.predict({ ...ride, PULocationID: 264 })
    const unseen = warnings.filter(({ code }) => code === 'category_unseen')
    expect(unseen.map(({ field }) => field)).toEqual(['PULocationID', 'DOLocationID', 'pair'])
  })
})

test.each([trees, forest, line, both])(
  'many rides at once are each of them, to the bit: $name',
  async (recipe) => {
    const model = fitted.get(recipe.name) ?? (await fitToRides(recipe, 'green', rides, {}))
    const others = rideBatch(randomRides(11, 700))
    const every = Array.from({ length: others.length }, (_, i) => model.predict(others, i))
    expect([...predictAt(model, others)]).toEqual(every)
    const some = Int32Array.of(699, 3, 3, 500)
    expect([...predictAt(model, others, some)]).toEqual([...some].map((i) => every[i]))
    expect([...predictAt(model, others, new Int32Array(0))]).toEqual([])
  },
)

describe('an ensemble', () => {
  test('is the sum of its members by weight, to 32 bits', () => {
    const model = modelOf(both)
    if (model.kind !== 'ensemble') throw new Error('no ensemble')
    for (let i = 0; i < 100; i++) {
      const sum = model.members.reduce(
        (all, one) => all + one.weight * one.model.predict(rides, i),
        0,
      )
      expect(model.predict(rides, i)).toBe(Math.fround(sum))
    }
  })

  test('fits the same on any number of threads', async () => {
    const again = await fitRides(both, 'green', rides, { threads: 2 })
    expect(JSON.stringify(again.model.toJSON())).toBe(JSON.stringify(modelOf(both).toJSON()))
  })

  test('that is no better than its best member is refused, which is named', async () => {
    const same = checkRecipe(
      { name: 'same', model: 'ensemble', members: [line, { ...line, name: 'line2' }] },
      'same',
    )
    await expect(fitRides(same, 'green', rides)).rejects.toThrow(/train line/)
  })

  test.each([
    ['model: linear', { model: 'linear', members: [trees, line], categorical: ['hour'] }],
    ['no members', { model: 'ensemble' }],
    ['one member', { model: 'ensemble', members: [trees] }],
    ['terms of its own', { model: 'ensemble', members: [trees, line], categorical: ['hour'] }],
    ['a member twice', { model: 'ensemble', members: [trees, trees] }],
    [
      'a member of another target',
      { model: 'ensemble', members: [trees, { ...line, target: { min: 2 } }] },
    ],
    ['an ensemble within', { model: 'ensemble', members: [line, both] }],
  ])('with %s is refused', (_, parts) => {
    expect(() => checkRecipe({ name: 'x', ...parts }, 'x')).toThrow(
      expect.objectContaining({ code: 'recipe_invalid' }),
    )
  })
})

test('a model of trees is read back with its levels', () => {
  const model = modelOf(trees)
  const back = loadModel(JSON.parse(JSON.stringify(model.toJSON())))
  expect(back.kind).toBe('trees')
  expect(back.predict(rides, 3)).toBe(model.predict(rides, 3))
})

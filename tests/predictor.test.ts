import { describe, expect, test } from 'vitest'
import type { Model } from '../src/model.ts'
import { loadModel } from '../src/model.ts'
import { modelFormat } from '../src/model-format.ts'
import { createPredictor, type Explanation, type RideRequest } from '../src/predictor.ts'
import type { Profile } from '../src/profile.ts'
import { checkRecipe } from '../src/recipe.ts'
import type { Recipe } from '../src/recipe-schema.ts'
import { hourMicros, parseWallClock } from '../src/ride.ts'
import { DictVectorizer } from '../src/vectorizer.ts'
import { everyTerm, randomModel, randomNumbers, rideBatch } from './random-rides.ts'

/** Rides in every hour of the week but Monday from 0 to 4, more in some than in others. */
const hours = Array.from({ length: 168 }, (_, hour) => (hour < 4 ? 0 : (hour * 7) % 23))
const rides = hours.reduce((sum, count) => sum + count, 0)

const profile: Profile = {
  rides,
  duration: { mean: 12, std: 3, minutes: [0, rides] },
  hour_of_week: hours,
  pickups: [[1, rides]],
  dropoffs: [[2, rides]],
  trip_distance: { mean: 2.5, plausible_up_to: 100, edges: [1, 20], counts: [0, rides, 0] },
  pairs: [[1, 2, rides, 1.75]],
}

function modelOf(
  parts: Partial<Record<keyof Recipe, unknown>>,
  intercept: number,
  minutes: Readonly<Record<string, number>>,
): Model {
  const vectorizer = DictVectorizer.fromFeatureNames(Object.keys(minutes))
  return loadModel({
    format_version: modelFormat,
    kind: 'linear',
    taxi: 'green',
    recipe: checkRecipe({ name: 'test', ...parts }, 'test'),
    intercept,
    vectorizer: vectorizer.toJSON(),
    coefficients: vectorizer.featureNames().map((name) => minutes[name]),
  })
}

const classic = { categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] }
const plain = createPredictor(
  modelOf(classic, 10, { 'PULocationID=1': 2, 'DOLocationID=2': 0.5, trip_distance: 4 }),
  profile,
)
const from1to2 = { PULocationID: 1, DOLocationID: 2 }
const eight = parseWallClock('2021-02-03T08:15')

const codes = ({ warnings }: { warnings: readonly { code: string }[] }): string[] =>
  warnings.map(({ code }) => code)

const total = ({ intercept, contributions }: Explanation): number =>
  contributions.reduce((sum, { minutes }) => sum + minutes, intercept)

describe('a ride that says all', () => {
  test('is answered by the model, without a warning', () => {
    expect(plain.predict({ ...from1to2, trip_distance: 1.5 })).toEqual({
      duration: 10 + 2 + 0.5 + 6,
      warnings: [],
    })
  })

  test('is not asked for a time that the model does not use', () => {
    const ride = { ...from1to2, trip_distance: 1.5, pickup_datetime: eight }
    expect(plain.predict(ride)).toEqual(plain.predict({ ...from1to2, trip_distance: 1.5 }))
    expect(plain.inputs).toEqual(['PULocationID', 'DOLocationID', 'trip_distance'])
  })
})

describe('a distance that is not given', () => {
  test('is the mean of the pair of zones, and said so', () => {
    const { duration, warnings } = plain.predict(from1to2)
    expect(duration).toBe(10 + 2 + 0.5 + 4 * 1.75)
    expect(warnings).toEqual([
      {
        code: 'distance_assumed',
        field: 'trip_distance',
        message: 'no distance given: took 1.75 miles, the mean of this pair of zones in training',
      },
    ])
  })

  test('is the mean of all rides where the pair was not driven', () => {
    const { duration, warnings } = plain.predict({ PULocationID: 2, DOLocationID: 2 })
    expect(duration).toBe(10 + 0.5 + 4 * 2.5)
    expect(warnings[0]).toMatchObject({
      code: 'distance_assumed',
      message: 'no distance given: took 2.50 miles, the mean of all rides in training',
    })
  })

  test('is assumed for NaN too, which stands for a missing value', () => {
    const given = plain.predict({ ...from1to2, trip_distance: Number.NaN })
    expect(given).toEqual(plain.predict(from1to2))
  })

  test('is not assumed where the model does not use it', () => {
    const blind = createPredictor(
      modelOf({ categorical: ['PULocationID'] }, 10, { 'PULocationID=1': 2 }),
      { ...profile, trip_distance: null },
    )
    expect(blind.predict(from1to2)).toEqual({ duration: 12, warnings: [] })
  })

  test('does not stay for the next ride', () => {
    plain.predict(from1to2)
    expect(codes(plain.predict({ ...from1to2, trip_distance: 3 }))).toEqual([])
  })
})

describe('a distance beyond the usual', () => {
  test('is answered with a warning', () => {
    const { duration, warnings } = plain.predict({ ...from1to2, trip_distance: 25 })
    expect(duration).toBe(112.5)
    expect(warnings).toEqual([
      {
        code: 'distance_unusual',
        field: 'trip_distance',
        // 20: the lowest edge of the profile that at most one ride in a thousand reaches.
        message: expect.stringMatching(/^25 miles is longer than 99\.9 % .* \(20 miles\)$/),
      },
    ])
  })

  test('begins after it', () => {
    expect(codes(plain.predict({ ...from1to2, trip_distance: 20 }))).toEqual([])
    expect(codes(plain.predict({ ...from1to2, trip_distance: 0 }))).toEqual([])
  })

  test('is refused where the number of the model leaves the range of a double', () => {
    const steep = createPredictor(
      modelOf(classic, 10, { trip_distance: Number.MAX_VALUE }),
      profile,
    )
    const ask = (): unknown => steep.predict({ ...from1to2, trip_distance: 1e9 })
    expect(ask).toThrow(expect.objectContaining({ code: 'input_invalid' }))
  })
})

describe('a time that is not given', () => {
  const model = randomModel(everyTerm)
  const predictor = createPredictor(model, profile)
  const base = { VendorID: 1, trip_type: 2, RatecodeID: 1, passenger_count: 2 }

  /** The mean of the model over the week, each hour by its share of the training rides. */
  function averaged(ride: RideRequest): number {
    let minutes = 0
    for (let hour = 0; hour < 168; hour++) {
      // 2021-02-01 was a Monday.
      const pickup = parseWallClock('2021-02-01T00:00') + hour * hourMicros
      const { pickup_datetime: _, ...row } = ride
      minutes += model.predict(rideBatch([{ ...row, pickup }]), 0) * ((hours[hour] ?? 0) / rides)
    }
    return minutes
  }

  test('is averaged over the hours of the training rides, products with the hour included', () => {
    const random = randomNumbers(3)
    for (let k = 0; k < 50; k++) {
      const ride = {
        ...base,
        PULocationID: 1 + Math.floor(random() * 10),
        DOLocationID: 1 + Math.floor(random() * 10),
        trip_distance: Math.floor(random() * 900) / 100,
      }
      const explanation = predictor.explain(ride)
      expect(codes(explanation)).toContain('pickup_assumed')
      expect(total(explanation)).toBeCloseTo(averaged(ride), 9)
    }
  })

  test('is said so, once, and no term of the time is called unseen', () => {
    const { warnings, contributions } = predictor.explain({
      ...base,
      ...from1to2,
      trip_distance: 1,
    })
    expect(warnings.filter(({ code }) => code === 'pickup_assumed')).toEqual([
      {
        code: 'pickup_assumed',
        field: 'pickup_datetime',
        message: 'no pickup time given: averaged over the hours of the training rides',
      },
    ])
    for (const { term, value, unseen } of contributions) {
      if (!/hour|weekday/.test(term)) continue
      expect({ value, unseen }).toEqual({ value: null, unseen: false })
    }
  })

  test('is averaged for NaN too', () => {
    const ride = { ...base, ...from1to2, trip_distance: 1 }
    expect(predictor.explain({ ...ride, pickup_datetime: Number.NaN })).toEqual(
      predictor.explain(ride),
    )
  })

  test('when it is given, is that of the ride', () => {
    const ride = { ...base, ...from1to2, trip_distance: 1, pickup_datetime: eight }
    const { pickup_datetime: pickup, ...row } = ride
    expect(total(predictor.explain(ride))).toBe(model.predict(rideBatch([{ ...row, pickup }]), 0))
    expect(codes(predictor.predict(ride))).not.toContain('pickup_assumed')
  })
})

describe('an unseen category', () => {
  test('is named, with its value', () => {
    const { duration, warnings } = plain.predict({
      PULocationID: 200,
      DOLocationID: 201,
      trip_distance: 1,
    })
    expect(duration).toBe(14)
    expect(warnings).toEqual([
      {
        code: 'category_unseen',
        field: 'PULocationID',
        message: 'PULocationID 200 was not in the training rides: it adds nothing',
      },
      {
        code: 'category_unseen',
        field: 'DOLocationID',
        message: 'DOLocationID 201 was not in the training rides: it adds nothing',
      },
    ])
  })
})

describe('a number below the shortest ride', () => {
  /** Without a distance's slope, the model's number is its intercept. */
  const low = (intercept: number, min = 1): Explanation =>
    createPredictor(
      modelOf({ ...classic, target: { min, max: 60 } }, intercept, { trip_distance: 0 }),
      profile,
    ).explain({ ...from1to2, trip_distance: 1 })

  test('is raised to it, and said so', () => {
    const explanation = low(-3.5)
    expect(explanation.duration).toBe(1)
    expect(explanation.total).toBe(-3.5)
    expect(explanation.warnings.at(-1)).toEqual({
      code: 'raised_to_minimum',
      field: 'duration',
      message:
        "the model's number, -3.50 minutes, lies below the shortest ride it was trained on: raised to 1",
    })
  })

  test('is that of the recipe', () => {
    expect(low(3, 5)).toMatchObject({ duration: 5, total: 3 })
    expect(low(-3, -4)).toMatchObject({ duration: -3, total: -3 })
  })

  test('is not raised at the bound itself', () => {
    expect(low(1)).toMatchObject({ duration: 1, total: 1 })
    expect(codes(low(1))).not.toContain('raised_to_minimum')
  })
})

describe('predict and explain', () => {
  test('give the same number and the same warnings, and contributions add up to it', () => {
    const predictor = createPredictor(randomModel(everyTerm), profile)
    const random = randomNumbers(10)
    let raised = 0
    for (let k = 0; k < 300; k++) {
      const ride: RideRequest = {
        PULocationID: 1 + Math.floor(random() * 10),
        DOLocationID: 1 + Math.floor(random() * 10),
        VendorID: 1,
        trip_type: 1,
        RatecodeID: 1,
        passenger_count: 1,
        ...(random() < 0.5 && { trip_distance: Math.floor(random() * 2000) / 100 }),
        ...(random() < 0.5 && { pickup_datetime: Math.floor(random() * 2e15) }),
      }
      const explanation = predictor.explain(ride)
      const { duration, warnings } = explanation
      expect(predictor.predict(ride)).toEqual({ duration, warnings })
      if (explanation.total < 1) raised++
      expect(total(explanation)).toBe(explanation.total)
      expect(duration).toBe(Math.max(1, explanation.total))
    }
    // Both happen, so both are tested.
    expect(raised).toBeGreaterThan(10)
    expect(raised).toBeLessThan(290)
  })

  test('do not change the request', () => {
    const ride = Object.freeze({ ...from1to2 })
    plain.explain(ride)
    expect(ride).toEqual({ PULocationID: 1, DOLocationID: 2 })
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Atom, joinCode, splitCode } from '../src/atoms.ts'
import {
  type CategoricalTerm,
  compileFeatures,
  type Features,
  featureRow,
  fixedPoint,
  type NumericTerm,
  transformScale,
} from '../src/features.ts'
import { checkRecipe } from '../src/recipe.ts'
import type { Recipe, Step } from '../src/recipe-schema.ts'
import { hourMicros, maxId, parseWallClock } from '../src/ride.ts'
import { DictVectorizer } from '../src/vectorizer.ts'
import {
  everyTerm,
  featureRows,
  type RideRow,
  randomModel,
  randomNumbers,
  randomRides,
  rideBatch,
} from './random-rides.ts'

const compiled = (parts: Partial<Record<keyof Recipe, unknown>>): Features =>
  compileFeatures(checkRecipe({ name: 'x', allow_leakage: true, ...parts }, 'x'))

const category = (spec: unknown): CategoricalTerm =>
  compiled({ categorical: [spec] }).categorical[0] as CategoricalTerm

const quantity = (steps: readonly Step[], of = 'trip_distance'): NumericTerm =>
  compiled({ numeric: [{ of, steps }] }).numeric[0] as NumericTerm

const codeOf = (spec: unknown, row: RideRow): number => category(spec).code(rideBatch([row]), 0)

const transformed = (steps: readonly Step[], miles: number): number =>
  quantity(steps).value(rideBatch([{ trip_distance: miles }]), 0)

function refusal(parts: Partial<Record<keyof Recipe, unknown>>): string {
  try {
    compiled(parts)
  } catch (error) {
    return String((error as Error).message)
  }
  throw new Error('it was accepted')
}

describe('the time of the pickup', () => {
  const parts = (micros: number): number[] =>
    ['hour', 'weekday', 'hour_of_week'].map((name) => codeOf(name, { pickup: micros }))

  test.each([
    // Calendars: these days were a Thursday, a Wednesday, a Saturday, a Tuesday, a Monday.
    ['1970-01-01T00:00', [0, 3, 72]],
    ['1969-12-31T23:59:59.999999', [23, 2, 71]],
    ['2020-02-29T12:30', [12, 5, 132]],
    ['1900-01-02T08:00', [8, 1, 32]],
    ['2021-02-01T00:00', [0, 0, 0]],
    ['2021-01-31T23:59:59', [23, 6, 167]],
  ])('of %s gives hour, weekday and hour of the week', (text, expected) => {
    expect(parts(parseWallClock(text))).toEqual(expected)
  })

  test('is that of a calendar in UTC, leap years and times before 1970 included', () => {
    const range = { min: Date.UTC(1880, 0) * 1000, max: Date.UTC(2200, 0) * 1000 }
    fc.assert(
      fc.property(fc.integer(range), (micros) => {
        const date = new Date(Math.floor(micros / 1000))
        const hour = date.getUTCHours()
        // getUTCDay counts from Sunday, weeks here from Monday.
        const weekday = (date.getUTCDay() + 6) % 7
        expect(parts(micros)).toEqual([hour, weekday, weekday * 24 + hour])
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  test('changes at the whole hour, not a microsecond before', () => {
    for (const hour of [-25, -1, 0, 1, 167, 168, 447_000]) {
      const [before, from] = [hour * hourMicros - 1, hour * hourMicros]
      expect(codeOf('hour', { pickup: from })).toBe((codeOf('hour', { pickup: before }) + 1) % 24)
    }
  })

  test('is no category where it is missing or no time', () => {
    for (const pickup of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(parts(pickup)).toEqual([-1, -1, -1])
    }
  })
})

describe('ids', () => {
  test.each([0, 1, 43, 265, maxId])('%d is its own code and text', (id) => {
    const term = category('PULocationID')
    expect(term.code(rideBatch([{ PULocationID: id }]), 0)).toBe(id)
    expect(term.text(id)).toBe(String(id))
    expect(term.parse(String(id))).toBe(id)
  })

  test.each([
    -1,
    maxId + 1,
    1.5,
    0.1,
    1e300,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ])('%d is none', (id) => {
    expect(codeOf('PULocationID', { PULocationID: id })).toBe(-1)
    expect(codeOf({ product: ['PULocationID', 'VendorID'] }, { PULocationID: id })).toBe(-1)
  })

  test.each(['', '-1', '+1', ' 1', '01', '1.0', '1e1', '0x1', '65536', '9999999', 'Corona', '1_2'])(
    'the text %j is none',
    (text) => {
      expect(category('PULocationID').parse(text)).toBe(-1)
    },
  )

  test('texts of times end with their levels', () => {
    expect(category('hour').parse('23')).toBe(23)
    expect(category('hour').parse('24')).toBe(-1)
    expect(category('weekday').parse('7')).toBe(-1)
    expect(category('hour_of_week').parse('167')).toBe(167)
    expect(category('hour_of_week').parse('168')).toBe(-1)
  })
})

describe('bins', () => {
  const bin = { bin: 'trip_distance', edges: [0, 1.5, 10] }
  const codes = (miles: readonly number[]): number[] =>
    miles.map((trip_distance) => codeOf(bin, { trip_distance }))

  test('begin with their edge and end before the next', () => {
    expect(codes([-0.01, -0, 0, 1.49, 1.5, 9.99, 10, 1e9])).toEqual([0, 1, 1, 1, 2, 2, 3, 3])
    expect(codes([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])).toEqual([0, 3])
  })

  test('do not take what is missing', () => {
    expect(codes([Number.NaN])).toEqual([-1])
  })

  test('have texts that say what they hold', () => {
    const term = category(bin)
    expect([0, 1, 2, 3].map((code) => term.text(code))).toEqual(['<0', '0..1.5', '1.5..10', '>=10'])
    expect([...'0123'].map((code) => term.parse(term.text(Number(code))))).toEqual([0, 1, 2, 3])
    expect(term.parse('1.5..9')).toBe(-1)
  })

  test('of one edge are two', () => {
    const term = category({ bin: 'trip_distance', edges: [-2.5] })
    expect(term.levels).toBe(2)
    expect([term.text(0), term.text(1)]).toEqual(['<-2.5', '>=-2.5'])
  })

  test('are the number of edges at or below the value', () => {
    const edges = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(edges, fc.double({ min: -60, max: 60, noNaN: true }), (given, miles) => {
        const sorted = given.sort((a, b) => a - b)
        const expected = sorted.filter((edge) => edge <= miles).length
        expect(codeOf({ bin: 'trip_distance', edges: sorted }, { trip_distance: miles })).toBe(
          expected,
        )
      }),
      { numRuns: 300, seed: 2 },
    )
  })
})

describe('products', () => {
  const factors: readonly unknown[] = [
    'PULocationID',
    'VendorID',
    'hour',
    'weekday',
    'hour_of_week',
    { bin: 'trip_distance', edges: [-1e-7, 0.25, 1e21] },
    { bin: 'passenger_count', edges: [2] },
  ]

  test('of random factors: text and code are two ways to write one level', () => {
    const chosen = fc.uniqueArray(fc.nat(factors.length - 1), { minLength: 2, maxLength: 3 })
    fc.assert(
      fc.property(chosen, fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), (which, at) => {
        const term = category({ product: which.map((k) => factors[k]) })
        const parts = term.atoms.map(({ levels }, k) => (at[k] as number) % levels)
        const code = joinCode(term.atoms, parts)
        expect(code).toBeLessThan(term.levels)
        expect(splitCode(term.atoms, code)).toEqual(parts)
        expect(term.text(code)).toBe(
          term.atoms.map((atom, k) => atom.text(parts[k] as number)).join('_'),
        )
        expect(term.parse(term.text(code))).toBe(code)
      }),
      { numRuns: 1000, seed: 3 },
    )
  })

  test('name their level as the classic pipeline does', () => {
    const term = category({ name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] })
    const rides = rideBatch([{ PULocationID: 43, DOLocationID: 151 }])
    expect(
      featureRow({ categorical: [term], numeric: [], inputs: [], required: [] }, rides, 0),
    ).toEqual({
      PU_DO: '43_151',
    })
  })

  test('are missing when a factor is', () => {
    const spec = { product: ['PULocationID', 'DOLocationID'] }
    expect(codeOf(spec, { PULocationID: 43 })).toBe(-1)
    expect(codeOf(spec, { DOLocationID: 43 })).toBe(-1)
  })

  test('refuse texts of too few, too many or foreign factors', () => {
    const term = category({ product: ['PULocationID', 'hour'] })
    for (const text of ['43', '43_1_2', '43_24', '_1', '43_', '43_-1']) {
      expect(term.parse(text)).toBe(-1)
    }
  })

  test('take earlier terms as factors, each atom once', () => {
    const { categorical, inputs } = compiled({
      categorical: [
        { name: 'pair', product: ['PULocationID', 'DOLocationID'] },
        { name: 'far', bin: 'trip_distance', edges: [5] },
        { name: 'all', product: ['pair', 'far', 'PULocationID', 'hour'] },
      ],
    })
    const all = categorical[2] as CategoricalTerm
    expect(all.atoms.flatMap(({ inputs }) => inputs)).toEqual([
      'PULocationID',
      'DOLocationID',
      'trip_distance',
      'pickup_datetime',
    ])
    const ride = { PULocationID: 7, DOLocationID: 8, trip_distance: 6, pickup: 0 }
    expect(all.text(all.code(rideBatch([ride]), 0))).toBe('7_8_>=5_0')
    expect(inputs).toEqual(['PULocationID', 'DOLocationID', 'trip_distance', 'pickup_datetime'])
  })

  test('are refused beyond the integers that a double can tell apart', () => {
    // 65,536^3 is 2^48, times 168 hours it passes 2^53.
    const ids = ['PULocationID', 'DOLocationID', 'VendorID']
    expect(category({ product: ids }).levels).toBe(2 ** 48)
    expect(refusal({ categorical: [{ name: 'big', product: [...ids, 'hour_of_week'] }] })).toMatch(
      /^term big of recipe x multiplies too many categories: expected at most 2\^53 levels, found/,
    )
  })
})

describe('names', () => {
  test('twice the same is refused, among categories, quantities or both', () => {
    const twice = 'recipe x has two terms called hour: give one another name'
    expect(refusal({ categorical: ['hour', 'hour'] })).toBe(twice)
    expect(refusal({ categorical: ['hour'], numeric: [{ name: 'hour', of: 'extra' }] })).toBe(twice)
    expect(refusal({ numeric: ['extra', { name: 'extra', of: 'trip_distance' }] })).toMatch(/extra/)
  })

  test('are made from what a term is of, where the recipe gives none', () => {
    const { categorical, numeric } = compiled({
      categorical: [
        { bin: 'trip_distance', edges: [1] },
        { product: ['hour', { bin: 'extra', edges: [0] }] },
      ],
      numeric: [{ of: 'extra', steps: [{ clip: [0, 1] }, 'log1p'] }],
    })
    expect([...categorical, ...numeric].map(({ name }) => name)).toEqual([
      'trip_distance_bin',
      'hour_x_extra_bin',
      'extra_clip_log1p',
    ])
  })

  test.each(['nope', 'pulocationid', 'duration', 'lpep_dropoff_datetime', 'toString'])(
    '%s is unknown, and the known ones are told',
    (name) => {
      expect(refusal({ categorical: [name] })).toMatch(
        new RegExp(
          `^recipe x names ${name}, .* expected one of PULocationID, .*, dropoff_service$`,
        ),
      )
    },
  )

  test('a later term cannot be a factor of an earlier one', () => {
    expect(
      refusal({
        categorical: [{ product: ['hour', 'far'] }, { name: 'far', product: ['a', 'b'] }],
      }),
    ).toMatch(/names far/)
  })

  test('a quantity is no category', () => {
    expect(refusal({ categorical: ['trip_distance'] })).toBe(
      'recipe x uses trip_distance as a category, but it is a quantity: put it under numeric, or bin it',
    )
  })
})

describe('quantities', () => {
  test('come as they are, missing where they are missing or not finite', () => {
    const term = compiled({ numeric: ['trip_distance'] }).numeric[0] as NumericTerm
    const values = [1.01, -3, 0, 1e300, Number.NaN, Number.POSITIVE_INFINITY, -Infinity]
    const rides = rideBatch(values.map((trip_distance) => ({ trip_distance })))
    expect(values.map((_, i) => term.value(rides, i))).toEqual([
      1.01,
      -3,
      0,
      1e300,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ])
    expect(term.scale).toBe(100)
  })

  test('ids can be numbers', () => {
    const term = compiled({ numeric: ['PULocationID'] }).numeric[0] as NumericTerm
    expect(term.value(rideBatch([{ PULocationID: 70_000.5 }]), 0)).toBe(70_000.5)
    expect(term.scale).toBe(1)
  })

  test.each<[Step, [number, number][]]>([
    [
      { clip: [0, 30] },
      [
        [-1, 0],
        [0, 0],
        [12.5, 12.5],
        [30, 30],
        [200_000, 30],
      ],
    ],
    [
      { hinge: 5 },
      [
        [-1, 0],
        [5, 0],
        [5.5, 0.5],
        [200_000, 199_995],
      ],
    ],
    [
      { between: [1, 4] },
      [
        [0.5, 0],
        [1, 1],
        [2.5, 2.5],
        [4, 4],
        [4.5, 0],
      ],
    ],
    [
      { is_between: [1, 4] },
      [
        [0.5, 0],
        [1, 1],
        [2.5, 1],
        [4, 1],
        [4.5, 0],
      ],
    ],
    [
      'is_zero',
      [
        [0, 1],
        [-0, 1],
        [0.01, 0],
        [-5, 0],
      ],
    ],
    [
      'sqrt',
      [
        [0, 0],
        [4, 2],
        [0.25, 0.5],
        [-0.25, Number.NaN],
      ],
    ],
    [
      'log1p',
      [
        [0, 0],
        [-1, Number.NaN],
        [-2, Number.NaN],
      ],
    ],
  ])('%j does what it says', (step, pairs) => {
    for (const [given, expected] of pairs) expect(transformed([step], given)).toBe(expected)
    expect(transformed([step], Number.NaN)).toBeNaN()
  })

  test('steps run from left to right', () => {
    expect(transformed([{ clip: [0, 30] }, 'sqrt'], -4)).toBe(0)
    expect(transformed(['sqrt', { clip: [0, 3] }], 16)).toBe(3)
    expect(transformed([{ hinge: 1 }, { hinge: 1 }], 3.5)).toBe(1.5)
  })

  test('transformed ones are rounded to 2^-20, half up, so that maths libraries agree', () => {
    // By hand: log(2) = 0.693147180559945..., times 2^20 is 726817.498..., so 726817.
    expect(transformed(['log1p'], 1)).toBe(726_817 / 2 ** 20)
    // sqrt(2) * 2^20 = 1482910.400...
    expect(transformed(['sqrt'], 2)).toBe(1_482_910 / 2 ** 20)
    // Halves go up: 2.5 and -2.5 units.
    expect(transformed([{ clip: [-1, 1] }], 2.5 / 2 ** 20)).toBe(3 / 2 ** 20)
    expect(transformed([{ clip: [-1, 1] }], -2.5 / 2 ** 20)).toBe(-2 / 2 ** 20)
    const random = randomNumbers(4)
    for (let k = 0; k < 500; k++) {
      const units =
        transformed([{ clip: [0, 30] }, k % 2 ? 'log1p' : 'sqrt'], random() * 40) * 2 ** 20
      expect(Number.isInteger(units)).toBe(true)
    }
    expect(quantity(['sqrt']).scale).toBe(transformScale)
  })

  test('are missing, not infinite, where a transform leaves the range of a double', () => {
    expect(transformed([{ hinge: 0 }], Number.MAX_VALUE)).toBeNaN()
    expect(transformed([{ hinge: -Number.MAX_VALUE }], Number.MAX_VALUE)).toBeNaN()
  })
})

describe('fixedPoint', () => {
  test('is the integer of whole units, though the product of doubles is not', () => {
    // 1.1 * 100 is 110.00000000000001 in doubles.
    expect(fixedPoint(1.1, 100)).toBe(110)
    for (let cents = -30_000; cents < 30_000; cents++) {
      expect(fixedPoint(cents / 100, 100) - cents).toBe(0)
    }
  })

  test('is the unrounded product of a finer value', () => {
    expect(fixedPoint(0.125, 100)).toBe(12.5)
    expect(Number.isInteger(fixedPoint(1 / 3, 100))).toBe(false)
  })
})

describe('featureRow', () => {
  test('has text for categories, numbers for quantities, and nothing for what is missing', () => {
    const features = compiled({
      categorical: ['PULocationID', 'VendorID', 'hour'],
      numeric: ['trip_distance', { of: 'passenger_count', steps: ['sqrt'] }],
    })
    const rides = rideBatch([
      { PULocationID: 43, pickup: hourMicros, trip_distance: 1.01, passenger_count: -1 },
      { VendorID: 2, trip_distance: 0, passenger_count: 4 },
    ])
    expect(featureRow(features, rides, 0)).toEqual({
      PULocationID: '43',
      hour: '1',
      trip_distance: 1.01,
    })
    expect(featureRow(features, rides, 1)).toEqual({
      VendorID: '2',
      trip_distance: 0,
      passenger_count_sqrt: 2,
    })
  })

  test('through the vectorizer gives the numbers of the model, on every kind of term', () => {
    const model = randomModel(everyTerm)
    const { features, intercept } = model
    const { coefficients, vectorizer: document } = model.toJSON()
    const vectorizer = DictVectorizer.fromJSON(document)
    const rides = rideBatch(randomRides(7, 1000))
    const { indptr, indices, values } = vectorizer.transform(featureRows(features, rides))
    let unseen = 0
    for (let i = 0; i < rides.length; i++) {
      let slow = intercept
      let size = Math.abs(intercept)
      for (let k = indptr[i] as number; k < (indptr[i + 1] as number); k++) {
        const part = (values[k] as number) * (coefficients[indices[k] as number] as number)
        slow += part
        size += Math.abs(part)
      }
      const entries = (indptr[i + 1] as number) - (indptr[i] as number)
      if (entries < features.categorical.length + features.numeric.length) unseen++
      // The order of the terms differs, so the last bits may.
      expect(Math.abs(model.predict(rides, i) - slow)).toBeLessThanOrEqual(1e-12 * size)
    }
    expect(unseen).toBeGreaterThan(100)
    expect(unseen).toBeLessThan(1000)
  })

  test('of the terms of an atom has no character that joins factors', () => {
    const atoms: readonly Atom[] = compileFeatures(everyTerm).categorical.flatMap((t) => t.atoms)
    for (const atom of atoms) {
      for (const code of [0, 1, atom.levels - 1]) expect(atom.text(code)).not.toContain('_')
    }
  })
})

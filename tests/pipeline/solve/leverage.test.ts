import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Moments } from '../../../src/pipeline/moments.ts'
import { inferenceOf, rowOfRide } from '../../../src/pipeline/solve/inference.ts'
import {
  leverageLimit,
  leveragesOf,
  leverageUnavailable,
} from '../../../src/pipeline/solve/leverage.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide } from '../small-rides.ts'
import { apply, dot, gram, inverse, rowsOf, sum } from './dense.ts'
import { type Design, designs } from './designs.ts'

const none = fc.constant(0)
const some = fc.constantFrom(0.1, 1, 3, 50)
const momentsFor = ({ rides, recipe }: Design): Moments => momentsOf(planFor(recipe), rides)

describe('without a penalty', () => {
  test('leverages are those of statsmodels', () => {
    const miles = [1.2, 0.8, 3.5, 2.2, 7.9, 5.1, 4.4, 9.3, 2.7, 6.0]
    const airport = [1, 0, 0, 1, 1, 0, 1, 0, 0, 1]
    const rides = miles.map((trip_distance, i): SmallRide => {
      const columns = { trip_distance, tip_amount: airport[i] as number }
      return { hour: 0, seconds: 600 + 60 * i, columns }
    })
    const recipe = recipeOf({ numeric: ['trip_distance', 'tip_amount'] })
    const leverages = leveragesOf(momentsFor({ rides, recipe }), recipe)
    // statsmodels 0.14, OLS(y, X).fit().get_influence().hat_matrix_diag: of the first ride.
    expect(leverages?.of(batchOf(rides), 0)).toBeCloseTo(0.3389458850056366, 12)
    expect(leverages?.total).toBe(3)
    expect(leverages?.n).toBe(10)
  })

  test('they are what inference says, add up to the rank, and are none where nothing is told', () => {
    let strange = 0
    fc.assert(
      fc.property(designs(none), (design) => {
        const moments = momentsFor(design)
        const inference = inferenceOf(moments)
        if (inference.condition > 1e6) return
        const leverages = leveragesOf(moments, design.recipe)
        const batch = batchOf(design.rides)
        const found = design.rides.map((_, i) => leverages?.of(batch, i) as number)
        expect(leverages?.total).toBe(inference.rank)
        expect(sum(found)).toBeCloseTo(inference.rank, 6)
        found.forEach((value, i) => {
          const { row } = rowOfRide(moments, batch, i)
          expect(Math.abs(value - (inference.leverage(row) as number))).toBeLessThan(1e-7)
        })
        // A row of ones is that of no ride, and often cannot be told.
        const ones = new Map(
          Array.from({ length: inference.coefficients().length }, (_, i) => [i, 1]),
        )
        const [own, expected] = [leverages?.ofRow(ones), inference.leverage(ones)]
        expect(own === undefined).toBe(expected === undefined)
        if (own === undefined) strange++
      }),
      { seed: 20210101, numRuns: 150 },
    )
    expect(strange).toBeGreaterThan(20)
  })
})

describe('with a penalty', () => {
  test('leverages are those of a dense inverse, and add up to the effective coefficients', () => {
    let compared = 0
    fc.assert(
      fc.property(designs(some), (design) => {
        const dense = rowsOf(design)
        const { l2 } = design.recipe
        // Squares of 200,000 miles leave a dense inverse in doubles no digits.
        if (dense.rows.some((row) => row.some((value) => Math.abs(value) > 1000))) return
        compared++
        const squares = inverse(gram(dense, l2))
        const expected = dense.rows.map((row) => dot(row, apply(squares, row)))
        const leverages = leveragesOf(momentsFor(design), design.recipe)
        const batch = batchOf(design.rides)
        const found = design.rides.map((_, i) => leverages?.of(batch, i) as number)
        found.forEach((value, i) => {
          expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-9)
        })
        expect(Math.abs(sum(expected) - (leverages?.total as number))).toBeLessThan(1e-8)
      }),
      { seed: 20210101, numRuns: 200 },
    )
    expect(compared).toBeGreaterThan(80)
  })
})

describe('where there are none', () => {
  const rides = Array.from({ length: 2 * (leverageLimit + 2) }, (_, k): SmallRide => {
    const PULocationID = k % (leverageLimit + 2)
    const columns = { PULocationID, DOLocationID: (3 * PULocationID + 1) % (leverageLimit + 2) }
    return { hour: 0, seconds: 600, columns }
  })

  test('a design that is too wide says so', () => {
    const recipe = recipeOf({ categorical: ['PULocationID', 'DOLocationID'], l2: 1 })
    const moments = momentsFor({ rides, recipe })
    expect(leveragesOf(moments, recipe)).toBeUndefined()
    expect(leverageUnavailable(moments, recipe)).toBe(
      'leverage is computed for designs that leave 1500 columns after elimination, this one leaves 1503',
    )
  })

  test('a lasso and trees say so, and a narrow ridge has them', () => {
    const recipe = recipeOf({ categorical: ['PULocationID'], l2: 1 })
    const moments = momentsFor({ rides, recipe })
    expect(leverageUnavailable(moments, recipe)).toBeUndefined()
    expect(leverageUnavailable(moments, { ...recipe, l1: 0.5 })).toMatch('penalty l1, found 0.5')
    expect(leverageUnavailable(moments, { model: 'trees' })).toMatch('of kind trees')
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LinearModel } from '../../../src/model.ts'
import { evaluate } from '../../../src/pipeline/evaluate.ts'
import { fit } from '../../../src/pipeline/fit.ts'
import type { Solution } from '../../../src/pipeline/solve/direct.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide, smallRide } from '../small-rides.ts'
import { type Design, designs, penalties } from './designs.ts'
import { deviationsOf } from './deviations.ts'

/** What design and issue hold the solver to. */
const held = 1e-9

async function solved(
  recipe: Recipe,
  rides: readonly SmallRide[],
): Promise<{ model: LinearModel; solution: Solution; slope: (name: string) => number }> {
  const { model, solution } = await fit(
    momentsOf(planFor(recipe), rides),
    recipe,
    'green',
    'direct',
  )
  if (solution.method === 'lasso') throw new Error('no lasso was asked for')
  const slopes = new Map(model.effects().map(({ feature, minutes }) => [feature, minutes]))
  return { model, solution, slope: (name) => slopes.get(name) as number }
}

const ride = (columns: SmallRide['columns'], minutes: number): SmallRide => ({
  hour: 0,
  seconds: minutes * 60,
  columns,
})

describe('least squares', () => {
  test('has the exact rank, RMSE, intercept, predictions and slopes of least norm', async () => {
    let nearlyDependent = 0
    await fc.assert(
      fc.asyncProperty(designs(fc.constant(0)), async (design: Design) => {
        const { solution, exact, ...off } = await deviationsOf(design)
        if (solution.rank !== exact.rank) {
          // Columns that differ from others by less than 1e-10 of their squared length are
          // dependent by definition: that must be the reason.
          expect(exact.independence).toBeLessThan(1e-10)
          nearlyDependent++
          return
        }
        for (const deviation of Object.values(off)) expect(deviation).toBeLessThanOrEqual(held)
        expect(solution.residual).toBeLessThan(1e-15)
      }),
      { seed: 20210101, numRuns: 250 },
    )
    expect(nearlyDependent).toBeLessThan(5)
  })

  test('of zones in one connected graph has blocks with a mean of zero', async () => {
    const recipe = recipeOf({ categorical: ['PULocationID', 'DOLocationID'] })
    const rides = [
      [1, 11, 10],
      [1, 12, 14],
      [2, 12, 31],
      [2, 13, 8],
      [2, 13, 9],
    ].map(([PULocationID, DOLocationID, minutes]) =>
      ride({ PULocationID, DOLocationID } as SmallRide['columns'], minutes as number),
    )
    const { solution, slope } = await solved(recipe, rides)
    // Five columns and the intercept, less one for each block that adds up to the intercept.
    expect(solution.rank).toBe(4)
    expect(slope('PULocationID=1') + slope('PULocationID=2')).toBeCloseTo(0, 13)
    const dropoffs = [11, 12, 13].map((zone) => slope(`DOLocationID=${zone}`))
    expect(dropoffs.reduce((a, b) => a + b)).toBeCloseTo(0, 13)
  })

  test('of zones in two components fixes one direction more: block sums within each are equal', async () => {
    const recipe = recipeOf({ categorical: ['PULocationID', 'DOLocationID'] })
    // 1, 2 to 11, 12 and 3, 4, 5 to 13.
    const rides = [
      [1, 11, 10],
      [1, 12, 14],
      [2, 12, 31],
      [3, 13, 8],
      [4, 13, 40],
      [5, 13, 22],
      [5, 13, 23],
    ].map(([PULocationID, DOLocationID, minutes]) =>
      ride({ PULocationID, DOLocationID } as SmallRide['columns'], minutes as number),
    )
    const { solution, slope } = await solved(recipe, rides)
    const block = (name: string, zones: readonly number[]): number =>
      zones.reduce((sum, zone) => sum + slope(`${name}=${zone}`), 0)
    // Eight columns and the intercept, less one a component, less one for the intercept.
    expect(solution.rank).toBe(6)
    // Raising the pickups of a component and lowering its drop-offs changes no prediction.
    const first = block('PULocationID', [1, 2])
    expect(first).toBeCloseTo(block('DOLocationID', [11, 12]), 13)
    const second = block('PULocationID', [3, 4, 5])
    expect(second).toBeCloseTo(block('DOLocationID', [13]), 13)
    expect(first + second).toBeCloseTo(0, 13)
    // More than zero means of whole blocks: the components are not zero themselves.
    expect(Math.abs(first)).toBeGreaterThan(1)
  })

  test('counts a column as constant that varies by less than 1e-10 of its squared length', async () => {
    const recipe = recipeOf({ numeric: ['trip_distance'] })
    const varying = (by: number): SmallRide[] =>
      [0, 1, 2, 3].map((k) =>
        ride({ trip_distance: Math.round((100_000 + k * by) * 100) / 100 }, 5 + k),
      )
    // Variances of 1.25 x 0.01^2 and 1.25 x 10^2 beside squares of 1e10.
    const constant = await solved(recipe, varying(0.01))
    expect(constant.solution.rank).toBe(1)
    expect(constant.slope('trip_distance')).toBeCloseTo(0, 13)
    expect(constant.model.predict(batchOf(varying(0.01)), 0)).toBeCloseTo(6.5, 9)
    const sloped = await solved(recipe, varying(10))
    expect(sloped.solution.rank).toBe(2)
    expect(sloped.slope('trip_distance')).toBeCloseTo(0.1, 12)
    // The condition tells: the pivot that is left is 1.25e-8.
    expect(sloped.solution.condition).toBeGreaterThan(7e7)
  })

  test('of one ride is its duration, with slopes of zero', async () => {
    const recipe = recipeOf({ categorical: ['PULocationID', 'hour'], numeric: ['trip_distance'] })
    const rides = [ride({ PULocationID: 43, trip_distance: 1.01 }, 7)]
    const { model, solution, slope } = await solved(recipe, rides)
    expect(solution.rank).toBe(1)
    expect(model.intercept).toBeCloseTo(7, 13)
    expect(slope('PULocationID=43')).toBeCloseTo(0, 13)
    expect(slope('trip_distance')).toBeCloseTo(0, 13)
    expect(evaluate(model, momentsOf(planFor(recipe), rides)).rmse).toBeLessThan(1e-12)
  })

  test('of durations that are all zero is zero everywhere', async () => {
    const recipe = recipeOf({ categorical: ['PULocationID'], numeric: ['trip_distance'] })
    const rides = [1, 2, 3].map((zone) => ride({ PULocationID: zone, trip_distance: zone }, 0))
    const { model } = await solved(recipe, rides)
    expect(model.intercept).toBe(0)
    expect(model.effects().every(({ minutes }) => minutes === 0)).toBe(true)
  })
})

describe('ridge', () => {
  test('has the exact solution for penalties from 1e-6 to 1e6', async () => {
    await fc.assert(
      fc.asyncProperty(designs(penalties), async (design: Design) => {
        const { solution, exact, ...off } = await deviationsOf(design)
        expect(solution.rank).toBe(exact.rank)
        for (const deviation of Object.values(off)) expect(deviation).toBeLessThanOrEqual(held)
      }),
      { seed: 20210102, numRuns: 250 },
    )
  })

  test('tells repeated columns of 200,000 miles apart by a penalty that doubles do not show', async () => {
    const numeric = ['trip_distance', { name: 'again', of: 'trip_distance' }]
    const rides = fc.sample(smallRide, { seed: 7, numRuns: 40 }).map(({ columns, ...rest }, k) => {
      const miles = k % 5 === 0 ? 200_000 : (columns.trip_distance as number)
      return { ...rest, columns: { ...columns, trip_distance: miles } }
    })
    for (const l2 of [1e-6, 1e-5, 1e-4]) {
      const recipe = recipeOf({ categorical: ['PULocationID'], numeric, l2 })
      const { exact, ...off } = await deviationsOf({ rides, recipe })
      expect(off.slopes).toBeLessThanOrEqual(held)
      expect(off.predictions).toBeLessThanOrEqual(held)
      // Repeated columns share a slope.
      expect(exact.slopes.get('again')).toBe(exact.slopes.get('trip_distance'))
    }
  })

  test('does not shrink the intercept', async () => {
    const recipe = recipeOf({ numeric: ['trip_distance'], l2: 1e6 })
    const rides = [1, 2, 3].map((k) => ride({ trip_distance: k }, 10 + k))
    const { model, slope } = await solved(recipe, rides)
    // Centred: slope 2 / (2 + 1e6), and the mean of 12 minutes at the mean of 2 miles.
    expect(slope('trip_distance')).toBeCloseTo(2 / 1_000_002, 15)
    expect(model.intercept).toBeCloseTo(12 - (2 * 2) / 1_000_002, 12)
  })

  test('is refused where the penalty is lost in rounding, never wrong', async () => {
    // Beside squares of 4e18, 1e-20 is beyond even 106 bits.
    const numeric = ['trip_distance', { name: 'again', of: 'trip_distance' }]
    const recipe = recipeOf({ numeric, l2: 1e-20 })
    const rides = [0, 1e9, 2e9].map((miles, k) => ride({ trip_distance: miles }, 5 + k * k))
    await expect(solved(recipe, rides)).rejects.toThrow(
      expect.objectContaining({ code: 'solve_failed' }),
    )
  })
})

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate } from '../../../src/pipeline/evaluate.ts'
import { fit } from '../../../src/pipeline/fit.ts'
import type { Moments } from '../../../src/pipeline/moments.ts'
import { solveIteratively } from '../../../src/pipeline/solve/cg.ts'
import { centre } from '../../../src/pipeline/solve/descent.ts'
import { type Solution, solveDirect } from '../../../src/pipeline/solve/direct.ts'
import { remaining } from '../../../src/pipeline/solve/elimination.ts'
import { lasso } from '../../../src/pipeline/solve/lasso.ts'
import {
  lassoPath,
  lassoStrengths,
  type PathRow,
  ridgePath,
  strengthsBetween,
} from '../../../src/pipeline/solve/penalty-path.ts'
import { familyFactorLimit } from '../../../src/pipeline/solve/ridge-family.ts'
import { systemOf } from '../../../src/pipeline/solve/system.ts'
import { rmseOf, squaredErrors, yardstickOf } from '../../../src/pipeline/solve/yardstick.ts'
import { parseRecipe } from '../../../src/recipe.ts'
import { momentsOf, planFor, recipeOf, type SmallRide } from '../small-rides.ts'
import { type Design, designs } from './designs.ts'
import { momentsOfMonths } from './file-moments.ts'

const none = fc.constant(0)
const relative = (found: number, expected: number): number => Math.abs(found / expected - 1)

/** The first half of the rides to fit to, the second to validate on. */
function halves({ rides, recipe }: Design): [Moments, Moments] {
  const middle = Math.ceil(rides.length / 2)
  const plan = planFor(recipe)
  return [momentsOf(plan, rides.slice(0, middle)), momentsOf(plan, rides.slice(middle))]
}

const manyRides = designs(none).filter(({ rides }) => rides.length >= 4)

describe('a path of ridges', () => {
  const strengths = [1e4, 1e-3, 0.1, 0, 3, 100]

  test('measures what a model trained for each strength measures', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(manyRides, async (design) => {
        const [train, validation] = halves(design)
        const rows = ridgePath(train, strengths, { validation })
        for (const [k, l2] of strengths.entries()) {
          const { model, system, solution } = await fit(
            train,
            { ...design.recipe, l2 },
            'green',
            'direct',
          )
          // Beyond that, coefficients of unseen combinations are not known to 1e-9 either.
          if ((solution as Solution).condition > 1e7) continue
          const [own, other] = [
            evaluate(model, train, { ...system, l2: 0 }).rmse,
            evaluate(model, validation).rmse,
          ]
          compared++
          const { trainRmse, validationRmse, strength } = rows[k] as PathRow
          expect(strength).toBe(l2)
          // A perfect fit has only rounding left.
          expect(Math.abs(trainRmse - own)).toBeLessThan(1e-8 * (own + 1e-3))
          expect(Math.abs((validationRmse as number) - other)).toBeLessThan(1e-7 * other + 1e-9)
        }
      }),
      { seed: 20210101, numRuns: 100, endOnFailure: true },
    )
    expect(compared).toBeGreaterThan(400)
  })

  test('agrees with conjugate gradients on designs too wide for a factor', () => {
    const levels = familyFactorLimit + 100
    const rides = Array.from({ length: 3 * levels }, (_, k): SmallRide => {
      const PULocationID = k % levels
      const DOLocationID = (k * 7 + Math.floor(k / levels)) % levels
      return { hour: 0, seconds: 60 + ((k * 97) % 3000), columns: { PULocationID, DOLocationID } }
    })
    const recipe = recipeOf({ categorical: ['PULocationID', 'DOLocationID'] })
    const [train, validation] = halves({ rides, recipe })
    const system = systemOf(train, 0)
    expect(remaining(system)).toBeGreaterThan(familyFactorLimit)
    const [own, other] = [yardstickOf(train, train, system), yardstickOf(validation, train)]
    const rows = ridgePath(train, strengthsBetween(0.1, 100, 20), { validation })
    for (const k of [0, 7, 19]) {
      const { strength, trainRmse, validationRmse } = rows[k] as PathRow
      const { coefficients } = solveIteratively({ ...system, l2: strength })
      expect(relative(trainRmse, rmseOf(own, squaredErrors(own, coefficients)))).toBeLessThan(1e-9)
      const expected = rmseOf(other, squaredErrors(other, coefficients))
      expect(relative(validationRmse as number, expected)).toBeLessThan(1e-9)
    }
  })

  test('agrees with the direct solver on a month of the standard recipe, to 1e-9', async () => {
    const text = readFileSync(new URL('../../../recipes/standard.yaml', import.meta.url), 'utf8')
    const recipe = parseRecipe(text, 'standard')
    const [train, validation] = (await momentsOfMonths(recipe, ['2021-01', '2021-02'])) as [
      Moments,
      Moments,
    ]
    const system = systemOf(train, 0)
    const [own, other] = [yardstickOf(train, train, system), yardstickOf(validation, train)]
    const rows = ridgePath(train, strengthsBetween(0.01, 1e4, 40), { validation })
    for (const k of [0, 15, 39]) {
      const { strength, trainRmse, validationRmse } = rows[k] as PathRow
      const { coefficients } = solveDirect({ ...system, l2: strength })
      expect(relative(trainRmse, rmseOf(own, squaredErrors(own, coefficients)))).toBeLessThan(1e-9)
      const expected = rmseOf(other, squaredErrors(other, coefficients))
      expect(relative(validationRmse as number, expected)).toBeLessThan(1e-9)
    }
  })

  test('has degrees of freedom where they are asked for', () => {
    const [design] = fc.sample(manyRides, { seed: 1, numRuns: 1 }) as [Design]
    const [train] = halves(design)
    const rows = ridgePath(train, [1e-3, 1, 1e6], { degrees: true })
    const degrees = rows.map(({ degreesOfFreedom }) => degreesOfFreedom as number)
    expect(degrees[0]).toBeGreaterThan(degrees[1] as number)
    expect(degrees[2]).toBeCloseTo(1, 1)
    expect(ridgePath(train, [1])[0]).toMatchObject({
      degreesOfFreedom: undefined,
      validationRmse: undefined,
    })
  })

  test.each([[[]], [[1, -1]], [[Number.NaN]]])('refuses the strengths %o', (strengths) => {
    const [design] = fc.sample(manyRides, { seed: 1, numRuns: 1 }) as [Design]
    expect(() => ridgePath(halves(design)[0], strengths)).toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })
})

describe('a path of lassos', () => {
  test('has the solution of each strength alone', () => {
    fc.assert(
      fc.property(manyRides, fc.constantFrom(1, 0.5), (design, l1Ratio) => {
        const [train, validation] = halves(design)
        const strengths = [0.5, 0.01, 0.1]
        const rows = lassoPath(train, strengths, { validation, l1Ratio })
        const system = systemOf(train, 0)
        strengths.forEach((alpha, k) => {
          const { coefficients, nonZero } = lasso(centre(system), { alpha, l1Ratio })
          const yardstick = yardstickOf(train)
          const expected = rmseOf(yardstick, squaredErrors(yardstick, coefficients))
          const { trainRmse, degreesOfFreedom, strength } = rows[k] as PathRow
          expect(strength).toBe(alpha)
          expect(Math.abs(trainRmse - expected)).toBeLessThan(1e-7 * (expected + 1e-3))
          // Where columns repeat each other, as many others fit as well.
          if (l1Ratio < 1) expect(degreesOfFreedom).toBeUndefined()
          else expect(degreesOfFreedom).toBeLessThanOrEqual(system.size)
          if (nonZero === 0) expect(degreesOfFreedom ?? 1).toBe(1)
        })
      }),
      { seed: 5, numRuns: 100, endOnFailure: true },
    )
  })

  test('begins where all slopes are 0, and ends near least squares', () => {
    const [design] = fc.sample(
      manyRides.filter(({ recipe, rides }) => recipe.numeric.length > 0 && rides.length > 40),
      { seed: 3, numRuns: 1, endOnFailure: true },
    ) as [Design]
    const [train, validation] = halves(design)
    const strengths = lassoStrengths(train, { count: 20, share: 1e-6 })
    expect(strengths).toEqual([...strengths].sort((a, b) => b - a))
    const rows = lassoPath(train, strengths, { validation })
    expect(rows[0]?.degreesOfFreedom).toBe(1)
    const errors = rows.map(({ trainRmse }) => trainRmse)
    // What is fitted gets better all along.
    errors.forEach((error, k) => {
      if (k > 0) expect(error).toBeLessThanOrEqual((errors[k - 1] as number) * (1 + 1e-9))
    })
    const [least] = ridgePath(train, [0])
    expect(relative(errors.at(-1) as number, least?.trainRmse as number)).toBeLessThan(1e-3)
  })
})

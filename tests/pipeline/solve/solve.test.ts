import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fit } from '../../../src/pipeline/fit.ts'
import { solveIteratively } from '../../../src/pipeline/solve/cg.ts'
import {
  coefficientBound,
  directLimit,
  lengthsOf,
  solveDirect,
} from '../../../src/pipeline/solve/direct.ts'
import { type SolverName, solve } from '../../../src/pipeline/solve/solve.ts'
import { svdLimit } from '../../../src/pipeline/solve/svd.ts'
import { type System, systemOf } from '../../../src/pipeline/solve/system.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide } from '../small-rides.ts'
import { type Design, denseOf, designs, penalties } from './designs.ts'
import { solveExactly } from './reference.ts'

const systemFor = ({ rides, recipe }: Design): System =>
  systemOf(momentsOf(planFor(recipe), rides), recipe.l2)

/** Rides between as many pickups as drop-offs, each zone twice, so that nothing is alone. */
function wide(levels: number, l2: number): System {
  const rides = Array.from({ length: 2 * levels }, (_, k): SmallRide => {
    const PULocationID = k % levels
    const DOLocationID = (k * 7 + Math.floor(k / levels)) % levels
    return { hour: 0, seconds: 60 + ((k * 97) % 3000), columns: { PULocationID, DOLocationID } }
  })
  const recipe = recipeOf({ categorical: ['PULocationID', 'DOLocationID'], l2 })
  return systemFor({ rides, recipe })
}

async function predictionsOf({ rides, recipe }: Design, solver: SolverName): Promise<number[]> {
  const { model } = await fit(momentsOf(planFor(recipe), rides), recipe, 'green', solver)
  const batch = batchOf(rides)
  return rides.map((_, i) => model.predict(batch, i))
}

describe('solver auto', () => {
  test('solves directly what is small enough', async () => {
    expect((await solve(wide(50, 0))).method).toBe('direct')
    expect((await solve(wide(50, 1))).method).toBe('direct')
  })

  test('solves wide designs with a penalty by conjugate gradients, to the same residual', async () => {
    const system = wide(directLimit + 1, 2)
    const solution = await solve(system)
    expect(solution.method).toBe('cg')
    expect(solution.rank).toBe(system.size)
    expect(solution.residual).toBeLessThan(1e-15)
  })

  test('refuses wide designs without a penalty', async () => {
    await expect(solve(wide(directLimit + 1, 0))).rejects.toThrow(
      expect.objectContaining({ code: 'solve_too_large' }),
    )
    await expect(solve(wide(directLimit + 1, 2), 'direct')).rejects.toThrow(
      expect.objectContaining({ code: 'solve_too_large' }),
    )
  })
})

describe('conjugate gradients', () => {
  test.each([
    ['most', 64],
    ['two', 2],
    ['none', 0],
  ])('agree with the direct solution, or say so, when of levels %s are eliminated', (_, levels) => {
    let refused = 0
    fc.assert(
      fc.property(designs(penalties), (design) => {
        const system = systemFor(design)
        const direct = solveDirect(system)
        try {
          const solution = solveIteratively(system, levels)
          const { coefficients, method } = solution
          expect(method).toBe('cg')
          const bound = coefficientBound(solution)
          const columns = lengthsOf(system)
          const size = Math.sqrt(system.targetSquares.hi)
          const longest = Math.max(...design.rides.map(({ seconds }) => seconds / 60))
          const slopes = direct.coefficients.subarray(0, system.interceptAt)
          const largest = slopes.reduce((high, slope) => Math.max(high, Math.abs(slope)), 0)
          coefficients.forEach((value, i) => {
            const expected = direct.coefficients[i] as number
            const own = i === system.interceptAt ? Math.abs(expected) : largest
            const off = Math.abs(value - expected)
            expect(off).toBeLessThanOrEqual(1e-9 * Math.max(own, 1e-6 * longest))
            // Both are rounded to doubles, and the direct one is not more exact than that.
            const rounding = Number.EPSILON * Math.max(Math.abs(expected), 1e-6 * longest)
            if (i === system.interceptAt) return
            const known = (bound * size) / (columns[i] as number)
            expect(off).toBeLessThanOrEqual(known + rounding)
          })
        } catch (error) {
          expect(error).toMatchObject({ code: 'solve_failed' })
          // A penalty that doubles can see beside the squares of 200,000 miles is never refused.
          expect(direct.condition).toBeGreaterThan(1e12)
          refused++
        }
      }),
      { seed: 20210101, numRuns: 250 },
    )
    expect(refused).toBeLessThan(15)
  })

  test('tell the size of the Gram matrix', () => {
    // 100 rides, no two between the same zones, and the 100 levels with the intercept.
    const { effort } = solveIteratively(wide(50, 2), 0)
    expect(effort?.nonZeros).toBe(200)
    expect(effort?.bytes).toBeGreaterThan(12 * 200)
    expect(effort?.iterations).toBeGreaterThan(0)
  })

  test('are refused without a penalty', () => {
    expect(() => solveIteratively(wide(50, 0))).toThrow(
      expect.objectContaining({ code: 'solve_too_large' }),
    )
  })
})

describe('solver svd', () => {
  test.each([
    ['least squares', fc.constant(0)],
    ['ridge', penalties],
  ])('gives the same fitted values for %s', async (_, l2) => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(designs(l2), async (design) => {
        const { condition } = solveDirect(systemFor(design))
        // It works on squares of squares: beyond this its own rounding shows.
        if (condition > 1e7) return
        compared++
        const [direct, svd] = [
          await predictionsOf(design, 'direct'),
          await predictionsOf(design, 'svd'),
        ]
        const mean = direct.reduce((a, b) => a + b, 0) / direct.length
        const minutes = design.rides.map(({ seconds }) => seconds / 60)
        const spread = Math.hypot(...minutes.map((y) => y - mean)) / Math.sqrt(minutes.length)
        direct.forEach((value, i) => {
          const off = Math.abs((svd[i] as number) - value)
          expect(off).toBeLessThanOrEqual(1e-6 * (spread > 1e-9 ? spread : mean))
        })
      }),
      { seed: 20210101, numRuns: 150 },
    )
    expect(compared).toBeGreaterThan(100)
  })

  test('has the rank of the exact solution', async () => {
    const [design] = fc.sample(
      designs(fc.constant(0)).filter(({ rides, recipe }) => {
        return rides.length > 30 && recipe.categorical.length > 1
      }),
      { seed: 3, numRuns: 1 },
    )
    const exact = solveExactly(denseOf(design as Design))
    expect((await solve(systemFor(design as Design), 'svd')).rank).toBe(exact.rank)
  })

  test('refuses more columns than it can do in time', async () => {
    await expect(solve(wide(svdLimit / 2, 0), 'svd')).rejects.toThrow(
      expect.objectContaining({ code: 'solve_too_large' }),
    )
  })
})

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Moments } from '../../../src/pipeline/moments.ts'
import { type Centred, centre } from '../../../src/pipeline/solve/descent.ts'
import {
  type LassoSolution,
  largestAlpha,
  lasso,
  lassoAsSklearn,
  sklearnOrder,
} from '../../../src/pipeline/solve/lasso.ts'
import { featureNames, systemOf } from '../../../src/pipeline/solve/system.ts'
import { rmseOf, squaredErrors, yardstickOf } from '../../../src/pipeline/solve/yardstick.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'
import { momentsOf, planFor } from '../small-rides.ts'
import { dot, rowsOf, sum } from './dense.ts'
import { type Design, designs } from './designs.ts'
import { momentsOfMonths } from './file-moments.ts'

const none = fc.constant(0)
const alphas = fc.integer({ min: -4, max: 1 }).map((power) => 10 ** power)
const ratios = fc.constantFrom(1, 0.5, 0.1)

function problemOf({ rides, recipe }: Design): { problem: Centred; moments: Moments } {
  const moments = momentsOf(planFor(recipe), rides)
  return { moments, problem: centre(systemOf(moments, 0)) }
}

/** Slopes in the order of the dense columns. */
function slopesOf(design: Design, moments: Moments, { coefficients }: LassoSolution): number[] {
  const names = featureNames(moments)
  return rowsOf(design)
    .names.slice(0, -1)
    .map((name) => coefficients[names.indexOf(name)] as number)
}

/** How far a solution is from what a minimum has to fulfil, from the rows, in units of the penalty. */
function fault(design: Design, slopes: number[], alpha: number, l1Ratio: number): number {
  const { rows, target } = rowsOf(design)
  const n = rows.length
  const mean = sum(target) / n
  const columns = slopes.map((_, j) => {
    const values = rows.map((row) => row[j] as number)
    const own = sum(values) / n
    return values.map((value) => value - own)
  })
  const left = rows.map((_, i) => {
    return (
      (target[i] as number) -
      mean -
      dot(
        columns.map((c) => c[i] as number),
        slopes,
      )
    )
  })
  const spread = Math.hypot(...target.map((y) => y - mean))
  const faults = slopes.map((slope, j) => {
    const along = dot(columns[j] as number[], left) / n - alpha * (1 - l1Ratio) * slope
    const bound = alpha * l1Ratio
    const off = slope === 0 ? Math.abs(along) - bound : Math.abs(along - bound * Math.sign(slope))
    // Products of long columns round coarsely.
    const noise = (1e-11 * Math.hypot(...(columns[j] as number[])) * spread) / n
    return Math.max(0, off - noise) / bound
  })
  return Math.max(0, ...faults)
}

describe('lasso and elastic net, to convergence', () => {
  test('fulfil the conditions of a minimum on designs of every kind', () => {
    let active = 0
    fc.assert(
      fc.property(designs(none), alphas, ratios, (design, alpha, l1Ratio) => {
        const { problem, moments } = problemOf(design)
        const solution = lasso(problem, { alpha, l1Ratio })
        expect(solution.converged).toBe(true)
        const slopes = slopesOf(design, moments, solution)
        expect(slopes.filter((slope) => slope !== 0)).toHaveLength(solution.nonZero)
        expect(fault(design, slopes, alpha, l1Ratio)).toBeLessThan(1e-6)
        active += solution.nonZero
      }),
      { seed: 20210101, numRuns: 300, endOnFailure: true },
    )
    expect(active).toBeGreaterThan(300)
  })

  test('have the intercept that makes errors add up to 0', () => {
    fc.assert(
      fc.property(designs(none), alphas, (design, alpha) => {
        const { problem, moments } = problemOf(design)
        const solution = lasso(problem, { alpha, l1Ratio: 1 })
        const slopes = slopesOf(design, moments, solution)
        const { rows, target } = rowsOf(design)
        const beta = [...slopes, solution.coefficients.at(-1) as number]
        const errors = rows.map((row, i) => dot(row, beta) - (target[i] as number))
        expect(Math.abs(sum(errors))).toBeLessThan(1e-8 * sum(target.map(Math.abs)))
      }),
      { seed: 1, numRuns: 100, endOnFailure: true },
    )
  })

  test('are all 0 from the largest alpha on, and not just below it', () => {
    fc.assert(
      fc.property(designs(none), ratios, (design, l1Ratio) => {
        const { problem } = problemOf(design)
        const alpha = largestAlpha(problem, l1Ratio)
        if (!(alpha > 1e-6)) return
        expect(lasso(problem, { alpha: 1.000001 * alpha, l1Ratio }).nonZero).toBe(0)
        expect(lasso(problem, { alpha: 0.999 * alpha, l1Ratio }).nonZero).toBeGreaterThan(0)
      }),
      { seed: 2, numRuns: 100, endOnFailure: true },
    )
  })

  test('give the same from another start', () => {
    const [design] = fc.sample(
      designs(none).filter(({ rides, recipe }) => rides.length > 40 && recipe.numeric.length > 1),
      { seed: 4, numRuns: 1, endOnFailure: true },
    ) as [Design]
    const { problem } = problemOf(design)
    const penalty = { alpha: 0.05, l1Ratio: 0.5 }
    const warm = lasso(problem, penalty, lasso(problem, { ...penalty, alpha: 1 }).coefficients)
    const cold = lasso(problem, penalty)
    warm.coefficients.forEach((value, i) => {
      expect(value).toBeCloseTo(cold.coefficients[i] as number, 9)
    })
  })

  test.each([
    [
      { alpha: 0, l1Ratio: 1 },
      'alpha must be above 0, found 0: for no penalty or a ridge alone use l2',
    ],
    [
      { alpha: 1, l1Ratio: 0 },
      'l1 ratio must be above 0 and at most 1, found 0: for a ridge alone use l2',
    ],
  ])('refuse %o', (penalty, message) => {
    const [design] = fc.sample(designs(none), { seed: 1, numRuns: 1 }) as [Design]
    const { problem } = problemOf(design)
    expect(() => lasso(problem, penalty)).toThrow(
      expect.objectContaining({ code: 'usage_invalid', message }),
    )
  })
})

describe('on green rides of 2021-01, validated on 2021-02', () => {
  const pairs = checkRecipe(
    {
      name: 'pairs',
      categorical: [{ name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] }],
      numeric: ['trip_distance'],
    },
    'pairs',
  )
  const plain = checkRecipe(
    { name: 'plain', categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] },
    'plain',
  )
  const months = new Map<Recipe, Moments[]>()
  beforeAll(async () => {
    for (const recipe of [pairs, plain]) {
      months.set(recipe, await momentsOfMonths(recipe, ['2021-01', '2021-02']))
    }
  })

  interface Found extends LassoSolution {
    readonly train: number
    readonly validation: number
  }

  function run(
    recipe: Recipe,
    solve: (problem: Centred, order: Int32Array) => LassoSolution,
  ): Found {
    const [moments, later] = months.get(recipe) as [Moments, Moments]
    const problem = centre(systemOf(moments, 0))
    const solution = solve(problem, sklearnOrder(featureNames(moments)))
    const [train, validation] = [yardstickOf(moments), yardstickOf(later, moments)].map((one) =>
      rmseOf(one, squaredErrors(one, solution.coefficients)),
    ) as [number, number]
    return { ...solution, train, validation }
  }

  const stop = { tolerance: 1e-4, maxSweeps: 1000 }

  test('the lasso of pairs has the published RMSE where scikit-learn stops', () => {
    // truth.md: as scikit-learn prints it, six sweeps, 97 coefficients.
    const found = run(pairs, (problem, order) =>
      lassoAsSklearn(problem, { alpha: 0.01, l1Ratio: 1 }, { ...stop, order }),
    )
    expect([found.sweeps, found.nonZero, found.converged]).toEqual([6, 97, true])
    expect(Math.abs(found.validation / 11.167275941179728 - 1)).toBeLessThan(1e-12)
  })

  test('and the recomputed one at convergence', () => {
    // truth.md: run to convergence by independent code.
    const found = run(pairs, (problem) => lasso(problem, { alpha: 0.01, l1Ratio: 1 }))
    expect(found.nonZero).toBe(97)
    expect(Math.abs(found.validation / 11.167274717510034 - 1)).toBeLessThan(1e-9)
    expect(found.gap).toBeLessThan(1e-9)
  })

  // scikit-learn 1.9.1, ElasticNet(alpha, l1_ratio) on a DictVectorizer's matrix: tol 1e-12 and
  // 100,000 iterations, or its defaults. RMSE on both months, intercept, coefficients that are not 0.
  test.each<[Recipe, number, number, number, number, number, number]>([
    [pairs, 0.01, 0.5, 10.8856749015296, 11.515860520705019, 17.841698689498273, 185],
    [plain, 0.01, 1, 10.176932071849656, 10.812725371979017, 19.9962628072192, 130],
    [plain, 0.01, 0.3, 10.35456381333131, 10.99276240157288, 19.616262055339963, 297],
  ])('$0.name with alpha $1 and l1 ratio $2 agrees with scikit-learn at convergence', (...row) => {
    const [recipe, alpha, l1Ratio, train, validation, intercept, nonZero] = row
    const found = run(recipe, (problem) => lasso(problem, { alpha, l1Ratio }))
    expect(found.nonZero).toBe(nonZero)
    expect(Math.abs(found.train / train - 1)).toBeLessThan(1e-9)
    expect(Math.abs(found.validation / validation - 1)).toBeLessThan(1e-9)
    expect(Math.abs((found.coefficients.at(-1) as number) / intercept - 1)).toBeLessThan(1e-9)
  })

  test.each([
    [pairs, 0.01, 0.5, 5, 11.515860589850261, 185],
    [plain, 0.01, 1, 20, 10.812725703935186, 130],
    [plain, 0.001, 1, 67, 10.481255832615485, 389],
  ])('$0.name with alpha $1 and l1 ratio $2 takes the sweeps of scikit-learn', (...row) => {
    const [recipe, alpha, l1Ratio, sweeps, validation, nonZero] = row
    const found = run(recipe, (problem, order) =>
      lassoAsSklearn(problem, { alpha, l1Ratio }, { ...stop, order }),
    )
    expect([found.sweeps, found.nonZero]).toEqual([sweeps, nonZero])
    expect(Math.abs(found.validation / validation - 1)).toBeLessThan(1e-9)
  })
})

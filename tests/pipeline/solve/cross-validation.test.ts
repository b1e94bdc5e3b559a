import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fit } from '../../../src/pipeline/fit.ts'
import {
  bestOnValidation,
  crossValidate,
  type FoldedRow,
} from '../../../src/pipeline/solve/cross-validation.ts'
import { ridgePath } from '../../../src/pipeline/solve/penalty-path.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'
import { batchOf, momentsOf, planFor, type SmallRide } from '../small-rides.ts'
import { type Design, designs } from './designs.ts'

const strengths = [0.1, 1, 10, 100]
const folded = designs(fc.constant(0)).filter(({ rides }) => rides.length >= 12)

/** Rides by turns. */
const dealt = (rides: readonly SmallRide[], count: number): SmallRide[][] =>
  Array.from({ length: count }, (_, f) => rides.filter((_, i) => i % count === f))

/** Squared error of each fold's rides by a model trained on the rides of the others. */
async function byRows(folds: SmallRide[][], recipe: Recipe): Promise<number[]> {
  return Promise.all(
    folds.map(async (fold, f) => {
      const others = folds.filter((_, g) => g !== f).flat()
      const { model } = await fit(momentsOf(planFor(recipe), others), recipe, 'green', 'direct')
      const batch = batchOf(fold)
      return fold.reduce(
        (sum, { seconds }, i) => sum + (model.predict(batch, i) - seconds / 60) ** 2,
        0,
      )
    }),
  )
}

describe('cross-validation', () => {
  test('measures what models trained on the rides of the other folds measure', async () => {
    await fc.assert(
      fc.asyncProperty(folded, async ({ rides, recipe }) => {
        const folds = dealt(rides, 3)
        const moments = folds.map((fold) => momentsOf(planFor(recipe), fold))
        const { rows } = crossValidate(moments, strengths)
        for (const [k, l2] of strengths.entries()) {
          const errors = await byRows(folds, { ...recipe, l2 })
          const { rmse, folds: own, strength } = rows[k] as FoldedRow
          expect(strength).toBe(l2)
          const expected = Math.sqrt(errors.reduce((a, b) => a + b, 0) / rides.length)
          expect(Math.abs(rmse / expected - 1)).toBeLessThan(1e-8)
          own.forEach((value, f) => {
            const mse = (errors[f] as number) / (folds[f] as SmallRide[]).length
            expect(Math.abs(value - Math.sqrt(mse))).toBeLessThan(1e-7 * Math.sqrt(mse) + 1e-9)
          })
        }
      }),
      { seed: 20210101, numRuns: 30, endOnFailure: true },
    )
  })

  test('chooses the least error, and the strongest penalty that is as good', () => {
    fc.assert(
      fc.property(folded, ({ rides, recipe }) => {
        const moments = dealt(rides, 4).map((fold) => momentsOf(planFor(recipe), fold))
        const { rows, best, simplest } = crossValidate(moments, strengths)
        expect(best.rmse).toBe(Math.min(...rows.map(({ rmse }) => rmse)))
        expect(simplest.strength).toBeGreaterThanOrEqual(best.strength)
        expect(simplest.rmse ** 2).toBeLessThanOrEqual(best.rmse ** 2 + best.mseError)
        const stronger = rows.filter(({ strength }) => strength > simplest.strength)
        for (const { rmse } of stronger) {
          expect(rmse ** 2).toBeGreaterThan(best.rmse ** 2 + best.mseError)
        }
      }),
      { seed: 2, numRuns: 50, endOnFailure: true },
    )
  })

  test('has the standard error of the mean of the folds', () => {
    const [{ rides, recipe }] = fc.sample(folded, { seed: 1, numRuns: 1 }) as [Design]
    const moments = dealt(rides, 4).map((fold) => momentsOf(planFor(recipe), fold))
    const { mseError, folds } = crossValidate(moments, [1]).rows[0] as FoldedRow
    const mse = folds.map((rmse) => rmse ** 2)
    const mean = mse.reduce((a, b) => a + b, 0) / 4
    const variance = mse.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3
    expect(mseError).toBeCloseTo(Math.sqrt(variance / 4), 9)
  })

  test('goes along a lasso as well', () => {
    const [{ rides, recipe }] = fc.sample(folded, { seed: 1, numRuns: 1 }) as [Design]
    const moments = dealt(rides, 3).map((fold) => momentsOf(planFor(recipe), fold))
    const { rows } = crossValidate(moments, [1e4, 0.01], { kind: 'lasso', l1Ratio: 1 })
    // At the first one every model is the mean of its rides.
    const errors = dealt(rides, 3).map((fold, f, all) => {
      const others = all.filter((_, g) => g !== f).flat()
      const mean = others.reduce((sum, { seconds }) => sum + seconds / 60, 0) / others.length
      return fold.reduce((sum, { seconds }) => sum + (seconds / 60 - mean) ** 2, 0)
    })
    const expected = Math.sqrt(errors.reduce((a, b) => a + b, 0) / rides.length)
    expect(rows[0]?.rmse).toBeCloseTo(expected, 9)
    expect(rows[1]?.rmse).not.toBeCloseTo(expected, 3)
  })

  test('needs two folds with rides, and a path with validation rides', () => {
    const [{ rides, recipe }] = fc.sample(folded, { seed: 1, numRuns: 1 }) as [Design]
    const [all, nothing] = [momentsOf(planFor(recipe), rides), momentsOf(planFor(recipe), [])]
    expect(() => crossValidate([all, nothing], strengths)).toThrow(
      expect.objectContaining({
        code: 'usage_invalid',
        message: 'cross-validation needs at least 2 folds with rides, found 1',
      }),
    )
    expect(() => bestOnValidation(ridgePath(all, strengths))).toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
    const path = ridgePath(all, strengths, { validation: all })
    // On the rides that were fitted the weakest penalty is best.
    expect(bestOnValidation(path).strength).toBe(0.1)
  })
})

import { describe, expect, test } from 'vitest'
import { openXgboost } from '../../../src/pipeline/xgboost/binding.ts'
import { leftOut, xgboostPlan } from '../../../src/pipeline/xgboost/settings.ts'

const features = [{ name: 'zone' }, { name: 'distance' }]

describe("settings as XGBoost's parameters", () => {
  test('are mapped by what they do', () => {
    const { rounds, parameters } = xgboostPlan(
      'trees',
      {
        settings: {
          ...{ rounds: 7, leaves: 12, depth: 5, learningRate: 0.2, minRows: 9, minHessian: 30 },
          ...{
            l1: 1,
            l2: 2,
            minGain: 3,
            rowFraction: 0.8,
            featureFraction: 0.5,
            seed: 2 ** 31 + 4,
          },
          ...{ bins: 100, maxCategories: 16, monotone: { distance: 1 } },
        },
        threads: 2,
      },
      features,
    )
    expect(rounds).toBe(7)
    expect(Object.fromEntries(parameters)).toEqual({
      ...{ objective: 'reg:squarederror', eval_metric: 'rmse', tree_method: 'hist' },
      ...{ grow_policy: 'lossguide', max_leaves: '12', max_depth: '5', eta: '0.2' },
      ...{ min_child_weight: '30', alpha: '1', lambda: '2', gamma: '3', subsample: '0.8' },
      ...{
        colsample_bytree: '0.5',
        seed: '4',
        seed_per_iteration: 'true',
        max_bin: '100',
        max_cat_threshold: '16',
      },
      ...{ monotone_constraints: '(0,1)', nthread: '2', verbosity: '0' },
    })
  })

  test('that only our own trainer has are named as recipes spell them', () => {
    expect(leftOut({ categorySmoothing: 1, categoryL2: 1, minCategoryRows: 1, l2: 1 })).toEqual([
      'category_smoothing',
      'category_l2',
      'min_category_rows',
    ])
    expect(leftOut({ rounds: 5 })).toEqual([])
  })

  test('out of range, or of a forest, are refused', () => {
    const plan = (kind: 'trees' | 'forest', leaves: number) =>
      xgboostPlan(kind, { settings: { leaves } }, features)
    expect(() => plan('trees', 1)).toThrow(/leaves of the trees is 1/)
    expect(() => plan('forest', 9)).toThrow(/forest cannot be grown by XGBoost/)
  })
})

describe('the library', () => {
  test('without koffi is refused, with what to install', async () => {
    const absent = (): never => {
      throw new Error("Cannot find package 'koffi'")
    }
    const failure = openXgboost('/not/there.so', absent)
    await expect(failure).rejects.toMatchObject({ code: 'trainer_missing' })
    await expect(failure).rejects.toThrow(/npm install koffi/)
  })

  test('that cannot be loaded is refused', async () => {
    const failure = openXgboost('/not/there.so')
    await expect(failure).rejects.toMatchObject({ code: 'trainer_missing' })
    await expect(failure).rejects.toThrow(/\/not\/there\.so/)
  })
})

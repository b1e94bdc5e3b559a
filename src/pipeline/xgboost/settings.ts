/** Our settings of trees as XGBoost's parameters. Knows nothing about the library. */

import { RidecastError } from '../../errors.ts'
import type { FeatureBins } from '../trees/binning.ts'
import { type TreeSettings, treeSettings } from '../trees/settings.ts'
import type { TreeTrainingOptions } from '../trees/train.ts'

/** How XGBoost is told. */
export interface XgboostPlan {
  readonly rounds: number
  /** Name and value, in the order in which they are set. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** Settings of how our own trainer finds sets of categories: XGBoost has its own way, without them. */
const ours = ['categorySmoothing', 'categoryL2', 'minCategoryRows'] as const

/** Settings that are given and that XGBoost does without, as recipes spell them. */
export function leftOut(given: Partial<TreeSettings>): string[] {
  return ours
    .filter((name) => given[name] !== undefined)
    .map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}

/**
 * The parameters for settings. A leaf's least number of rows is XGBoost's least hessian, which for
 * squared error is the same.
 *
 * @param features of the table, by name, in order
 * @throws recipe_invalid for a forest, and for settings out of range
 */
export function xgboostPlan(
  kind: 'trees' | 'forest',
  { settings: given = {}, threads }: Pick<TreeTrainingOptions, 'settings' | 'threads'>,
  features: readonly Pick<FeatureBins, 'name'>[],
): XgboostPlan {
  if (kind === 'forest') {
    throw new RidecastError(
      'recipe_invalid',
      'model forest cannot be grown by XGBoost, which draws no rows with replacement: leave --trainer xgboost away, or say model: trees',
    )
  }
  const settings = treeSettings(given)
  const monotone = features.map(({ name }) => settings.monotone[name] ?? 0)
  return {
    rounds: settings.rounds,
    parameters: [
      ['objective', 'reg:squarederror'],
      ['eval_metric', 'rmse'],
      ['tree_method', 'hist'],
      ['grow_policy', 'lossguide'],
      ['max_leaves', String(settings.leaves)],
      ['max_depth', String(settings.depth)],
      ['eta', String(settings.learningRate)],
      ['min_child_weight', String(Math.max(settings.minRows, settings.minHessian))],
      ['alpha', String(settings.l1)],
      ['lambda', String(settings.l2)],
      ['gamma', String(settings.minGain)],
      ['subsample', String(settings.rowFraction)],
      ['colsample_bytree', String(settings.featureFraction)],
      // The library takes a signed number of 32 bits.
      ['seed', String(settings.seed % 2 ** 31)],
      // Its random numbers belong to a thread, and rounds run on whichever is free.
      ['seed_per_iteration', 'true'],
      ['max_bin', String(settings.bins)],
      ['max_cat_threshold', String(settings.maxCategories)],
      ...(monotone.some((direction) => direction !== 0)
        ? [['monotone_constraints', `(${monotone.join(',')})`] as const]
        : []),
      ...(threads === undefined ? [] : [['nthread', String(threads)] as const]),
      ['verbosity', '0'],
    ],
  }
}

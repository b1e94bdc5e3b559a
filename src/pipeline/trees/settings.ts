/** How trees are grown: settings, their defaults and ranges. Knows nothing about data. */

import { RidecastError } from '../../errors.ts'

/** What grows trees. Minutes are the unit of the target, whatever it is. */
export interface TreeSettings {
  /** Trees at most. */
  readonly rounds: number
  /** Leaves of a tree at most. */
  readonly leaves: number
  /** Splits from the root to a leaf at most. */
  readonly depth: number
  /** What a tree is multiplied by; a forest has none. */
  readonly learningRate: number
  /** Training rows of a leaf at least. */
  readonly minRows: number
  /** Hessian of a leaf at least: of squared error, its rows once more. */
  readonly minHessian: number
  /** Shrinks sums of gradients towards 0, in minutes. */
  readonly l1: number
  /** Rows of a mean of 0 that each leaf has in addition. */
  readonly l2: number
  /** What a split has to lower the loss by, in square minutes. */
  readonly minGain: number
  /** Share of the rows that a tree sees, drawn anew for each. */
  readonly rowFraction: number
  /** Share of the features that a tree sees, drawn anew for each. */
  readonly featureFraction: number
  /** Rows and features are drawn by it. */
  readonly seed: number
  /** Bins of a number at most, beside the one for missing values. */
  readonly bins: number
  /** Rows of a mean of 0 that smooth the order of categories; rarer ones are not picked. */
  readonly categorySmoothing: number
  /** Added to `l2` in splits by category. */
  readonly categoryL2: number
  /** Categories picked for one side at most. */
  readonly maxCategories: number
  /** Rows that a step along the sorted categories takes at least. */
  readonly minCategoryRows: number
  /** By name of a number: 1 where minutes may not fall as it grows, -1 where they may not grow. */
  readonly monotone: Readonly<Record<string, 1 | -1>>
}

/** Those of LightGBM where it has them. */
export const defaultTreeSettings: TreeSettings = {
  rounds: 200,
  leaves: 31,
  depth: 64,
  learningRate: 0.1,
  minRows: 20,
  minHessian: 1e-3,
  l1: 0,
  l2: 0,
  minGain: 0,
  rowFraction: 1,
  featureFraction: 1,
  seed: 1,
  bins: 255,
  categorySmoothing: 10,
  categoryL2: 10,
  maxCategories: 32,
  minCategoryRows: 100,
  monotone: {},
}

type NumberSetting = Exclude<keyof TreeSettings, 'monotone'>

const ranges: Readonly<
  Record<NumberSetting, readonly [least: number, most: number, whole: boolean]>
> = {
  rounds: [1, 100_000, true],
  leaves: [2, 4096, true],
  depth: [1, 64, true],
  learningRate: [1e-6, 10, false],
  minRows: [1, 2 ** 31, true],
  minHessian: [0, 2 ** 31, false],
  l1: [0, 1e12, false],
  l2: [0, 1e12, false],
  minGain: [0, 1e12, false],
  rowFraction: [1e-6, 1, false],
  featureFraction: [1e-6, 1, false],
  seed: [0, 2 ** 32 - 1, true],
  bins: [2, 255, true],
  categorySmoothing: [0, 1e12, false],
  categoryL2: [0, 1e12, false],
  maxCategories: [1, 65_535, true],
  minCategoryRows: [1, 2 ** 31, true],
}

/**
 * Settings with defaults for those that are not given.
 *
 * @throws recipe_invalid for one that is out of range
 */
export function treeSettings(given: Partial<TreeSettings> = {}): TreeSettings {
  const settings = { ...defaultTreeSettings, ...given }
  for (const [name, [least, most, whole]] of Object.entries(ranges)) {
    const value = settings[name as NumberSetting]
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) continue
    throw new RidecastError(
      'recipe_invalid',
      `${name} of the trees is ${value}, expected ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`,
    )
  }
  for (const [name, direction] of Object.entries(settings.monotone)) {
    if (direction === 1 || direction === -1) continue
    throw new RidecastError(
      'recipe_invalid',
      `monotone direction of ${name} is ${direction}, expected 1 or -1`,
    )
  }
  return settings
}

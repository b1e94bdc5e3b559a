/** The sums of a training: recipe, profile and comparison over the rides that train and validate. */

import { RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { Moments } from './moments.ts'
import { mergeMoments } from './moments-algebra.ts'
import { beside, type Plan, planOf } from './plan.ts'
import { profilePlan } from './profile.ts'
import type { Split } from './split.ts'
import type { Summing, TripFile } from './summing.ts'

/** Sums of one recipe. */
export interface Pair {
  readonly train: Moments
  readonly validation: Moments
}

/** How many rides of a file there are, and how many were taken. */
export interface FileCounts {
  readonly file: TripFile
  readonly rows: number
  readonly kept: number
}

/** What one pass over each file has summed. */
export interface RideSums extends Pair {
  /** Distributions of the training rides. */
  readonly profile: Moments
  /** Sums of the comparison recipe's terms over the same rides. */
  readonly comparison: Pair | undefined
  /** Sums of the check plan by file, in the order of {@link files}; none without a check. */
  readonly checks: { readonly train: readonly Moments[]; readonly validation: readonly Moments[] }
  /** The files behind them, in their order. */
  readonly files: {
    readonly train: readonly FileCounts[]
    readonly validation: readonly FileCounts[]
  }
}

/** The plans of a recipe over the rides that train and those that validate. */
export function splitPlans(recipe: Recipe, { slices }: Split): { train: Plan; validation: Plan } {
  const features = compileFeatures(recipe)
  return {
    train: planOf(recipe, features, slices.train),
    validation: planOf(recipe, features, slices.validation),
  }
}

/**
 * Sums the training files and the validation files, each read once at most.
 *
 * @param comparison a recipe whose terms are summed over the very same rides
 * @param check what the data contract asks of every file
 * @throws source_columns, source_column_type, source_truncated, sums_overflow, engine_* codes
 */
export async function sumRides(
  summing: Summing,
  train: readonly TripFile[],
  split: Split,
  recipe: Recipe,
  comparison: Recipe | undefined,
  check: Plan | undefined,
): Promise<RideSums> {
  const plans = splitPlans(recipe, split)
  const other = comparison && compileFeatures(comparison)
  const also = (plan: Plan): Plan[] => [
    ...(other ? [{ ...beside(plan, other), crosses: true }] : []),
    ...(check ? [check] : []),
  ]
  const [trainSums, validationSums] = await Promise.all([
    summing.byFile(train, [plans.train, profilePlan(plans.train), ...also(plans.train)]),
    summing.byFile(split.validation, [plans.validation, ...also(plans.validation)]),
  ])
  const checksOf = (sums: readonly Moments[][]): Moments[] =>
    check ? sums.map((ofFile) => ofFile.at(-1) as Moments) : []
  const total = (sums: readonly Moments[][], k: number): Moments =>
    mergeMoments(sums.map((ofFile) => ofFile[k] as Moments))
  return {
    train: total(trainSums, 0),
    profile: total(trainSums, 1),
    validation: total(validationSums, 0),
    comparison: other && { train: total(trainSums, 2), validation: total(validationSums, 1) },
    checks: { train: checksOf(trainSums), validation: checksOf(validationSums) },
    files: {
      train: countsOf(train, trainSums),
      validation: countsOf(split.validation, validationSums),
    },
  }
}

function countsOf(files: readonly TripFile[], sums: readonly Moments[][]): FileCounts[] {
  return files.map((file, i) => {
    const moments = sums[i]?.[0] as Moments
    return { file, rows: moments.rows, kept: moments.n }
  })
}

/**
 * Makes sure that there is something to train on and something to validate on.
 *
 * @throws source_empty with the refused rides by reason
 */
export function requireRides({ train, validation, files }: RideSums): void {
  requireSome(train, labelOf(files.train))
  requireSome(validation, `${labelOf(files.validation)} for validation`)
}

function labelOf(files: readonly FileCounts[]): string {
  const [first, ...others] = files
  const more = others.length > 0 ? ` and ${others.length} more` : ''
  return `${first?.file.source.label}${more}`
}

/**
 * Refuses what sums alone cannot give, where only the engine has a file.
 *
 * @param residuals whether absolute errors were asked for
 * @throws engine_unsupported
 */
export function requireRows(files: readonly TripFile[], recipe: Recipe, residuals: boolean): void {
  const file = files.find(({ source }) => source.sha256 === null)
  const needs = [
    recipe.model !== 'linear' && `recipe ${recipe.name} is of ${recipe.model}`,
    recipe.intervals && `recipe ${recipe.name} has intervals`,
    residuals && 'residuals were asked for',
  ].find(Boolean)
  if (!file || !needs) return
  const { label, path } = file.source
  throw new RidecastError(
    'engine_unsupported',
    `${label} is known to the engine alone, and ${needs}, which needs the rides themselves: expected ${path} to be there too`,
  )
}

function requireSome({ n, rows, refused }: Moments, label: string): void {
  if (n > 0) return
  const reasons = Object.entries(refused).flatMap(([name, rides]) =>
    rides > 0 ? [`${rides} ${name}`] : [],
  )
  const why = reasons.length > 0 ? `, refused: ${reasons.join(', ')}` : ''
  throw new RidecastError(
    'source_empty',
    `no ride of ${label} is left, expected at least one: found ${rows} rows${why}`,
  )
}

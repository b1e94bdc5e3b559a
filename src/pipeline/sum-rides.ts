/** The sums of a training: recipe, profile and comparison over the rides that train and validate. */

import { RidecastError } from '../errors.ts'
import { compileFeatures } from '../features.ts'
import type { Recipe } from '../recipe.ts'
import type { Taxi } from '../ride.ts'
import type { Engine, EngineProgress } from './engines/engine.ts'
import type { Moments } from './moments.ts'
import { beside, type Plan, planOf } from './plan.ts'
import { profilePlan } from './profile.ts'
import type { Source } from './source.ts'
import type { Split } from './split.ts'

/** Sums of one recipe. */
export interface Pair {
  readonly train: Moments
  readonly validation: Moments
}

/** What one pass over each file has summed. */
export interface RideSums extends Pair {
  /** Distributions of the training rides. */
  readonly profile: Moments
  /** Sums of the comparison recipe's terms over the same rides. */
  readonly comparison: Pair | undefined
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
 * Reads the training file and the validation file once each.
 *
 * @param comparison a recipe whose terms are summed over the very same rides
 * @throws source_columns, source_column_type, source_truncated, source_empty, sums_overflow
 */
export async function sumRides(
  engine: Engine,
  taxi: Taxi,
  source: Source,
  split: Split,
  recipe: Recipe,
  comparison: Recipe | undefined,
  progress?: EngineProgress,
): Promise<RideSums> {
  const plans = splitPlans(recipe, split)
  const other = comparison && compileFeatures(comparison)
  const compared = (plan: Plan): Plan[] => (other ? [beside(plan, other)] : [])
  const trainPlans = [plans.train, profilePlan(plans.train), ...compared(plans.train)]
  const validationPlans = [plans.validation, ...compared(plans.validation)]
  const [train, profile, otherTrain] = await engine.sum(source.path, taxi, trainPlans, progress)
  const [validation, otherValidation] = await engine.sum(
    split.validation.path,
    taxi,
    validationPlans,
    progress,
  )
  return {
    train: requireRides(train, source.label),
    profile: profile as Moments,
    validation: requireRides(validation, `${split.validation.label} for validation`),
    comparison:
      otherTrain && otherValidation
        ? { train: otherTrain, validation: otherValidation }
        : undefined,
  }
}

function requireRides(moments: Moments | undefined, label: string): Moments {
  if (moments && moments.n > 0) return moments
  const reasons = Object.entries(moments?.refused ?? {}).flatMap(([name, rides]) =>
    rides > 0 ? [`${rides} ${name}`] : [],
  )
  const refused = reasons.length > 0 ? `, refused: ${reasons.join(', ')}` : ''
  throw new RidecastError(
    'source_empty',
    `no ride of ${label} is left, expected at least one: found ${moments?.rows ?? 0} rows${refused}`,
  )
}

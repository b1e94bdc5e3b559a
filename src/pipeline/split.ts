/**
 * Which rides train and which validate: later months where there are some, else the rest of the
 * file as the recipe splits it, else the last fifth by pickup time.
 */

import { isRidecastError, RidecastError } from '../errors.ts'
import { compileFeatures, featuresOf } from '../features.ts'
import type { Recipe } from '../recipe-schema.ts'
import { beside, type Plan, planOf, type Slice } from './plan.ts'
import { contentKey, type ObtainAllEffects, planNext } from './source.ts'
import { type FleetPlan, findFiles, planSources, type SourcesOptions } from './sources.ts'
import type { Summing, TripFile } from './summing.ts'

/** Where the validation rides come from. */
export interface Split {
  /** `month`: files of their own; `rest`: as the recipe's split says; `holdout`: the last rides. */
  readonly kind: 'month' | 'rest' | 'holdout'
  readonly validation: readonly TripFile[]
  readonly slices: { readonly train: Slice; readonly validation: Slice }
  /** What a person should know about the choice. */
  readonly note: string | undefined
}

/** The share of rides held out where there is no later month. */
export const holdoutShare = 0.2

/** What `--validate` says to hold out rides of the training files. */
export const holdoutWord = 'holdout'

const whole: Slice = { kind: 'all' }

/** What the choice depends on. */
export interface SplitOptions extends SourcesOptions {
  /** What the person named; undefined takes the next month. */
  readonly validate: string | undefined
  readonly recipe: Recipe
}

/** The training files: how they were planned, and as they lie on disk. */
export interface TrainFiles {
  readonly plans: readonly FleetPlan[]
  readonly files: readonly TripFile[]
}

/**
 * Decides on the validation rides, downloading months when it must.
 *
 * @throws usage_invalid when both the person and the recipe say, or a split by rows has several
 *   files; what {@link findFiles} throws, for a month that the person named or a file that is
 *   there
 */
export async function splitRides(
  train: TrainFiles,
  options: SplitOptions,
  summing: Summing,
  effects: ObtainAllEffects = {},
): Promise<Split> {
  const { recipe, validate } = options
  if (recipe.split) return restOfFile(train.files, recipe.split.first_rows, options)
  let note: string | undefined
  if (validate !== holdoutWord) {
    const plans = validationPlans(train.plans, options)
    try {
      if (plans) {
        const validation = await findFiles(plans, summing, effects)
        note = overlap(train.files, validation)
        return { kind: 'month', validation, slices: { train: whole, validation: whole }, note }
      }
      note = 'the month after it is not known or not over yet'
    } catch (error) {
      // A month that nobody named may be missing for any reason; one that is there but broken may not.
      const missing = plans?.some(({ plan }) => plan.kind === 'download')
      if (validate !== undefined || !isRidecastError(error) || !missing) throw error
      note = error.message
    }
  }
  const plan = planOf(recipe, compileFeatures(recipe))
  const slices = await cutByPickup(summing, train.files, plan)
  return { kind: 'holdout', validation: train.files, slices, note }
}

/** What to validate on: what the person named, else the month after the last of each fleet. */
function validationPlans(
  train: readonly FleetPlan[],
  options: SplitOptions,
): readonly FleetPlan[] | undefined {
  const fleets = [...new Set(train.map(({ taxi }) => taxi))]
  if (options.validate !== undefined) {
    return planSources([options.validate], { ...options, taxis: undefined, otherwise: fleets })
  }
  const next = fleets.map((taxi) => {
    // By fleet and month in order: the last one of a fleet is its newest.
    const last = train.findLast((one) => one.taxi === taxi) as FleetPlan
    const plan = planNext(last.plan, { ...options, taxi })
    return plan && { plan, taxi }
  })
  return next.every((one) => one !== undefined) ? next : undefined
}

function overlap(train: readonly TripFile[], validation: readonly TripFile[]): string | undefined {
  const seen = new Set(train.map(({ source }) => contentKey(source)))
  const both = validation.find(({ source }) => seen.has(contentKey(source)))
  return both && `${both.source.label} is trained on and validated on: the measures flatter`
}

function restOfFile(
  files: readonly TripFile[],
  rides: number,
  { recipe, validate }: SplitOptions,
): Split {
  if (validate !== undefined || files.length > 1) {
    const remedy = validate === undefined ? 'train on one file' : 'leave --validate away'
    throw new RidecastError(
      'usage_invalid',
      `recipe ${recipe.name} splits the file itself after ${rides} rides: ${remedy}, or --set split=null`,
    )
  }
  const slices = {
    train: { kind: 'rows', from: 0, to: rides } as const,
    validation: { kind: 'rows', from: rides, to: Number.POSITIVE_INFINITY } as const,
  }
  return { kind: 'rest', validation: files, slices, note: undefined }
}

/**
 * Cuts the rides that `plan` takes at a whole minute of pickup time, so that at least four fifths
 * lie before it: from counts by minute, without holding the rides.
 */
export async function cutByPickup(
  summing: Summing,
  files: readonly TripFile[],
  plan: Plan,
): Promise<{ train: Slice; validation: Slice }> {
  const minutes = featuresOf({
    categorical: [{ name: 'pickup_minute', atoms: [{ kind: 'pickup_minute' }] }],
    numeric: [],
  })
  const [moments] = await summing.ofFiles(files, [{ ...beside(plan, minutes), crosses: false }])
  const block = moments?.blocks.at(-1)
  let before = 0
  let cut = Number.NEGATIVE_INFINITY
  for (let i = 0; block && before < (1 - holdoutShare) * (moments?.n ?? 0); i++) {
    before += block.counts[i] as number
    cut = ((block.codes[i] as number) + 1) * 60e6
  }
  return {
    train: { kind: 'pickup', from: Number.NEGATIVE_INFINITY, to: cut },
    validation: { kind: 'pickup', from: cut, to: Number.POSITIVE_INFINITY },
  }
}

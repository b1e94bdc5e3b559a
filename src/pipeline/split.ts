/**
 * Which rides train and which validate: another month where there is one, else the rest of the
 * file as the recipe splits it, else its last fifth by pickup time.
 */

import { isRidecastError, RidecastError } from '../errors.ts'
import { compileFeatures, featuresOf } from '../features.ts'
import type { Recipe } from '../recipe.ts'
import type { Taxi } from '../ride.ts'
import type { DownloadEffects } from './download.ts'
import type { Engine } from './engines/engine.ts'
import type { Moments } from './moments.ts'
import { beside, type Plan, planOf, type Slice } from './plan.ts'
import {
  obtain,
  planNext,
  planSource,
  type Source,
  type SourceOptions,
  type SourcePlan,
} from './source.ts'

/** Where the validation rides come from. */
export interface Split {
  /** `month`: a file of its own; `rest`: as the recipe's split says; `holdout`: the last rides. */
  readonly kind: 'month' | 'rest' | 'holdout'
  readonly validation: Source
  readonly slices: { readonly train: Slice; readonly validation: Slice }
  /** What a person should know about the choice. */
  readonly note: string | undefined
}

/** The share of rides held out where there is no other month. */
export const holdoutShare = 0.2

/** What `--validate` says to hold out rides of the training file. */
export const holdoutWord = 'holdout'

const whole: Slice = { kind: 'all' }

/** What the choice depends on. */
export interface SplitOptions extends SourceOptions {
  /** What the person named; undefined takes the next month. */
  readonly validate: string | undefined
  readonly recipe: Recipe
}

/**
 * Decides on the validation rides, downloading the month when it must.
 *
 * @throws usage_invalid when both the person and the recipe say; what {@link obtain} throws, for a
 *   month that the person named or a file that is there
 */
export async function splitRides(
  train: { readonly plan: SourcePlan; readonly source: Source },
  options: SplitOptions,
  engine: Engine,
  effects: DownloadEffects = {},
): Promise<Split> {
  const { recipe, validate } = options
  if (recipe.split) return restOfFile(train.source, recipe.split.first_rows, options)
  let note: string | undefined
  if (validate !== holdoutWord) {
    const plan =
      validate === undefined ? planNext(train.plan, options) : planSource(validate, options)
    try {
      const slices = { train: whole, validation: whole }
      if (plan) return { kind: 'month', validation: await obtain(plan, effects), slices, note }
      note = 'the month after it is not known or not over yet'
    } catch (error) {
      // A month that nobody named may be missing for any reason; one that is there but broken may not.
      const missing = isRidecastError(error) && plan?.kind === 'download'
      if (validate !== undefined || !missing) throw error
      note = error.message
    }
  }
  const plan = planOf(recipe, compileFeatures(recipe))
  const slices = await cutByPickup(engine, train.source.path, options.taxi, plan)
  return { kind: 'holdout', validation: train.source, slices, note }
}

function restOfFile(source: Source, rides: number, { recipe, validate }: SplitOptions): Split {
  if (validate !== undefined) {
    throw new RidecastError(
      'usage_invalid',
      `recipe ${recipe.name} splits the file itself after ${rides} rides: leave --validate away, or --set split=null`,
    )
  }
  const slices = {
    train: { kind: 'rows', from: 0, to: rides } as const,
    validation: { kind: 'rows', from: rides, to: Number.POSITIVE_INFINITY } as const,
  }
  return { kind: 'rest', validation: source, slices, note: undefined }
}

/**
 * Cuts the rides that `plan` takes at a whole minute of pickup time, so that at least four fifths
 * lie before it: from counts by minute, without holding the rides.
 */
export async function cutByPickup(
  engine: Engine,
  path: string,
  taxi: Taxi,
  plan: Plan,
): Promise<{ train: Slice; validation: Slice }> {
  const minutes = featuresOf({
    categorical: [{ name: 'pickup_minute', atoms: [{ kind: 'pickup_minute' }] }],
    numeric: [],
  })
  const [moments] = await engine.sum(path, taxi, [{ ...beside(plan, minutes), crosses: false }])
  const { n, blocks } = moments as Moments
  const block = blocks.at(-1)
  let before = 0
  let cut = Number.NEGATIVE_INFINITY
  for (let i = 0; block && before < (1 - holdoutShare) * n; i++) {
    before += block.counts[i] as number
    cut = ((block.codes[i] as number) + 1) * 60e6
  }
  return {
    train: { kind: 'pickup', from: Number.NEGATIVE_INFINITY, to: cut },
    validation: { kind: 'pickup', from: cut, to: Number.POSITIVE_INFINITY },
  }
}

/** The leverage plot of a fit, where its kind has one. */

import type { Model } from '../../model.ts'
import { evaluate } from '../evaluate.ts'
import type { Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'
import type { MeasuredFile } from '../residuals.ts'
import { leveragesOf, leverageUnavailable } from '../solve/leverage.ts'
import type { LeveragePoints, Unavailable } from './judgement.ts'
import { leveragePoints } from './leverage-points.ts'
import { sampleRides } from './sample-rides.ts'

/** Fitted rides that leverage is worked out for. */
const sampled = 10_000

/** The rides that a model was fitted to. */
export interface FittedRides {
  readonly files: readonly MeasuredFile[]
  /** Which of the rides in them. */
  readonly plan: Plan
  /** Their sums, with pairs of terms. */
  readonly moments: Moments
}

/**
 * Rides by leverage; why not, of a linear model without; undefined of other kinds.
 *
 * @throws solve_failed; what sampling throws
 */
export async function leverageOf(
  model: Model,
  { files, plan, moments }: FittedRides,
  signal?: AbortSignal,
): Promise<LeveragePoints | Unavailable | undefined> {
  if (model.kind !== 'linear') return undefined
  const { recipe } = model
  const leverages = leveragesOf(moments, recipe)
  if (!leverages) {
    return { unavailable: leverageUnavailable(moments, recipe) ?? 'it is not known' }
  }
  const rides = await sampleRides(files, plan, model.features, {
    size: sampled,
    ...(signal && { signal }),
  })
  return leveragePoints(model, leverages, rides, evaluate(model, moments).mse)
}

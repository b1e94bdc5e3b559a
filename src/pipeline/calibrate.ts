/** Errors of a model by band of its prediction, from rides it was not trained on: what intervals need. */

import { bandEdges, bandOf, bandSupport, errorLevels, type Intervals } from '../intervals.ts'
import type { Model } from '../model.ts'
import type { Plan } from './plan.ts'
import { type MeasuredFile, predictRides, ResidualCounter, type Residuals } from './residuals.ts'

/** What a pass over the validation rides has found. */
export interface Calibration {
  readonly residuals: Residuals
  readonly intervals: Intervals
}

/**
 * Goes over the rides that `plan` takes, at least one, and counts the model's errors.
 *
 * @throws source_columns, source_column_type, source_truncated
 */
export async function calibrate(
  model: Model,
  files: readonly MeasuredFile[],
  plan: Plan,
  signal?: AbortSignal,
): Promise<Calibration> {
  const all = new ResidualCounter()
  const bands = Array.from({ length: bandEdges.length + 1 }, () => new ResidualCounter())
  await predictRides(
    model,
    files,
    plan,
    (_, __, actual, predicted) => {
      all.add(actual, predicted - actual)
      bands[bandOf(predicted)]?.add(actual, predicted - actual)
    },
    { signal },
  )
  return {
    residuals: all.residuals(),
    intervals: {
      all: errorsOf(all),
      bands: bands.map((band) => (band.rides >= bandSupport ? errorsOf(band) : null)),
    },
  }
}

/** Actual - prediction by share of the rides: the residuals the other way round. */
function errorsOf(counter: ResidualCounter): Intervals['all'] {
  const quantiles = counter.quantiles(errorLevels)
  // Adding 0 turns -0 into 0, which is all that JSON can hold.
  return { n: counter.rides, errors: quantiles.map((value) => -value + 0).reverse() }
}

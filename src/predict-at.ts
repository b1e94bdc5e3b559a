/** Predictions for many rides of a batch. Knows nothing about kinds of models. */

import type { Model } from './model.ts'
import type { RideBatch } from './ride.ts'

/**
 * Minutes for some rides of a batch, the same to the bit as one by one, and sooner where the model can.
 *
 * @param at positions of the rides, default all in their order
 */
export function predictAt(
  model: Model,
  rides: RideBatch,
  at: Int32Array = Int32Array.from({ length: rides.length }, (_, i) => i),
): ArrayLike<number> & Iterable<number> {
  return model.predictMany?.(rides, at) ?? Float64Array.from(at, (i) => model.predict(rides, i))
}

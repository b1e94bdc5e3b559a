/** Sums rides as they are decoded, batch by batch, in one thread. */

import { setImmediate } from 'node:timers/promises'
import type { RideBatch } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { mergeMoments } from '../moments-algebra.ts'
import { MomentsBuilder } from '../moments-builder.ts'
import type { Plan } from '../plan.ts'

/**
 * Sums rides by each plan.
 *
 * @param batches a batch is used up before the next one is asked for
 * @param progress told the rides of every batch that is done
 * @param signal stops the work between two batches; its reason is thrown
 * @param lanes how many sums batches are added to in turn, and which are added up at the end: sums
 *   that are rounded then are what as many threads make of them; default 1
 * @throws sums_overflow, and what the batches throw
 */
export async function sumBatches(
  batches: AsyncIterable<RideBatch>,
  plans: readonly Plan[],
  progress: (rides: number) => void = () => {},
  signal?: AbortSignal,
  lanes = 1,
): Promise<Moments[]> {
  const builders = Array.from({ length: lanes }, () => new MomentsBuilder(plans))
  let turn = 0
  for await (const rides of batches) {
    builders[turn++ % lanes]?.add(rides)
    progress(rides.length)
    // Decoding may never wait for anything: others have to be let in.
    await setImmediate()
    signal?.throwIfAborted()
  }
  const summed = builders.map((builder) => builder.finish())
  return plans.map((_, k) => mergeMoments(summed.map((moments) => moments[k] as Moments)))
}

/** Sums rides as they are decoded, batch by batch, in one thread. */

import { setImmediate } from 'node:timers/promises'
import type { RideBatch } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { MomentsBuilder } from '../moments-builder.ts'
import type { Plan } from '../plan.ts'

/**
 * Sums rides by each plan.
 *
 * @param batches a batch is used up before the next one is asked for
 * @param progress told the rides of every batch that is done
 * @param signal stops the work between two batches; its reason is thrown
 * @throws sums_overflow, and what the batches throw
 */
export async function sumBatches(
  batches: AsyncIterable<RideBatch>,
  plans: readonly Plan[],
  progress: (rides: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Moments[]> {
  const builder = new MomentsBuilder(plans)
  for await (const rides of batches) {
    builder.add(rides)
    progress(rides.length)
    // Decoding may never wait for anything: others have to be let in.
    await setImmediate()
    signal?.throwIfAborted()
  }
  return builder.finish()
}

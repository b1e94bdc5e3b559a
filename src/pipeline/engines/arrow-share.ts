/** A share of a trip file: some of its row groups, summed by one thread, batch by batch. */

import { setImmediate } from 'node:timers/promises'
import { BatchTerms } from '../batch-terms.ts'
import type { Moments } from '../moments.ts'
import { MomentsBuilder } from '../moments-builder.ts'
import type { Plan } from '../plan.ts'
import type { RideFile } from '../rides.ts'

/**
 * Sums row groups of an open file by each plan.
 *
 * @param groups in the order to be read
 * @param progress told the rides of every row group that is done
 * @param signal stops the work between two batches; its reason is thrown
 * @throws source_truncated, sums_overflow
 */
export async function sumGroups(
  file: RideFile,
  groups: readonly number[],
  plans: readonly Plan[],
  progress: (rides: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Moments[]> {
  const terms = new BatchTerms()
  const builders = plans.map((plan) => new MomentsBuilder(plan, terms))
  for (const group of groups) {
    for await (const rides of file.read(group)) {
      terms.load(rides)
      for (const builder of builders) builder.addLoaded()
      // Decoding never waits for anything: others have to be let in.
      await setImmediate()
      signal?.throwIfAborted()
    }
    progress(file.groups[group] as number)
  }
  return builders.map((builder) => builder.finish())
}

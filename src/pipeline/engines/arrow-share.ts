/** A share of a trip file: some of its row groups, summed by one thread, batch by batch. */

import type { RideBatch } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'
import type { RideFile } from '../rides.ts'
import { sumBatches } from './sum-batches.ts'

/**
 * Sums row groups of an open file by each plan.
 *
 * @param groups in the order to be read
 * @param progress told the rides of every row group that is done
 * @param signal stops the work between two batches; its reason is thrown
 * @throws source_truncated, sums_overflow
 */
export function sumGroups(
  file: RideFile,
  groups: readonly number[],
  plans: readonly Plan[],
  progress: (rides: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Moments[]> {
  return sumBatches(ridesOf(file, groups, progress), plans, undefined, signal)
}

async function* ridesOf(
  file: RideFile,
  groups: readonly number[],
  progress: (rides: number) => void,
): AsyncGenerator<RideBatch> {
  for (const group of groups) {
    yield* file.read(group)
    progress(file.groups[group] as number)
  }
}

/**
 * How the row groups of a trip file are shared out. It depends on the file alone, not on how many
 * threads there are: so do its sums, to the last bit, also those that are rounded.
 */

import type { Plan } from '../plan.ts'

/**
 * Shares out the row groups of a file: neighbours together until there are rides enough.
 *
 * @param groups rides by row group
 * @param plans one that counts rides in file order keeps them all together
 * @param least rides of a share, at least; the last one may have fewer
 */
export function sharesOf(
  groups: readonly number[],
  plans: readonly Plan[],
  least: number,
): number[][] {
  if (plans.some(({ slice }) => slice.kind === 'rows')) return [[...groups.keys()]]
  const shares: number[][] = []
  let rides = least
  for (const [group, size] of groups.entries()) {
    if (rides >= least) {
      shares.push([])
      rides = 0
    }
    shares.at(-1)?.push(group)
    rides += size
  }
  return shares.length > 0 ? shares : [[]]
}

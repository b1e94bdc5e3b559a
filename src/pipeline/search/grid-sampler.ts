/** Points of a grid, one after another. Knows nothing about the trials before. */

import type { Sampler } from './sampler.ts'
import { gridOf } from './space.ts'

/**
 * Grid search: trial `i` has point `i` of {@link gridOf}. A search with fewer trials than the grid
 * has points sees its first part only.
 *
 * @param pointsPerDimension how many settings of a number, 1 or more
 */
export function gridSampler(pointsPerDimension: number): Sampler {
  return {
    spec: { name: 'grid', points_per_dimension: pointsPerDimension },
    size: (space) => gridOf(space, pointsPerDimension).size,
    propose: (space, number) => gridOf(space, pointsPerDimension).at(number),
  }
}

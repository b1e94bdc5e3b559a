/** A small search on the bowl whose trials finish, fail and are stopped, for tests of running it. */

import { join } from 'node:path'
import { RidecastError } from '../../../src/errors.ts'
import { medianPruner } from '../../../src/pipeline/search/pruner.ts'
import type { Objective, SearchOptions } from '../../../src/pipeline/search/search.ts'
import { tpeSampler } from '../../../src/pipeline/search/tpe-sampler.ts'
import { bowl } from './functions.ts'

/** The file in which a search in a folder is kept. */
export const logOf = (folder: string): string => join(folder, 'search.ndjson')

/** A bowl that is approached in four steps; some trials fail, some are stopped. */
export const objective: Objective = (point, { report }) => {
  const value = bowl.at(point)
  if (point.kind === 'd') throw new RidecastError('solve_failed', 'kind d does not converge')
  for (let step = 0; step < 4; step++) {
    if (report(step, value + 1 / (step + 1)) === 'stop') return Number.NaN
  }
  return { value, metrics: { twice: value * 2, odd: Number.NaN } }
}

/** What to search, kept in a folder; with other options in place of these. */
export const options = (folder: string, more: Partial<SearchOptions> = {}): SearchOptions => ({
  space: bowl.space,
  sampler: tpeSampler({ startupTrials: 5 }),
  trials: 24,
  // The first two trials of this one finish, and later ones do all that trials can do.
  seed: 11,
  objective,
  title: 'the bowl',
  folder,
  pruner: medianPruner({ startupTrials: 3, warmupSteps: 1 }),
  ...more,
})

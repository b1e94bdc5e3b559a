/**
 * Round after round: a tree, what it brought, and whether it is time to stop. Runs wherever the
 * memory is. Knows nothing about threads, tables or progress bars.
 */

import type { Tree } from '../../tree-ensemble.ts'
import type { FeatureBins } from './binning.ts'
import { Crew } from './crew.ts'
import { TreeGrower } from './grow.ts'
import { blocksOf, type TreeMemory, validationStart } from './memory.ts'
import type { TreeSettings } from './settings.ts'

/** What is known after a round. */
export interface TreeRound {
  /** From 1. */
  readonly round: number
  /** Minutes; of a forest that of the mean so far is not known, and it is undefined. */
  readonly trainRmse: number | undefined
  /** Minutes; undefined without validation, or of a forest that is not complete. */
  readonly validationRmse: number | undefined
}

/** A round and its tree. */
export interface GrownRound extends TreeRound {
  readonly tree: Tree
}

/** What rounds go by. */
export interface RoundsPlan {
  readonly settings: TreeSettings
  readonly bins: readonly FeatureBins[]
  readonly memory: TreeMemory
  /** Rounds without a better validation RMSE after which no more follow; 0 for all. */
  readonly patience: number
}

/** Grows trees until there are enough. Ends the further threads of the memory. */
export function* growRounds(plan: RoundsPlan): Generator<GrownRound, void> {
  const { settings, bins, memory, patience } = plan
  const crew = new Crew(memory)
  const { forest, rows, validationRows } = memory
  const rate = forest ? 1 / settings.rounds : settings.learningRate
  const sampled = settings.rowFraction < 1 || settings.featureFraction < 1 || forest
  let best = Infinity
  let bestRound = 0
  try {
    const grower = new TreeGrower(settings, bins, memory, crew)
    for (let round = 1; round <= settings.rounds; round++) {
      const tree = grower.grow(round - 1, rate)
      const complete = !forest || round === settings.rounds
      const trainRmse = forest ? undefined : rmse(memory, 0, rows)
      const measured = validationRows > 0 && complete
      const validationRmse = measured
        ? rmse(memory, validationStart(rows), validationRows)
        : undefined
      yield { round, tree, trainRmse, validationRmse }
      if (validationRmse !== undefined && validationRmse < best)
        [best, bestRound] = [validationRmse, round]
      if (patience > 0 && measured && round - bestRound >= patience) return
      // What did not find a split will not find one in the next round either.
      if (tree.feature.length === 1 && !sampled) return
    }
  } finally {
    crew.run('end')
  }
}

/** The root of the mean squared error, from sums by block. */
function rmse({ blockLosses }: TreeMemory, start: number, rows: number): number {
  let sum = 0
  const first = blocksOf(start)
  for (let block = first; block < first + blocksOf(rows); block++) sum += blockLosses[block]!
  return Math.sqrt(sum / rows)
}

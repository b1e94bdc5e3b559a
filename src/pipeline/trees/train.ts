/**
 * Trains ensembles of trees on a table: gradient boosting and random forests. Knows nothing about
 * rides or files.
 */

import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { type Tree, TreeEnsemble } from '../../tree-ensemble.ts'
import { binsOf, totalBins, writePlaces } from './binning.ts'
import { treeMemory, validationStart } from './memory.ts'
import { type GrownRound, growRounds, type RoundsPlan, type TreeRound } from './rounds.ts'
import { type TreeSettings, treeSettings } from './settings.ts'
import { checkSameColumns, checkTable, type TreeTable } from './table.ts'
import { growInThreads } from './threads.ts'

/** How to train. */
export interface TreeTrainingOptions {
  readonly settings?: Partial<TreeSettings>
  /** What errors are measured on after each round. */
  readonly validation?: TreeTable
  /**
   * Stops after so many rounds without a better validation error, and keeps the trees up to the
   * best one. Default: all trees are kept.
   */
  readonly patience?: number
  /** Threads at most, default the cores that there are; small tables are trained on one. */
  readonly threads?: number
  /** Grows in a thread of its own though one is enough: the caller has other work meanwhile. */
  readonly aside?: boolean
  /** Called after each round. */
  readonly onRound?: (round: TreeRound) => void
  /** Ends the training; its reason is thrown. */
  readonly signal?: AbortSignal
}

/** What was trained. */
export interface TrainedTrees {
  readonly ensemble: TreeEnsemble
  /** Each round, those after the best one included. */
  readonly rounds: readonly TreeRound[]
  /** Number of rounds whose trees were kept. */
  readonly kept: number
}

/**
 * Gradient boosting for squared error: each tree lowers what is left of it. The same table and
 * settings give the same bytes on any number of threads.
 *
 * @throws recipe_invalid for settings out of range, source_empty for a table without rows or
 *   features, solve_too_large for too many rows or levels, the reason of the signal
 */
export function trainBoosted(
  table: TreeTable,
  options: TreeTrainingOptions = {},
): Promise<TrainedTrees> {
  return train(table, options, false)
}

/**
 * A random forest: trees on rows drawn with replacement (from blocks of 4,096), their mean. The
 * learning rate and `patience` do not apply.
 *
 * @throws as {@link trainBoosted}
 */
export function trainForest(
  table: TreeTable,
  options: TreeTrainingOptions = {},
): Promise<TrainedTrees> {
  return train(table, options, true)
}

async function train(
  table: TreeTable,
  options: TreeTrainingOptions,
  forest: boolean,
): Promise<TrainedTrees> {
  const { signal, onRound } = options
  signal?.throwIfAborted()
  const plan = planTrees(table, options, forest)
  const base = plan.memory.scores[0] as number
  const rounds: TreeRound[] = []
  const trees: Tree[] = []
  const take = ({ tree, ...round }: GrownRound): void => {
    rounds.push(round)
    trees.push(tree)
    onRound?.(round)
  }
  if (plan.memory.threads === 1 && !options.aside) await growHere(plan, take, signal)
  else await growInThreads(plan, take, signal)
  const kept = plan.patience > 0 ? bestOf(rounds) : rounds.length
  const features = plan.bins.map(({ name, kind }) => ({ name, kind }))
  return { ensemble: new TreeEnsemble(features, trees.slice(0, kept), base), rounds, kept }
}

/**
 * Checks and bins a table: all that rounds need.
 *
 * @throws as {@link trainBoosted}
 */
export function planTrees(
  table: TreeTable,
  { settings: given, threads, validation, patience = 0 }: TreeTrainingOptions,
  forest: boolean,
): RoundsPlan {
  const settings = treeSettings(given)
  checkTable(table, 'training')
  if (validation) {
    checkTable(validation, 'validation')
    checkSameColumns(table, validation)
  }
  const bins = binsOf(table.columns, settings.bins)
  const rows = table.target.length
  const memory = treeMemory({
    rows,
    validationRows: validation?.target.length ?? 0,
    threads: threadsFor(rows, threads),
    features: bins.length,
    bins: totalBins(bins),
    leaves: settings.leaves,
    seed: settings.seed,
    rowFraction: settings.rowFraction,
    forest,
  })
  const start = validationStart(rows)
  memory.targets.set(table.target)
  writePlaces(table.columns, bins, memory.places)
  if (validation) {
    memory.targets.set(validation.target, start)
    writePlaces(validation.columns, bins, memory.places.subarray(start * bins.length))
  }
  memory.scores.fill(table.target.reduce((sum, minutes) => sum + minutes, 0) / rows)
  return { settings, bins, memory, patience: forest || !validation ? 0 : patience }
}

/** Rows that are worth a thread: starting one takes as long as a round of this many. */
const rowsPerThread = 2 ** 16

function threadsFor(rows: number, most = availableParallelism()): number {
  return Math.max(1, Math.min(most, Math.floor(rows / rowsPerThread)))
}

/** Grows on this thread, and lets others have their turn between rounds. */
async function growHere(
  plan: RoundsPlan,
  take: (round: GrownRound) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const round of growRounds(plan)) {
    take(round)
    await setImmediate()
    signal?.throwIfAborted()
  }
}

/** The number of the best round. */
function bestOf(rounds: readonly TreeRound[]): number {
  let best = 0
  for (const [i, { validationRmse = Infinity }] of rounds.entries()) {
    if (validationRmse < (rounds[best]?.validationRmse ?? Infinity)) best = i
  }
  return best + 1
}

/**
 * Trees grown by the real XGBoost: the same table and settings as for our own trainer, and an ensemble
 * that our own evaluator walks, to the bit as the library would. Knows nothing about rides.
 */

import { RidecastError } from '../../errors.ts'
import { TreeEnsemble } from '../../tree-ensemble.ts'
import { parseXgboost } from '../../xgboost-json.ts'
import type { TreeTrainer } from '../fit-trees.ts'
import type { TreeRound } from '../trees/rounds.ts'
import { checkSameColumns, checkTable, type TreeTable } from '../trees/table.ts'
import type { TrainedTrees, TreeTrainingOptions } from '../trees/train.ts'
import { type LoadKoffi, type MatrixRows, openXgboost, type XgboostCalls } from './binding.ts'
import { requireLibrary } from './install.ts'
import { xgboostLibrary, xgboostVersion } from './release.ts'
import { leftOut, xgboostPlan } from './settings.ts'

/** What a trainer tells. */
export interface TrainerEffects {
  /** Told in a line what is left out of a recipe. */
  readonly note?: (text: string) => void
  /** Default `import('koffi')`. */
  readonly koffi?: LoadKoffi
}

/**
 * The trainer of a library that is installed.
 *
 * @param trainers folder of trainers
 * @throws trainer_missing, trainer_mismatch
 */
export async function xgboostTrainer(
  trainers: string,
  { note = () => {}, koffi }: TrainerEffects = {},
): Promise<TreeTrainer> {
  const { path } = await requireLibrary(trainers)
  const calls = await openXgboost(path, koffi)
  const version = calls.version.join('.')
  if (version !== xgboostVersion) {
    throw new RidecastError('trainer_mismatch', `${path} says that it is ${version}`)
  }
  const told = new Set<string>()
  return {
    library: xgboostLibrary,
    grow(table, kind, options) {
      const without = leftOut(options.settings ?? {})
      const text = `XGBoost has its own way with categories: ${without.join(', ')} left out`
      if (without.length > 0 && !told.has(text)) note(text)
      told.add(text)
      return growBy(calls, table, kind, options)
    },
  }
}

async function growBy(
  calls: XgboostCalls,
  table: TreeTable,
  kind: 'trees' | 'forest',
  options: TreeTrainingOptions,
): Promise<TrainedTrees> {
  const { validation, patience = 0, threads, onRound, signal } = options
  signal?.throwIfAborted()
  const { rounds: most, parameters } = xgboostPlan(kind, options, table.columns)
  checkTable(table, 'training')
  if (validation) {
    checkTable(validation, 'validation')
    checkSameColumns(table, validation)
  }
  // The library has the addresses of what these hold, until it has made matrices of its own.
  const rows = [table, ...(validation ? [validation] : [])].map(rowsOf)
  const matrices = rows.map((one) => calls.matrix(one, threads))
  const booster = calls.booster(matrices)
  try {
    for (const [name, value] of parameters) calls.set(booster, name, value)
    const rounds: TreeRound[] = []
    let best = 0
    for (let round = 1; round <= most; round++) {
      await calls.grow(booster, round - 1, matrices[0] as object)
      signal?.throwIfAborted()
      const said = validation
        ? calls.measure(booster, round - 1, matrices.slice(1), ['validation'])
        : undefined
      const validationRmse = said === undefined ? undefined : errorIn(said)
      const one = { round, trainRmse: undefined, validationRmse }
      rounds.push(one)
      onRound?.(one)
      if (validationRmse === undefined || patience === 0) continue
      if (validationRmse < (rounds[best]?.validationRmse as number)) best = round - 1
      if (round - 1 - best >= patience) break
    }
    const kept = validation && patience > 0 ? best + 1 : rounds.length
    // The library leaves names and kinds to the matrices.
    const { trees, base } = parseXgboost(calls.save(booster))
    const features = table.columns.map(({ name, kind }) => ({ name, kind }))
    const ensemble = new TreeEnsemble(features, trees.slice(0, kept), base)
    return { ensemble, rounds, kept }
  } finally {
    calls.freeBooster(booster)
    for (const matrix of matrices) calls.freeMatrix(matrix)
  }
}

/** The error in a line such as `[0]\tvalidation-rmse:5.25`. */
function errorIn(line: string): number {
  const error = Number(/-rmse:(\S+)/.exec(line)?.[1] ?? Number.NaN)
  if (Number.isFinite(error)) return error
  throw new RidecastError('trainer_failed', `XGBoost said ${line}, expected an error of validation`)
}

/** A table as the library takes it. */
export function rowsOf({ columns, target }: TreeTable): MatrixRows {
  const values = new Float32Array(target.length * columns.length)
  for (const [f, column] of columns.entries()) {
    const isCategory = column.kind === 'category'
    const own = isCategory ? column.codes : column.values
    for (let i = 0, at = f; i < own.length; i++, at += columns.length) {
      const value = own[i] as number
      values[at] = isCategory && value < 0 ? Number.NaN : value
    }
  }
  return {
    values,
    names: columns.map(({ name }) => name),
    isCategory: columns.map(({ kind }) => kind === 'category'),
    target: Float32Array.from(target),
  }
}

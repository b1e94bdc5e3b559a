/**
 * The documents of a model version: what was measured, and what it was made from. They hold
 * nothing of the machine, the engine, the time or the folder, so that the same rides and the same
 * recipe give the same bytes anywhere.
 */

import { basename } from 'node:path'
import type { Model } from '../model.ts'
import type { Recipe } from '../recipe-schema.ts'
import { constantRmse, evaluate, type Measures, meanDuration } from './evaluate.ts'
import type { Fit } from './fit.ts'
import { hashMoments } from './moments.ts'
import type { Split } from './split.ts'
import type { FileCounts, Pair, RideSums } from './sum-rides.ts'

/** `metrics.json`: minutes throughout. */
export interface MetricsDocument {
  readonly train: Measures
  readonly validation: Measures
  /** The mean of the training rides as the prediction for every validation ride. */
  readonly baseline: { readonly rmse: number }
  /** Columns of the design, the intercept not counted. */
  readonly columns: number
  /** Rank of the design, the intercept counted; null where there is none. */
  readonly rank: number | null
}

/** A trip file behind a model. */
export interface LineageFile {
  /** `YYYY-MM` where the file's name says so, else null. */
  readonly month: string | null
  /** Name of the file without its folder. */
  readonly file: string
  /** SHA-256 of its bytes; null where only an engine had it: then the sums are what it is known by. */
  readonly sha256: string | null
  /** Rides in it. */
  readonly rows: number
  /** Rides taken from it. */
  readonly kept: number
}

/** `lineage.json`. */
export interface LineageDocument {
  readonly format_version: 1
  /** The fleet, or several with commas. */
  readonly taxi: string
  readonly recipe: Recipe
  readonly train: readonly LineageFile[]
  /** How the validation rides were chosen. */
  readonly split: Split['kind']
  readonly validation: readonly LineageFile[]
  /** SHA-256 of the sums that the model and its measures were computed from. */
  readonly moments_sha256: { readonly train: string; readonly validation: string }
  /** Name and version of the library that has grown trees; absent where ridecast itself has. */
  readonly trainer?: string
}

function fileOf({ file: { source }, rows, kept }: FileCounts): LineageFile {
  const { month, path, sha256 } = source
  return { month: month ?? null, file: basename(path), sha256, rows, kept }
}

/**
 * The lineage of a model.
 *
 * @param trainer the library that has grown trees, if one by other people has
 */
export function lineageOf(
  taxi: string,
  recipe: Recipe,
  split: Split,
  { train, validation, files }: RideSums,
  trainer?: string,
): LineageDocument {
  return {
    format_version: 1,
    taxi,
    recipe,
    train: files.train.map(fileOf),
    split: split.kind,
    validation: files.validation.map(fileOf),
    moments_sha256: { train: hashMoments(train), validation: hashMoments(validation) },
    ...(trainer !== undefined && { trainer }),
  }
}

/** The measures of a model that was measured on rides. */
export function metricsOfRides(
  model: Model,
  measures: Pick<MetricsDocument, 'train' | 'validation'>,
  { train, validation }: Pair,
): MetricsDocument {
  return {
    train: measuresIn(measures.train),
    validation: measuresIn(measures.validation),
    baseline: { rmse: constantRmse(validation, meanDuration(train)) },
    columns: model.columns,
    rank: null,
  }
}

/** The measures alone of what may hold more. */
const measuresIn = ({ n, rmse, mse, r2, bias }: Measures): Measures => ({ n, rmse, mse, r2, bias })

/** The measures of a linear model, from the sums it was fitted to and those it is validated on. */
export function metricsOf(
  { model, solution, system }: Fit,
  { train, validation }: Pair,
): MetricsDocument {
  return {
    train: evaluate(model, train, { ...system, l2: 0 }),
    validation: evaluate(model, validation),
    baseline: { rmse: constantRmse(validation, meanDuration(train)) },
    columns: model.columns,
    // Of a lasso, what is left: its columns, and the intercept.
    rank: solution.method === 'lasso' ? solution.nonZero + 1 : solution.rank,
  }
}

/** A saved model on one trip file: measures from its sums, residuals from its rows. */

import { RidecastError } from '../errors.ts'
import type { Model } from '../model.ts'
import { openEngine } from './engines/engines.ts'
import { evaluate, type Measures } from './evaluate.ts'
import { planOf, type Refused } from './plan.ts'
import { type Residuals, residualsOf } from './residuals.ts'
import { obtain, planSource, type SourceOptions } from './source.ts'

/** A model measured on one file. */
export interface Evaluation {
  /** What was measured on, for people. */
  readonly label: string
  readonly rows: number
  readonly kept: number
  readonly refused: Refused
  readonly measures: Measures
  readonly residuals: Residuals
}

/**
 * Measures a model on a month, a file or an address, by the model's own filters.
 *
 * @param progress called with (rides read, rides in the file)
 * @throws month_invalid, source_* codes
 */
export async function evaluateOn(
  model: Model,
  options: SourceOptions & { readonly source: string },
  progress: (done: number, total: number) => void = () => {},
): Promise<Evaluation> {
  const file = planSource(options.source, options)
  const { path, label } = await obtain(file)
  const taxi = file.taxi ?? options.taxi
  const plan = planOf(model.recipe, model.features)
  const engine = await openEngine('auto')
  const [moments] = await engine.sum(path, taxi, [plan], progress).finally(() => engine.close())
  if (!moments || moments.n === 0) {
    throw new RidecastError(
      'source_empty',
      `no ride of ${label} passes the filters of the model: found ${moments?.rows ?? 0} rows`,
    )
  }
  return {
    label,
    rows: moments.rows,
    kept: moments.n,
    refused: moments.refused,
    measures: evaluate(model, moments),
    residuals: await residualsOf(model, path, taxi, plan, progress),
  }
}

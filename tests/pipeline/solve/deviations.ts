/** How far the production path is from the exact answer, in the terms that it is held to. */

import { evaluate } from '../../../src/pipeline/evaluate.ts'
import { fit } from '../../../src/pipeline/fit.ts'
import type { Solution } from '../../../src/pipeline/solve/direct.ts'
import { batchOf, momentsOf, planFor } from '../small-rides.ts'
import { type Design, denseOf } from './designs.ts'
import { type Exact, solveExactly } from './reference.ts'

/** Deviations of one design, all relative. */
export interface Deviations {
  readonly solution: Solution
  readonly exact: Exact
  /**
   * Of the RMSE on the training rides; to the root mean square of their durations where it is
   * below a millionth of that: coefficients that are doubles cannot fit closer.
   */
  readonly rmse: number
  /** Of the intercept. */
  readonly intercept: number
  /** Largest of the predictions for the training rides, to the largest of those. */
  readonly predictions: number
  /** Largest of the slopes, to the largest of those, or where all are 0 to the largest duration. */
  readonly slopes: number
  /** What of the slopes lies along a vector of the null space, to the largest of the slopes. */
  readonly inNullSpace: number
}

const largest = (values: Iterable<number>): number =>
  [...values].reduce((high, value) => Math.max(high, Math.abs(value)), 0)
const relative = (found: number, expected: number, to: number): number =>
  found === expected ? 0 : Math.abs(found - expected) / to

/** Sums the rides, fits, measures and predicts as training does, and compares. */
export async function deviationsOf(design: Design): Promise<Deviations> {
  const { rides, recipe } = design
  const moments = momentsOf(planFor(recipe), rides)
  const { model, solution, system } = await fit(moments, recipe, 'green', 'direct')
  const dense = denseOf(design)
  const exact = solveExactly(dense)
  const batch = batchOf(rides)
  const predictions = rides.map((_, i) => model.predict(batch, i))
  const found = new Map(model.effects().map(({ feature, minutes }) => [feature, minutes]))
  if (found.size !== exact.slopes.size) throw new Error('columns differ')
  const durations = rides.map(({ seconds }) => seconds / 60)
  const size = Math.hypot(...durations) / Math.sqrt(rides.length)
  const slopes = dense.columns.map(({ name }) => found.get(name) as number)
  const { rmse } = evaluate(model, moments, { ...system, l2: 0 })
  const most = largest(exact.slopes.values()) || largest(durations)
  if (solution.method === 'lasso') throw new Error('no lasso was asked for')
  return {
    solution,
    exact,
    rmse: relative(rmse, exact.rmse, exact.rmse > 1e-6 * size ? exact.rmse : size),
    intercept: relative(model.intercept, exact.intercept, Math.abs(exact.intercept)),
    predictions:
      largest(predictions.map((value, i) => value - (exact.predictions[i] as number))) /
      largest(exact.predictions),
    slopes: largest(
      slopes.map((value, i) =>
        relative(value, exact.slopes.get(dense.columns[i]?.name as string) as number, most),
      ),
    ),
    inNullSpace: largest(
      exact.nullSpace.map((vector) => {
        const along = slopes.reduce((sum, value, i) => sum + value * (vector[i] as number), 0)
        return along / (Math.hypot(...vector.slice(0, -1)) * most)
      }),
    ),
  }
}

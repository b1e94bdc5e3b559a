/**
 * The weight that each ride has in its own prediction, in a fit of least squares or of a ridge:
 * exactly, from a factor, for designs of which one is made. Knows nothing about how leverages are
 * shown.
 */

import type { Recipe } from '../../recipe-schema.ts'
import type { RideBatch } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { decompose } from './direct.ts'
import { factor, inverseDiagonal, inverseOfRest } from './elimination.ts'
import { type Combination, estimability, rowReader } from './inference.ts'
import { type System, systemOf } from './system.ts'

/** Columns after elimination up to which leverages are found: their inverse is dense. */
export const leverageLimit = 1_500

/** Leverages of rides in the fit of a linear recipe. */
export interface Leverages {
  /** Rides that were fitted. */
  readonly n: number
  /**
   * Effective number of coefficients, the intercept counted: what the leverages of all fitted rides
   * add up to, so that their mean is `total / n`.
   */
  readonly total: number
  /**
   * x'(X'X + l2)^-1 x of ride `i`, x its row of the design: from 0 to 1 for a ride that was fitted,
   * of any size for another; undefined for a ride that the fitted ones cannot tell, which is only so
   * without a penalty. Levels that no fitted ride has, and missing values, add nothing to the row.
   */
  of(rides: RideBatch, i: number): number | undefined
  /** The same of a row: values by coordinate, the intercept, which is the last one, included. */
  ofRow(row: Combination): number | undefined
}

/**
 * Why leverages of a recipe's rides are not to be had; undefined where they are.
 *
 * @param moments sums of the rides that the recipe is fitted to
 */
export function leverageUnavailable(
  moments: Moments,
  { model, l1 = 0 }: Pick<Recipe, 'model' | 'l1'>,
): string | undefined {
  if (model !== 'linear')
    return `leverage is a notion of linear models, this one is of kind ${model}`
  if (l1 > 0) return `leverage is not known of a model with a penalty l1, found ${l1}`
  const levels = moments.blocks.map(({ codes }) => codes.length)
  const sum = levels.reduce((all, count) => all + count, 0) + moments.numeric.length + 1
  const left = sum - levels.reduce((high, count) => Math.max(high, count), 1)
  if (left <= leverageLimit) return undefined
  return `leverage is computed for designs that leave ${leverageLimit} columns after elimination, this one leaves ${left}`
}

/**
 * Prepares the leverages of rides.
 *
 * @param moments sums, with pairs of terms, of the rides that the recipe was fitted to, at least one
 * @returns undefined where {@link leverageUnavailable} says why
 * @throws solve_failed for a design without a penalty that is too close to a dependent one
 */
export function leveragesOf(
  moments: Moments,
  recipe: Pick<Recipe, 'model' | 'l1' | 'l2'>,
): Leverages | undefined {
  if (leverageUnavailable(moments, recipe) !== undefined) return undefined
  const system = systemOf(moments, recipe.l2)
  const { form, trace, isKnown } = prepared(system)
  const rowOf = rowReader(moments)
  const ofRow = (row: Combination): number | undefined => (isKnown(row) ? form(row) : undefined)
  return {
    n: moments.n,
    total: trace,
    ofRow,
    of: (rides, i) => ofRow(rowOf(rides, i).row),
  }
}

/** The quadratic form of the inverse, and what it takes to use it. */
function prepared(system: System) {
  const { l2, size, interceptAt } = system
  const { factored, nullSpace, rank } = decomposed(system)
  const { at, count, place, start, columns, values, diagonal } = factored.elimination
  const m = factored.elimination.rest.length
  const inverse = inverseOfRest(factored)
  // What a row has of the remaining columns, less what the eliminated ones explain of it: few.
  const left = new Float64Array(m)
  const met = new Uint8Array(m)
  const touched = new Int32Array(m)

  function form(row: Combination): number {
    let used = 0
    const add = (c: number, value: number): void => {
      if (met[c] === 0) {
        met[c] = 1
        touched[used++] = c
      }
      left[c] = (left[c] as number) + value
    }
    let sum = 0
    for (const [i, value] of row) {
      const g = i - at
      if (g < 0 || g >= count) {
        add(place[i] as number, value)
        continue
      }
      const share = value / (diagonal[g] as number)
      sum += value * share
      for (let s = start[g] as number; s < (start[g + 1] as number); s++) {
        add(columns[s] as number, -share * (values[s] as number))
      }
    }
    for (let p = 0; p < used; p++) {
      const line = (touched[p] as number) * m
      let along = 0
      for (let q = 0; q < used; q++) {
        const c = touched[q] as number
        along += (inverse[line + c] as number) * (left[c] as number)
      }
      sum += along * (left[touched[p] as number] as number)
    }
    for (let p = 0; p < used; p++) {
      const c = touched[p] as number
      left[c] = 0
      met[c] = 0
    }
    return Math.max(0, sum)
  }

  if (l2 === 0) return { form, trace: rank, isKnown: estimability(system, nullSpace) }
  // The intercept has no penalty, so that it counts in full.
  const slopes = inverseDiagonal(factored, inverse).subarray(0, interceptAt)
  const lost = l2 * slopes.reduce((sum, value) => sum + value, 0)
  return { form, trace: size - lost, isKnown: () => true }
}

/** A factor of the system; without a penalty, of its independent columns. */
function decomposed(system: System) {
  if (system.l2 > 0) return { factored: factor(system, 0), nullSpace: [], rank: system.size }
  const { factored, nullSpace, solution } = decompose(system)
  return { factored, nullSpace, rank: solution.rank }
}

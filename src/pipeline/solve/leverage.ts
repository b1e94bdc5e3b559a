import type { Recipe } from '../../recipe-schema.ts'
import type { RideBatch } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { type Combination, inferenceOf, rowOfRide } from './inference.ts'

export interface Leverages {
  readonly total: number
  readonly n: number
  of(rides: RideBatch, i: number): number | undefined
  ofRow(row: Combination): number | undefined
}
export function leveragesOf(
  moments: Moments,
  recipe: Pick<Recipe, 'model' | 'l1' | 'l2'>,
): Leverages | undefined {
  if (leverageUnavailable(moments, recipe)) return undefined
  const inference = inferenceOf(moments)
  return {
    total: inference.rank,
    n: inference.n,
    of: (rides, i) => inference.leverage(rowOfRide(moments, rides, i).row),
    ofRow: (row) => inference.leverage(row),
  }
}
export function leverageUnavailable(
  _: Moments,
  recipe: Pick<Recipe, 'model' | 'l1' | 'l2'>,
): string | undefined {
  return recipe.l2 > 0 || (recipe.l1 ?? 0) > 0 ? 'for now' : undefined
}

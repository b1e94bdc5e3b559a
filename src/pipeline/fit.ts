/** Fits a linear model to moments: solves, and names every coefficient. */

import { RidecastError } from '../errors.ts'
import { linearModel } from '../linear-model.ts'
import type { LinearDocument, LinearModel } from '../model.ts'
import { modelFormat } from '../model-format.ts'
import type { Recipe } from '../recipe-schema.ts'
import { DictVectorizer } from '../vectorizer.ts'
import { evaluate, type Measures } from './evaluate.ts'
import type { Moments } from './moments.ts'
import type { Solution } from './solve/direct.ts'
import type { LassoSolution } from './solve/lasso.ts'
import { type SolverName, solve, solveLasso } from './solve/solve.ts'
import { featureNames, type System, systemOf } from './solve/system.ts'
import type { Pair } from './sum-rides.ts'

/** A fitted model and how it was solved. */
export interface Fit {
  readonly model: LinearModel
  readonly solution: Solution | LassoSolution
  /** The normal equations it solves, for whoever measures it on the same rides. */
  readonly system: System
}

/** Another recipe on the same rides. */
export interface Comparison {
  /** Name of the recipe. */
  readonly recipe: string
  readonly validation: Measures
}

/**
 * Fits the recipe's linear model.
 *
 * @param moments of the recipe's terms, at least one ride
 * @throws solve_too_large, solve_failed, usage_invalid for a solver that knows no `l1`
 */
export async function fit(
  moments: Moments,
  recipe: Recipe,
  taxi: string,
  solver: SolverName,
): Promise<Fit> {
  const system = systemOf(moments, recipe.l2)
  const { l1 = 0 } = recipe
  if (l1 > 0 && solver !== 'auto') {
    throw new RidecastError(
      'usage_invalid',
      `solver ${solver} knows no l1, found ${l1} in recipe ${recipe.name}: say --solver auto`,
    )
  }
  const solution = l1 > 0 ? solveLasso(system, l1) : await solve(system, solver)
  const names = featureNames(moments)
  const vectorizer = DictVectorizer.fromFeatureNames(names)
  const coefficients = new Array<number>(names.length)
  names.forEach((name, i) => {
    // Adding 0 turns -0 into 0, which is all that JSON can hold.
    coefficients[vectorizer.columnOf(name) as number] = (solution.coefficients[i] as number) + 0
  })
  const document: LinearDocument = {
    format_version: modelFormat,
    kind: 'linear',
    taxi,
    recipe,
    intercept: (solution.coefficients[system.interceptAt] as number) + 0,
    vectorizer: vectorizer.toJSON(),
    coefficients,
  }
  return { model: linearModel(document), solution, system }
}

/** Fits another recipe to its sums over the same rides, and measures it on the validation rides. */
export async function compare(
  recipe: Recipe | undefined,
  sums: Pair | undefined,
  taxi: string,
): Promise<Comparison | undefined> {
  if (!recipe || !sums) return undefined
  const { model } = await fit(sums.train, recipe, taxi, 'auto')
  return { recipe: recipe.name, validation: evaluate(model, sums.validation) }
}

/** Chooses the solver of a linear model. */

import { RidecastError } from '../../errors.ts'
import { solveIteratively } from './cg.ts'
import { centre } from './descent.ts'
import { directLimit, type Solution, solveDirect } from './direct.ts'
import { remaining } from './elimination.ts'
import { type LassoSolution, lasso } from './lasso.ts'
import { solveBySvd } from './svd.ts'
import type { System } from './system.ts'

/** The solvers that `--solver` knows. */
export const solverNames = ['auto', 'direct', 'svd'] as const

/** The name of a solver. */
export type SolverName = (typeof solverNames)[number]

/**
 * Solves for a penalty on absolute values, `l1` for each ride, beside that of the system:
 * |y - Xb|^2 / 2n + l1 |b|_1 + l2 / 2n |b|^2 is least.
 *
 * @throws solve_failed when it does not converge
 */
export function solveLasso(system: System, l1: number): LassoSolution {
  const alpha = l1 + system.l2 / system.n
  // The penalty on squares is the problem's own part of alpha.
  const solution = lasso(centre({ ...system, l2: 0 }), { alpha, l1Ratio: l1 / alpha })
  if (solution.converged) return solution
  throw new RidecastError(
    'solve_failed',
    `the lasso did not converge in ${solution.sweeps} sweeps (duality gap ${solution.gap}): take a larger l1, or a little l2 beside it`,
  )
}

/**
 * Solves the normal equations: `direct` by elimination and Cholesky, `svd` by an independent
 * implementation, `auto` directly where the design allows it, else by conjugate gradients.
 *
 * @throws solve_too_large, solve_failed
 */
export async function solve(system: System, solver: SolverName = 'auto'): Promise<Solution> {
  if (solver === 'svd') return solveBySvd(system)
  if (solver === 'auto' && system.l2 > 0 && remaining(system) > directLimit) {
    return solveIteratively(system)
  }
  return solveDirect(system)
}

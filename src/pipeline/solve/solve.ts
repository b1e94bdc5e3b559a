/** Chooses the solver of a linear model. */

import { solveIteratively } from './cg.ts'
import { directLimit, type Solution, solveDirect } from './direct.ts'
import { remaining } from './elimination.ts'
import { solveBySvd } from './svd.ts'
import type { System } from './system.ts'

/** The solvers that `--solver` knows. */
export const solverNames = ['auto', 'direct', 'svd'] as const

/** The name of a solver. */
export type SolverName = (typeof solverNames)[number]

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

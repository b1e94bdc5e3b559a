/**
 * A second opinion: the problem compressed to a small triangular one with the same normal
 * equations, solved by ml-regression-multivariate-linear (a singular value decomposition by other
 * people). Fitted values agree with ours; coefficients do where the columns are independent.
 */

import { RidecastError } from '../../errors.ts'
import { zeroSums } from '../double-double.ts'
import { choleskyCondition, choleskyPivoted } from './cholesky.ts'
import { relativeResidual, type Solution } from './direct.ts'
import { diagonalOf, residual, type System, times } from './system.ts'

/** Coordinates beyond which the decomposition would take minutes. */
export const svdLimit = 1_000

function gramOf(system: System): Float64Array {
  const { size } = system
  const gram = new Float64Array(size * size)
  for (let j = 0; j < size; j++) {
    const unit = zeroSums(size)
    unit.hi[j] = 1
    const column = times(system, unit).hi
    for (let i = 0; i < size; i++) gram[i * size + j] = column[i] as number
  }
  return gram
}

/**
 * Solves the compressed problem; dependent columns get the coefficient 0.
 *
 * @throws solve_too_large beyond {@link svdLimit} coordinates
 */
export async function solveBySvd(system: System): Promise<Solution> {
  const { size } = system
  if (size > svdLimit) {
    throw new RidecastError(
      'solve_too_large',
      `the design has ${size - 1} columns, solver svd takes ${svdLimit - 1}: use --solver auto`,
    )
  }
  const { default: Regression } = await import('ml-regression-multivariate-linear')
  const gram = gramOf(system)
  const penalty = (i: number): number => (i === system.interceptAt ? 0 : system.l2)
  const scale = diagonalOf(system).map((d, i) => (d > 0 ? 1 / Math.sqrt(d + penalty(i)) : 1))
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      gram[i * size + j] =
        (gram[i * size + j] as number) * (scale[i] as number) * (scale[j] as number)
    }
  }
  const cholesky = choleskyPivoted(gram, size, 1e-10)
  const { rank, order, factor } = cholesky
  // G = LL' on the independent columns: rows L', right-hand side z with Lz = X'y, is the same
  // least squares problem with as many rows as columns.
  const rows = Array.from({ length: rank }, (_, i) => {
    return Array.from({ length: rank }, (_, j) => (j < i ? 0 : (factor[j * size + i] as number)))
  })
  const z: number[][] = []
  for (let i = 0; i < rank; i++) {
    const at = order[i] as number
    let value = (system.rhs.hi[at] as number) * (scale[at] as number)
    for (let j = 0; j < i; j++) value -= (factor[i * size + j] as number) * (z[j]?.[0] as number)
    z.push([value / (factor[i * size + i] as number)])
  }
  const { weights } = new Regression(rows, z, { intercept: false, statistics: false })
  const solution = zeroSums(size)
  for (let i = 0; i < rank; i++) {
    const at = order[i] as number
    solution.hi[at] = (weights[i]?.[0] as number) * (scale[at] as number)
  }
  return {
    coefficients: solution.hi,
    rank,
    condition: choleskyCondition(cholesky),
    residual: relativeResidual(system, residual(system, system.rhs, solution)),
    method: 'svd',
  }
}

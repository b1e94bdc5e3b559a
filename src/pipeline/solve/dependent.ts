/**
 * What becomes of columns that depend on others, or nearly so: without a penalty the solution of
 * least norm, with one a correction in 106 bits where the factor has lost the penalty in rounding.
 * Knows nothing about how the independent columns are solved.
 */

import type { Sums } from '../double-double.ts'
import { choleskyPivoted, choleskySolve } from './cholesky.ts'
import { type System, times } from './system.ts'
import { addScaled, dot } from './vectors.ts'

/** The part of a correction that lies along the dependent columns. */
export interface DependentCorrection {
  /** Adds to `delta` what the residual `left` asks for along them; nothing when they stay apart no more. */
  add(left: Float64Array, delta: Float64Array): void
  /** What the condition number of the scaled matrix is at least. */
  readonly condition: number
}

/**
 * The second half of a block elimination: vectors that the penalised matrix maps to 0 on all
 * independent columns leave a small system of their own, taken in 106 bits since a penalty of
 * 1e-6 beside squares of 1e10 does not show in doubles.
 *
 * @param dependent their coordinates
 * @param basis one vector each, 1 there and 0 on the other dependent coordinates
 * @param columns lengths of all columns
 */
export function correctDependent(
  system: System,
  dependent: readonly number[],
  basis: readonly Sums[],
  columns: Float64Array,
): DependentCorrection {
  const m = dependent.length
  const matrix = new Float64Array(m * m)
  let least = 1
  basis.forEach((vector, k) => {
    const image = times(system, vector).hi
    dependent.forEach((i, j) => {
      matrix[j * m + k] = image[i] as number
    })
    const length = vector.hi.reduce((sum, v, i) => sum + (v * (columns[i] as number)) ** 2, 0)
    least = Math.min(least, (matrix[k * m + k] as number) / length)
  })
  const scale = dependent.map((_, k) => 1 / Math.sqrt(matrix[k * m + k] as number))
  for (let j = 0; j < m; j++) {
    for (let k = 0; k < m; k++) {
      const at = j * m + k
      matrix[at] = (matrix[at] as number) * (scale[j] as number) * (scale[k] as number)
    }
  }
  const cholesky = choleskyPivoted(matrix, m, 0)
  return {
    condition: 1 / least,
    add(left, delta) {
      const along = Float64Array.from(basis, ({ hi }, k) => dot(hi, left) * (scale[k] as number))
      choleskySolve(cholesky, along).forEach((share, k) => {
        addScaled(delta, (basis[k] as Sums).hi, share * (scale[k] as number))
      })
    },
  }
}

/**
 * Takes from `solution` its component in the null space of [1 X]: of all least squares solutions
 * this leaves the one whose slopes have the least norm, the intercept free.
 *
 * @param basis vectors that span the null space, overwritten by an orthonormal basis of their slopes
 */
export function removeComponents(
  solution: Float64Array,
  basis: readonly Float64Array[],
  intercept: number,
): void {
  const slopes = (a: Float64Array): Float64Array => a.subarray(0, intercept)
  const subtract = (from: Float64Array, vector: Float64Array): void => {
    addScaled(from, vector, -dot(slopes(from), slopes(vector)))
  }
  basis.forEach((vector, k) => {
    // Twice is enough: W. Kahan's rule for Gram-Schmidt.
    for (let pass = 0; pass < 2; pass++) {
      for (const done of basis.slice(0, k)) subtract(vector, done)
    }
    const norm = Math.sqrt(dot(slopes(vector), slopes(vector)))
    for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / norm
  })
  for (let pass = 0; pass < 2; pass++) for (const vector of basis) subtract(solution, vector)
}

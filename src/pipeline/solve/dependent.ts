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

/** The entries of a vector that are not zero: null vectors of one-hot designs have few. */
interface SparseVector {
  readonly at: Int32Array
  readonly values: Float64Array
}

function sparse(vector: Float64Array): SparseVector {
  const at = Int32Array.from(vector.keys()).filter((i) => vector[i] !== 0)
  return { at, values: Float64Array.from(at, (i) => vector[i] as number) }
}

/** Product of the slopes, which stand before the intercept. */
function slopesDot({ at, values }: SparseVector, dense: Float64Array, intercept: number): number {
  let sum = 0
  for (let k = 0; k < at.length && (at[k] as number) < intercept; k++) {
    sum += (values[k] as number) * (dense[at[k] as number] as number)
  }
  return sum
}

/**
 * Takes from `solution` its component in the null space of [1 X]: of all least squares solutions
 * this leaves the one whose slopes have the least norm, the intercept free. The component is found
 * by least squares on the basis, and looked for again in what is left until rounding is all there is.
 *
 * @param solution overwritten
 * @param basis independent vectors that span the null space
 */
export function removeComponents(
  solution: Float64Array,
  basis: readonly Float64Array[],
  intercept: number,
): void {
  const m = basis.length
  if (m === 0) return
  const vectors = basis.map(sparse)
  const gram = new Float64Array(m * m)
  vectors.forEach((vector, i) => {
    for (let j = 0; j <= i; j++) {
      gram[i * m + j] = slopesDot(vector, basis[j] as Float64Array, intercept)
    }
  })
  const scale = Float64Array.from(basis, (_, i) => 1 / Math.sqrt(gram[i * m + i] as number))
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      gram[i * m + j] = (gram[i * m + j] as number) * (scale[i] as number) * (scale[j] as number)
    }
  }
  const cholesky = choleskyPivoted(gram, m, 0)
  for (let pass = 0; pass < 4; pass++) {
    const along = Float64Array.from(vectors, (vector, i) => {
      return slopesDot(vector, solution, intercept) * (scale[i] as number)
    })
    choleskySolve(cholesky, along).forEach((share, i) => {
      const { at, values } = vectors[i] as SparseVector
      const by = share * (scale[i] as number)
      for (let k = 0; k < at.length; k++) {
        const c = at[k] as number
        solution[c] = (solution[c] as number) - by * (values[k] as number)
      }
    })
  }
}

/**
 * A dense block of a penalised Gram matrix, factored. Knows nothing about the rest of the matrix.
 */

import { choleskyBlocked } from './cholesky.ts'
import { denseLoops, loopStep } from './dense-loops.ts'
import type { Gram } from './gram.ts'

/** A block, factored. */
export interface DenseBlock {
  /** Solves A_ff x = b in place. */
  readonly solve: (b: Float64Array) => void
  /**
   * At least so many times the size is what rounding in the factor may make a length seem, measured
   * in the norm of the matrix: near 1 for all but hopeless systems.
   */
  readonly distortion: number
}

/**
 * Factors the block of some columns of a Gram matrix, a penalty on its diagonal; where rounding has
 * lost that it is positive definite, a little more than the penalty.
 *
 * @param l2 above 0
 * @param members coordinates, ascending: any levels, all numeric terms and the intercept
 */
export function denseBlock(gram: Gram, l2: number, members: Int32Array): DenseBlock {
  const m = members.length
  const dense = denseOf(gram, l2, members)
  const scale = Float64Array.from(
    { length: m },
    (_, i) => 1 / Math.sqrt(Math.max(dense[i * (m + 1)] as number, Number.MIN_VALUE)),
  )
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      const at = i * m + j
      dense[at] = (dense[at] as number) * (scale[i] as number) * (scale[j] as number)
    }
  }
  // Where rounding has lost that the block is positive definite, a nudge restores it.
  let nudged = m * Number.EPSILON
  for (let nudge = 1e-14; !choleskyBlocked(dense, m); nudge *= 10) {
    nudged += nudge
    for (let i = 0; i < m; i++) dense[i * (m + 1)] = (dense[i * (m + 1)] as number) + nudge
  }
  const solveScaled = triangleOf(dense, m)
  const solve = (b: Float64Array): void => {
    for (let i = 0; i < m; i++) b[i] = (b[i] as number) * (scale[i] as number)
    solveScaled(b)
    for (let i = 0; i < m; i++) b[i] = (b[i] as number) * (scale[i] as number)
  }
  // With the penalty on its diagonal, no eigenvalue of the scaled block is below l2 / trace.
  const trace = members.reduce((sum, i) => sum + (gram.diagonal[i] as number) + l2, 0)
  return { solve, distortion: 1 + (nudged * trace) / l2 }
}

/** Solves LL' x = b in place, L the lower triangle of a matrix of so many rows. */
function triangleOf(lower: Float64Array, size: number): (b: Float64Array) => void {
  const filled = (length: number): number => Math.ceil(length / loopStep) * loopStep
  // Rows without their pivot one after the other, each filled up, behind the vector.
  const starts = new Float64Array(size + 1)
  starts[0] = filled(size)
  for (let i = 0; i < size; i++) starts[i + 1] = (starts[i] as number) + filled(i)
  const { memory, dot, less } = denseLoops(starts[size] as number)
  for (let i = 0; i < size; i++) {
    memory.set(lower.subarray(i * size, i * size + i), starts[i] as number)
  }
  const pivots = Float64Array.from({ length: size }, (_, i) => lower[i * (size + 1)] as number)
  return (b) => {
    memory.set(b)
    for (let i = 0; i < size; i++) {
      const known = dot(starts[i] as number, 0, filled(i))
      memory[i] = ((memory[i] as number) - known) / (pivots[i] as number)
    }
    for (let i = size - 1; i >= 0; i--) {
      const value = (memory[i] as number) / (pivots[i] as number)
      memory[i] = value
      less(0, starts[i] as number, filled(i), value)
    }
    b.set(memory.subarray(0, size))
  }
}

/** The penalised Gram matrix of some columns, dense, its lower triangle. */
function denseOf({ system, upper, diagonal }: Gram, l2: number, members: Int32Array): Float64Array {
  const m = members.length
  const { numericAt, numericCount: width, interceptAt } = system
  const dense = new Float64Array(m * m)
  const place = new Int32Array(system.size).fill(-1)
  for (let k = 0; k < m; k++) place[members[k] as number] = k
  const numericPlace = place[numericAt] as number
  const last = m - 1
  for (let k = 0; k < m; k++) {
    const i = members[k] as number
    dense[k * (m + 1)] = (diagonal[i] as number) + (i === interceptAt ? 0 : l2)
    if (i >= numericAt) continue
    dense[last * m + k] = diagonal[i] as number
    for (let c = upper.start[i] as number; c < (upper.start[i + 1] as number); c++) {
      const other = place[upper.columns[c] as number] as number
      if (other >= 0) dense[Math.max(k, other) * m + Math.min(k, other)] = upper.values[c] as number
    }
  }
  for (const { at, counts, numeric } of system.blocks) {
    for (let i = 0; i < counts.length; i++) {
      const k = place[at + i] as number
      if (k < 0) continue
      for (let p = 0; p < width; p++) {
        dense[(numericPlace + p) * m + k] = numeric.hi[i * width + p] as number
      }
    }
  }
  for (let p = 0; p < width; p++) {
    const row = (numericPlace + p) * m
    dense[row + numericPlace + p] = (diagonal[numericAt + p] as number) + l2
    for (let q = 0; q < p; q++) {
      dense[row + numericPlace + q] = system.numericSquares.hi[p * width + q] as number
    }
    dense[last * m + numericPlace + p] = system.numericSums.hi[p] as number
  }
  return dense
}

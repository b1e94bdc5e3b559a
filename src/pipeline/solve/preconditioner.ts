/**
 * A rough inverse of a penalised Gram matrix: the columns that most rides have are solved for
 * together, by a dense factor, the many rare ones each by itself. What frequent columns repeat of
 * each other is what makes such a matrix ill-conditioned. Knows nothing about iterations.
 */

import { choleskyPivoted, choleskySolve } from './cholesky.ts'
import type { Gram } from './gram.ts'

/** Maps a residual to a correction: a rough inverse of the penalised Gram matrix. */
export type Preconditioner = (residual: Float64Array, out: Float64Array) => void

/** Frequent columns that are solved for together, at most: a factor of 1,000 takes half a second. */
const mostFrequent = 768

/**
 * The preconditioner of a Gram matrix with a penalty on every diagonal element but the last.
 *
 * @param frequent so many columns, next to numeric terms and the intercept, are solved for together
 */
export function preconditionerOf(
  gram: Gram,
  l2: number,
  frequent: number = mostFrequent,
): Preconditioner {
  const { diagonal, size } = gram
  const inverse = diagonal.map((value) => 1 / (value + l2))
  const members = membersOf(gram, frequent)
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
  // Any positive definite matrix will do here: where rounding has lost that, a nudge restores it.
  let factor = choleskyPivoted(dense.slice(), m, 0)
  for (let nudge = 1e-14; factor.rank < m; nudge *= 10) {
    for (let i = 0; i < m; i++) dense[i * (m + 1)] = (dense[i * (m + 1)] as number) + nudge
    factor = choleskyPivoted(dense.slice(), m, 0)
  }
  const part = new Float64Array(m)
  return (r, z) => {
    for (let i = 0; i < size; i++) z[i] = (r[i] as number) * (inverse[i] as number)
    for (let k = 0; k < m; k++) part[k] = (scale[k] as number) * (r[members[k] as number] as number)
    const solved = choleskySolve(factor, part)
    for (let k = 0; k < m; k++) {
      z[members[k] as number] = (solved[k] as number) * (scale[k] as number)
    }
  }
}

/** The most frequent levels, ascending, the numeric terms and the intercept. */
function membersOf({ system, diagonal, size }: Gram, frequent: number): Int32Array {
  const levels = Array.from({ length: system.numericAt }, (_, i) => i)
  // Ties by position: the same members on every machine.
  levels.sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b)
  const chosen = levels.slice(0, frequent).sort((a, b) => a - b)
  for (let i = system.numericAt; i < size; i++) chosen.push(i)
  return Int32Array.from(chosen)
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
    for (let q = 0; q < p; q++) {
      dense[row + numericPlace + q] = system.numericSquares.hi[p * width + q] as number
    }
    dense[last * m + numericPlace + p] = system.numericSums.hi[p] as number
  }
  return dense
}

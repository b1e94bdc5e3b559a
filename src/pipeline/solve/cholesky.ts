/**
 * Cholesky factor of a dense positive semidefinite matrix with diagonal pivoting: stops at the
 * first pivot that is zero for its purposes, so that the factor shows the rank.
 */

import { type DenseLoops, denseLoops } from './dense-loops.ts'
import { addScaled, dot } from './vectors.ts'

/** P'AP = LL' on the leading `rank` rows and columns. */
export interface Cholesky {
  /** Order of the matrix. */
  readonly size: number
  readonly rank: number
  /** Position in the matrix of every pivot, the `size - rank` dependent ones last. */
  readonly order: Int32Array
  /** L, (size x size), row-major; rows and columns in pivot order. */
  readonly factor: Float64Array
}

/**
 * Factors in place.
 *
 * @param matrix (size x size), row-major, its lower triangle is read; overwritten
 * @param tolerance pivots at or below this are zero
 */
export function choleskyPivoted(matrix: Float64Array, size: number, tolerance: number): Cholesky {
  const order = Int32Array.from({ length: size }, (_, i) => i)
  // What is left of the diagonal; the rest of the matrix is updated when its column comes up.
  const left = Float64Array.from({ length: size }, (_, i) => matrix[i * size + i] as number)
  let rank = 0
  for (; rank < size; rank++) {
    let best = rank
    for (let i = rank + 1; i < size; i++) {
      if ((left[i] as number) > (left[best] as number)) best = i
    }
    const pivot = left[best] as number
    // Written so that a NaN stops it too.
    if (!(pivot > tolerance)) break
    swap(matrix, size, order, rank, best)
    left[best] = left[rank] as number
    const root = Math.sqrt(pivot)
    matrix[rank * size + rank] = root
    for (let i = rank + 1; i < size; i++) {
      const at = i * size
      const value = ((matrix[at + rank] as number) - dotRows(matrix, at, rank * size, rank)) / root
      matrix[at + rank] = value
      left[i] = (left[i] as number) - value * value
    }
  }
  return { size, rank, order, factor: matrix }
}

// Four sums at once keep the processor busy; in a fixed order, so that the result is too.
function dotRows(a: Float64Array, p: number, q: number, length: number): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let k = 0
  for (; k + 3 < length; k += 4) {
    s0 += (a[p + k] as number) * (a[q + k] as number)
    s1 += (a[p + k + 1] as number) * (a[q + k + 1] as number)
    s2 += (a[p + k + 2] as number) * (a[q + k + 2] as number)
    s3 += (a[p + k + 3] as number) * (a[q + k + 3] as number)
  }
  for (; k < length; k++) s0 += (a[p + k] as number) * (a[q + k] as number)
  return s0 + s1 + (s2 + s3)
}

// Exchanges rows and columns p < q of a symmetric matrix of which the lower triangle is kept.
function swap(a: Float64Array, size: number, order: Int32Array, p: number, q: number): void {
  if (p === q) return
  const exchange = (i: number, j: number): void => {
    const kept = a[i] as number
    a[i] = a[j] as number
    a[j] = kept
  }
  for (let j = 0; j < p; j++) exchange(p * size + j, q * size + j)
  for (let i = p + 1; i < q; i++) exchange(i * size + p, q * size + i)
  for (let i = q + 1; i < size; i++) exchange(i * size + p, i * size + q)
  exchange(p * size + p, q * size + q)
  const kept = order[p] as number
  order[p] = order[q] as number
  order[q] = kept
}

/** Columns that {@link choleskyBlocked} takes together: their rows stay in a processor's cache. */
const blockColumns = 64

/**
 * Factors a positive definite matrix in place, without pivoting: A = LL'. Faster than
 * {@link choleskyPivoted} on a large one, since it goes through memory once for many columns.
 *
 * @param matrix (size x size), row-major, its lower triangle is read and overwritten
 * @returns false when it is not positive definite for doubles; the matrix is then as it was
 */
export function choleskyBlocked(matrix: Float64Array, size: number): boolean {
  const stride = Math.ceil(size / 4) * 4
  const loops = denseLoops(stride * stride)
  const a = loops.memory
  for (let i = 0; i < size; i++) a.set(matrix.subarray(i * size, i * size + i + 1), i * stride)
  for (let from = 0; from < size; from += blockColumns) {
    for (let i = from; i < size; i++) {
      const row = i * stride
      const to = Math.min(i, Math.min(from + blockColumns, size) - 1)
      lessProducts(loops, row, from, to, stride)
      for (let j = from; j <= to; j++) {
        const other = j * stride
        let value = a[row + j] as number
        for (let t = from; t < j; t++) {
          value -= (a[row + t] as number) * (a[other + t] as number)
        }
        if (j < i) a[row + j] = value / (a[other + j] as number)
        else if (value > 0) a[row + j] = Math.sqrt(value)
        else return false
      }
    }
  }
  for (let i = 0; i < size; i++) matrix.set(a.subarray(i * stride, i * stride + i + 1), i * size)
  return true
}

/** Takes from elements `from` to `to` of a row what the columns before `from` explain of them. */
function lessProducts(
  loops: DenseLoops,
  row: number,
  from: number,
  to: number,
  stride: number,
): void {
  // Four at once: each element of this row is read once for them. Beyond the last are those above
  // the diagonal, which nothing reads.
  for (let j = from; j <= to; j += 4) loops.lessFour(row + j, row, j * stride, stride, from)
}

/** Solves A x = b on the independent positions, zeros on the dependent ones. */
export function choleskySolve(cholesky: Cholesky, b: Float64Array): Float64Array {
  const { size, rank, order, factor } = cholesky
  const z = new Float64Array(rank)
  for (let i = 0; i < rank; i++) {
    let value = b[order[i] as number] as number
    const row = i * size
    for (let j = 0; j < i; j++) value -= (factor[row + j] as number) * (z[j] as number)
    z[i] = value / (factor[row + i] as number)
  }
  for (let i = rank - 1; i >= 0; i--) {
    const value = (z[i] as number) / (factor[i * size + i] as number)
    z[i] = value
    for (let j = 0; j < i; j++) {
      z[j] = (z[j] as number) - (factor[i * size + j] as number) * value
    }
  }
  const x = new Float64Array(size)
  for (let i = 0; i < rank; i++) x[order[i] as number] = z[i] as number
  return x
}

/**
 * Condition number (2-norm) of a matrix with unit diagonal whose independent part, or what
 * elimination has left of it, is factored: by power iteration on LL' and its inverse, an estimate
 * from below, usually within a few per cent.
 */
export function choleskyCondition({ size, rank, factor }: Cholesky): number {
  if (rank === 0) return 1
  const row = (i: number): Float64Array => factor.subarray(i * size, i * size + i + 1)
  const rows = Array.from({ length: rank }, (_, i) => row(i))
  const grow = (x: Float64Array): void => {
    const t = new Float64Array(rank)
    rows.forEach((l, i) => {
      addScaled(t, l, x[i] as number)
    })
    rows.forEach((l, i) => {
      x[i] = dot(l, t)
    })
  }
  const shrink = (x: Float64Array): void => {
    rows.forEach((l, i) => {
      const right = x[i] as number
      x[i] = 0
      x[i] = (right - dot(l, x)) / (l[i] as number)
    })
    for (let i = rank - 1; i >= 0; i--) {
      const l = rows[i] as Float64Array
      const value = (x[i] as number) / (l[i] as number)
      addScaled(x, l, -value)
      x[i] = value
    }
  }
  // What was eliminated had a unit diagonal too: the largest eigenvalue is never below 1.
  return Math.max(1, rayleigh(grow, rank)) * rayleigh(shrink, rank)
}

function rayleigh(apply: (x: Float64Array) => void, size: number): number {
  // A fixed start without symmetry: the same estimate on every machine.
  const x = Float64Array.from({ length: size }, (_, i) => 1 + ((i * 2_654_435_761) % 1000) / 1000)
  let norm = 0
  for (let step = 0; step < 20; step++) {
    norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0))
    for (let i = 0; i < size; i++) x[i] = (x[i] as number) / norm
    apply(x)
  }
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0))
}

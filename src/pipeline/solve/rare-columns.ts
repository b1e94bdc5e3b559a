/**
 * A penalised Gram matrix without its frequent columns: what is left for the many rare ones when the
 * columns that most rides have, numeric terms and the intercept are eliminated, by a dense factor.
 * What frequent columns share is what makes such a matrix ill-conditioned. Knows nothing about
 * iterations.
 */

import { choleskyBlocked } from './cholesky.ts'
import { denseLoops, loopStep } from './dense-loops.ts'
import { type Gram, type SparseRows, sparseRows } from './gram.ts'
import { rareProductOf } from './rare-product.ts'

/** The system of the rare columns, scaled: W S W, S = A_rr - A_rf A_ff^-1 A_fr. */
export interface RareSystem {
  /** Rare columns. */
  readonly size: number
  /** Elements kept of one triangle of A, without the diagonal: those not 0, and all of A_ff. */
  readonly nonZeros: number
  /** Memory that A takes: the sparse part, and the dense one. */
  readonly bytes: number
  /** No eigenvalue of W S W is less. */
  readonly least: number
  /**
   * At least so many times the size is what rounding in the dense factor may make a length seem,
   * measured in the norm of the matrix: near 1 for all but hopeless systems.
   */
  readonly distortion: number
  /** The largest entry of a right-hand side, unscaled, relative to the length of its column. */
  largest(left: Float64Array): number
  /** The right-hand side that is left of one of the whole system, and what was taken of it. */
  right(b: Float64Array): RareRight
  /** `out = W S W v`; not in place. */
  apply(v: Float64Array, out: Float64Array): void
  /**
   * The solution of the whole system, by coordinate.
   *
   * @param v solution of the rare one
   * @param b right-hand side of the whole one
   */
  solution(v: Float64Array, b: Float64Array): Float64Array
}

/** A right-hand side without frequent columns. */
export interface RareRight {
  /** W (b_r - A_rf A_ff^-1 b_f). */
  readonly left: Float64Array
  /** b_f' A_ff^-1 b_f. */
  readonly taken: number
}

/**
 * Eliminates the frequent columns of a Gram matrix with a penalty on every diagonal element but the
 * last.
 *
 * @param frequent so many levels are eliminated, next to numeric terms and the intercept; default as
 *   many as make the factor about as dear as the iterations
 */
export function rareSystemOf(
  gram: Gram,
  l2: number,
  frequent: number = worthEliminating(gram.upper.columns.length),
): RareSystem {
  const members = membersOf(gram, frequent)
  const { solve: solveFrequent, distortion } = denseBlock(gram, l2, members)
  const m = members.length
  const rare = rareCoordinates(gram.size, members)
  const size = rare.length
  const { own, shared } = rowsOf(gram, rare, members)
  const product = rareProductOf(own, shared, m)
  const { x, out: image, along } = product
  const diagonal = Float64Array.from(rare, (i) => (gram.diagonal[i] as number) + l2)
  // Scaled by the whole diagonal, what columns repeat of each other, which the penalty alone holds,
  // would get the smaller the more frequent they are; unscaled, the frequent ones would stand out.
  const scale = diagonal.map((value) => 1 / Math.sqrt(Math.sqrt(value)))

  /** `x` = W v, `along` = A_ff^-1 (right - A_fr x). */
  const eliminate = (v: Float64Array | undefined, right: Float64Array | undefined): void => {
    for (let i = 0; i < size; i++) x[i] = v ? (v[i] as number) * (scale[i] as number) : 0
    for (let k = 0; k < m; k++) along[k] = right ? (right[members[k] as number] as number) : 0
    if (v) product.takeShared()
    solveFrequent(along)
  }
  const scaled = (out: Float64Array): void => {
    for (let i = 0; i < size; i++) out[i] = (image[i] as number) * (scale[i] as number)
  }
  return {
    size,
    nonZeros: own.columns.length + shared.columns.length + (m * (m - 1)) / 2,
    bytes: product.bytes + 8 * m * m,
    least: l2 * scale.reduce((low, value) => Math.min(low, value * value), 1),
    distortion,
    largest(left) {
      let most = 0
      for (let i = 0; i < size; i++) {
        // W is the root of a column's length, upside down.
        most = Math.max(most, Math.abs(left[i] as number) * (scale[i] as number))
      }
      return most
    },
    right(b) {
      eliminate(undefined, b)
      const taken = members.reduce((sum, i, k) => sum + (b[i] as number) * (along[k] as number), 0)
      for (let k = 0; k < m; k++) along[k] = -(along[k] as number)
      for (let i = 0; i < size; i++) image[i] = b[rare[i] as number] as number
      product.addShared()
      const left = new Float64Array(size)
      scaled(left)
      return { left, taken }
    },
    apply(v, out) {
      eliminate(v, undefined)
      for (let i = 0; i < size; i++) image[i] = (diagonal[i] as number) * (x[i] as number)
      product.addOwn()
      product.addShared()
      scaled(out)
    },
    solution(v, b) {
      eliminate(v, b)
      const out = new Float64Array(gram.size)
      for (let i = 0; i < size; i++) out[rare[i] as number] = x[i] as number
      for (let k = 0; k < m; k++) out[members[k] as number] = along[k] as number
      return out
    },
  }
}

/**
 * Levels to eliminate: the more pairs, the dearer each iteration, and the dearer the factor may be
 * that spares some.
 */
function worthEliminating(pairs: number): number {
  let levels = 64
  while (levels < 2048 && (levels + 64) ** 3 <= 450 * pairs) levels += 64
  return levels
}

/** The most frequent levels, the numeric terms and the intercept. */
function membersOf({ system, diagonal, size }: Gram, frequent: number): Int32Array {
  const levels = Array.from({ length: system.numericAt }, (_, i) => i)
  // Ties by position: the same members on every machine.
  levels.sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b)
  const chosen = levels.slice(0, frequent).sort((a, b) => a - b)
  for (let i = system.numericAt; i < size; i++) chosen.push(i)
  return Int32Array.from(chosen)
}

/** Coordinates that are no members, ascending. */
function rareCoordinates(size: number, members: Int32Array): Int32Array {
  const isMember = new Uint8Array(size)
  for (const i of members) isMember[i] = 1
  return Int32Array.from({ length: size }, (_, i) => i).filter((i) => isMember[i] === 0)
}

/** By rare column: what it shares with later rare ones, and with members, each by position. */
function rowsOf(
  { system, upper, diagonal, size }: Gram,
  rare: Int32Array,
  members: Int32Array,
): { readonly own: SparseRows; readonly shared: SparseRows } {
  // Members are numbered on after the rare ones.
  const place = new Int32Array(size)
  rare.forEach((i, k) => {
    place[i] = k
  })
  members.forEach((i, k) => {
    place[i] = rare.length + k
  })
  const { numericAt, numericCount: width, interceptAt } = system
  const pairs = (put: (row: number, column: number, value: number) => void): void => {
    for (let i = 0; i < numericAt; i++) {
      const row = place[i] as number
      for (let c = upper.start[i] as number; c < (upper.start[i + 1] as number); c++) {
        const column = place[upper.columns[c] as number] as number
        put(Math.min(row, column), Math.max(row, column), upper.values[c] as number)
      }
    }
  }
  const own = sparseRows(rare.length, (put) => {
    pairs((row, column, value) => {
      if (column < rare.length) put(row, column, value)
    })
  })
  const shared = sparseRows(rare.length, (put) => {
    const share = (row: number, column: number, value: number): void => {
      if (row < rare.length && column >= rare.length) put(row, column - rare.length, value)
    }
    pairs(share)
    for (const { at, counts, numeric } of system.blocks) {
      for (let i = 0; i < counts.length; i++) {
        const row = place[at + i] as number
        for (let p = 0; p < width; p++) {
          share(row, place[numericAt + p] as number, numeric.hi[i * width + p] as number)
        }
        share(row, place[interceptAt] as number, diagonal[at + i] as number)
      }
    }
  })
  return { own, shared }
}

/** The block of the frequent columns, factored. */
interface DenseBlock {
  /** Solves A_ff x = b in place. */
  readonly solve: (b: Float64Array) => void
  /** See {@link RareSystem.distortion}. */
  readonly distortion: number
}

function denseBlock(gram: Gram, l2: number, members: Int32Array): DenseBlock {
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

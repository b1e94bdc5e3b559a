/**
 * A penalised Gram matrix A, preconditioned by a symmetric sweep over its columns: the columns that
 * most rides have are solved for together, by a dense factor, the many rare ones in turn. With
 * A = D + U + U', D the diagonal of the rare columns and the dense block of the others, U the upper
 * rest, the preconditioner is (D + U')D^-1(D + U): it knows all of A, where a diagonal knows nothing
 * of what columns share. In its coordinates a product with A takes one pass over U each way, no
 * more than a bare product (S. C. Eisenstat, SIAM J. Sci. Stat. Comput. 2, 1981). Knows nothing
 * about iterations.
 */

import { choleskyPivoted } from './cholesky.ts'
import { type Gram, type SparseRows, sparseRows } from './gram.ts'
import { addScaled, dot } from './vectors.ts'

/** Frequent columns that are solved for together, at most: a factor of 1,000 takes half a second. */
const mostFrequent = 512

/** A Gram matrix in coordinates in which it is nearly the identity: S A S' for a certain S. */
export interface Sweeps {
  readonly size: number
  /** Elements of A other than 0 in one triangle, without the diagonal. */
  readonly nonZeros: number
  /** Memory that A takes: the sparse part, and the dense one. */
  readonly bytes: number
  /** What stands for a right-hand side there: S b. */
  right(b: Float64Array): Float64Array
  /** `out = S A S' v`; not in place. */
  apply(v: Float64Array, out: Float64Array): void
  /** The solution of A x = b that `v` stands for: S' v. */
  solution(v: Float64Array): Float64Array
}

/**
 * The preconditioned Gram matrix with a penalty on every diagonal element but the last.
 *
 * @param frequent so many columns, next to numeric terms and the intercept, are solved for together
 */
export function sweepsOf(gram: Gram, l2: number, frequent: number = mostFrequent): Sweeps {
  const { size } = gram
  const dense = denseBlock(gram, l2, membersOf(gram, frequent))
  const m = dense.members.length
  const rare = size - m
  const coordinates = coordinatesOf(size, dense.members)
  const { start, columns, values } = rareRows(gram, coordinates, rare)
  const diagonal = Float64Array.from(
    coordinates.subarray(0, rare),
    (i) => (gram.diagonal[i] as number) + l2,
  )
  const roots = diagonal.map(Math.sqrt)
  const x = new Float64Array(size)
  const shared = new Float64Array(size)

  // Solves (D + U)x = K v, where KK' = D; leaves Ux, of rare columns, in `shared`.
  const back = (v: Float64Array): void => {
    dense.back(v.subarray(rare), x.subarray(rare))
    gatherRows(start, columns, values, x, shared, (i, along) => {
      return ((roots[i] as number) * (v[i] as number) - along) / (diagonal[i] as number)
    })
  }
  return {
    size,
    nonZeros: columns.length + (m * (m - 1)) / 2,
    bytes: start.byteLength + columns.byteLength + values.byteLength + 8 * m * m,
    right(b) {
      const left = Float64Array.from(coordinates, (i) => b[i] as number)
      const out = new Float64Array(size)
      scatterRows(start, columns, values, left, (i, value) => {
        out[i] = value / (roots[i] as number)
        return value / (diagonal[i] as number)
      })
      dense.forth(left.subarray(rare), out.subarray(rare))
      return out
    },
    apply(v, out) {
      back(v)
      for (let i = 0; i < rare; i++) out[i] = x[i] as number
      for (let k = 0; k < m; k++) {
        shared[rare + k] = -(dense.nudges[k] as number) * (x[rare + k] as number)
      }
      scatterRows(start, columns, values, shared, (i, value) => {
        const share = value / (diagonal[i] as number)
        out[i] = (roots[i] as number) * ((out[i] as number) + share)
        return share
      })
      dense.forth(shared.subarray(rare), out.subarray(rare))
      for (let i = rare; i < size; i++) out[i] = (out[i] as number) + (v[i] as number)
    },
    solution(v) {
      back(v)
      const out = new Float64Array(size)
      for (let k = 0; k < size; k++) out[coordinates[k] as number] = x[k] as number
      return out
    },
  }
}

/** Takes from `left`, row by row, what each row shares with later ones times its own value. */
function scatterRows(
  start: Int32Array,
  columns: Int32Array,
  values: Float64Array,
  left: Float64Array,
  own: (i: number, value: number) => number,
): void {
  const rows = start.length - 1
  for (let i = 0; i < rows; i++) {
    const by = own(i, left[i] as number)
    const end = start[i + 1] as number
    for (let c = start[i] as number; c < end; c++) {
      const j = columns[c] as number
      left[j] = (left[j] as number) - by * (values[c] as number)
    }
  }
}

/** From the last row to the first: finds the value of each from what it shares with later ones. */
function gatherRows(
  start: Int32Array,
  columns: Int32Array,
  values: Float64Array,
  x: Float64Array,
  shared: Float64Array,
  own: (i: number, along: number) => number,
): void {
  for (let i = start.length - 2; i >= 0; i--) {
    const end = start[i + 1] as number
    let c = start[i] as number
    // Several sums at once: one addition does not wait for the one before.
    let [s0, s1, s2, s3] = [0, 0, 0, 0]
    for (; c + 3 < end; c += 4) {
      s0 += (values[c] as number) * (x[columns[c] as number] as number)
      s1 += (values[c + 1] as number) * (x[columns[c + 1] as number] as number)
      s2 += (values[c + 2] as number) * (x[columns[c + 2] as number] as number)
      s3 += (values[c + 3] as number) * (x[columns[c + 3] as number] as number)
    }
    for (; c < end; c++) s0 += (values[c] as number) * (x[columns[c] as number] as number)
    const along = s0 + s1 + (s2 + s3)
    shared[i] = along
    x[i] = own(i, along)
  }
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

/** Coordinates in the order of the sweep: the rare ones, then `members`. */
function coordinatesOf(size: number, members: Int32Array): Int32Array {
  const isMember = new Uint8Array(size)
  for (const i of members) isMember[i] = 1
  const rare = Int32Array.from({ length: size }, (_, i) => i).filter((i) => isMember[i] === 0)
  const all = new Int32Array(size)
  all.set(rare)
  all.set(members, rare.length)
  return all
}

/** U: what each rare column shares with later rare ones and with all members. */
function rareRows(
  { system, upper, diagonal }: Gram,
  coordinates: Int32Array,
  rare: number,
): SparseRows {
  const place = new Int32Array(system.size)
  coordinates.forEach((i, k) => {
    place[i] = k
  })
  const { numericAt, numericCount: width, interceptAt } = system
  return sparseRows(rare, (put) => {
    for (let i = 0; i < numericAt; i++) {
      const own = place[i] as number
      for (let c = upper.start[i] as number; c < (upper.start[i + 1] as number); c++) {
        const other = place[upper.columns[c] as number] as number
        const [row, column] = own < other ? [own, other] : [other, own]
        if (row < rare) put(row, column, upper.values[c] as number)
      }
    }
    for (const { at, counts, numeric } of system.blocks) {
      for (let i = 0; i < counts.length; i++) {
        const row = place[at + i] as number
        if (row >= rare) continue
        for (let p = 0; p < width; p++) {
          put(row, place[numericAt + p] as number, numeric.hi[i * width + p] as number)
        }
        put(row, place[interceptAt] as number, diagonal[at + i] as number)
      }
    }
  })
}

/** The dense block of D, factored. */
interface DenseBlock {
  /** Coordinates in the order of the factor. */
  readonly members: Int32Array
  /** What was added to its diagonal so that it could be factored. */
  readonly nudges: Float64Array
  /** Solves L' x = v. */
  back(v: Float64Array, x: Float64Array): void
  /** Solves L out = v. */
  forth(v: Float64Array, out: Float64Array): void
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
  let factor = choleskyPivoted(dense.slice(), m, 0)
  let nudged = 0
  for (let nudge = 1e-14; factor.rank < m; nudge *= 10) {
    for (let i = 0; i < m; i++) dense[i * (m + 1)] = (dense[i * (m + 1)] as number) + nudge
    nudged += nudge
    factor = choleskyPivoted(dense.slice(), m, 0)
  }
  const { order, factor: lower } = factor
  const rows = Array.from({ length: m }, (_, i) => lower.subarray(i * m, i * m + i))
  const pivots = Float64Array.from({ length: m }, (_, i) => lower[i * (m + 1)] as number)
  const scales = Float64Array.from(order, (i) => scale[i] as number)
  return {
    members: Int32Array.from(order, (i) => members[i] as number),
    nudges: scales.map((one) => nudged / one / one),
    back(v, x) {
      x.set(v)
      for (let i = m - 1; i >= 0; i--) {
        const value = (x[i] as number) / (pivots[i] as number)
        x[i] = value * (scales[i] as number)
        addScaled(x, rows[i] as Float64Array, -value)
      }
    },
    forth(v, out) {
      for (let i = 0; i < m; i++) {
        const right = (v[i] as number) * (scales[i] as number)
        out[i] = (right - dot(rows[i] as Float64Array, out)) / (pivots[i] as number)
      }
    },
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

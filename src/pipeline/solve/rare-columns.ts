/**
 * A penalised Gram matrix without its frequent columns: what is left for the many rare ones when the
 * columns that most rides have, numeric terms and the intercept are eliminated, by a dense factor.
 * What frequent columns share is what makes such a matrix ill-conditioned. Knows nothing about
 * iterations.
 */

import { type DenseBlock, denseBlock } from './dense-block.ts'
import type { Gram, SparseRows } from './gram.ts'
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
  /** See {@link DenseBlock.distortion}. */
  readonly distortion: DenseBlock['distortion']
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
  const lengths = diagonal.map(Math.sqrt)
  const scale = lengths.map((length) => 1 / Math.sqrt(length + 2 * Math.sqrt(l2)))

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
        const own = Math.abs(left[i] as number) / (scale[i] as number)
        most = Math.max(most, own / (lengths[i] as number))
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
  gram: Gram,
  rare: Int32Array,
  members: Int32Array,
): { readonly own: SparseRows; readonly shared: SparseRows } {
  // Members are numbered on after the rare ones.
  const place = new Int32Array(gram.size)
  rare.forEach((i, k) => {
    place[i] = k
  })
  members.forEach((i, k) => {
    place[i] = rare.length + k
  })
  const { blocks, numericAt, numericCount: width, interceptAt } = gram.system
  const own = new RowsToFill(rare.length, 0)
  const shared = new RowsToFill(rare.length, width + 1)
  countPairs(gram, place, own.start, shared.start)
  own.allocate()
  shared.allocate()
  fillPairs(gram, place, own, shared)
  for (const { at, counts, numeric } of blocks) {
    for (let i = 0; i < counts.length; i++) {
      const row = place[at + i] as number
      if (row >= rare.length) continue
      for (let p = 0; p < width; p++) {
        const sum = numeric.hi[i * width + p] as number
        shared.put(row, (place[numericAt + p] as number) - rare.length, sum)
      }
      shared.put(row, (place[interceptAt] as number) - rare.length, counts[i] as number)
    }
  }
  return { own, shared }
}

/** Sparse rows that are counted first. */
class RowsToFill implements SparseRows {
  /** Until there is room for them: how many elements the row before has. */
  readonly start: Int32Array
  columns = new Int32Array(0)
  values = new Float64Array(0)
  private next = new Int32Array(0)

  /** @param each elements that every row has beside those that are counted */
  constructor(rows: number, each: number) {
    this.start = new Int32Array(rows + 1).fill(each, 1)
  }

  /** Makes room for what was counted. */
  allocate(): void {
    const { start } = this
    for (let i = 1; i < start.length; i++) {
      start[i] = (start[i] as number) + (start[i - 1] as number)
    }
    this.next = start.slice()
    this.columns = new Int32Array(start.at(-1) as number)
    this.values = new Float64Array(this.columns.length)
  }

  put(row: number, column: number, value: number): void {
    const at = this.next[row] as number
    this.columns[at] = column
    this.values[at] = value
    this.next[row] = at + 1
  }
}

/** Counts what pairs of levels each rare column has with later rare ones, and with members. */
function countPairs(
  { system, upper }: Gram,
  place: Int32Array,
  own: Int32Array,
  shared: Int32Array,
): void {
  const rare = own.length - 1
  const { start, columns } = upper
  for (let i = 0; i < system.numericAt; i++) {
    const first = place[i] as number
    const end = start[i + 1] as number
    for (let c = start[i] as number; c < end; c++) {
      const second = place[columns[c] as number] as number
      const row = Math.min(first, second)
      if (row >= rare) continue
      const counts = Math.max(first, second) < rare ? own : shared
      counts[row + 1] = (counts[row + 1] as number) + 1
    }
  }
}

/** Puts the pairs that {@link countPairs} counts. */
function fillPairs(
  { system, upper }: Gram,
  place: Int32Array,
  own: RowsToFill,
  shared: RowsToFill,
): void {
  const rare = own.start.length - 1
  const { start, columns, values } = upper
  for (let i = 0; i < system.numericAt; i++) {
    const first = place[i] as number
    const end = start[i + 1] as number
    for (let c = start[i] as number; c < end; c++) {
      const second = place[columns[c] as number] as number
      const row = Math.min(first, second)
      const column = Math.max(first, second)
      if (row >= rare) continue
      if (column < rare) own.put(row, column, values[c] as number)
      else shared.put(row, column - rare, values[c] as number)
    }
  }
}

/**
 * The normal equations of a linear model, read off moments: (X'X + penalty) b = X'y.
 * Coordinates: the levels of every block in turn, then the numeric terms, then the intercept;
 * numeric terms in their own units, the target in minutes. Knows nothing about how to solve them.
 */

import {
  addPairsProductTo,
  addProductTo,
  addTo,
  dividePair,
  type Sums,
  settle,
  zeroSums,
} from '../double-double.ts'
import { type Block, type Cross, crossesOf, type Moments } from '../moments.ts'
import { addPairProducts } from './pair-products.ts'

/** Seconds in the unit that models speak in. */
export const secondsPerMinute = 60

/** One block of one-hot columns. */
export interface SystemBlock {
  /** Coordinate of its first level. */
  readonly at: number
  readonly counts: Float64Array
  /** Sums of the numeric terms, (levels x numeric terms), row-major, in the terms' units. */
  readonly numeric: Sums
}

/** Normal equations; symmetric, kept sparse. */
export interface System {
  /** Rides. */
  readonly n: number
  /** Coordinates, the intercept included. */
  readonly size: number
  readonly blocks: readonly SystemBlock[]
  /** Every pair of blocks. */
  readonly crosses: readonly Cross[]
  /** Coordinate of the first numeric term. */
  readonly numericAt: number
  /** Number of numeric terms. */
  readonly numericCount: number
  /** Sums of the numeric terms. */
  readonly numericSums: Sums
  /** Sums of their products, full square, row-major. */
  readonly numericSquares: Sums
  /** Coordinate of the intercept, the last one. */
  readonly interceptAt: number
  /** Added to the diagonal of every coordinate but the intercept. */
  readonly l2: number
  /** X'y, minutes. */
  readonly rhs: Sums
  /** Sum of y^2, minutes^2. */
  readonly targetSquares: { readonly hi: number; readonly lo: number }
}

function divided(sums: Sums, by: (i: number) => number): Sums {
  const out = zeroSums(sums.hi.length)
  for (let i = 0; i < out.hi.length; i++) {
    const [hi, lo] = dividePair(sums.hi[i] as number, sums.lo[i] as number, by(i))
    out.hi[i] = hi
    out.lo[i] = lo
  }
  return out
}

/** Names of the features by coordinate, as `PULocationID=43`; the intercept has none. */
export function featureNames({ blocks, numeric }: Moments): string[] {
  const levels = blocks.flatMap(({ term, codes }) => {
    return Array.from(codes, (code) => `${term.name}=${term.text(code)}`)
  })
  return [...levels, ...numeric.map(({ name }) => name)]
}

/** The normal equations of all terms in `moments` with a ridge penalty. */
export function systemOf(moments: Moments, l2: number): System {
  const scales = moments.numeric.map(({ scale }) => scale)
  const width = scales.length
  const scale = (p: number): number => scales[p] as number
  let at = 0
  const blocks = moments.blocks.map((block: Block): SystemBlock => {
    const numeric = divided(block.numeric, (i) => scale(i % width))
    const placed = { at, counts: block.counts, numeric }
    at += block.counts.length
    return placed
  })
  const size = at + width + 1
  const rhs = zeroSums(size)
  const place = (sums: Sums, to: number): void => {
    rhs.hi.set(sums.hi, to)
    rhs.lo.set(sums.lo, to)
  }
  moments.blocks.forEach(({ target }, k) => {
    place(
      divided(target, () => secondsPerMinute),
      (blocks[k] as SystemBlock).at,
    )
  })
  place(
    divided(moments.products, (p) => scale(p) * secondsPerMinute),
    at,
  )
  const target = divided(moments.target, (i) => secondsPerMinute ** (i + 1))
  rhs.hi[size - 1] = target.hi[0] as number
  rhs.lo[size - 1] = target.lo[0] as number
  return {
    n: moments.n,
    size,
    blocks,
    crosses: crossesOf(moments),
    numericAt: at,
    numericCount: width,
    numericSums: divided(moments.sums, scale),
    numericSquares: squareOf(moments, scale),
    interceptAt: size - 1,
    l2,
    rhs,
    targetSquares: { hi: target.hi[1] as number, lo: target.lo[1] as number },
  }
}

function squareOf(moments: Moments, scale: (p: number) => number): Sums {
  const width = moments.numeric.length
  const square = zeroSums(width * width)
  for (let p = 0; p < width; p++) {
    for (let q = 0; q < width; q++) {
      const from = p >= q ? (p * (p + 1)) / 2 + q : (q * (q + 1)) / 2 + p
      const { hi, lo } = moments.squares
      const pair = dividePair(hi[from] as number, lo[from] as number, scale(p) * scale(q))
      square.hi[p * width + q] = pair[0]
      square.lo[p * width + q] = pair[1]
    }
  }
  return square
}

/** The diagonal of X'X, without the penalty. */
export function diagonalOf(system: System): Float64Array {
  const diagonal = new Float64Array(system.size)
  for (const { at, counts } of system.blocks) diagonal.set(counts, at)
  for (let p = 0; p < system.numericCount; p++) {
    diagonal[system.numericAt + p] = system.numericSquares.hi[
      p * (system.numericCount + 1)
    ] as number
  }
  diagonal[system.interceptAt] = system.n
  return diagonal
}

/**
 * (X'X + penalty) v in 106 bits.
 *
 * @param v `size` pairs
 * @returns `size` pairs, settled
 */
export function times(system: System, v: Sums): Sums {
  const out = zeroSums(system.size)
  const { numericAt, numericCount, interceptAt, l2 } = system
  const add = (i: number, ah: number, al: number, j: number): void => {
    const value = v.hi[j] as number
    // What columns repeat of each other is 0 for most of them.
    if (value !== 0) addPairsProductTo(out, i, ah, al, value, v.lo[j] as number)
  }
  const meet = (i: number, j: number, ah: number, al: number): void => {
    add(i, ah, al, j)
    if (i !== j) add(j, ah, al, i)
  }
  for (const { at, counts, numeric } of system.blocks) {
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] as number
      meet(at + i, at + i, count, 0)
      meet(at + i, interceptAt, count, 0)
      for (let p = 0; p < numericCount; p++) {
        const k = i * numericCount + p
        meet(at + i, numericAt + p, numeric.hi[k] as number, numeric.lo[k] as number)
      }
    }
  }
  addPairProducts(system.blocks, system.crosses, v, out)
  const { numericSums, numericSquares } = system
  for (let p = 0; p < numericCount; p++) {
    meet(numericAt + p, interceptAt, numericSums.hi[p] as number, numericSums.lo[p] as number)
    for (let q = 0; q <= p; q++) {
      const k = p * numericCount + q
      meet(
        numericAt + p,
        numericAt + q,
        numericSquares.hi[k] as number,
        numericSquares.lo[k] as number,
      )
    }
  }
  meet(interceptAt, interceptAt, system.n, 0)
  if (l2 > 0) {
    for (let i = 0; i < interceptAt; i++) {
      addProductTo(out, i, l2, v.hi[i] as number)
      addTo(out, i, l2 * (v.lo[i] as number))
    }
  }
  settle(out)
  return out
}

/** `rhs - (X'X + penalty) v`, rounded to doubles at the very end. */
export function residual(system: System, rhs: Sums | undefined, v: Sums): Float64Array {
  const product = times(system, v)
  const out = new Float64Array(system.size)
  for (let i = 0; i < out.length; i++) {
    const hi = (rhs?.hi[i] ?? 0) - (product.hi[i] as number)
    out[i] = hi + ((rhs?.lo[i] ?? 0) - (product.lo[i] as number))
  }
  return out
}

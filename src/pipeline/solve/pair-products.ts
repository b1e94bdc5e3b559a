/**
 * What pairs of levels add to a product of the Gram matrix with a vector, exactly: counts are whole
 * numbers, so that a vector cut into pieces of few bits, each on one grid for all values, can be
 * multiplied and added up in plain doubles without rounding. Knows nothing about the rest of the
 * matrix.
 */

import { addTo, type Sums } from '../double-double.ts'
import type { Cross } from '../moments.ts'
import type { SystemBlock } from './system.ts'

/** Bits of the largest value of a vector that are kept of every value, at least. */
const keptBits = 100

/** Pieces that go through the pairs together. */
const together = 4

/**
 * Adds `counts` times `v`, and their transpose times `v`, to `out`.
 *
 * @param crosses rides by pair of levels
 * @param v pairs of doubles by coordinate
 */
export function addPairProducts(
  blocks: readonly SystemBlock[],
  crosses: readonly Cross[],
  v: Sums,
  out: Sums,
): void {
  const levels = blocks.reduce((sum, { counts }) => sum + counts.length, 0)
  let largest = 0
  for (let i = 0; i < levels; i++) {
    const size = Math.abs(v.hi[i] as number)
    // Written so that a NaN is found, too.
    if (!(size <= largest)) largest = size
  }
  if (largest === 0 || crosses.length === 0) return
  const bits = bitsOfPieces(blocks)
  if (largest <= 2 ** bits && areWhole(v, levels)) {
    addWhole(blocks, crosses, v.hi, out)
    return
  }
  const rest = { hi: v.hi.slice(0, levels), lo: v.lo.slice(0, levels) }
  let grid = 2 ** Math.ceil(Math.log2(largest))
  for (let kept = 0; kept < keptBits; kept += together * bits) {
    const pieces = new Float64Array(together * levels)
    for (let k = 0; k < together; k++) {
      grid *= 2 ** -bits
      cut(rest, grid, pieces, k)
    }
    const sums = new Float64Array(together * levels)
    for (const cross of crosses) {
      const [rowAt, columnAt] = placesOf(cross, blocks)
      addCross(cross, rowAt, columnAt, pieces, sums)
    }
    for (let k = 0; k < sums.length; k++) addTo(out, Math.floor(k / together), sums[k] as number)
  }
}

/** So many that the sum over all pairs of a level fits into a double, with two to spare. */
function bitsOfPieces(blocks: readonly SystemBlock[]): number {
  const most = blocks.reduce((high, { counts }) => {
    return counts.reduce((higher, count) => Math.max(higher, count), high)
  }, 2)
  return 51 - Math.ceil(Math.log2(most * blocks.length))
}

/** Coordinates of the first levels of the blocks of a cross. */
function placesOf({ a, b }: Cross, blocks: readonly SystemBlock[]): [number, number] {
  return [(blocks[a] as SystemBlock).at, (blocks[b] as SystemBlock).at]
}

/** True for a vector of whole numbers, as what columns repeat of each other mostly is. */
function areWhole({ hi, lo }: Sums, levels: number): boolean {
  for (let i = 0; i < levels; i++) if (lo[i] !== 0 || !Number.isInteger(hi[i])) return false
  return true
}

/** What {@link addPairProducts} does for whole numbers, which are a piece each, and mostly 0. */
function addWhole(
  blocks: readonly SystemBlock[],
  crosses: readonly Cross[],
  v: Float64Array,
  out: Sums,
): void {
  const sums = new Float64Array(v.length)
  for (const cross of crosses) {
    const [rowAt, columnAt] = placesOf(cross, blocks)
    addWholeCross(cross, rowAt, columnAt, v, sums)
  }
  for (let i = 0; i < sums.length; i++) if (sums[i] !== 0) addTo(out, i, sums[i] as number)
}

function addWholeCross(
  { rows, columns, counts }: Cross,
  rowAt: number,
  columnAt: number,
  v: Float64Array,
  sums: Float64Array,
): void {
  for (let c = 0; c < counts.length; c++) {
    const i = rowAt + (rows[c] as number)
    const j = columnAt + (columns[c] as number)
    const left = v[i] as number
    const right = v[j] as number
    if (left !== 0) sums[j] = (sums[j] as number) + (counts[c] as number) * left
    if (right !== 0) sums[i] = (sums[i] as number) + (counts[c] as number) * right
  }
}

/** Takes from every value its nearest multiple of `grid`. */
function cut({ hi, lo }: Sums, grid: number, pieces: Float64Array, k: number): void {
  // Beside a number this large, doubles are multiples of the grid.
  const rounder = 1.5 * 2 ** 52 * grid
  for (let i = 0; i < hi.length; i++) {
    const [h, l] = [hi[i] as number, lo[i] as number]
    const high = h + rounder - rounder
    const low = l + rounder - rounder
    pieces[together * i + k] = high + low
    hi[i] = h - high
    lo[i] = l - low
  }
}

/** Adds the pairs of two blocks, in both directions. */
function addCross(
  { rows, columns, counts }: Cross,
  rowAt: number,
  columnAt: number,
  pieces: Float64Array,
  sums: Float64Array,
): void {
  for (let c = 0; c < counts.length; c++) {
    const count = counts[c] as number
    const i = together * (rowAt + (rows[c] as number))
    const j = together * (columnAt + (columns[c] as number))
    sums[i] = (sums[i] as number) + count * (pieces[j] as number)
    sums[i + 1] = (sums[i + 1] as number) + count * (pieces[j + 1] as number)
    sums[i + 2] = (sums[i + 2] as number) + count * (pieces[j + 2] as number)
    sums[i + 3] = (sums[i + 3] as number) + count * (pieces[j + 3] as number)
    sums[j] = (sums[j] as number) + count * (pieces[i] as number)
    sums[j + 1] = (sums[j + 1] as number) + count * (pieces[i + 1] as number)
    sums[j + 2] = (sums[j + 2] as number) + count * (pieces[i + 2] as number)
    sums[j + 3] = (sums[j + 3] as number) + count * (pieces[i + 3] as number)
  }
}

/**
 * From values to bins: numbers by cuts of about equally many rows, categories by code. Bins count
 * through all features, so that a row is a list of places in one histogram. Knows nothing about
 * trees.
 */

import { RidecastError } from '../../errors.ts'
import type { NumberColumn, TreeColumn } from '../../tree-ensemble.ts'

/** Bins of one feature. The first is for missing values. */
export interface FeatureBins {
  readonly name: string
  readonly kind: 'number' | 'category'
  /** Place of the first bin in a histogram. */
  readonly first: number
  /** Number of bins, the one for missing values counted. */
  readonly size: number
  /** 32-bit floats in order; bin 1 is below the first of them. Empty for a category. */
  readonly cuts: Float32Array
}

/** Places fit into 16 bits. */
const maxBins = 65_536

/** Cuts are chosen on this many rows at most, evenly spread over the table. */
const sampleRows = 2 ** 18

/**
 * The bins of a table.
 *
 * @param most bins of a number at most, without the one for missing values
 * @throws solve_too_large for more levels than bins can be numbered
 */
export function binsOf(columns: readonly TreeColumn[], most: number): FeatureBins[] {
  let first = 0
  const bins = columns.map((column) => {
    const { name, kind } = column
    const cuts = kind === 'number' ? cutsOf(column, most) : new Float32Array(0)
    const size = kind === 'number' ? cuts.length + 2 : column.levels + 1
    first += size
    return { name, kind, first: first - size, size, cuts }
  })
  if (first <= maxBins) return bins
  throw new RidecastError(
    'solve_too_large',
    `the features of the trees have ${first} bins and levels, expected at most ${maxBins}: leave out the category with the most levels`,
  )
}

/** Number of bins of all features. */
export const totalBins = (bins: readonly FeatureBins[]): number =>
  bins.reduce((sum, { size }) => sum + size, 0)

function cutsOf({ values }: NumberColumn, most: number): Float32Array {
  const step = Math.max(1, values.length / sampleRows)
  const sample = new Float32Array(Math.floor(values.length / step))
  let size = 0
  for (let i = 0; i < sample.length; i++) {
    const value = values[Math.floor(i * step)] as number
    // Adding zero makes one zero of both.
    if (!Number.isNaN(value)) sample[size++] = value + 0
  }
  const sorted = sample.subarray(0, size).sort()
  const starts: number[] = []
  for (let i = 0; i < size; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) starts.push(i)
  const ends = starts.length <= most ? starts.slice(1) : equalCounts(sorted, starts, most)
  return Float32Array.from(ends, (end) => between(sorted[end - 1] as number, sorted[end] as number))
}

/**
 * Where bins begin, the first left out: about equally many rows each, but equal values together.
 * Zero has a bin of its own: it is often no quantity, but none (LightGBM holds it so, too).
 */
function equalCounts(sorted: Float32Array, starts: readonly number[], most: number): number[] {
  const size = sorted.length
  const countAt = (i: number): number => (starts[i + 1] ?? size) - (starts[i] as number)
  const isZero = (i: number): boolean => sorted[starts[i] as number] === 0
  const isLarge = (i: number): boolean =>
    i < starts.length && (countAt(i) >= size / most || isZero(i))
  let [restRows, restBins] = [size, most]
  for (let i = 0; i < starts.length; i++) {
    if (!isLarge(i)) continue
    restRows -= countAt(i)
    restBins--
  }
  const ends: number[] = []
  let mean = restRows / restBins
  let rows = 0
  for (let i = 0; i + 1 < starts.length && ends.length < most - 1; i++) {
    rows += countAt(i)
    if (!isLarge(i)) restRows -= countAt(i)
    const beforeLarge = isLarge(i + 1) && (rows >= mean / 2 || isZero(i + 1))
    if (!isLarge(i) && rows < mean && !beforeLarge) continue
    ends.push(starts[i + 1] as number)
    rows = 0
    if (!isLarge(i)) mean = restRows / Math.max(1, --restBins)
  }
  return ends
}

/** A 32-bit float above `low` and not above `high`, in the middle where there is one. */
function between(low: number, high: number): number {
  const middle = Math.fround(low / 2 + high / 2)
  return middle > low ? middle : high
}

/**
 * Writes the places of a table's values in a histogram, row by row.
 *
 * @param columns those of `bins`, in their order; other levels than in training are missing values
 * @param places (rows x features)
 */
export function writePlaces(
  columns: readonly TreeColumn[],
  bins: readonly FeatureBins[],
  places: Uint16Array,
): void {
  const stride = bins.length
  for (const [f, column] of columns.entries()) {
    const { first, size, cuts } = bins[f]!
    let at = f
    if (column.kind === 'category') {
      for (const code of column.codes) {
        places[at] = first + (code + 1 < size ? code + 1 : 0)
        at += stride
      }
    } else {
      for (const value of column.values) {
        places[at] = first + binOf(cuts, Math.fround(value))
        at += stride
      }
    }
  }
}

/** 0 for a missing value, else 1 and the number of cuts that are not above it. */
function binOf(cuts: Float32Array, value: number): number {
  if (Number.isNaN(value)) return 0
  let low = 0
  let high = cuts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value < (cuts[middle] as number)) high = middle
    else low = middle + 1
  }
  return low + 1
}

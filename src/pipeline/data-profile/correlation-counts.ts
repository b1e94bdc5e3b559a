/**
 * How numbers go together: sums for Pearson's correlations as rides come, and every n-th ride for
 * Spearman's. Knows nothing about files or columns.
 */

import type { Correlations } from './document.ts'

/** Rides that are kept for Spearman's, at most; then every second one goes. */
const mostSampled = 2 ** 15

/** Sums over rides and pairs of columns; a pair counts the rides that have both. */
export class CorrelationCounts {
  rides = 0
  private readonly names: readonly string[]
  /** By pair: n, sums of x, y, x², y², xy, less a first value each. */
  private readonly sums: Float64Array
  private readonly shifts: Float64Array
  private readonly sample: Float64Array[] = []
  private stride = 1

  constructor(names: readonly string[]) {
    this.names = names
    this.sums = new Float64Array(names.length ** 2 * 6)
    this.shifts = new Float64Array(names.length).fill(Number.NaN)
  }

  /** Takes a ride in, its values by name; NaN where it has none. The array may be reused. */
  add(values: Float64Array): void {
    if (this.rides++ % this.stride === 0) this.keep(values)
    const { shifts, sums } = this
    const size = values.length
    for (let a = 0; a < size; a++) {
      // Values near zero keep their digits when squares are summed.
      if (Number.isNaN(shifts[a])) shifts[a] = values[a] as number
    }
    for (let a = 0; a < size; a++) {
      const x = (values[a] as number) - (shifts[a] as number)
      if (Number.isNaN(x)) continue
      for (let b = a + 1; b < size; b++) {
        const y = (values[b] as number) - (shifts[b] as number)
        if (Number.isNaN(y)) continue
        const at = (a * size + b) * 6
        sums[at] = (sums[at] as number) + 1
        sums[at + 1] = (sums[at + 1] as number) + x
        sums[at + 2] = (sums[at + 2] as number) + y
        sums[at + 3] = (sums[at + 3] as number) + x * x
        sums[at + 4] = (sums[at + 4] as number) + y * y
        sums[at + 5] = (sums[at + 5] as number) + x * y
      }
    }
  }

  /** Both matrices; a column that never varies has null everywhere. */
  finish(): Correlations {
    const { names, rides, sample } = this
    const ranked = names.map((_, k) => ranksOf(sample.map((values) => values[k] as number)))
    const each = (value: (a: number, b: number) => number): (number | null)[][] =>
      names.map((_, a) =>
        names.map((_, b) => {
          const found = a === b ? 1 : value(Math.min(a, b), Math.max(a, b))
          return Number.isFinite(found) ? Math.max(-1, Math.min(1, found)) : null
        }),
      )
    return {
      rides,
      names,
      pearson: each((a, b) => this.pearson(a, b)),
      spearman: each((a, b) => pearsonOf(ranked[a] as Float64Array, ranked[b] as Float64Array)),
      sampled: sample.length,
    }
  }

  private keep(values: Float64Array): void {
    if (this.sample.length === mostSampled) {
      // Every second one of those that are there, in place.
      for (let i = 0; 2 * i < mostSampled; i++) {
        this.sample[i] = this.sample[2 * i] as Float64Array
      }
      this.sample.length = mostSampled / 2
      this.stride *= 2
    }
    this.sample.push(values.slice())
  }

  private pearson(a: number, b: number): number {
    const at = (a * this.names.length + b) * 6
    const [n, x, y, xx, yy, xy] = this.sums.subarray(at, at + 6) as unknown as number[] as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    return ratio(n * xy - x * y, n * xx - x * x, n * yy - y * y, n * xx, n * yy)
  }
}

/** Ranks from 0, the mean rank where values are equal; NaN keeps its place as NaN. */
function ranksOf(values: readonly number[]): Float64Array {
  const order = values
    .map((value, i) => ({ value, i }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => a.value - b.value)
  const ranks = new Float64Array(values.length).fill(Number.NaN)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to < order.length && order[to]?.value === order[from]?.value) to++
    for (let k = from; k < to; k++) ranks[(order[k] as { i: number }).i] = (from + to - 1) / 2
    from = to
  }
  return ranks
}

function pearsonOf(xs: Float64Array, ys: Float64Array): number {
  let [n, sx, sy] = [0, 0, 0]
  const both = (i: number): boolean => !Number.isNaN(xs[i]) && !Number.isNaN(ys[i])
  for (let i = 0; i < xs.length; i++) {
    if (!both(i)) continue
    n++
    sx += xs[i] as number
    sy += ys[i] as number
  }
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < xs.length; i++) {
    if (!both(i)) continue
    const [x, y] = [(xs[i] as number) - sx / n, (ys[i] as number) - sy / n]
    xx += x * x
    yy += y * y
    xy += x * y
  }
  return ratio(xy, xx, yy, xx, yy)
}

/** NaN where one side does not vary beyond what rounding leaves of its sum of squares. */
function ratio(xy: number, xx: number, yy: number, sizeX: number, sizeY: number): number {
  if (!(xx > 1e-12 * sizeX) || !(yy > 1e-12 * sizeY)) return Number.NaN
  return xy / Math.sqrt(xx * yy)
}

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
  /** Of rides that have all values: sums, and by pair the sum of products, less a first value each. */
  private whole = 0
  private readonly totals: Float64Array
  private readonly products: Float64Array
  /** Of the others, by pair: n, sums of x, y, x², y², xy, less a first value each. */
  private readonly sums: Float64Array
  private readonly shifts: Float64Array
  private readonly near: Float64Array
  private readonly sample: Float64Array[] = []
  private stride = 1

  constructor(names: readonly string[]) {
    this.names = names
    this.totals = new Float64Array(names.length)
    this.products = new Float64Array(names.length ** 2)
    this.sums = new Float64Array(names.length ** 2 * 6)
    this.shifts = new Float64Array(names.length).fill(Number.NaN)
    this.near = new Float64Array(names.length)
  }

  /** Takes a ride in, its values by name; NaN where it has none. The array may be reused. */
  add(values: Float64Array): void {
    if (this.rides++ % this.stride === 0) this.keep(values)
    const { shifts, near } = this
    let isWhole = true
    for (let a = 0; a < values.length; a++) {
      // Values near zero keep their digits when squares are summed.
      if (Number.isNaN(shifts[a])) shifts[a] = values[a] as number
      near[a] = (values[a] as number) - (shifts[a] as number)
      if (Number.isNaN(near[a])) isWhole = false
    }
    if (isWhole) this.addWhole(near)
    else this.addPairs(near)
  }

  private addWhole(near: Float64Array): void {
    const { totals, products } = this
    this.whole++
    for (let a = 0, at = 0; a < near.length; a++) {
      const x = near[a] as number
      totals[a] = (totals[a] as number) + x
      for (let b = a; b < near.length; b++, at++) {
        products[at] = (products[at] as number) + x * (near[b] as number)
      }
    }
  }

  private addPairs(near: Float64Array): void {
    const { sums } = this
    const size = near.length
    for (let a = 0; a < size; a++) {
      const x = near[a] as number
      if (Number.isNaN(x)) continue
      for (let b = a + 1; b < size; b++) {
        const y = near[b] as number
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
    const size = this.names.length
    const at = (a * size + b) * 6
    const others = (k: number): number => this.sums[at + k] as number
    const product = (i: number, j: number): number =>
      this.products[i * size - (i * (i - 1)) / 2 + (j - i)] as number
    const n = this.whole + others(0)
    const x = (this.totals[a] as number) + others(1)
    const y = (this.totals[b] as number) + others(2)
    const xx = product(a, a) + others(3)
    const yy = product(b, b) + others(4)
    const xy = product(a, b) + others(5)
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

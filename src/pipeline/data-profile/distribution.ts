/**
 * What can be read off a counted distribution: quantiles, bins, fences, the values furthest out.
 * Knows nothing about columns or files.
 */

import {
  type Histogram,
  type NumberSummary,
  type Outliers,
  quantileLevels,
  type TopValue,
} from './document.ts'
import type { Distribution, NumberCounts } from './number-counts.ts'

/** Bounds that no taxi ride is believed beyond; see `plausible.ts`. */
export interface Range {
  readonly low: number
  readonly high: number
}

/** Where the bins of a histogram lie. */
export interface Bins {
  readonly start: number
  readonly width: number
  readonly count: number
  /** See `whole` of {@link Histogram}. */
  readonly whole: boolean
}

/** A histogram has at most about this many bins. */
const mostBins = 60

/** This share at either end may lie outside the bins. */
const tailShare = 0.005

/** Values listed at either end. */
const listed = 5

/**
 * A quantile, between the two nearest values as it lies between them (type 7 of Hyndman and Fan,
 * what NumPy and pandas do by default).
 *
 * @param p 0 to 1
 * @returns NaN when there are no values
 */
export function quantile(all: Distribution, p: number): number {
  if (all.total === 0) return Number.NaN
  const at = p * (all.total - 1)
  const low = Math.floor(at)
  const [first, second] = [nth(all, low), nth(all, Math.min(low + 1, all.total - 1))]
  return first === second ? first : first + (second - first) * (at - low)
}

/** The value at a position, 0 the first. */
function nth({ values, counts }: Distribution, position: number): number {
  let seen = 0
  for (let i = 0; i < values.length; i++) {
    seen += counts[i] as number
    if (seen > position) return values[i] as number
  }
  return values.at(-1) ?? Number.NaN
}

/** How many values lie below a bound, or at it when it is included. */
export function countBelow({ values, counts }: Distribution, bound: number, at = false): number {
  let seen = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (value > bound || (value === bound && !at)) break
    seen += counts[i] as number
  }
  return seen
}

/**
 * Bins of one round width over the bulk of some distributions, so that these can be compared.
 * Values that are far out do not widen them.
 *
 * @returns undefined when there are no values
 */
export function binsFor(all: readonly Distribution[]): Bins | undefined {
  const some = all.filter(({ total }) => total > 0)
  if (some.length === 0) return undefined
  const ends = some.map(bulkOf)
  const low = Math.min(...ends.map((one) => one.low))
  const high = Math.max(...ends.map((one) => one.high))
  const areWhole = some.every(({ values }) => values.every((value) => Number.isInteger(value)))
  const width = Math.max(roundWidth((high - low) / mostBins), areWhole ? 1 : 0.01)
  // Whole numbers of widths, so that edges are round and no rest of a division shifts them.
  const first = Math.floor(low / width + 1e-9)
  const last = Math.floor(high / width + 1e-9) + 1
  const whole = areWhole && width === 1
  // One bin alone says nothing of where it lies.
  if (last - first === 1) return { start: (first - 1) * width, width, count: 3, whole }
  return { start: first * width, width, count: last - first, whole }
}

/** Where almost all values lie: a long tail ends five quartile distances out. */
function bulkOf(all: Distribution): Range {
  const [q1, q3] = [quantile(all, 0.25), quantile(all, 0.75)]
  const reach = q3 > q1 ? 5 * (q3 - q1) : Number.POSITIVE_INFINITY
  return {
    low: Math.max(nth(all, Math.floor(tailShare * (all.total - 1))), q1 - reach),
    high: Math.min(nth(all, Math.ceil((1 - tailShare) * (all.total - 1))), q3 + reach),
  }
}

/** 1, 2 or 5 times a power of ten, at or above a width. */
function roundWidth(width: number): number {
  if (!(width > 0)) return 0
  const power = 10 ** Math.floor(Math.log10(width))
  const step = [1, 2, 5, 10].find((one) => one * power >= width * (1 - 1e-9)) ?? 10
  // Powers below one are no doubles: a division gives the nearest one.
  return power >= 1 ? step * power : step / Math.round(1 / power)
}

/** Counts a distribution into bins. */
export function histogramOf(all: Distribution, { start, width, count, whole }: Bins): Histogram {
  const counts = new Array<number>(count).fill(0)
  let [below, above] = [0, 0]
  const first = Math.round(start / width)
  for (let i = 0; i < all.values.length; i++) {
    const at = Math.floor((all.values[i] as number) / width + 1e-9) - first
    const rows = all.counts[i] as number
    if (at < 0) below += rows
    else if (at < count) counts[at] = (counts[at] as number) + rows
    else above += rows
  }
  return { start, width, counts, whole, below, above }
}

/**
 * Everything about some numbers.
 *
 * @param bins where the histogram lies, see {@link binsFor}
 * @param plausible what is believed of them, if anything is known
 */
export function summaryOf(
  counted: NumberCounts,
  all: Distribution,
  bins: Bins | undefined,
  plausible: Range | undefined,
): NumberSummary {
  const { count, infinite, zeros, negatives } = counted
  const orNull = (value: number): number | null =>
    count > 0 && !Number.isNaN(value) ? value : null
  return {
    count,
    infinite,
    min: orNull(counted.min),
    max: orNull(counted.max),
    mean: orNull(counted.mean),
    std: orNull(counted.std),
    zeros,
    negatives,
    quantiles: count > 0 ? quantileLevels.map((level) => quantile(all, level)) : [],
    quantile_error: all.error,
    histogram: bins === undefined || count === 0 ? null : histogramOf(all, bins),
    outliers: count === 0 ? null : outliersOf(all, plausible),
  }
}

function outliersOf(all: Distribution, plausible: Range | undefined): Outliers {
  const [q1, q3] = [quantile(all, 0.25), quantile(all, 0.75)]
  const reach = 1.5 * (q3 - q1)
  const fences = reach > 0 ? { low: q1 - reach, high: q3 + reach } : null
  const under = (bound: number | undefined): number =>
    bound === undefined ? 0 : countBelow(all, bound)
  const over = (bound: number | undefined): number =>
    bound === undefined ? 0 : all.total - countBelow(all, bound, true)
  const low = Math.max(
    fences?.low ?? Number.NEGATIVE_INFINITY,
    plausible?.low ?? Number.NEGATIVE_INFINITY,
  )
  const high = Math.min(
    fences?.high ?? Number.POSITIVE_INFINITY,
    plausible?.high ?? Number.POSITIVE_INFINITY,
  )
  const entries: TopValue[] = Array.from(all.values, (value, i) => {
    return { value, count: all.counts[i] as number }
  })
  return {
    fences,
    beyond_low: under(fences?.low),
    beyond_high: over(fences?.high),
    plausible: plausible ?? null,
    absurd_low: under(plausible?.low),
    absurd_high: over(plausible?.high),
    lowest: entries.slice(0, listed).filter(({ value }) => Number(value) < low),
    highest: entries
      .slice(-listed)
      .reverse()
      .filter(({ value }) => Number(value) > high),
  }
}

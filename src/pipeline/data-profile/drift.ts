/**
 * How far the columns of two files moved apart: shares over the same bins, compared. Knows nothing
 * about files or how it is shown.
 */

import type { ColumnCounts } from './column-counts.ts'
import type { CountedMonth } from './count-month.ts'
import { countBelow, quantile } from './distribution.ts'
import type { ColumnDrift, Comparison, MonthProfile } from './document.ts'
import { comparisonFindings } from './findings.ts'
import type { Distribution, NumberCounts } from './number-counts.ts'

/** The least share of a bin: an empty one would make the index infinite. */
const leastShare = 1e-4

/** Values rarer than this in both files are counted as one. */
const rareShare = 1e-3

/** Rows by bin, in the same order for both files; missing values are the last bin. */
type Pair = readonly [readonly number[], readonly number[]]

/**
 * The second file beside the first.
 *
 * @param distributions of all numbers of both, see `profile-of.ts`
 */
export function comparisonOf(
  [first, second]: readonly [CountedMonth, CountedMonth],
  months: readonly MonthProfile[],
  distributions: ReadonlyMap<NumberCounts, Distribution>,
): Comparison {
  const of = (numbers: NumberCounts): Distribution => distributions.get(numbers) as Distribution
  const drift: ColumnDrift[] = []
  for (const column of second.columns) {
    const before = first.columns.find(({ key }) => key === column.key)
    const found = before && pairOf(before, column, first.rows, second.rows, of)
    if (found) drift.push({ key: column.key, name: column.name, ...measured(found) })
  }
  for (const name of ['duration', 'speed'] as const) {
    const numbers = [first.rides[name], second.rides[name]] as const
    if (numbers.some(({ count }) => count === 0)) continue
    const pair = numberBins(of(numbers[0]), of(numbers[1]), 0, 0)
    drift.push({ key: name, name, ...measured({ pair, over: deciles }) })
  }
  drift.sort((a, b) => b.psi - a.psi || (a.key < b.key ? -1 : 1))
  const lacking = (one: CountedMonth, other: CountedMonth): string[] =>
    one.columns
      .filter(({ key }) => !other.columns.some((column) => column.key === key))
      .map(({ name }) => name)
  const only_first = lacking(first, second)
  const only_second = lacking(second, first)
  return {
    drift,
    only_first,
    only_second,
    findings: comparisonFindings(months, { drift, only_first, only_second }),
  }
}

interface Binned {
  readonly pair: Pair
  readonly over: string
}

const deciles = 'tenths of the first month'

function pairOf(
  before: ColumnCounts,
  after: ColumnCounts,
  rowsBefore: number,
  rowsAfter: number,
  of: (numbers: NumberCounts) => Distribution,
): Binned | undefined {
  const missing = [before.nulls + before.nan, after.nulls + after.nan] as const
  if (rowsBefore === 0 || rowsAfter === 0) return undefined
  const isId = before.kind === 'id' || after.kind === 'id'
  if ('numbers' in before && 'numbers' in after) {
    const [one, two] = [of(before.numbers), of(after.numbers)]
    if (!isId) return { pair: numberBins(one, two, ...missing), over: deciles }
    return { pair: valueBins(entriesOf(one), entriesOf(two), missing), over: 'values' }
  }
  if (before.kind === 'text' && after.kind === 'text') {
    return { pair: valueBins(before.texts.counts, after.texts.counts, missing), over: 'values' }
  }
  if (before.kind === 'time' && after.kind === 'time') {
    const hours = [
      [...before.times.hours, missing[0]],
      [...after.times.hours, missing[1]],
    ] as const
    return { pair: hours, over: 'hours of the week' }
  }
  // Another kind of column, such as one that lost all its values: what is left to compare.
  const present = (rows: number, none: number): number[] => [rows - none, none]
  const pair = [present(rowsBefore, missing[0]), present(rowsAfter, missing[1])] as const
  return { pair, over: 'with a value or without' }
}

const entriesOf = ({ values, counts }: Distribution): Map<string | number, number> =>
  new Map(Array.from(values, (value, i) => [value, counts[i] as number]))

/** Bins between the tenths of the first; a value that fills several tenths is a bin by itself. */
function numberBins(
  one: Distribution,
  two: Distribution,
  missing1: number,
  missing2: number,
): Pair {
  const tenths = Array.from({ length: 9 }, (_, k) => quantile(one, (k + 1) / 10))
  const cuts = [...new Set(tenths)].flatMap((bound) => {
    const isMass = tenths.filter((tenth) => tenth === bound).length > 1
    return isMass
      ? [
          { bound, at: false },
          { bound, at: true },
        ]
      : [{ bound, at: true }]
  })
  const counts = (all: Distribution, missing: number): number[] => {
    if (all.total === 0) return [...cuts.map(() => 0), 0, missing]
    const below = cuts.map(({ bound, at }) => countBelow(all, bound, at))
    return [...[...below, all.total].map((n, k) => n - (below[k - 1] ?? 0)), missing]
  }
  return [counts(one, missing1), counts(two, missing2)]
}

function valueBins(
  one: ReadonlyMap<string | number, number>,
  two: ReadonlyMap<string | number, number>,
  missing: readonly [number, number],
): Pair {
  const total = (counts: ReadonlyMap<string | number, number>): number =>
    [...counts.values()].reduce((sum, count) => sum + count, 0)
  const [all1, all2] = [total(one) + missing[0], total(two) + missing[1]]
  const [bins1, bins2]: [number[], number[]] = [[], []]
  let [rare1, rare2] = [0, 0]
  for (const value of new Set([...one.keys(), ...two.keys()])) {
    const [n1, n2] = [one.get(value) ?? 0, two.get(value) ?? 0]
    if (n1 < rareShare * all1 && n2 < rareShare * all2) {
      rare1 += n1
      rare2 += n2
    } else {
      bins1.push(n1)
      bins2.push(n2)
    }
  }
  return [
    [...bins1, rare1, missing[0]],
    [...bins2, rare2, missing[1]],
  ]
}

function measured({ pair, over }: Binned): Pick<ColumnDrift, 'psi' | 'js' | 'bins' | 'over'> {
  const [ps, qs] = pair.map(sharesOf) as [number[], number[]]
  let [psi, js] = [0, 0]
  ps.forEach((share, k) => {
    const [p, q] = [share, qs[k] as number]
    if (p === 0 && q === 0) return
    const [a, b] = [Math.max(p, leastShare), Math.max(q, leastShare)]
    psi += (b - a) * Math.log(b / a)
    const middle = (p + q) / 2
    js += (p > 0 ? p * Math.log2(p / middle) : 0) / 2
    js += (q > 0 ? q * Math.log2(q / middle) : 0) / 2
  })
  const bins = ps.filter((p, k) => p > 0 || (qs[k] as number) > 0).length
  return { psi, js: Math.sqrt(Math.max(0, Math.min(1, js))), bins, over }
}

function sharesOf(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => (total > 0 ? count / total : 0))
}

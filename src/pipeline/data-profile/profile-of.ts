/**
 * The document from what was counted in one or two files: two share the bins of their histograms,
 * so that they can be laid over each other. Knows nothing about files or how it is shown.
 */

import { rideColumns } from '../../ride.ts'
import { zoneLabel, zones } from '../../zones.ts'
import type { ColumnCounts } from './column-counts.ts'
import type { CountedMonth } from './count-month.ts'
import { type Bins, binsFor, type Range, summaryOf } from './distribution.ts'
import {
  type ColumnProfile,
  type DataProfile,
  dataProfileFormat,
  type MonthProfile,
  type NumberSummary,
  type TopValue,
  topMost,
} from './document.ts'
import { comparisonOf } from './drift.ts'
import { findingsOf } from './findings.ts'
import type { Distribution, NumberCounts } from './number-counts.ts'
import { plausible } from './plausible.ts'
import { ridesProfile } from './rides-profile.ts'
import { wallClock } from './wall-clock.ts'

/**
 * The profile of one month, or of two with their comparison.
 *
 * @param counted one or two; the second is compared with the first
 */
export function profileOf(counted: readonly CountedMonth[]): DataProfile {
  const distributions = distributionsOf(counted)
  const months = counted.map((month) => monthProfile(month, counted, distributions))
  const [first, second] = counted
  return {
    format: 'ridecast-data-profile',
    version: dataProfileFormat,
    months,
    comparison: first && second ? comparisonOf([first, second], months, distributions) : null,
  }
}

/** Distributions by what counted them; each is made once. */
export type Distributions = ReadonlyMap<NumberCounts, Distribution>

function distributionsOf(counted: readonly CountedMonth[]): Distributions {
  const all = counted.flatMap(({ columns, rides }) => [
    ...columns.flatMap((column) => ('numbers' in column ? [column.numbers] : [])),
    rides.duration,
    rides.speed,
  ])
  return new Map(all.map((one) => [one, one.distribution()]))
}

function monthProfile(
  month: CountedMonth,
  counted: readonly CountedMonth[],
  distributions: Distributions,
): MonthProfile {
  const summary = (
    of: (one: CountedMonth) => NumberCounts | undefined,
    range: Range | undefined,
  ): NumberSummary => {
    const own = of(month) as NumberCounts
    const all = counted.flatMap((one) => distributions.get(of(one) as NumberCounts) ?? [])
    const bins: Bins | undefined = binsFor(all)
    return summaryOf(own, distributions.get(own) as Distribution, bins, range)
  }
  const { label, taxi, file, bytes, sha256, rows } = month
  const columns = month.columns.map((column) =>
    columnProfile(column, month, (range) =>
      summary((one) => {
        const same = one.columns.find(({ key, kind }) => key === column.key && kind === 'number')
        return same && 'numbers' in same ? same.numbers : undefined
      }, range),
    ),
  )
  const profile = {
    label,
    taxi,
    month: month.month ?? null,
    file,
    bytes,
    sha256,
    rows,
    columns,
    rides: ridesProfile(
      month.rides,
      summary((one) => one.rides.duration, plausible.duration),
      summary((one) => one.rides.speed, plausible.speed),
      columns,
    ),
  }
  return { ...profile, findings: findingsOf(profile) }
}

function columnProfile(
  column: ColumnCounts,
  { rows, month }: CountedMonth,
  summary: (range: Range | undefined) => NumberSummary,
): ColumnProfile {
  const { name, key, type, role, nulls, nan } = column
  const known = role !== undefined && role in rideColumns
  const unit = known ? rideColumns[role as keyof typeof rideColumns].unit : null
  const common = { name, key, type, unit, rows, nulls, nan }
  if (column.kind === 'number') {
    const range = known ? plausible[role as keyof typeof plausible] : undefined
    const distinct = column.numbers.distinct()
    return { ...common, kind: 'number', distinct, ...summary(range) }
  }
  if (column.kind === 'id') {
    const { numbers } = column
    const isZone = role === 'PULocationID' || role === 'DOLocationID'
    const label = isZone ? zoneName : undefined
    const { values, counts } = numbers.distribution()
    const entries = Array.from(values, (value, i) => [value, counts[i] as number] as const)
    const range = numbers.count === 0 ? null : { min: numbers.min, max: numbers.max }
    return { ...common, kind: 'id', distinct: numbers.distinct(), top: top(entries, label), range }
  }
  if (column.kind === 'text') {
    const { blank, longest, isExact: top_exact, counts } = column.texts
    const distinct = column.texts.distinct()
    return { ...common, kind: 'text', distinct, top: top([...counts]), blank, longest, top_exact }
  }
  if (column.kind === 'time') {
    const { times } = column
    const isEmpty = times.earliest > times.latest
    return {
      ...common,
      kind: 'time',
      distinct: times.distinct(),
      earliest: isEmpty ? null : wallClock(times.earliest),
      latest: isEmpty ? null : wallClock(times.latest),
      unparsable: times.unparsable,
      ...daysOf(times.days, month),
    }
  }
  return { ...common, kind: column.kind, distinct: { count: 0, relative_error: null } }
}

function zoneName(id: string | number): string | undefined {
  return zones[Number(id) - 1] === undefined ? undefined : zoneLabel(Number(id))
}

/** The commonest values, ties in order of the values. */
function top(
  entries: readonly (readonly [string | number, number])[],
  label?: (value: string | number) => string | undefined,
): TopValue[] {
  return [...entries]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, topMost)
    .map(([value, count]) => {
      const named = label?.(value)
      return named === undefined ? { value, count } : { value, label: named, count }
    })
}

function daysOf(
  days: ReadonlyMap<number, number>,
  month: string | undefined,
): Pick<Extract<ColumnProfile, { kind: 'time' }>, 'outside_month' | 'by_day'> {
  if (month === undefined) return { outside_month: null, by_day: [] }
  const [year, number] = month.split('-').map(Number) as [number, number]
  const first = Date.UTC(year, number - 1, 1) / 86_400_000
  const after = Date.UTC(year, number, 1) / 86_400_000
  const by_day = Array.from({ length: after - first }, (_, i) => days.get(first + i) ?? 0)
  const outside = { before: 0, after: 0 }
  for (const [day, count] of days) {
    if (day < first) outside.before += count
    if (day >= after) outside.after += count
  }
  return { outside_month: outside, by_day }
}

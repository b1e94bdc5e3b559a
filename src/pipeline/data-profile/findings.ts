/**
 * What a person should know first about a month, in sentences with their numbers: computed from the
 * document, so that it can be trusted. Knows nothing about files or how it is shown.
 */

import type { ColumnProfile, Comparison, Finding, MonthProfile, NumberColumn } from './document.ts'
import { countText, listText, shareText, valueText } from './number-text.ts'

type Profile = Omit<MonthProfile, 'findings'>

/** Findings that many are told of a comparison. */
const mostMoved = 4

/** Findings of a month, the gravest kinds first and within a kind those of most rows. */
export function findingsOf(month: Profile): Finding[] {
  if (month.rows === 0) return []
  return [
    ...notKept(month),
    ...missing(month),
    ...unparsable(month),
    ...outsideMonth(month),
    ...backwards(month),
    ...absurd(month),
    ...negative(month),
    ...zeroMiles(month),
    ...zonesApart(month),
    ...constant(month),
  ]
}

const all = (count: number, one: string, many: string): string =>
  `${countText(count)} ${count === 1 ? one : many}`

function finding(
  { rows }: Profile,
  code: Finding['code'],
  columns: readonly string[],
  count: number,
  text: string,
): Finding[] {
  return count === 0 ? [] : [{ code, columns, count, share: count / rows, text }]
}

function notKept(month: Profile): Finding[] {
  const { kept, not_kept } = month.rides
  const { without_time, backwards, under_a_minute, over_an_hour } = not_kept
  const count = month.rows - kept
  const parts = [
    [under_a_minute + backwards, 'shorter'],
    [over_an_hour, 'longer'],
    [without_time, 'without both times'],
  ] as const
  const told = parts.filter(([n]) => n > 0).map(([n, what]) => `${countText(n)} ${what}`)
  const text = `${shareText(count / month.rows)} of rides (${countText(count)}) do not take 1 to 60 minutes: ${listText(told)}`
  return finding(month, 'not_kept', [], count, text)
}

/** Columns that lack values in the same number of rows are told together. */
function missing(month: Profile): Finding[] {
  const groups = new Map<number, string[]>()
  for (const { name, nulls, nan } of month.columns) {
    const count = nulls + nan
    if (count > 0) groups.set(count, [...(groups.get(count) ?? []), name])
  }
  return [...groups]
    .sort(([a], [b]) => b - a)
    .flatMap(([count, names]) => {
      if (count === month.rows) {
        const text = `${listText(names)} ${names.length > 1 ? 'have' : 'has'} no value in any row`
        return finding(month, 'empty', names, count, text)
      }
      const text = `${shareText(count / month.rows)} of rides (${countText(count)}) lack ${listText(names)}`
      return finding(month, 'missing', names, count, text)
    })
}

function unparsable(month: Profile): Finding[] {
  return month.columns.flatMap((column) => {
    if (column.kind !== 'time') return []
    const { name, unparsable } = column
    const text = `${all(unparsable, 'row has', 'rows have')} text in ${name} that is no time`
    return finding(month, 'unparsable', [name], unparsable, text)
  })
}

function outsideMonth(month: Profile): Finding[] {
  const column = month.columns.find(({ key }) => key === 'pickup')
  if (column?.kind !== 'time' || column.outside_month === null) return []
  const { before, after } = column.outside_month
  const far = [
    ...(before > 0 ? [`the earliest ${String(column.earliest).replace('T', ' ')}`] : []),
    ...(after > 0 ? [`the latest ${String(column.latest).replace('T', ' ')}`] : []),
  ]
  const lie = all(before + after, 'pickup lies', 'pickups lie')
  const text = `${lie} outside ${month.month}, ${listText(far)}`
  return finding(month, 'outside_month', [column.name], before + after, text)
}

function backwards(month: Profile): Finding[] {
  const count = month.rides.not_kept.backwards
  const text = `${all(count, 'ride ends before it begins', 'rides end before they begin')}`
  return finding(month, 'backwards', [], count, text)
}

const numbersOf = (month: Profile): NumberColumn[] =>
  month.columns.flatMap((column) => (column.kind === 'number' ? [column] : []))

function absurd(month: Profile): Finding[] {
  const columns = numbersOf(month).flatMap(({ name, key, max, outliers }) => {
    const bound = outliers?.plausible?.high
    if (bound === undefined || max === null || !outliers) return []
    const isDistance = key === 'trip_distance'
    const count = outliers.absurd_high
    const report = all(count, 'ride reports', 'rides report')
    const what = isDistance ? 'miles' : `in ${name}`
    const most = `${isDistance ? 'farthest' : 'greatest'} ${valueText(max)}`
    const text = `${report} more than ${valueText(bound)} ${what}, the ${most}`
    return finding(month, 'absurd', [name], count, text)
  })
  const { duration, speed } = month.rides
  const long = duration.outliers?.absurd_high ?? 0
  const hours = valueText((duration.max ?? 0) / 60)
  const fast = speed?.outliers?.absurd_high ?? 0
  return [
    ...columns,
    ...finding(
      month,
      'absurd',
      [],
      long,
      `${all(long, 'ride takes', 'rides take')} more than 12 hours, the longest ${hours} hours`,
    ),
    ...finding(
      month,
      'absurd',
      [],
      fast,
      `${all(fast, 'ride of 1 to 60 minutes was', 'rides of 1 to 60 minutes were')} faster than 80 miles per hour, by time and distance`,
    ),
  ]
}

function negative(month: Profile): Finding[] {
  const found = numbersOf(month).filter(({ negatives }) => negatives > 0)
  const most = [...found].sort((a, b) => b.negatives - a.negatives)[0]
  if (most === undefined) return []
  const names = found.map(({ name }) => name)
  const have = all(most.negatives, 'row has', 'rows have')
  const others = names.filter((name) => name !== most.name)
  const also = others.length > 0 ? `; so have ${listText(others)}, in as many rows or fewer` : ''
  const text = `${have} a negative ${most.name}, the lowest ${valueText(most.min ?? 0)}${also}`
  return finding(month, 'negative', names, most.negatives, text)
}

function zeroMiles(month: Profile): Finding[] {
  const column = numbersOf(month).find(({ key }) => key === 'trip_distance')
  const count = column?.zeros ?? 0
  const text = `${shareText(count / month.rows)} of rides (${countText(count)}) report a distance of 0`
  return finding(month, 'zero', [column?.name ?? ''], count, text)
}

function zonesApart(month: Profile): Finding[] {
  const { zones, without_zone } = month.rides
  if (zones === null) return []
  const of = (id: number): number => {
    const zone = zones.find((one) => one.id === id)
    return (zone?.pickups ?? 0) + (zone?.dropoffs ?? 0)
  }
  const [unknown, outside] = [of(264), of(265)]
  const none = without_zone.pickup + without_zone.dropoff
  const ends = all(unknown, 'end of a ride is', 'ends of rides are')
  return [
    ...finding(
      month,
      'unknown_zone',
      [],
      unknown + outside,
      `${ends} in an unknown zone (264), ${countText(outside)} outside the city (265)`,
    ),
    ...finding(
      month,
      'unlisted_zone',
      [],
      none,
      `${all(none, 'end of a ride has', 'ends of rides have')} no zone, or a number that is none`,
    ),
  ]
}

function constant(month: Profile): Finding[] {
  const names = month.columns
    .filter(({ distinct, nulls, nan }) => distinct.count === 1 && nulls + nan < month.rows)
    .map(({ name }) => name)
  if (names.length === 0 || month.rows === 1) return []
  const text = `${listText(names)} ${names.length > 1 ? 'have one value each' : 'has one value'} in all rows that have any`
  return finding(month, 'constant', names, month.rows, text)
}

/** What changed most from the first month to the second. */
export function comparisonFindings(
  months: readonly MonthProfile[],
  { drift, only_first, only_second }: Omit<Comparison, 'findings'>,
): string[] {
  const [first, second] = months as [MonthProfile, MonthProfile]
  const said: string[] = []
  const growth = (second.rows - first.rows) / Math.max(1, first.rows)
  const more = growth < 0 ? 'fewer' : 'more'
  said.push(
    `${countText(second.rows)} rides, ${shareText(Math.abs(growth))} ${more} than ${countText(first.rows)}`,
  )
  const [before, after] = [first.rides.duration, second.rides.duration].map(
    ({ quantiles }) => quantiles[3],
  )
  if (before !== undefined && after !== undefined) {
    said.push(`The median ride takes ${after.toFixed(1)} minutes, ${before.toFixed(1)} before`)
  }
  if (only_first.length > 0)
    said.push(`${listText(only_first)} ${only_first.length > 1 ? 'are' : 'is'} gone`)
  if (only_second.length > 0)
    said.push(`${listText(only_second)} ${only_second.length > 1 ? 'are' : 'is'} new`)
  said.push(...missingChanges(first, second))
  const moved = drift.filter(({ psi }) => psi > 0.1).slice(0, mostMoved)
  for (const { key, name, psi } of moved) {
    const how = psi > 0.25 ? 'shifted' : 'moved somewhat'
    said.push(`${name} ${how}, index ${psi.toFixed(2)}${meanChange(first, second, key)}`)
  }
  if (moved.length === 0) said.push('No column moved noticeably: every index is at or below 0.1')
  return said
}

/** Columns that lack values much more often, or much less; those that changed alike in one line. */
function missingChanges(first: MonthProfile, second: MonthProfile): string[] {
  const groups = new Map<string, string[]>()
  for (const column of second.columns) {
    const before = first.columns.find(({ key }) => key === column.key)
    if (before === undefined || first.rows === 0 || second.rows === 0) continue
    const [was, is] = [before, column].map(missingShare) as [number, number]
    if (Math.abs(is - was) < 0.05) continue
    const change = `missing in ${shareText(is)} of rows, ${shareText(was)} before`
    groups.set(change, [...(groups.get(change) ?? []), column.name])
  }
  return [...groups].map(([change, names]) => {
    return `${listText(names)} ${names.length > 1 ? 'are' : 'is'} ${change}`
  })
}

const missingShare = ({ nulls, nan, rows }: ColumnProfile): number => (nulls + nan) / rows

function meanChange(first: MonthProfile, second: MonthProfile, key: string): string {
  const [was, is] = [first, second].map(({ columns, rides }) => {
    if (key === 'duration' || key === 'speed') return rides[key]?.mean
    const column = columns.find((one) => one.key === key)
    return column?.kind === 'number' ? column.mean : undefined
  })
  if (typeof was !== 'number' || typeof is !== 'number') return ''
  return `: its mean went from ${valueText(was, 3)} to ${valueText(is, 3)}`
}

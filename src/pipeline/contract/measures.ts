/**
 * The measures of a file as a whole, from its footer and counts. Knows nothing about what is
 * expected of them.
 */

import type { MeasureName } from '../../contract.ts'
import { isMonth, type Month, nextMonth } from '../../month.ts'
import type { Taxi } from '../../ride.ts'
import { columnNamed } from '../columns.ts'
import type { Footer } from './footer.ts'
import { medianOf } from './ladders.ts'
import { type Binned, enoughRides, keptRides, type Measurement, sum } from './measure.ts'

/** What is known about a file beside its content. */
export interface CheckContext {
  readonly taxi: Taxi
  /** The month that its name states. */
  readonly month: Month | undefined
  /** True when its name says that it holds the whole month, and nothing else. */
  readonly whole: boolean
  /** Rows of the whole months around it, in the same folder. */
  readonly neighbours: readonly { readonly month: Month; readonly rows: number }[]
  /** Rows that repeat another one; undefined when they were not looked for. */
  readonly duplicates?: number | undefined
}

/** Values by measure, and what to say about them. */
export interface Measures {
  /** The month that its name states, else the one that nearly all of its pickups lie in. */
  readonly month: Month | undefined
  /** Rows of the file. */
  readonly rows: number
  /** How many months it was compared with. */
  readonly neighbours: number
  readonly names: { readonly pickup: string | undefined; readonly distance: string | undefined }
  /** A measure that cannot be taken of this file is absent. */
  readonly values: Partial<Readonly<Record<MeasureName, number>>>
  /** Rows, or days, behind a value. */
  readonly counts: Partial<Readonly<Record<MeasureName, number>>>
  readonly examples: Partial<Readonly<Record<MeasureName, readonly string[]>>>
  /** Details for sentences. */
  readonly notes: Partial<Readonly<Record<MeasureName, string>>>
}

/** A day counts as thin below this share of the month's median day. */
const thinShare = 0.05

/** The share of pickups that makes a file one of a month whose name states none. */
const mainShare = 0.9

/** Fewer rides say nothing about zones or hours. */
const manyRides = 5000

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
interface Draft {
  values: Mutable<Measures['values']>
  counts: Mutable<Measures['counts']>
  examples: Mutable<Measures['examples']>
  notes: Mutable<Measures['notes']>
}

/** Takes every measure that can be taken. */
export function measuresOf(
  footer: Footer,
  measurement: Measurement | undefined,
  context: CheckContext,
): Measures {
  const draft: Draft = { values: {}, counts: {}, examples: {}, notes: {} }
  rideCount(draft, footer.rows, context)
  if (context.duplicates !== undefined) {
    portion(draft, 'duplicates', context.duplicates, footer.rows)
  }
  if (measurement) {
    times(draft, measurement)
    days(draft, measurement, context)
    medians(draft, measurement)
    shapes(draft, measurement)
  }
  const name = (key: string): string | undefined =>
    footer.columns.find((column) => columnNamed(column.name, context.taxi) === key)?.name
  return {
    month: context.month ?? mainMonth(measurement),
    rows: footer.rows,
    neighbours: context.neighbours.length,
    names: { pickup: name('pickup'), distance: name('trip_distance') },
    ...draft,
  }
}

function portion(draft: Draft, name: MeasureName, count: number, of: number): void {
  draft.values[name] = of === 0 ? Number.NaN : count / of
  draft.counts[name] = count
}

function rideCount(draft: Draft, rows: number, context: CheckContext): void {
  const { month, whole, neighbours } = context
  if (!whole || month === undefined) return
  const perDay = rows / daysIn(month)
  draft.values.rides_per_day = perDay
  draft.counts.rides_per_day = rows
  if (neighbours.length === 0) return
  const usual = median(neighbours.map((one) => one.rows / daysIn(one.month)))
  draft.values.neighbour_ratio = perDay / usual
  draft.counts.neighbour_ratio = rows
  const texts = neighbours.map((one) => `${one.month}: ${one.rows.toLocaleString('en-US')}`)
  draft.notes.neighbour_ratio = texts.join(', ')
}

function times(draft: Draft, measurement: Measurement): void {
  const { rows, unreadable, rides, minutes } = measurement
  portion(draft, 'unreadable_times', unreadable, rows)
  portion(draft, 'backwards', minutes.counts[0] as number, rides)
  const long = rides - sum(minutes.counts.slice(0, minutes.ladder.indexOf(180) + 1))
  portion(draft, 'over_three_hours', long, rides)
  if (rows >= enoughRides) portion(draft, 'kept', keptRides(measurement), rows)
}

function days(draft: Draft, { days: byDay, rides }: Measurement, context: CheckContext): void {
  const { month, whole } = context
  if (month === undefined || rides === 0) return
  const first = dayOf(month)
  const counts = Array.from({ length: daysIn(month) }, (_, k) => byDay.get(first + k) ?? 0)
  portion(draft, 'outside_month', rides - sum(counts), rides)
  const others = monthsOf(byDay).filter(([name]) => name !== month)
  if (others[0]) draft.notes.outside_month = others[0][0]
  draft.examples.outside_month = others.slice(0, 5).map(([m, n]) => `${m} (${n})`)
  if (!whole) return
  const usual = median(counts)
  const date = (k: number): string => `${month}-${String(k + 1).padStart(2, '0')}`
  const listed = (name: 'empty_days' | 'thin_days', is: (count: number) => boolean): void => {
    const dates = counts.flatMap((count, k) => (is(count) ? [date(k)] : []))
    draft.values[name] = dates.length
    draft.counts[name] = dates.length
    draft.examples[name] = dates.slice(0, 5)
    draft.notes[name] = dates.length > 5 ? `${dates[0]} to ${dates.at(-1)}` : dates.join(', ')
  }
  listed('empty_days', (count) => count === 0)
  // Half of the month may be missing: then the median day is missing too.
  listed('thin_days', (count) => count > 0 && count < thinShare * usual)
}

/** Rides by month of the pickup, the most first. */
function monthsOf(byDay: ReadonlyMap<number, number>): [string, number][] {
  const months = new Map<string, number>()
  for (const [day, count] of byDay) {
    const name = new Date(day * 86_400_000).toISOString().slice(0, 7)
    months.set(name, (months.get(name) ?? 0) + count)
  }
  return [...months].sort((a, b) => b[1] - a[1])
}

function mainMonth(measurement: Measurement | undefined): Month | undefined {
  const [first] = measurement ? monthsOf(measurement.days) : []
  if (!first || !measurement || first[1] < mainShare * measurement.rides) return undefined
  return isMonth(first[0]) ? first[0] : undefined
}

function medians(draft: Draft, { minutes, moving }: Measurement): void {
  const [from, to] = [minutes.ladder.indexOf(1), minutes.ladder.indexOf(60.008)]
  const isKept = (bin: number): boolean => bin > from && bin <= to
  const counts = minutes.counts.map((count, bin) => (isKept(bin) ? count : 0))
  draft.values.median_minutes = middle({ ...minutes, counts })
  if (!moving) return
  draft.values.median_miles = middle(moving.miles)
  draft.values.median_mph = middle(moving.mph)
}

/** The median; NaN of too few rides. */
function middle({ ladder, counts }: Binned): number {
  return sum(counts) < enoughRides ? Number.NaN : medianOf(ladder, counts)
}

function shapes(draft: Draft, { columns, hours }: Measurement): void {
  const from = columns.PULocationID?.counts
  const to = columns.DOLocationID?.counts
  if (from && to && sum(from.values()) >= manyRides && sum(to.values()) >= manyRides) {
    draft.values.zone_concentration = concentration(from) / concentration(to)
  }
  if (!hours || sum(hours) < manyRides) return
  const window = (start: number): number =>
    sum([0, 1, 2, 3].map((k) => hours[(start + k) % 24] as number))
  const starts = Array.from({ length: 24 }, (_, hour) => hour)
  const quietest = starts.reduce((best, hour) => (window(hour) < window(best) ? hour : best))
  draft.values.quietest_hour = (quietest + 2) % 24
}

/** The chance that two rides share their zone. */
function concentration(counts: ReadonlyMap<number, number>): number {
  const total = sum(counts.values())
  return sum([...counts.values()].map((count) => (count / total) ** 2))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[half - 1] as number, sorted[half] as number]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

/** Days since 1970 of a month's first day. */
export function dayOf(month: Month): number {
  return Date.parse(`${month}-01T00:00:00Z`) / 86_400_000
}

/** Days of a month. */
export function daysIn(month: Month): number {
  return dayOf(nextMonth(month)) - dayOf(month)
}

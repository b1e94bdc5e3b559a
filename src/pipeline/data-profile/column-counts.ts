/**
 * Counts one column of any kind as its values come, in bounded memory. Knows what kinds there are;
 * knows nothing about files or how the counts are told.
 */

import { type ColumnName, parseWallClock, rideColumns, type Taxi } from '../../ride.ts'
import { columnNamed } from '../columns.ts'
import type { Cells } from './cells.ts'
import type { Distinct } from './document.ts'
import { HyperLogLog } from './hyper-log-log.ts'
import { NumberCounts } from './number-counts.ts'

/** Different texts and times that are counted one by one, at most. */
export const mostValues = 2 ** 16

/** What every column's counts know. */
export interface ColumnFacts {
  /** As the file spells it. */
  readonly name: string
  /** See `key` in `document.ts`. */
  readonly key: string
  /** Type in the file. */
  readonly type: string
  /** What it holds, where a fleet's table of columns says so. */
  readonly role: ColumnName | 'pickup' | 'dropoff' | undefined
}

/** The counts of a column. */
export type ColumnCounts = ColumnFacts & { nulls: number; nan: number } & (
    | { readonly kind: 'number' | 'id'; readonly numbers: NumberCounts }
    | { readonly kind: 'text'; readonly texts: TextCounts }
    | { readonly kind: 'time'; readonly times: TimeCounts }
    | { readonly kind: 'empty' | 'unread' }
  )

/** Facts of the columns of a file. */
export function factsOf(
  fields: readonly { readonly name: string; readonly type: { toString(): string } }[],
  taxi: Taxi,
): ColumnFacts[] {
  const taken = new Set<string>()
  return fields.map(({ name, type }) => {
    const role = columnNamed(name, taxi)
    const wanted = (role ?? name).toLowerCase()
    // Two spellings of one name in a file: the second goes by its own.
    const key = taken.has(wanted) ? name : wanted
    taken.add(key)
    return { name, key, type: String(type), role }
  })
}

/**
 * Counts for a column.
 *
 * @param kind what its values are; text that is known as times counts as such
 */
export function columnCounts(facts: ColumnFacts, kind: Cells['kind']): ColumnCounts {
  const common = { ...facts, nulls: 0, nan: 0 }
  const { role } = facts
  if (kind === 'time' || (kind === 'text' && isTime(facts))) {
    return { ...common, kind: 'time', times: new TimeCounts() }
  }
  if (kind === 'text') return { ...common, kind: 'text', texts: new TextCounts() }
  if (kind !== 'number') return { ...common, kind }
  const isId = role !== undefined && role in rideColumns && kindOf(role as ColumnName) === 'id'
  return { ...common, kind: isId ? 'id' : 'number', numbers: new NumberCounts() }
}

const kindOf = (name: ColumnName): 'id' | 'number' => rideColumns[name].kind

const isTime = ({ name, role }: ColumnFacts): boolean =>
  role === 'pickup' || role === 'dropoff' || /datetime$/i.test(name)

/** Takes the values of a batch in. */
export function addCells(column: ColumnCounts, cells: Cells): void {
  column.nulls += cells.nulls
  if (column.kind === 'time') {
    if (cells.kind === 'text') column.times.addTexts(cells.values)
    else if (cells.kind === 'time') column.times.add(cells.values)
  } else if (column.kind === 'text') {
    if (cells.kind === 'text') column.texts.add(cells.values)
  } else if ((column.kind === 'number' || column.kind === 'id') && cells.kind === 'number') {
    const { values } = cells
    let missing = 0
    for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) missing++
    column.nan += missing - cells.nulls
    column.numbers.add(values)
  }
}

/** Counts different values: each up to a bound, about beyond it. */
class Different<T extends string | number> {
  readonly counts = new Map<T, number>()
  private rest: HyperLogLog | undefined

  /** True while every value is counted. */
  get isExact(): boolean {
    return this.rest === undefined
  }

  add(value: T): void {
    const count = this.counts.get(value)
    if (count !== undefined) this.counts.set(value, count + 1)
    else if (this.rest === undefined && this.counts.size < mostValues) this.counts.set(value, 1)
    else {
      this.rest ??= new HyperLogLog()
      if (typeof value === 'string') this.rest.addText(value)
      else this.rest.addNumber(value)
    }
  }

  distinct(): Distinct {
    const { size } = this.counts
    if (this.rest === undefined) return { count: size, relative_error: null }
    // What is counted one by one never enters the estimate.
    return { count: size + this.rest.estimate(), relative_error: HyperLogLog.relativeError }
  }
}

/** Counts texts. */
export class TextCounts {
  blank = 0
  longest = 0
  private readonly different = new Different<string>()

  /** Takes some texts in; null is passed over. */
  add(values: readonly (string | null)[]): void {
    for (const text of values) {
      if (text === null) continue
      if (text === '') this.blank++
      if (text.length > this.longest) this.longest = text.length
      this.different.add(text)
    }
  }

  /** How often each came, of those that were counted one by one. */
  get counts(): ReadonlyMap<string, number> {
    return this.different.counts
  }

  /** True when that is all of them. */
  get isExact(): boolean {
    return this.different.isExact
  }

  /** How many different ones came. */
  distinct(): Distinct {
    return this.different.distinct()
  }
}

const dayMicros = 86_400_000_000

/** Days that are counted one by one, at most: some lifetimes. */
const mostDays = 100_000

/** Counts times, microseconds on the wall clock. */
export class TimeCounts {
  earliest = Number.POSITIVE_INFINITY
  latest = Number.NEGATIVE_INFINITY
  unparsable = 0
  /** By hour of the week, Monday from midnight to one first. */
  readonly hours = new Float64Array(168)
  /** By day since 1970-01-01. */
  readonly days = new Map<number, number>()
  private readonly different = new Different<number>()

  /** Takes some times in; NaN is passed over. */
  add(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) {
      const micros = values[i] as number
      if (Number.isNaN(micros)) continue
      if (micros < this.earliest) this.earliest = micros
      if (micros > this.latest) this.latest = micros
      this.different.add(micros)
      const hour = hourOfWeek(micros)
      this.hours[hour] = (this.hours[hour] as number) + 1
      const day = Math.floor(micros / dayMicros)
      const count = this.days.get(day)
      if (count !== undefined || this.days.size < mostDays) this.days.set(day, (count ?? 0) + 1)
    }
  }

  /** Takes times as text in; null is passed over, what is no time is counted. */
  addTexts(values: readonly (string | null)[]): void {
    this.add(
      Float64Array.from(values, (text) => {
        if (text === null) return Number.NaN
        const micros = parseWallClock(text)
        if (Number.isNaN(micros)) this.unparsable++
        return micros
      }),
    )
  }

  /** How many different ones came. */
  distinct(): Distinct {
    return this.different.distinct()
  }
}

/** Hour of the week of a time, 0 for Monday from midnight to one. */
export function hourOfWeek(micros: number): number {
  // 1970-01-01 was a Thursday.
  const hour = (Math.floor(micros / 3_600_000_000) + 72) % 168
  return hour < 0 ? hour + 168 : hour
}

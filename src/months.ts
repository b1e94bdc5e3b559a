/**
 * Several months or fleets in one word, as a person types them: `2023-01..2023-04`, lists, and the
 * last months of today. Knows nothing about files, or about which months are published.
 */

import { RidecastError } from './errors.ts'
import { isMonth, type Month, nextMonth, parseMonth, previousMonth } from './month.ts'
import { type Taxi, taxis } from './ride.ts'

/** True for text that is meant as months: what {@link parseMonths} reads or explains. */
export function areMonths(text: string): boolean {
  return /^\d{4}(-|\/\d{1,2}$)/.test(text) && !/\.parquet$/i.test(text)
}

/**
 * Reads `2021-01`, `2021-01..2021-04` (both ends included) and comma lists of both.
 *
 * @returns each month once, in the order given
 * @throws month_invalid, usage_invalid when a month is named twice
 */
export function parseMonths(text: string, today: Date): Month[] {
  const months = text.split(',').flatMap((part) => {
    const [first = '', last, ...more] = part.trim().split('..')
    const from = parseMonth(first, today)
    if (last === undefined) return [from]
    if (more.length > 0) {
      throw new RidecastError(
        'month_invalid',
        `months ${JSON.stringify(part)} have more than two ends: expected such as 2023-01..2023-04`,
      )
    }
    return monthsBetween(from, parseMonth(last, today))
  })
  const twice = months.find((month, i) => months.indexOf(month) !== i)
  if (twice !== undefined) {
    throw new RidecastError(
      'usage_invalid',
      `month ${twice} is named twice in ${JSON.stringify(text)}: its rides would count twice, name it once`,
    )
  }
  return months
}

/**
 * All months from one to another, both included.
 *
 * @throws month_invalid when the last lies before the first
 */
export function monthsBetween(first: Month, last: Month): Month[] {
  if (last < first) {
    throw new RidecastError(
      'month_invalid',
      `months ${first}..${last} end before they begin: expected such as ${last}..${first}`,
    )
  }
  const months: Month[] = []
  for (let month = first; month <= last; month = nextMonth(month)) months.push(month)
  return months
}

/** `count` months in a row that end with `last`. */
export function monthsUpTo(last: Month, count: number): Month[] {
  let first = last
  for (let k = 1; k < count; k++) first = previousMonth(first)
  return monthsBetween(first, last)
}

/**
 * Reads a fleet or a comma list of fleets.
 *
 * @returns each fleet once, in the order of {@link taxis}
 * @throws usage_invalid for a name that is no fleet
 */
export function parseTaxis(text: string): Taxi[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !(taxis as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new RidecastError(
      'usage_invalid',
      `fleet ${JSON.stringify(unknown)} is not known: expected ${taxis.join(', ')}, or several with commas`,
    )
  }
  return taxis.filter((taxi) => names.includes(taxi))
}

/** Months as a person says them: `2023-01..2023-03, 2023-05`. */
export function monthsText(months: readonly Month[]): string {
  const sorted = [...months].sort()
  const runs: [Month, Month][] = []
  for (const month of sorted) {
    const last = runs.at(-1)
    if (last && nextMonth(last[1]) === month) last[1] = month
    else runs.push([month, month])
  }
  return runs.map(([from, to]) => (from === to ? from : `${from}..${to}`)).join(', ')
}

/** What files are called in front of people: months as ranges, all else by its name. */
export function namesText(names: readonly string[]): string {
  return names.every(isMonth) ? monthsText([...new Set(names)]) : names.join(', ')
}

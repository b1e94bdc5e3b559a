/**
 * A calendar month as `YYYY-MM`: how one is read, and its neighbours.
 * Knows nothing about files, or about which months are published.
 */

import { RidecastError } from './errors.ts'

/** A month such as `2021-01`. {@link parseMonth} and {@link isMonth} make it from any text. */
export type Month = `${number}-${number}`

/** The first month that any fleet has trip files of. */
export const firstMonth: Month = '2009-01'

/** True for `YYYY-MM` with a month of 01 to 12, not before {@link firstMonth}. */
export function isMonth(text: string): text is Month {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text) && text >= firstMonth
}

/**
 * The month of a moment in New York, where the rides are counted: on a machine further east the
 * next month begins some hours earlier.
 */
export function monthOf(moment: Date): Month {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/New_York',
    year: 'numeric',
    month: '2-digit',
  }).formatToParts(moment)
  const part = (type: 'year' | 'month'): string => parts.find((p) => p.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}` as Month
}

/**
 * Reads a month that a person typed.
 *
 * @param text `YYYY-MM`, from 2009-01 to the month of `today`
 * @param today what counts as now
 * @throws month_invalid when it is written otherwise, is no month, or lies outside those bounds
 */
export function parseMonth(text: string, today: Date): Month {
  const last = monthOf(today)
  const accepted = `expected YYYY-MM from ${firstMonth} to ${last}`
  const refuse = (why: string, example = '2021-01'): RidecastError =>
    new RidecastError('month_invalid', `month ${why}: ${accepted}, such as ${example}`)
  const digits = /^(\d{4})\D?(\d{1,2})$/.exec(text)
  if (!/^\d{4}-\d\d$/.test(text)) {
    const meant = digits ? `${digits[1]}-${digits[2]?.padStart(2, '0')}` : ''
    throw refuse(
      `${JSON.stringify(text)} is not written YYYY-MM`,
      isMonth(meant) ? meant : undefined,
    )
  }
  const number = Number(text.slice(5))
  if (number < 1 || number > 12) {
    throw refuse(`${text} does not exist, a year has months 01 to 12`)
  }
  if (!isMonth(text)) throw refuse(`${text} lies before the first trip files`, firstMonth)
  if (text > last) throw refuse(`${text} lies in the future`, last)
  return text
}

/** The month after one; `2021-12` gives `2022-01`. It may lie in the future. */
export function nextMonth(month: Month): Month {
  return shifted(month, 1)
}

/** The month before one; `2021-01` gives `2020-12`. It may lie before {@link firstMonth}. */
export function previousMonth(month: Month): Month {
  return shifted(month, -1)
}

function shifted(month: Month, by: number): Month {
  const count = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 + by
  const year = String(Math.floor(count / 12)).padStart(4, '0')
  return `${year}-${String((count % 12) + 1).padStart(2, '0')}` as Month
}

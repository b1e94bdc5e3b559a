/**
 * Federal holidays of the United States (5 U.S.C. 6103(a)), on their own day: when one falls on a
 * weekend, the day on which offices are closed instead is not counted. Knows nothing about rides.
 */

/** Days in the month that a year's holidays fall on, each as `month * 32 + day`. */
function holidaysOf(year: number): Set<number> {
  const on = (month: number, day: number): number => month * 32 + day
  const weekdayOf = (month: number, day: number): number =>
    new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  /** The n-th of a weekday in a month; Sunday is 0. */
  const nth = (month: number, weekday: number, n: number): number =>
    on(month, 1 + ((weekday - weekdayOf(month, 1) + 7) % 7) + 7 * (n - 1))
  const lastMondayOfMay = 31 - ((weekdayOf(5, 31) + 6) % 7)
  return new Set([
    on(1, 1),
    nth(1, 1, 3),
    nth(2, 1, 3),
    on(5, lastMondayOfMay),
    ...(year >= 2021 ? [on(6, 19)] : []),
    on(7, 4),
    nth(9, 1, 1),
    nth(10, 1, 2),
    on(11, 11),
    nth(11, 4, 4),
    on(12, 25),
  ])
}

const known = new Map<number, Set<number>>()

/**
 * Whether a day is a federal holiday.
 *
 * @param day days since 1970-01-01, whole
 */
export function isHoliday(day: number): boolean {
  const date = new Date(day * 86_400_000)
  const year = date.getUTCFullYear()
  let days = known.get(year)
  if (!days) {
    days = holidaysOf(year)
    known.set(year, days)
  }
  return days.has((date.getUTCMonth() + 1) * 32 + date.getUTCDate())
}

/** Numbers and times as the page writes them. */

/** `17.4`, `−1.2`: with a true minus. */
export const tenths = (minutes: number): string => signed(minutes).replace('+', '')

/** `+3.2`, `−0.4`. */
export function signed(minutes: number): string {
  const text = Math.abs(minutes).toFixed(1)
  return text === '0.0' ? text : `${minutes < 0 ? '−' : '+'}${text}`
}

/** `12,345`. */
export const counted = (count: number): string => count.toLocaleString('en-US')

/** `37 %`, `0.5 %`. */
export function percent(share: number): string {
  const hundredths = share * 100
  return `${hundredths > 0 && hundredths < 10 ? hundredths.toFixed(1).replace(/\.0$/, '') : Math.round(hundredths)} %`
}

/** The time that clocks in New York show, to the minute, such as `2026-11-22T08:15`. */
export function newYorkTime(date: Date): string {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'America/New_York',
    dateStyle: 'short',
    timeStyle: 'short',
  })
    .format(date)
    .replace(' ', 'T')
}

/** Days of the week from Monday, as models count them. */
export const weekdays = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const

/** The day of the week of a wall-clock time, `Sunday`; empty for what is none. */
export function weekdayOf(wallClock: string): string {
  const day = new Date(`${wallClock.slice(0, 10)}T00:00Z`).getUTCDay()
  return Number.isNaN(day) ? '' : (weekdays[(day + 6) % 7] ?? '')
}

/**
 * Times of trip files as text: microseconds on the local wall clock, without a zone. The inverse of
 * `parseWallClock` in `ride.ts`. Knows nothing about files.
 */

/**
 * A time as `2021-02-03T08:15:30`, with a fraction only where it has one.
 *
 * @param micros microseconds since 1970-01-01T00:00 on that clock, finite
 */
export function wallClock(micros: number): string {
  const millis = Math.floor(micros / 1000)
  const date = new Date(millis)
  // Beyond what a Date holds: the number itself is the only honest text.
  if (Number.isNaN(date.getTime())) return `${micros} µs`
  const rest = micros - Math.floor(micros / 1e6) * 1e6
  const whole = date.toISOString().slice(0, -5)
  return rest === 0 ? whole : `${whole}.${String(rest).padStart(6, '0')}`
}

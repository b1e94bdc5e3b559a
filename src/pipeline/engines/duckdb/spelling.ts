/** How DuckDB's SQL spells names, texts and the time of a column. Knows nothing about files. */

import type { SqlColumn } from '../sql/runner.ts'

/** A name as DuckDB writes it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as DuckDB writes it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Microseconds that a double holds and calendars agree on. */
export function isUsual({ type, bounds }: SqlColumn): boolean {
  if (type !== 'TIMESTAMP' || !bounds) return false
  return bounds.min > -(2 ** 52) && bounds.max < 2 ** 52
}

/** Microseconds since 1970 of a column of times, as a DOUBLE: see `Dialect.micros`. */
export function micros(column: SqlColumn): string {
  const name = quoteName(column.name)
  if (column.kind === 'text') return textMicros(name)
  if (isUsual(column)) return `CAST(epoch_us(${name}) AS DOUBLE)`
  // Seconds have no type of their own in Parquet: they are integers that a note explains.
  if (column.type === 'BIGINT') return `CAST(${name} AS DOUBLE) * 1e6`
  // The largest integers are infinities to DuckDB, and times to others.
  const far = `CASE WHEN ${name} < CAST('infinity' AS ${column.type}) THEN -9223372036854775807 ELSE 9223372036854775807 END`
  const count = (unit: string): string =>
    `CASE WHEN isfinite(${name}) THEN ${unit}(${name}) WHEN ${name} IS NOT NULL THEN ${far} END`
  if (column.type === 'TIMESTAMP_NS') {
    const nanos = `(${count('epoch_ns')})`
    const below = `CASE WHEN ${nanos} % 1000 < 0 THEN 1 ELSE 0 END`
    return `CAST(${nanos} // 1000 - ${below} AS DOUBLE)`
  }
  return `CAST(${count('epoch_us')} AS DOUBLE)`
}

/** What `parseWallClock` takes for a time, its white space included. */
const space =
  '[\\s\\x0B\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}]*'
const wallClock =
  '((?:0[1-9]|[1-9]\\d)\\d\\d-\\d\\d-\\d\\d[T ](?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,6})?)?)'

function textMicros(name: string): string {
  const text = `regexp_extract(${name}, '^${space}${wallClock}${space}$', 1)`
  const known = `CAST(epoch_us(TRY_CAST(${text} AS TIMESTAMP)) AS DOUBLE)`
  return `CASE WHEN ${name} IS NOT NULL THEN coalesce(${known}, CAST('infinity' AS DOUBLE)) END`
}

/** DuckDB's spelling of what engines spell differently. */

import type { Dialect, SqlColumn } from '../sql/runner.ts'

/** DuckDB's SQL, see {@link Dialect}. */
export const duckdbDialect: Dialect = {
  quote: quoteName,
  micros,
  duration(from, to) {
    if (!isUsual(from) || !isUsual(to)) return undefined
    return `CAST(epoch_us(${quoteName(to.name)}) - epoch_us(${quoteName(from.name)}) AS DOUBLE)`
  },
  hourOfWeek(column) {
    if (!isUsual(column)) return undefined
    const name = quoteName(column.name)
    // Parts of a date are known to be small, which makes grouping by them fast.
    return `((isodow(${name}) - 1) * 24 + hour(${name}))`
  },
  number(value) {
    if (!Number.isFinite(value)) return `CAST('${value < 0 ? '-' : ''}infinity' AS DOUBLE)`
    return value < 0 ? `(${value.toExponential()})` : value.toExponential()
  },
  key: (expression, max) => `TRY_CAST(${expression} AS ${integerType(max)})`,
  exactSum(factors, bound) {
    // A sum of BIGINTs is a HUGEINT.
    const type = bound ** factors.length < 2 ** 63 ? 'BIGINT' : 'HUGEINT'
    return `sum(${factors.map((factor) => `CAST(${factor} AS ${type})`).join(' * ')})`
  },
  // The least and greatest value of a column are known, NaN set aside: a comparison that they fulfil
  // is taken for true of all rows.
  isNumber: (expression) => `NOT isnan(${expression})`,
  isFinite: (expression) => `isfinite(${expression})`,
  log1p: (expression) => `ln(1 + ${expression})`,
  rowNumber: () => 'file_row_number',
}

/** A name as DuckDB writes it. */
function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as DuckDB writes it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function integerType(max: number): string {
  if (max < 2 ** 8) return 'UTINYINT'
  if (max < 2 ** 16) return 'USMALLINT'
  return max < 2 ** 32 ? 'UINTEGER' : 'UBIGINT'
}

/** Microseconds that a double holds and calendars agree on. */
function isUsual({ type, bounds }: SqlColumn): boolean {
  if (type !== 'TIMESTAMP' || !bounds) return false
  return bounds.min > -(2 ** 52) && bounds.max < 2 ** 52
}

function micros(column: SqlColumn): string {
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
  const none = duckdbDialect.number(Number.POSITIVE_INFINITY)
  return `CASE WHEN ${name} IS NOT NULL THEN coalesce(${known}, ${none}) END`
}

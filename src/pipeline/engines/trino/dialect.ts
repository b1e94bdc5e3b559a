/** Trino's spelling of what engines spell differently, and of the types of columns. */

import { RidecastError } from '../../../errors.ts'
import type { Dialect, SqlColumn } from '../sql/runner.ts'

/** Largest integers: of a BIGINT, and of the digits of a DECIMAL. */
const maxBigint = 2 ** 63
const maxDigits = 38

/** Rows of a table, at most: so that a sum of so many stays in its type. */
const maxRows = 2 ** 36

/** Trino's SQL, see {@link Dialect}. */
export const trinoDialect: Dialect = {
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  micros,
  number(value) {
    if (value === Number.POSITIVE_INFINITY) return 'infinity()'
    if (value === Number.NEGATIVE_INFINITY) return '-infinity()'
    return `DOUBLE '${value}'`
  },
  key: (expression) => `CAST(${expression} AS BIGINT)`,
  exactSum,
  log1p: (expression) => `ln(1 + ${expression})`,
  rowNumber() {
    throw new RidecastError(
      'engine_unsupported',
      'trino keeps no order of rows, which a part by rows needs: split by months, or take --engine arrow or duckdb',
    )
  },
}

/** A string literal. */
export const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * Days are split off first: of the rest, seconds as a DOUBLE hold microseconds exactly, of all the
 * time since 1970 they would not.
 */
function micros({ name, type }: SqlColumn): string {
  if (!type.startsWith('timestamp')) {
    throw new RidecastError(
      'engine_unsupported',
      `column ${name} is ${type}, which the engine trino does not read as a time: expected timestamp(6), declare it so`,
    )
  }
  const column = trinoDialect.quote(name)
  const days = `date_diff('day', TIMESTAMP '1970-01-01 00:00:00', ${column})`
  const rest = `to_unixtime(with_timezone(date_add('day', -${days}, ${column}), 'UTC'))`
  // Of digits beyond the sixth nothing may be rounded up; up to it, nothing down.
  const digits = Number(/\d+/.exec(type)?.[0] ?? 3)
  const whole = digits > 6 ? `floor(${rest} * 1e6 + 1e-4)` : `round(${rest} * 1e6)`
  return `(CAST(${days} AS DOUBLE) * 864e8 + ${whole})`
}

/** The narrowest type that cannot overflow: a BIGINT, or a DECIMAL of 38 digits. */
function exactSum(factors: readonly string[], bound: number): string {
  const product = bound ** factors.length
  if (product * maxRows < maxBigint) {
    const integers = factors.map((factor) => `CAST(${factor} AS BIGINT)`)
    return `CAST(sum(${integers.join(' * ')}) AS VARCHAR)`
  }
  const digits = Math.min(maxDigits, Math.max(1, Math.ceil(Math.log10(bound + 1))))
  const decimals = factors.map((factor) => {
    // The way from a DOUBLE to a DECIMAL is a slow one; by BIGINT it is not.
    const integer = bound < maxBigint ? `CAST(${factor} AS BIGINT)` : factor
    return `CAST(${integer} AS DECIMAL(${digits}, 0))`
  })
  return `CAST(sum(${decimals.join(' * ')}) AS VARCHAR)`
}

/** What a column can be read as, from Trino's name of its type. */
export function kindOf(type: string): SqlColumn['kind'] {
  if (/^(tinyint|smallint|integer|bigint)$/.test(type)) return 'integer'
  if (/^(real|double|decimal\(.+\))$/.test(type)) return 'double'
  if (/^timestamp(\(\d+\))?$/.test(type)) return 'timestamp'
  if (/^(varchar|char)(\(\d+\))?$/.test(type)) return 'text'
  return type === 'unknown' ? 'null' : 'other'
}

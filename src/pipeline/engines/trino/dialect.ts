/** Trino's spelling of what engines spell differently, and of the types of columns. */

import { RidecastError } from '../../../errors.ts'
import type { Dialect, SqlColumn } from '../sql/runner.ts'

/** A BIGINT is less. */
const maxBigint = 2 ** 63

/** Integers up to this are exact as DOUBLE. */
const maxExact = 2 ** 53

/** Where larger ones, of less than 2^90, are split. */
const splitAt = 2 ** 45

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
  hourOfWeek({ name, type }) {
    if (!type.startsWith('timestamp')) return undefined
    const column = trinoDialect.quote(name)
    return `((day_of_week(${column}) - 1) * 24 + hour(${column}))`
  },
  // Of rows that are left out it may be asked as well, and must not fail.
  key: (expression) => `TRY_CAST(${expression} AS BIGINT)`,
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
 * Seconds since 1970 as a DOUBLE lie within a quarter of a microsecond of the truth from 1902 to
 * 2038, and whole seconds, as in official files, are exact for ever: what is rounded is certain.
 */
function micros({ name, type }: SqlColumn): string {
  const digits = Number(/\d+/.exec(type)?.[0] ?? 3)
  if (!type.startsWith('timestamp') || digits > 6) {
    throw new RidecastError(
      'engine_unsupported',
      `column ${name} is ${type}, which the engine trino does not read as a time: expected timestamp(6), declare it so`,
    )
  }
  return `round(to_unixtime(with_timezone(${trinoDialect.quote(name)}, 'UTC')) * 1e6)`
}

/**
 * By the narrowest type that cannot overflow: BIGINT, or DECIMAL of 38 digits. A DOUBLE becomes a
 * DECIMAL by its shortest decimal text, which is another number beyond 2^53: such a one is split.
 */
function exactSum(factors: readonly string[], bound: number): string {
  if (bound > maxExact) {
    const [factor = 'NULL'] = factors
    const high = `floor(${factor} / ${splitAt}e0)`
    const low = `${factor} - ${high} * ${splitAt}e0`
    return text(
      `${decimalSum([high], splitAt)} * DECIMAL '${splitAt}' + ${decimalSum([low], splitAt)}`,
    )
  }
  if (bound ** factors.length * maxRows >= maxBigint) return text(decimalSum(factors, bound))
  return text(`sum(${factors.map((factor) => `CAST(${factor} AS BIGINT)`).join(' * ')})`)
}

const text = (expression: string): string => `CAST(${expression} AS VARCHAR)`

/** The way from a DOUBLE to a DECIMAL is a slow one; by BIGINT it is not. */
function decimalSum(factors: readonly string[], bound: number): string {
  const digits = String(Math.ceil(bound)).length
  const decimals = factors.map((factor) => {
    return `CAST(CAST(${factor} AS BIGINT) AS DECIMAL(${digits}, 0))`
  })
  return `sum(${decimals.join(' * ')})`
}

/** What a column can be read as, from Trino's name of its type. */
export function kindOf(type: string): SqlColumn['kind'] {
  if (/^(tinyint|smallint|integer|bigint)$/.test(type)) return 'integer'
  if (/^(real|double|decimal\(.+\))$/.test(type)) return 'double'
  if (/^timestamp(\(\d+\))?$/.test(type)) return 'timestamp'
  if (/^(varchar|char)(\(\d+\))?$/.test(type)) return 'text'
  return type === 'unknown' ? 'null' : 'other'
}

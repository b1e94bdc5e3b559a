/**
 * What a SQL engine brings with it so that rides can be summed in it: a way to run a query, the
 * few expressions that engines spell differently, and one file as a relation. Knows nothing about
 * plans or sums.
 */

/** A column of a relation. */
export interface SqlColumn {
  /** As the relation spells it. */
  readonly name: string
  /**
   * What its values can be read as: `integer` and `double` are numbers, `timestamp` is wall-clock
   * time without a zone, `text` may be a time, `null` holds nothing, `other` cannot be read.
   */
  readonly kind: 'integer' | 'double' | 'timestamp' | 'text' | 'null' | 'other'
  /** The engine's own name of its type, for errors and for {@link Dialect.micros}. */
  readonly type: string
  /**
   * No value lies outside, where the engine knows without reading: numbers, or microseconds since
   * 1970 for timestamps. NaN says nothing. Only speed depends on it: what is known to be small is
   * summed in fewer bits.
   */
  readonly bounds?: { readonly min: number; readonly max: number }
}

/** One file, as something to select from. */
export interface SqlRelation {
  /** What follows FROM: a table function, a table, or a query in brackets. */
  readonly from: string
  readonly columns: readonly SqlColumn[]
  /** How errors call it. */
  readonly path: string
  /** An upper bound of its rows, where it is known without reading. */
  readonly rows?: number
}

/** A value of a result: integers beyond 2^53 come as a bigint or as decimal text. */
export type SqlValue = number | bigint | string | null

/** Some rows of a result, column by column, all of one length. */
export interface SqlRows {
  readonly length: number
  readonly columns: readonly ArrayLike<SqlValue>[]
}

/** Expressions that engines spell differently. Names in them are quoted already. */
export interface Dialect {
  /** A name as SQL writes it. */
  quote(name: string): string
  /**
   * Microseconds since 1970-01-01T00:00 of a column of kind `timestamp` or `text`, as a DOUBLE:
   * NULL where it is missing, infinity where it is text that `parseWallClock` does not take. Finer
   * digits are cut off downwards, before 1970 too.
   *
   * @throws engine_unsupported for what the engine cannot read so, such as text
   */
  micros(column: SqlColumn): string
  /**
   * Microseconds from one timestamp column to another, as a DOUBLE equal to the difference of
   * their {@link micros}, where there is a faster way than that; else undefined.
   */
  duration?(from: SqlColumn, to: SqlColumn): string | undefined
  /**
   * The hour of the week of a timestamp column as a small integer, 0 is Monday from midnight to
   * one, where there is a faster way than from {@link micros}; else undefined.
   */
  hourOfWeek?(column: SqlColumn): string | undefined
  /** A double literal; the value is finite or an infinity. */
  number(value: number): string
  /**
   * A DOUBLE that is an integer from 0 to `max` as the type that groups fastest. Rows that a CASE
   * around it leaves out may hold anything, NaN too: that must not fail.
   */
  key(expression: string, max: number): string
  /**
   * The sum of a product of DOUBLEs that are integers below 2^53 (or of a single one below 2^90),
   * exact up to 38 digits, in a form that {@link SqlRows} holds without loss.
   *
   * @param bound no factor is larger, by absolute value
   */
  exactSum(factors: readonly string[], bound: number): string
  /**
   * True of a number that is not NaN, not true of NaN or NULL, where comparing it with infinity
   * does not say so.
   */
  isNumber?(expression: string): string
  /** True of a finite number, not true of others or NULL, where comparing does not say so. */
  isFinite?(expression: string): string
  /** ln(1 + x) of a DOUBLE above -1; may differ from Math.log1p in the last bits. */
  log1p(expression: string): string
  /**
   * The position of a row in its file, from 0, as an integer.
   *
   * @throws engine_unsupported where rows have no order
   */
  rowNumber(): string
}

/** A connection to a SQL engine. */
export interface SqlRunner {
  readonly dialect: Dialect
  /**
   * Runs a query and streams its rows. Several may run side by side.
   *
   * @param signal stops the query; its reason is thrown
   * @throws engine_* codes, source_truncated
   */
  query(sql: string, signal?: AbortSignal): AsyncIterable<SqlRows>
}

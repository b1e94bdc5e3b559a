/**
 * The columns of one file and everything computed from them, as layers of nested selects: each
 * expression is written once, under a name, and may use the names of the layers below. Knows
 * nothing about plans.
 */

import type { ColumnName } from '../../../ride.ts'
import type { FileColumns } from '../../columns.ts'
import type { Dialect, SqlColumn, SqlRelation } from './runner.ts'

/** A named expression, or a literal, that queries of a sheet can use. */
export interface Value {
  /** What to write for it. */
  readonly sql: string
  /** The layer that defines it; usable in any layer above. */
  readonly layer: number
}

/** A column of the file as numbers; NULL or NaN where a ride is missing it. */
export interface NumberColumn extends Value {
  /** True when no value is NaN or infinite, or has a fraction. */
  readonly isInteger: boolean
  /** No value but NaN lies outside. */
  readonly range: Range
}

/** From the least to the greatest value, infinities where nothing is known. */
export type Range = readonly [min: number, max: number]

/** What a name stands for. */
interface Expression {
  readonly sql: string
  readonly layer: number
}

/** Expressions over one file. */
export class Sheet {
  readonly dialect: Dialect
  /** An upper bound of the rows of the file. */
  readonly rows: number
  private readonly relation: SqlRelation
  private readonly names: FileColumns
  private readonly defined = new Map<string, Value>()
  private readonly expressions = new Map<string, Expression>()

  /** @param names what the columns of the relation hold */
  constructor(dialect: Dialect, relation: SqlRelation, names: FileColumns) {
    this.dialect = dialect
    this.relation = relation
    this.names = names
    this.rows = relation.rows ?? 2 ** 36
  }

  /** Gives an expression a name; the same expression has one name however often it is defined. */
  define(sql: string, ...uses: readonly Value[]): Value {
    const known = this.defined.get(sql)
    if (known) return known
    const layer = 1 + Math.max(-1, ...uses.map((value) => value.layer))
    const value = { sql: `e${this.defined.size}`, layer }
    this.defined.set(sql, value)
    this.expressions.set(value.sql, { sql, layer })
    return value
  }

  /** A number as a literal. */
  literal(value: number): string {
    return this.dialect.number(value)
  }

  /** The condition for a value not to be NaN: not true of NULL either. */
  isNumber({ sql }: Value): string {
    // NaN is the largest of all to some engines and not comparable to others: both refuse it so.
    return this.dialect.isNumber?.(sql) ?? `${sql} <= ${this.literal(Infinity)}`
  }

  /** The condition for a value to be finite: not true of NULL either. */
  isFinite({ sql }: Value): string {
    const compared = `${sql} > ${this.literal(-Infinity)} AND ${sql} < ${this.literal(Infinity)}`
    return this.dialect.isFinite?.(sql) ?? compared
  }

  /** What follows FROM for expressions that use names defined here. */
  from(...expressions: readonly string[]): string {
    const used = this.usedBy(expressions)
    const top = Math.max(0, ...used.map(([, { layer }]) => layer))
    let inner = ''
    for (let k = 0; k <= top; k++) {
      const own = used.flatMap(([name, { sql, layer }]) =>
        layer === k ? [`${sql} AS ${name}`] : [],
      )
      const below = used.flatMap(([name, { layer }]) => (layer < k ? [name] : []))
      // A query may need no column at all.
      const selected = [...below, ...own].join(', ') || '1 AS one'
      const from = k === 0 ? this.relation.from : inner
      inner = `(SELECT ${selected} FROM ${from}) AS s${k}`
    }
    return inner
  }

  /** Everything that expressions use, by name. */
  private usedBy(expressions: readonly string[]): [string, Expression][] {
    const used = new Map<string, Expression>()
    const visit = (text: string): void => {
      for (const [name] of text.matchAll(/\be\d+\b/g)) {
        const expression = this.expressions.get(name)
        if (!expression || used.has(name)) continue
        used.set(name, expression)
        if (expression.layer > 0) visit(expression.sql)
      }
    }
    for (const text of expressions) visit(text)
    return [...used]
  }

  /** A column as the file has it, NULL where it does not. */
  column(name: ColumnName): NumberColumn {
    const column = this.find(this.names[name])
    if (column === undefined || column.kind === 'null') {
      const missing = this.define('CAST(NULL AS DOUBLE)')
      return { ...missing, isInteger: true, range: [0, 0] }
    }
    const { min, max } = column.bounds ?? { min: -Infinity, max: Infinity }
    const value = this.define(this.dialect.quote(column.name))
    return { ...value, isInteger: column.kind === 'integer', range: [min, max] }
  }

  /** A column as DOUBLE. */
  double(name: ColumnName): Value {
    const column = this.find(this.names[name])
    const value = this.column(name)
    const isDouble = column?.kind === 'double' && /^double$/i.test(column.type)
    if (column === undefined || column.kind === 'null' || isDouble) return value
    return this.define(`CAST(${value.sql} AS DOUBLE)`, value)
  }

  /** A time in microseconds, DOUBLE; NULL where missing, infinity where it is text that is none. */
  time(which: 'pickup' | 'dropoff'): Value {
    const column = this.timeColumn(which)
    return this.define(column ? this.dialect.micros(column) : 'CAST(NULL AS DOUBLE)')
  }

  /** Whether a time may be infinite: text that is no time. */
  mayBeNoTime(): boolean {
    return [this.timeColumn('pickup'), this.timeColumn('dropoff')].some((c) => c?.kind === 'text')
  }

  /** From pickup to drop-off in microseconds, DOUBLE. */
  micros(): Value {
    const [from, to] = [this.timeColumn('pickup'), this.timeColumn('dropoff')]
    const quick = from && to && this.dialect.duration?.(from, to)
    if (quick) return this.define(quick)
    const [pickup, dropoff] = [this.time('pickup'), this.time('dropoff')]
    return this.define(`${dropoff.sql} - ${pickup.sql}`, pickup, dropoff)
  }

  /** What the duration lies within, microseconds. */
  microsRange(): Range {
    const [from, to] = [this.timeRange('pickup'), this.timeRange('dropoff')]
    return [to[0] - from[1], to[1] - from[0]]
  }

  /** What a time lies within, microseconds. */
  timeRange(which: 'pickup' | 'dropoff'): Range {
    const { min, max } = this.timeColumn(which)?.bounds ?? { min: -Infinity, max: Infinity }
    return [min, max]
  }

  /** Hour of the week of the pickup, an integer as such or as a DOUBLE. */
  hourOfWeek(): Value & { readonly isInteger: boolean } {
    const column = this.timeColumn('pickup')
    const quick = column && this.dialect.hourOfWeek?.(column)
    if (quick) return { ...this.define(quick), isInteger: true }
    const pickup = this.time('pickup')
    // 1970-01-01 was a Thursday; weeks here begin on Monday.
    const hours = this.define(
      `floor(${pickup.sql} / ${this.literal(3.6e9)}) + ${this.literal(72)}`,
      pickup,
    )
    const weeks = this.define(`floor(${hours.sql} / ${this.literal(168)})`, hours)
    const hour = this.define(`${hours.sql} - ${weeks.sql} * ${this.literal(168)}`, hours, weeks)
    return { ...hour, isInteger: false }
  }

  /** The position of the ride in the file, from 0. */
  rowNumber(): Value {
    return this.define(this.dialect.rowNumber())
  }

  private find(name: string | undefined): SqlColumn | undefined {
    return this.relation.columns.find((column) => column.name === name)
  }

  /** Undefined for a column that holds nothing. */
  private timeColumn(which: 'pickup' | 'dropoff'): SqlColumn | undefined {
    const column = this.find(this.names[which])
    return column?.kind === 'null' ? undefined : column
  }
}

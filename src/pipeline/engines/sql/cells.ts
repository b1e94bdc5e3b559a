/**
 * Asks for the cells of a grouping and reads them: codes, counts and sums as columns. One grouping
 * of a selection also counts the rides that are not summed, by reason.
 */

import { type Accumulator, accumulatorOf } from './accumulator.ts'
import type { GroupAtom, Grouping } from './groupings.ts'
import type { Summand } from './quantity.ts'
import type { SqlRows, SqlRunner, SqlValue } from './runner.ts'
import { all, type Reason, reasons, type Selection } from './selection.ts'
import type { Value } from './sheet.ts'

/** How the summands of a selection are summed. */
export interface Summing {
  readonly summands: ReadonlyMap<string, Summand>
  /** True where a ride that is kept and inside the slice can be summed so; undefined: all can. */
  readonly fits: readonly Value[]
  /** See {@link accumulatorOf}. */
  readonly hope: boolean
}

/** A column of results: `hi`, or the unevaluated sum of `hi` and `lo`. */
export interface Column {
  readonly hi: Float64Array
  readonly lo: Float64Array | undefined
}

/** The cells of one set of atoms. */
export interface Cells {
  readonly atoms: readonly GroupAtom[]
  readonly size: number
  /** Codes by atom, -1 where it is missing. */
  readonly codes: readonly Float64Array[]
  readonly counts: Float64Array
  /** Sums by name. */
  readonly sums: ReadonlyMap<string, Column>
}

/** What one query has brought. */
export interface Grouped {
  /** By set of the grouping. */
  readonly cells: readonly Cells[]
  /** Names of sums that are exact only if `isExact` says so. */
  readonly hopeful: readonly string[]
  /** Rides that are not summed; undefined where another query counts them. */
  readonly others: Readonly<Record<Reason, number>> | undefined
}

/** The code of an atom that a ride lacks, below those of all reasons. */
const lacking = -100

/** The aggregates of a grouping, by name. */
type Named = readonly (readonly [string, Accumulator])[]

function accumulators(
  { sheet }: Selection,
  { sums }: Grouping,
  { summands, hope }: Summing,
  guard: (sql: string) => string,
): Named {
  return [...sums].map(([name, factors]) => {
    const own = factors.map(({ key }) => summands.get(key) as Summand)
    return [name, accumulatorOf(sheet.dialect, own, sheet.rows, hope, guard)] as const
  })
}

/** The grouping to count the rides that are not summed: where they get least in the way of sums. */
export function counter(
  selection: Selection,
  groupings: readonly Grouping[],
  summing: Summing,
): Grouping | undefined {
  const guarded = groupings.map((grouping): [Grouping, number] => {
    let guards = 0
    accumulators(selection, grouping, summing, (sql) => {
      guards++
      return sql
    })
    return [grouping, guards]
  })
  return guarded.reduceRight((best, one) => (one[1] < best[1] ? one : best))[0]
}

/**
 * Runs one grouping.
 *
 * @param countsOthers whether it is the one that counts the rides that are not summed
 */
export async function runGrouping(
  runner: SqlRunner,
  selection: Selection,
  grouping: Grouping,
  summing: Summing,
  countsOthers: boolean,
  signal: AbortSignal | undefined,
): Promise<Grouped> {
  const { sheet } = selection
  const slice = selection.inSlice ? [selection.inSlice] : []
  const ok = all(sheet, [selection.kept, ...slice, ...summing.fits])
  const keys = keysOf(selection, grouping, countsOthers ? ok : undefined)
  const guard = (sql: string): string =>
    countsOthers ? `CASE WHEN ${ok.sql} THEN ${sql} ELSE ${sheet.literal(0)} END` : sql
  const named = accumulators(selection, grouping, summing, guard)
  const names = keys.map(({ sql }) => sql)
  const isPlain = grouping.sets.length === 1
  const sets = grouping.sets.map((set) => `(${set.map((k) => names[k]).join(', ')})`)
  const by = isPlain ? names.join(', ') : `GROUPING SETS (${sets.join(', ')})`
  const selected = [
    isPlain ? sheet.literal(0) : `CAST(grouping(${names.join(', ')}) AS DOUBLE)`,
    ...names.map((name) => `CAST(${isPlain ? name : `coalesce(${name}, 0)`} AS DOUBLE)`),
    'CAST(count(*) AS DOUBLE)',
    ...named.map(([, { sql }]) => sql),
  ]
  const where = countsOthers ? '' : ` WHERE ${ok.sql}`
  const groups = names.length > 0 ? ` GROUP BY ${by}` : ''
  const from = sheet.from(...selected, where, groups)
  const sql = `SELECT ${selected.join(', ')} FROM ${from}${where}${groups}`
  const columns = await readColumns(runner, sql, selected.length, signal)
  return groupedFrom(columns, grouping, named, names.length, countsOthers)
}

/**
 * The codes to group by. Without an atom there is none, unless reasons are counted.
 *
 * @param ok where a ride is summed; the others have the number of their reason instead
 */
function keysOf(selection: Selection, { atoms }: Grouping, ok: Value | undefined): Value[] {
  const { sheet } = selection
  const reason = ok && sheet.define(`CASE WHEN ${ok.sql} THEN 0 ELSE ${refused(selection)} END`, ok)
  if (reason && atoms.length === 0) return [reason]
  return atoms.map(({ code, mayLack }) => {
    const { value, isInteger, exists, range } = code
    const key = isInteger ? value.sql : sheet.dialect.key(value.sql, range[1])
    const known = mayLack ? `CASE WHEN ${exists?.sql} THEN ${key} ELSE ${lacking} END` : key
    const uses = [value, ...(exists ? [exists] : [])]
    if (!ok || !reason) return sheet.define(known, ...uses)
    return sheet.define(
      `CASE WHEN ${ok.sql} THEN ${known} ELSE ${reason.sql} END`,
      ok,
      reason,
      ...uses,
    )
  })
}

/** The negative number of the reason why a ride is not summed. */
function refused({ refusals }: Selection): string {
  const cases = refusals.map(([condition, reason]) => `WHEN ${condition} THEN -${reason}`)
  const unfit = -(reasons.indexOf('unfit') + 1)
  return cases.length > 0 ? `CASE ${cases.join(' ')} ELSE ${unfit} END` : String(unfit)
}

function groupedFrom(
  columns: readonly Column[],
  grouping: Grouping,
  named: Named,
  keys: number,
  countsOthers: boolean,
): Grouped {
  const [which, counts] = [columns[0], columns[keys + 1]] as [Column, Column]
  const others = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>
  const isPlain = grouping.sets.length === 1
  const cells = grouping.sets.map((set, s): Cells => {
    // The bits of the keys that are not in the set, the first key's the highest.
    const mask = grouping.atoms.reduce((bits, _, k) => bits * 2 + (set.includes(k) ? 0 : 1), 0)
    const mine = isPlain ? undefined : which.hi
    const first = countsOthers ? columns[1 + (set[0] ?? 0)]?.hi : undefined
    let rows: Int32Array | undefined
    if (mine || first) {
      rows = new Int32Array(counts.hi.length)
      let size = 0
      for (let i = 0; i < rows.length; i++) {
        if (mine && mine[i] !== mask) continue
        const code = first?.[i] ?? 0
        const reason = code < 0 ? reasons[-code - 1] : undefined
        if (reason === undefined) rows[size++] = i
        else if (s === 0) others[reason] += counts.hi[i] as number
      }
      rows = rows.subarray(0, size)
    }
    const of = (values: Float64Array): Float64Array => {
      if (!rows) return values
      const own = new Float64Array(rows.length)
      for (let i = 0; i < own.length; i++) own[i] = values[rows[i] as number] as number
      return own
    }
    return {
      atoms: set.map((k) => grouping.atoms[k] as GroupAtom),
      size: rows ? rows.length : counts.hi.length,
      codes: set.map((k) => {
        const codes = of(columns[1 + k]?.hi as Float64Array)
        return grouping.atoms[k]?.mayLack ? codes.map((code) => (code < 0 ? -1 : code)) : codes
      }),
      counts: of(counts.hi),
      sums: new Map(
        named.map(([name, { exponent }], k) => {
          const { hi, lo } = columns[keys + 2 + k] as Column
          const scaled = (values: Float64Array): Float64Array =>
            exponent === 0 ? of(values) : of(values).map((value) => value * 2 ** -exponent)
          return [name, { hi: scaled(hi), lo: lo && scaled(lo) }]
        }),
      ),
    }
  })
  const hopeful = named.filter(([, { isHopeful }]) => isHopeful).map(([name]) => name)
  return { cells, hopeful, others: countsOthers ? others : undefined }
}

/** All rows of a query, by column. */
async function readColumns(
  runner: SqlRunner,
  sql: string,
  width: number,
  signal: AbortSignal | undefined,
): Promise<Column[]> {
  const all: SqlRows[] = []
  let size = 0
  for await (const rows of runner.query(sql, signal)) {
    all.push(rows)
    size += rows.length
  }
  return Array.from({ length: width }, (_, k) => {
    const hi = new Float64Array(size)
    let lo: Float64Array | undefined
    let at = 0
    for (const { length, columns } of all) {
      const values = columns[k] as ArrayLike<SqlValue>
      if (values instanceof Float64Array) hi.set(values.subarray(0, length), at)
      else lo = readInto(hi, lo, at, values, length)
      at += length
    }
    return { hi, lo }
  })
}

function readInto(
  hi: Float64Array,
  known: Float64Array | undefined,
  at: number,
  values: ArrayLike<SqlValue>,
  length: number,
): Float64Array | undefined {
  let lo = known
  for (let i = 0; i < length; i++) {
    const value = values[i] as SqlValue
    if (typeof value === 'number') {
      hi[at + i] = value
      continue
    }
    const whole = BigInt(value ?? 0)
    const nearest = Number(whole)
    hi[at + i] = nearest
    if (whole === BigInt(nearest)) continue
    lo ??= new Float64Array(hi.length)
    lo[at + i] = Number(whole - BigInt(nearest))
  }
  return lo
}

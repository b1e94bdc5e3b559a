/**
 * Asks for the cells of a grouping and reads them: codes, counts and sums as columns. One grouping
 * of a selection also counts the rides that are not summed, by reason.
 */

import type { Sums } from '../../double-double.ts'
import { type Accumulator, accumulatorOf } from './accumulator.ts'
import type { GroupAtom, Grouping } from './groupings.ts'
import type { Summand } from './quantity.ts'
import type { SqlRunner, SqlValue } from './runner.ts'
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

/** The cells of a grouping. */
export interface Cells {
  readonly atoms: readonly GroupAtom[]
  readonly size: number
  /** Codes by atom, -1 where it is missing. */
  readonly codes: readonly Float64Array[]
  readonly counts: Float64Array
  /** Sums by name. */
  readonly sums: ReadonlyMap<string, Sums & { readonly isHopeful: boolean }>
  /** Rides that are not summed; undefined where another grouping counts them. */
  readonly others: Readonly<Record<Reason, number>> | undefined
}

/** The code of an atom that a ride lacks, below those of all reasons. */
const lacking = -100

/**
 * Runs one grouping.
 *
 * @param countsOthers whether it is the one that counts the rides that are not summed
 */
export async function cellsOf(
  runner: SqlRunner,
  selection: Selection,
  grouping: Grouping,
  summing: Summing,
  countsOthers: boolean,
  signal: AbortSignal | undefined,
): Promise<Cells> {
  const { sheet } = selection
  const { dialect } = sheet
  const parts = [selection.kept, ...(selection.inSlice ? [selection.inSlice] : []), ...summing.fits]
  const ok = all(sheet, parts)
  const keys = grouping.atoms.map(({ code, mayLack }, k) => {
    const last = code.range[1]
    const key = code.isInteger ? code.value.sql : dialect.key(code.value.sql, last)
    const known = mayLack ? `CASE WHEN ${code.exists?.sql} THEN ${key} ELSE ${lacking} END` : key
    if (!countsOthers) return sheet.define(known, code.value, code.exists ?? code.value)
    const other = k === 0 ? refused(selection) : '0'
    return sheet.define(`CASE WHEN ${ok.sql} THEN ${known} ELSE ${other} END`, ok, code.value)
  })
  if (keys.length === 0)
    keys.push(sheet.define(`CASE WHEN ${ok.sql} THEN 0 ELSE ${refused(selection)} END`, ok))
  const guard = (sql: string): string =>
    countsOthers ? `CASE WHEN ${ok.sql} THEN ${sql} ELSE ${sheet.literal(0)} END` : sql
  const named = [...grouping.sums].map(([name, factors]): [string, Accumulator] => {
    const summands = factors.map(({ key }) => summing.summands.get(key) as Summand)
    return [name, accumulatorOf(dialect, summands, sheet.rows, summing.hope, guard)]
  })
  const selected = [
    ...keys.map(({ sql }) => `CAST(${sql} AS DOUBLE)`),
    'CAST(count(*) AS DOUBLE)',
    ...named.map(([, { sql }]) => sql),
  ]
  const where = countsOthers ? '' : ` WHERE ${ok.sql}`
  const by = keys.map(({ sql }) => sql).join(', ')
  const sql = `SELECT ${selected.join(', ')} FROM ${sheet.from()}${where} GROUP BY ${by}`
  const columns = await readAll(runner, sql, selected.length, signal)
  return cellsFrom(columns, grouping, named, countsOthers)
}

/** The negative number of the reason why a ride is not summed. */
function refused({ refusals }: Selection): string {
  const cases = refusals.map(([condition, reason]) => `WHEN ${condition} THEN -${reason}`)
  const unfit = -(reasons.indexOf('unfit') + 1)
  return cases.length > 0 ? `CASE ${cases.join(' ')} ELSE ${unfit} END` : String(unfit)
}

/** All rows of a query, by column. */
async function readAll(
  runner: SqlRunner,
  sql: string,
  width: number,
  signal: AbortSignal | undefined,
): Promise<Sums[]> {
  let size = 0
  let columns: Sums[] = Array.from({ length: width }, () => ({
    hi: new Float64Array(1024),
    lo: new Float64Array(1024),
  }))
  for await (const rows of runner.query(sql, signal)) {
    const needed = size + rows.length
    if (needed > (columns[0]?.hi.length ?? 0))
      columns = columns.map((one) => wider(one, needed * 2))
    columns.forEach((column, k) => {
      readInto(column, size, rows.columns[k] as ArrayLike<SqlValue>, rows.length)
    })
    size = needed
  }
  return columns.map(({ hi, lo }) => ({ hi: hi.subarray(0, size), lo: lo.subarray(0, size) }))
}

function wider({ hi, lo }: Sums, length: number): Sums {
  const sums = { hi: new Float64Array(length), lo: new Float64Array(length) }
  sums.hi.set(hi)
  sums.lo.set(lo)
  return sums
}

function readInto({ hi, lo }: Sums, at: number, values: ArrayLike<SqlValue>, length: number): void {
  if (values instanceof Float64Array) {
    hi.set(values.subarray(0, length), at)
    return
  }
  for (let i = 0; i < length; i++) {
    const value = values[i] as SqlValue
    if (typeof value === 'number') {
      hi[at + i] = value
      continue
    }
    const whole = BigInt(value ?? 0)
    const nearest = Number(whole)
    hi[at + i] = nearest
    lo[at + i] = Number(whole - BigInt(nearest))
  }
}

function cellsFrom(
  columns: readonly Sums[],
  { atoms }: Grouping,
  named: readonly [string, Accumulator][],
  countsOthers: boolean,
): Cells {
  const width = Math.max(1, atoms.length)
  const [first, counts] = [columns[0]?.hi as Float64Array, columns[width]?.hi as Float64Array]
  const isCell = (_: unknown, i: number): boolean =>
    (first[i] as number) >= 0 || first[i] === lacking
  const of = (values: Float64Array): Float64Array => (countsOthers ? values.filter(isCell) : values)
  const others = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>
  first.forEach((code, i) => {
    const reason = code < 0 ? reasons[-code - 1] : undefined
    if (reason) others[reason] += counts[i] as number
  })
  const codes = atoms.map((_, k) => {
    return of(columns[k]?.hi as Float64Array).map((code) => (code === lacking ? -1 : code))
  })
  const sums = named.map(([name, { exponent, isHopeful }], k) => {
    const { hi, lo } = columns[width + 1 + k] as Sums
    const scaled = (values: Float64Array): Float64Array =>
      exponent === 0 ? of(values) : of(values).map((value) => value * 2 ** -exponent)
    return [name, { hi: scaled(hi), lo: scaled(lo), isHopeful }] as const
  })
  const own = of(counts)
  return {
    atoms,
    size: own.length,
    codes,
    counts: own,
    sums: new Map(sums),
    others: countsOthers ? others : undefined,
  }
}

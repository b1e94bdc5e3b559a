/**
 * What is done about a selection in which some ride does not fit: how large its values are and
 * which of them have finer digits than their unit is asked for, and what depends on the last bits
 * of a logarithm is computed here.
 */

import { RidecastError } from '../../../errors.ts'
import { roundedColumns } from '../../moments.ts'
import type { Plan } from '../../plan.ts'
import type { Summing } from './cells.ts'
import type { Grouping } from './groupings.ts'
import type { Careful, Quantity, Summand } from './quantity.ts'
import type { SqlRunner, SqlValue } from './runner.ts'
import { all, type Selection, selectionOf } from './selection.ts'
import type { Value } from './sheet.ts'

/** A selection whose values are all known to fit what they are summed in. */
export interface Measured {
  readonly selection: Selection
  readonly summing: Summing
  /** Keys of quantities with values finer than their unit. */
  readonly fine: ReadonlySet<string>
}

/** So many inputs of logarithms are computed here, more would make a query too long. */
const mostUnclear = 10_000

/** The quantities of a selection's plans, by key. */
export function quantitiesOf(selection: Selection, plans: readonly Plan[]): Map<string, Quantity> {
  const terms = selection.plans.flatMap((at) => plans[at]?.features.numeric ?? [])
  const all = [selection.duration, ...terms.map((term) => selection.term(term).quantity)]
  return new Map(all.map((quantity) => [quantity.key, quantity]))
}

/**
 * Measures a selection.
 *
 * @throws sums_overflow, engine_unsupported
 */
export async function measured(
  runner: SqlRunner,
  selection: Selection,
  plans: readonly Plan[],
  signal: AbortSignal | undefined,
): Promise<Measured> {
  const { sheet } = selection
  const units = new Map<string, Value>()
  for (const quantity of quantitiesOf(selection, plans).values()) {
    units.set(quantity.key, await known(runner, selection, quantity.careful(), signal))
  }
  const own = selectionOf(
    sheet,
    plans[selection.plans[0] as number] as Plan,
    selection.plans,
    units,
  )
  const quantities = [...quantitiesOf({ ...own, plans: selection.plans }, plans).values()]
  const taken = all(sheet, [own.kept, ...(own.inSlice ? [own.inSlice] : [])])
  const measures = quantities.flatMap(({ units: { sql } }) => [
    `max(abs(${sql}))`,
    `max(CASE WHEN floor(${sql}) = ${sql} THEN ${sheet.literal(0)} ELSE ${sheet.literal(1)} END)`,
  ])
  const [row = []] = await rowsOf(
    runner,
    `SELECT ${measures.join(', ')} FROM ${sheet.from(...measures, taken.sql)} WHERE ${taken.sql}`,
    signal,
  )
  const fine = new Set<string>()
  const summands = quantities.map((quantity, k): Summand => {
    const bound = Number(row[2 * k] ?? 0)
    const isFine = Number(row[2 * k + 1] ?? 0) > 0
    if (isFine) fine.add(quantity.key)
    return { ...quantity, bound, quantum: isFine ? 0 : quantity.quantum }
  })
  const byKey = new Map(summands.map((summand) => [summand.key, summand]))
  for (const at of selection.plans) refuseHuge(plans[at] as Plan, own, byKey)
  return { selection: own, summing: { summands: byKey, fits: [], hope: false }, fine }
}

/** Units that are right for every ride. */
async function known(
  runner: SqlRunner,
  selection: Selection,
  { units, unclear }: Careful,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!unclear) return units
  const { sheet } = selection
  const { flag, input, exact } = unclear
  const doubtful = all(sheet, [selection.candidate, flag])
  const inputs = await rowsOf(
    runner,
    `SELECT DISTINCT ${input.sql} FROM ${sheet.from(input.sql, doubtful.sql)} WHERE ${doubtful.sql} LIMIT ${mostUnclear + 1}`,
    signal,
  )
  if (inputs.length === 0) return units
  if (inputs.length > mostUnclear) {
    throw new RidecastError(
      'engine_unsupported',
      `the last bits of more than ${mostUnclear} logarithms decide here, which SQL does not agree on: take --engine arrow`,
    )
  }
  const cases = inputs.map(([value]) => {
    const result = exact(Number(value))
    const then = Number.isNaN(result) ? 'NULL' : sheet.literal(result)
    return `WHEN ${sheet.literal(Number(value))} THEN ${then}`
  })
  const sql = `CASE WHEN ${flag.sql} THEN CASE ${input.sql} ${cases.join(' ')} END ELSE ${units.sql} END`
  return sheet.define(sql, flag, input, units)
}

// A single value so large that its square leaves no room: what sums would say, said before them.
function refuseHuge(
  plan: Plan,
  selection: Selection,
  summands: ReadonlyMap<string, Summand>,
): void {
  const square = (key: string): number => (summands.get(key)?.bound ?? 0) ** 2
  const terms = plan.features.numeric.map((term): [string, number] => {
    return [term.name, square(selection.term(term).quantity.key)]
  })
  roundedColumns(1, [['duration', square('duration')], ...terms])
}

/** All rows of a small result. */
export async function rowsOf(
  runner: SqlRunner,
  sql: string,
  signal: AbortSignal | undefined,
): Promise<SqlValue[][]> {
  const found: SqlValue[][] = []
  for await (const { length, columns } of runner.query(sql, signal)) {
    for (let i = 0; i < length; i++) found.push(columns.map((column) => column[i] as SqlValue))
  }
  return found
}

/** The units of quantities that are not measured, as they are assumed to be. */
export function hopeful(
  selection: Selection,
  plans: readonly Plan[],
  groupings: readonly Grouping[],
): Summing {
  const summands = quantitiesOf(selection, plans)
  const codes = groupings.flatMap(({ atoms }) => atoms.map(({ code }) => code))
  const fits = [...summands.values(), ...codes].flatMap((one) => one.fits ?? [])
  return { summands, fits, hope: true }
}

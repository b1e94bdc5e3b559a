/**
 * Slices by row count the rides that are kept, in file order. Where such a slice begins and ends is
 * found first: counts by stretch of the file, then the one stretch that the cut lies in.
 */

import type { Plan, Slice } from '../../plan.ts'
import { measured, rowsOf } from './carefully.ts'
import type { SqlRunner } from './runner.ts'
import { all, reasons, type Selection, selectionsOf } from './selection.ts'
import type { Sheet, Value } from './sheet.ts'

/** Rows of a stretch: so many positions are sorted at once. */
const stretch = 2 ** 17

/**
 * The plans, with slices by rows given as positions in the file instead of among the kept rides.
 *
 * @throws engine_unsupported where rows have no order
 */
export async function cutByRows(
  runner: SqlRunner,
  sheet: Sheet,
  plans: readonly Plan[],
  signal: AbortSignal | undefined,
): Promise<Plan[]> {
  const cut: Plan[] = []
  for (const plan of plans) {
    const { slice } = plan
    cut.push(
      slice.kind === 'rows'
        ? { ...plan, slice: await cutOf(runner, sheet, plan, slice, signal) }
        : plan,
    )
  }
  return cut
}

async function cutOf(
  runner: SqlRunner,
  sheet: Sheet,
  plan: Plan,
  { from, to }: Slice & { kind: 'rows' },
  signal: AbortSignal | undefined,
): Promise<Slice> {
  const whole = [{ ...plan, slice: { kind: 'all' } as const }]
  const [hoped] = selectionsOf(sheet, whole) as [Selection]
  // What is kept may depend on the last bits of a logarithm.
  const isSure = hoped.refusals.every(([, reason]) => reasons[reason - 1] !== 'unfit')
  const selection = isSure ? hoped : (await measured(runner, hoped, whole, signal)).selection
  const row = sheet.rowNumber()
  const at = sheet.define(`floor(${row.sql} / ${sheet.literal(stretch)})`, row)
  const taken = all(sheet, [selection.kept])
  const counts = await rowsOf(
    runner,
    `SELECT ${at.sql}, CAST(count(*) AS DOUBLE) FROM ${sheet.from(at.sql, taken.sql)} WHERE ${taken.sql} GROUP BY ${at.sql}`,
    signal,
  )
  const stretches = counts
    .map(([number, kept]): [number, number] => [Number(number), Number(kept)])
    .sort(([a], [b]) => a - b)
  const position = async (kept: number): Promise<number> => {
    const wanted = Math.max(0, Math.ceil(kept))
    let before = 0
    for (const [number, count] of stretches) {
      if (wanted < before + count) {
        return nth(runner, sheet, taken, row, number, wanted - before, signal)
      }
      before += count
    }
    return Number.POSITIVE_INFINITY
  }
  return { kind: 'rows', from: await position(from), to: await position(to) }
}

/** The position in the file of a kept ride of one stretch. */
async function nth(
  runner: SqlRunner,
  sheet: Sheet,
  taken: Value,
  row: Value,
  number: number,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const first = number * stretch
  const inside = `${row.sql} >= ${first} AND ${row.sql} < ${first + stretch}`
  const [found] = await rowsOf(
    runner,
    `SELECT CAST(${row.sql} AS DOUBLE) FROM ${sheet.from(row.sql, taken.sql)} WHERE ${taken.sql} AND ${inside} ORDER BY ${row.sql} OFFSET ${offset} LIMIT 1`,
    signal,
  )
  return Number(found?.[0])
}

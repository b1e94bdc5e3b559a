/**
 * Sums one file by several plans in SQL. The work is the engine's: every row is grouped there, and
 * what comes back are cells. First everything is taken to fit (whole seconds, whole hundredths, sums
 * below 2^53), and rides that do not are counted; only if there are any, or a sum came out too
 * large to be exact, the selection is measured and summed again.
 */

import type { Taxi } from '../../../ride.ts'
import { resolveColumns } from '../../columns.ts'
import type { Moments } from '../../moments.ts'
import { columnsOf, type Plan } from '../../plan.ts'
import { isExact } from './accumulator.ts'
import { assemble } from './assemble.ts'
import { hopeful, measured } from './carefully.ts'
import { counter, type Grouped, runGrouping, type Summing } from './cells.ts'
import { requireTypes } from './column-types.ts'
import { type Factors, type Grouping, groupingsOf, sumName } from './groupings.ts'
import type { Quantity } from './quantity.ts'
import { cutByRows } from './row-slice.ts'
import type { SqlRelation, SqlRunner } from './runner.ts'
import { type Selection, selectionsOf } from './selection.ts'
import { Sheet } from './sheet.ts'

/**
 * Sums one file by several plans.
 *
 * @returns one {@link Moments} for each plan, in their order
 * @throws source_columns, source_column_type, sums_overflow, engine_unsupported, and what the
 *   runner throws
 */
export async function sumBySql(
  runner: SqlRunner,
  relation: SqlRelation,
  taxi: Taxi,
  plans: readonly Plan[],
  signal?: AbortSignal,
): Promise<Moments[]> {
  const spelled = relation.columns.map(({ name }) => name)
  const names = resolveColumns(spelled, relation.path, taxi, columnsOf(plans))
  requireTypes(relation, names)
  const sheet = new Sheet(runner.dialect, relation, names)
  const cut = await cutByRows(runner, sheet, plans, signal)
  const moments = new Array<Moments>(plans.length)
  await Promise.all(
    selectionsOf(sheet, cut).map(async (selection) => {
      const summed = await sumSelection(runner, selection, cut, signal)
      selection.plans.forEach((at, k) => {
        moments[at] = summed[k] as Moments
      })
    }),
  )
  return moments
}

async function sumSelection(
  runner: SqlRunner,
  selection: Selection,
  plans: readonly Plan[],
  signal: AbortSignal | undefined,
): Promise<Moments[]> {
  const none: ReadonlySet<string> = new Set()
  const groupings = groupingsOf(selection, plans, true)
  const summing = hopeful(selection, plans, groupings)
  const cells = await run(runner, selection, groupings, summing, signal)
  const own = (at: number): Plan => plans[at] as Plan
  if (fitsAll(cells, groupings)) {
    return selection.plans.map((at) => assemble(own(at), selection, cells, none))
  }
  const careful = await measured(runner, selection, plans, signal)
  const again = groupingsOf(careful.selection, plans, false)
  const exact = await run(runner, careful.selection, again, careful.summing, signal)
  return selection.plans.map((at) => assemble(own(at), careful.selection, exact, careful.fine))
}

/** All groupings of a selection side by side. */
async function run(
  runner: SqlRunner,
  selection: Selection,
  groupings: readonly Grouping[],
  summing: Summing,
  signal: AbortSignal | undefined,
): Promise<Grouped[]> {
  const counting = counter(selection, groupings, summing)
  return Promise.all(
    groupings.map((grouping) => {
      return runGrouping(runner, selection, grouping, summing, grouping === counting, signal)
    }),
  )
}

/** True when every ride could be summed, and every sum is exact. */
function fitsAll(grouped: readonly Grouped[], groupings: readonly Grouping[]): boolean {
  if (grouped.some(({ others }) => others && others.unfit > 0)) return false
  const cells = grouped.flatMap((one) => one.cells)
  const square = (factor: Quantity): number => {
    const name = sumName([factor, factor])
    const squares = cells.find(({ sums }) => sums.has(name))?.sums.get(name)
    return squares?.hi.reduce((total, sum) => total + sum, 0) ?? Number.POSITIVE_INFINITY
  }
  return grouped.every(({ hopeful }, k) => {
    const sums = (groupings[k] as Grouping).sums
    return hopeful.every((name) => isExact((sums.get(name) as Factors).map(square)))
  })
}

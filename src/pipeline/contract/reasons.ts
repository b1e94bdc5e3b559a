/**
 * Why a row is set aside: the reason that the plain recipe leaves it out for, and every rule of
 * the contract that it breaks by itself. Knows nothing about files.
 */

import type { Contract } from '../../contract.ts'
import type { Month } from '../../month.ts'
import { type ColumnName, maxId, type RideBatch, rideColumns } from '../../ride.ts'
import { domainOf } from '../../ride-domain.ts'
import type { Refused } from '../plan.ts'
import { dayOf, daysIn } from './measures.ts'

/** A reason of the plain recipe; the same names as everywhere. */
export type PlainReason = Exclude<keyof Refused, 'filtered'>

/** The reason that the plain recipe leaves a ride out for; undefined when it keeps it. */
export function plainReason(
  rides: RideBatch,
  i: number,
  needed: readonly ColumnName[],
): PlainReason | undefined {
  const [pickup, dropoff] = [rides.pickup[i] as number, rides.dropoff[i] as number]
  if (Number.isNaN(pickup) || Number.isNaN(dropoff)) return 'null_time'
  const minutes = (dropoff - pickup) / 60e6
  if (!Number.isFinite(minutes)) return 'unparsable_time'
  if (minutes < 1) return 'below_min'
  if (minutes > 60) return 'above_max'
  return needed.every((name) => isTaken(name, rides.columns[name]?.[i] ?? Number.NaN))
    ? undefined
    : 'null_value'
}

/** True for a value that a term can be made of. */
function isTaken(name: ColumnName, value: number): boolean {
  if (rideColumns[name].kind === 'number') return Number.isFinite(value)
  return Number.isInteger(value) && value >= 0 && value <= maxId
}

/** A rule that rows are held to: its name, and whether a row breaks it. */
export interface RowRule {
  /** Such as `PULocationID_not_allowed`, `trip_distance_above_range`. */
  readonly name: string
  /** Whether ride `i` breaks it. */
  breaks(rides: RideBatch, i: number): boolean
}

/**
 * The rules of a contract that single rows can break. A missing value breaks none.
 *
 * @param columns what the file has
 * @param month the month of the file; undefined when it is not known
 */
export function rowRules(
  contract: Contract,
  columns: readonly ColumnName[],
  month: Month | undefined,
): RowRule[] {
  const rules: RowRule[] = [
    {
      name: 'dropoff_before_pickup',
      breaks: ({ pickup, dropoff }, i) => (dropoff[i] as number) < (pickup[i] as number),
    },
  ]
  if (month !== undefined) {
    const from = dayOf(month) * 86_400e6
    const to = from + daysIn(month) * 86_400e6
    const outside = (time: number): boolean => time < from || (time >= to && Number.isFinite(time))
    rules.push({
      name: 'pickup_outside_month',
      breaks: ({ pickup }, i) => outside(pickup[i] as number),
    })
  }
  return [...rules, ...columns.flatMap((name) => columnRules(name, contract))]
}

function columnRules(name: ColumnName, { columns }: Contract): RowRule[] {
  const contract = columns[name]
  if (!contract) return []
  const domain = domainOf(name)
  const rule = (suffix: string, breaks: (value: number) => boolean): RowRule => ({
    name: `${name}_${suffix}`,
    breaks: (rides, i) => breaks(rides.columns[name]?.[i] ?? Number.NaN),
  })
  if (domain.kind === 'id') {
    const allowed = contract.values && new Set(contract.values)
    const isAllowed = (id: number): boolean =>
      allowed ? allowed.has(id) : Number.isInteger(id) && id >= domain.from && id <= domain.to
    return [rule('not_allowed', (value) => !Number.isNaN(value) && !isAllowed(value))]
  }
  const from = contract.range.from ?? (domain.kind === 'number' ? domain.from : undefined)
  const { below } = contract.range
  return [
    ...(from === undefined ? [] : [rule('below_range', (value) => value < from)]),
    ...(below === undefined ? [] : [rule('above_range', (value) => value >= below)]),
  ]
}

/**
 * What is counted of a trip file for its contract: a plan that any engine sums, and its sums read
 * back as counts by value, by day and by size. Knows nothing about what is expected.
 */

import { type AtomSpec, splitCode } from '../../atoms.ts'
import { type CategoricalTermSpec, featuresOf } from '../../features.ts'
import { type ColumnName, rideColumns } from '../../ride.ts'
import type { Block, Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'
import { type Ladder, ladderOf, mileLadder, minuteLadder, mphLadder } from './ladders.ts'

/** Fewer rides say nothing about how values are spread. */
export const enoughRides = 100

/** How much is counted: what training needs of a file, or all that can be said about it. */
export type Depth = 'training' | 'full'

/** What was counted of one column, over rides with readable times. */
export interface ColumnCounts {
  /** Rides without a value, or with one that is no such thing: a text, half an id. */
  readonly missing: number
  /** Rides by id, or by bin of {@link ladder}: below the first edge, between edges, beyond. */
  readonly counts: ReadonlyMap<number, number>
  /** The edges of the bins; undefined for ids. */
  readonly ladder: Ladder | undefined
}

/** What was counted of a file. */
export interface Measurement {
  /** Rows of the file. */
  readonly rows: number
  /** Rows without a readable pickup and drop-off; all other counts are without them. */
  readonly unreadable: number
  /** Rides with readable times. */
  readonly rides: number
  /** Rides by day of the pickup, days since 1970. */
  readonly days: ReadonlyMap<number, number>
  /** Rides by hour of the pickup, 24 counts; undefined in training. */
  readonly hours: readonly number[] | undefined
  /** Rides by duration, bins of {@link minuteLadder}. */
  readonly minutes: readonly number[]
  /** Rides that end before they begin. */
  readonly backwards: number
  /** Rides that the plain recipe keeps: 1 to 60 minutes. */
  readonly kept: number
  /** Kept rides by duration, bins of {@link minuteLadder}. */
  readonly keptMinutes: readonly number[]
  /** Kept rides that move, by distance and by speed; undefined where the distance is not counted. */
  readonly moving:
    | { readonly miles: readonly number[]; readonly mph: readonly number[] }
    | undefined
  readonly columns: Partial<Readonly<Record<ColumnName, ColumnCounts>>>
}

const bins = (of: 'duration' | 'speed' | ColumnName, edges: Ladder): AtomSpec => ({
  kind: 'bin',
  of,
  edges,
  or_missing: true,
})

/**
 * The plan that counts a file: every ride with readable times. It depends on the columns and the
 * depth alone, never on bounds, so that sums of it can be kept while bounds are edited.
 *
 * @param columns what the file has and the contract or a recipe names
 */
export function checkPlan(columns: readonly ColumnName[], depth: Depth): Plan {
  const moves = columns.includes('trip_distance')
  const ride = bins('duration', minuteLadder)
  const categorical: CategoricalTermSpec[] = [
    // One grouping by all three is cheaper for an engine than three, and says more.
    {
      name: 'ride',
      atoms: moves ? [ride, bins('speed', mphLadder), bins('trip_distance', mileLadder)] : [ride],
    },
    { name: 'pickup_day', atoms: [{ kind: 'pickup_day' }] },
  ]
  if (depth === 'full')
    categorical.push({ name: 'hour', atoms: [{ kind: 'derived', name: 'hour' }] })
  for (const column of [...columns].sort()) {
    const isId = rideColumns[column].kind === 'id'
    if (column === 'trip_distance' || (depth === 'training' && !isId)) continue
    const atom: AtomSpec = isId
      ? { kind: 'id', column, or_missing: true }
      : bins(column, ladderOf(column))
    categorical.push({ name: column, atoms: [atom] })
  }
  return {
    target: { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY },
    filters: [],
    slice: { kind: 'all' },
    required: [],
    features: featuresOf({ categorical, numeric: [] }),
    crosses: false,
  }
}

/** Reads the sums of {@link checkPlan} back. */
export function measurementOf(moments: Moments): Measurement {
  const { refused } = moments
  const ride = joint(blockOf(moments, 'ride') as Block)
  const hours = blockOf(moments, 'hour')
  const minutes = totals(ride, 0, minuteLadder)
  const kept = ride.filter(({ bins: [minute = 0] }) => isKept(minute))
  const moves = (ride[0]?.bins.length ?? 1) > 1
  // Bin 1 of the ladder is a distance of zero; below it they are negative.
  const moving = kept.filter(({ bins: [, , mile = 0] }) => mile > 1)
  return {
    rows: moments.rows,
    unreadable: refused.null_time + refused.unparsable_time,
    rides: moments.n,
    days: byCode(blockOf(moments, 'pickup_day') as Block),
    hours: hours && Array.from({ length: 24 }, (_, hour) => byCode(hours).get(hour) ?? 0),
    minutes,
    backwards: minutes[0] as number,
    kept: sum(kept.map(({ rides }) => rides)),
    keptMinutes: totals(kept, 0, minuteLadder),
    moving: moves
      ? { miles: totals(moving, 2, mileLadder), mph: totals(moving, 1, mphLadder) }
      : undefined,
    columns: columnsOf(moments, moves ? ride : undefined),
  }
}

/** True for the bins of {@link minuteLadder} from 1 to 60 minutes. */
function isKept(bin: number): boolean {
  const from = minuteLadder[bin - 1] ?? Number.NEGATIVE_INFINITY
  return from >= 1 && from < 60
}

function columnsOf(moments: Moments, ride: readonly Cell[] | undefined): Measurement['columns'] {
  const columns: Partial<Record<ColumnName, ColumnCounts>> = {}
  for (const block of moments.blocks) {
    const { name, atoms } = block.term
    if (!Object.hasOwn(rideColumns, name)) continue
    const column = name as ColumnName
    const counts = byCode(block)
    const missing = counts.get(0) ?? 0
    // Code 0 is a missing value; the others are one higher than the id or bin.
    const present = new Map([...counts].flatMap(([code, n]) => (code > 0 ? [[code - 1, n]] : [])))
    const ladder = atoms[0]?.spec.kind === 'bin' ? ladderOf(column) : undefined
    columns[column] = { missing, counts: present, ladder }
  }
  if (ride) {
    const miles = totals(ride, 2, mileLadder)
    columns.trip_distance = {
      missing: moments.n - sum(miles),
      counts: new Map(miles.flatMap((n, bin) => (n > 0 ? [[bin, n]] : []))),
      ladder: mileLadder,
    }
  }
  return columns
}

/** Rides of one duration, speed and distance. */
interface Cell {
  /** By atom: the bin, -1 where it is missing. */
  readonly bins: readonly number[]
  readonly rides: number
}

function joint(block: Block): Cell[] {
  return Array.from(block.codes, (code, i) => ({
    bins: splitCode(block.term.atoms, code).map((part) => part - 1),
    rides: block.counts[i] as number,
  }))
}

/** Rides by the bin of one atom, all bins of its ladder; missing ones left out. */
function totals(cells: readonly Cell[], atom: number, ladder: Ladder): number[] {
  const counts = new Array<number>(ladder.length + 1).fill(0)
  for (const { bins: parts, rides } of cells) {
    const bin = parts[atom] ?? -1
    if (bin >= 0) counts[bin] = (counts[bin] as number) + rides
  }
  return counts
}

function byCode(block: Block): Map<number, number> {
  return new Map(Array.from(block.codes, (code, i) => [code, block.counts[i] as number]))
}

function blockOf(moments: Moments, name: string): Block | undefined {
  return moments.blocks.find(({ term }) => term.name === name)
}

/** The sum of numbers. */
export function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

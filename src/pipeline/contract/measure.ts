/**
 * What is counted of a trip file for its contract: a plan that any engine sums, and its sums read
 * back as counts by value, by day and by size. Knows nothing about what is expected.
 */

import type { Atom, AtomSpec } from '../../atoms.ts'
import { type CategoricalTermSpec, featuresOf } from '../../features.ts'
import { type ColumnName, rideColumns } from '../../ride.ts'
import type { Block, Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'
import { type Depth, type Ladder, ladderOf, rideLadders } from './ladders.ts'

/** Fewer rides say nothing about how values are spread. */
export const enoughRides = 100

/** What was counted of one column, over rides with readable times. */
export interface ColumnCounts {
  /** Rides without a value, or with one that is no such thing: a text, half an id. */
  readonly missing: number
  /** Rides by id, or by bin of {@link ladder}: below the first edge, between edges, beyond. */
  readonly counts: ReadonlyMap<number, number>
  /** The edges of the bins; undefined for ids. */
  readonly ladder: Ladder | undefined
}

/** Counts by bin of a ladder: below the first edge, between edges, at or above the last. */
export interface Binned {
  readonly ladder: Ladder
  readonly counts: readonly number[]
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
  /** Rides by minutes of their duration. */
  readonly minutes: Binned
  /** Rides that move, by miles and by miles per hour; undefined without a distance. */
  readonly moving: { readonly miles: Binned; readonly mph: Binned } | undefined
  readonly columns: Partial<Readonly<Record<ColumnName, ColumnCounts>>>
}

/**
 * The plan that counts a file: every ride with readable times. It depends on the columns and the
 * depth alone, never on bounds, so that sums of it can be kept while bounds are edited.
 *
 * @param columns what the file has and the contract or a recipe names
 */
export function checkPlan(columns: readonly ColumnName[], depth: Depth): Plan {
  const { duration, speed, trip_distance } = rideLadders[depth]
  const ofMoving = columns.includes('trip_distance')
    ? [
        counted('speed', bins('speed', speed)),
        counted('miles', bins('trip_distance', trip_distance)),
      ]
    : []
  const ofColumns = [...columns].sort().flatMap((column): CategoricalTermSpec[] => {
    if (rideColumns[column].kind === 'id') {
      return [counted(column, { kind: 'id', column, or_missing: true })]
    }
    if (column === 'trip_distance' || depth === 'training') return []
    return [counted(column, bins(column, ladderOf(column)))]
  })
  const categorical: CategoricalTermSpec[] = [
    counted('minutes', bins('duration', duration)),
    ...ofMoving,
    counted('pickup_day', { kind: 'pickup_day' }),
    ...(depth === 'full' ? [counted('hour', { kind: 'derived', name: 'hour' })] : []),
    ...ofColumns,
  ]
  return {
    target: { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY },
    filters: [],
    slice: { kind: 'all' },
    required: [],
    features: featuresOf({ categorical, numeric: [] }),
    crosses: false,
  }
}

const bins = (of: 'duration' | 'speed' | ColumnName, edges: Ladder): AtomSpec => {
  return { kind: 'bin', of, edges, or_missing: true }
}

const counted = (name: string, atom: AtomSpec): CategoricalTermSpec => {
  return { name, atoms: [atom], counted: true }
}

/** Reads the sums of {@link checkPlan} back. */
export function measurementOf(moments: Moments): Measurement {
  const { refused } = moments
  const hours = blockOf(moments, 'hour')
  const [speed, miles] = [blockOf(moments, 'speed'), blockOf(moments, 'miles')]
  return {
    rows: moments.rows,
    unreadable: refused.null_time + refused.unparsable_time,
    rides: moments.n,
    days: byCode(blockOf(moments, 'pickup_day') as Block),
    hours: hours && Array.from({ length: 24 }, (_, at) => byCode(hours).get(at) ?? 0),
    minutes: binned(blockOf(moments, 'minutes') as Block),
    moving: speed && miles && movingOf(binned(miles), binned(speed)),
    columns: columnsOf(moments, miles),
  }
}

/** Rides of a number of bins that lie from one edge up to another; both are edges of the ladder. */
function countBetween({ ladder, counts }: Binned, from: number, to: number): number {
  return sum(counts.slice(ladder.indexOf(from) + 1, ladder.indexOf(to) + 1))
}

/** Rides that the plain recipe keeps: 1 to 60 minutes. */
export function keptRides({ minutes }: Measurement): number {
  return countBetween(minutes, 1, 60.008)
}

/** Rides by bin; rides that lack the measure are left out. */
function binned({ term, codes, counts: rides }: Block): Binned {
  const ladder = edgesOf(term.atoms[0] as Atom) as Ladder
  const counts = new Array<number>(ladder.length + 1).fill(0)
  codes.forEach((code, i) => {
    // Code 0 is a missing value.
    if (code > 0) counts[code - 1] = rides[i] as number
  })
  return { ladder, counts }
}

/** Leaves out rides of no distance, and those that are not faster than the first edge. */
function movingOf(miles: Binned, mph: Binned): Measurement['moving'] {
  const zero = miles.ladder.indexOf(0.005)
  const beyond = (from: number, { ladder, counts }: Binned): Binned => {
    return { ladder, counts: counts.map((rides, bin) => (bin > from ? rides : 0)) }
  }
  return { miles: beyond(zero, miles), mph: beyond(0, mph) }
}

function columnsOf(moments: Moments, miles: Block | undefined): Measurement['columns'] {
  const columns: Partial<Record<ColumnName, ColumnCounts>> = {}
  for (const block of moments.blocks) {
    const { name, atoms } = block.term
    if (!Object.hasOwn(rideColumns, name)) continue
    const counts = byCode(block)
    const missing = counts.get(0) ?? 0
    // Code 0 is a missing value; the others are one higher than the id or bin.
    const present = new Map([...counts].flatMap(([code, n]) => (code > 0 ? [[code - 1, n]] : [])))
    columns[name as ColumnName] = {
      missing,
      counts: present,
      ladder: atoms[0] && edgesOf(atoms[0]),
    }
  }
  if (!miles) return columns
  const { ladder, counts } = binned(miles)
  columns.trip_distance = {
    missing: moments.n - sum(counts),
    counts: new Map(counts.flatMap((n, bin) => (n > 0 ? [[bin, n]] : []))),
    ladder,
  }
  return columns
}

/** The edges that an atom counts by; undefined for one that is no bins. */
function edgesOf({ spec }: Atom): Ladder | undefined {
  return spec.kind === 'bin' ? spec.edges : undefined
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

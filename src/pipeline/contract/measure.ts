/**
 * What is counted of a trip file for its contract: a plan that any engine sums, and its sums read
 * back as counts by value, by day and by size. Knows nothing about what is expected.
 */

import { type Atom, type AtomSpec, splitCode } from '../../atoms.ts'
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
  /** Rides of 1 to 60 minutes that move, by miles and by miles per hour; undefined without a distance. */
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
  const moves = columns.includes('trip_distance')
  // One grouping by all three costs an engine less than three, and says more.
  const ride = [bins('duration', duration)]
  if (moves) ride.push(bins('speed', speed), bins('trip_distance', trip_distance))
  const ofColumns = [...columns].sort().flatMap((column): CategoricalTermSpec[] => {
    if (rideColumns[column].kind === 'id') {
      return [{ name: column, atoms: [{ kind: 'id', column, or_missing: true }] }]
    }
    if (column === 'trip_distance' || depth === 'training') return []
    return [{ name: column, atoms: [bins(column, ladderOf(column))] }]
  })
  const categorical: CategoricalTermSpec[] = [
    { name: 'ride', atoms: ride },
    { name: 'pickup_day', atoms: [{ kind: 'pickup_day' }] },
    ...(depth === 'full' ? [hour] : []),
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

const hour: CategoricalTermSpec = { name: 'hour', atoms: [{ kind: 'derived', name: 'hour' }] }

/** Reads the sums of {@link checkPlan} back. */
export function measurementOf(moments: Moments): Measurement {
  const { refused } = moments
  const hours = blockOf(moments, 'hour')
  const ride = jointOf(blockOf(moments, 'ride') as Block)
  return {
    rows: moments.rows,
    unreadable: refused.null_time + refused.unparsable_time,
    rides: moments.n,
    days: byCode(blockOf(moments, 'pickup_day') as Block),
    hours: hours && Array.from({ length: 24 }, (_, at) => byCode(hours).get(at) ?? 0),
    minutes: binned(ride, 0),
    moving: movingOf(ride),
    columns: columnsOf(moments, ride),
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

/** Rides by bin of several measures at once. */
interface Joint {
  readonly ladders: readonly Ladder[]
  readonly cells: readonly {
    /** By measure: the bin, -1 where it is missing. */
    readonly bins: readonly number[]
    readonly rides: number
  }[]
}

function jointOf({ term, codes, counts }: Block): Joint {
  const cells = Array.from(codes, (code, i) => ({
    bins: splitCode(term.atoms, code).map((part) => part - 1),
    rides: counts[i] as number,
  }))
  return { ladders: term.atoms.map(edgesOf).map((ladder) => ladder ?? []), cells }
}

/** All rides of a joint count by one of its measures; rides that lack it are left out. */
function binned({ ladders, cells }: Joint, at: number): Binned {
  const ladder = ladders[at] as Ladder
  const counts = new Array<number>(ladder.length + 1).fill(0)
  for (const { bins: parts, rides } of cells) {
    const bin = parts[at] ?? -1
    if (bin >= 0) counts[bin] = (counts[bin] as number) + rides
  }
  return { ladder, counts }
}

function movingOf(ride: Joint): Measurement['moving'] {
  const [minutes, , miles] = ride.ladders
  if (!minutes || !miles) return undefined
  const [from, to, zero] = [minutes.indexOf(1), minutes.indexOf(60.008), miles.indexOf(0.005)]
  const cells = ride.cells.filter(({ bins: [minute = -1, , mile = -1] }) => {
    return minute > from && minute <= to && mile > zero
  })
  return { miles: binned({ ...ride, cells }, 2), mph: binned({ ...ride, cells }, 1) }
}

function columnsOf(moments: Moments, ride: Joint): Measurement['columns'] {
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
  if (ride.ladders.length < 3) return columns
  const { ladder, counts } = binned(ride, 2)
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

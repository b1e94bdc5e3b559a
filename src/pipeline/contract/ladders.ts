/**
 * The edges that quantities are counted by, fixed in code: sums that were cached hold for any
 * bounds, which are evaluated on them afterwards. Medians are interpolated between edges.
 */

import { type ColumnName, rideColumns } from '../../ride.ts'

/** Edges ascend; a value belongs to the last edge at or below it. */
export type Ladder = readonly number[]

/** How much is counted: what training needs of a file, or all that can be said about it. */
export type Depth = 'training' | 'full'

/**
 * Edges of what is measured of every ride. Training gets by with 15 edges or fewer, which an
 * engine finds with four comparisons; medians are interpolated more coarsely there.
 *
 * - `duration`, minutes: 60.008 lies between 60:00 and 60:01, since the plain recipe keeps 1 to 60
 *   with both ends, and times are whole seconds;
 * - `trip_distance`, miles: a distance of zero has a bin of its own, from 0 to 0.005;
 * - `speed`, miles per hour: what lies below the first edge does not move.
 */
export const rideLadders: Readonly<
  Record<Depth, Readonly<Record<'duration' | 'trip_distance' | 'speed', Ladder>>>
> = {
  training: {
    duration: [0, 1, 4, 6, 8, 10, 12, 14, 16, 18, 22, 30, 60.008, 180],
    trip_distance: [0, 0.005, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 20, 50, 100, 1000],
    speed: [0.001, 5, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 22, 60, 1000],
  },
  full: {
    duration: [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22.5, 25, 30, 35, 40, 50,
      60.008, 120, 180, 1440,
    ],
    trip_distance: [
      0, 0.005, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 1000, 10_000,
    ],
    speed: [
      0.001, 0.1, 0.5, 1, 2, 4, 5, 6, 7, 7.5, 8, 8.5, 9, 9.5, 10, 10.5, 11, 11.5, 12, 12.5, 13,
      13.5, 14, 15, 16, 17, 18, 20, 22, 25, 30, 40, 60, 80, 150, 500, 1000, 2000, 5000, 10_000,
      20_000, 50_000, 100_000, 1_000_000,
    ],
  },
}

const dollars: Ladder = [
  -1000, -500, -100, -10, -0.005, 0.005, 1, 2.5, 5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000,
  10_000,
]

const small: Ladder = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100]

/** The edges of a column of quantities other than the distance. */
export function ladderOf(column: ColumnName): Ladder {
  if (column === 'passenger_count') return small
  return rideColumns[column].unit === 'US dollars' ? dollars : small
}

/**
 * The value that half of the counted lie below, interpolated within its bin.
 *
 * @param counts by bin: below the first edge, between edges, at or above the last
 * @returns NaN when nothing was counted; the outermost edge where the median lies beyond it
 */
export function medianOf(ladder: Ladder, counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return Number.NaN
  let below = 0
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin] as number
    if (below + count >= total / 2 && count > 0) {
      const low = ladder[bin - 1] ?? (ladder[0] as number)
      const high = ladder[bin] ?? (ladder.at(-1) as number)
      return low + ((high - low) * (total / 2 - below)) / count
    }
    below += count
  }
  return ladder.at(-1) as number
}

/** A bin in words, such as `100 to 1000`. */
export function binText(ladder: Ladder, bin: number): string {
  if (bin === 0) return `below ${ladder[0]}`
  if (bin === ladder.length) return `${ladder.at(-1)} and above`
  const [low, high] = [ladder[bin - 1] as number, ladder[bin] as number]
  if (low === 0 && high < 0.01) return '0'
  return low === -0.005 ? '0' : `${low} to ${high}`
}

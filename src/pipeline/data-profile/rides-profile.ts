/**
 * Rides as a document tells them, from their counts. Knows nothing about files or how it is shown.
 */

import type {
  ColumnProfile,
  DistanceBin,
  Flow,
  NumberSummary,
  RidesProfile,
  ZoneProfile,
} from './document.ts'
import { binnedMiles, type RideCounts, secondsOf } from './ride-counts.ts'

/** Ways between zones that are listed. */
const listedFlows = 15

/** Fewer rides than this tell nothing about a distance. */
const fewest = 10

/** Everything about rides. */
export function ridesProfile(
  rides: RideCounts,
  duration: NumberSummary,
  speed: NumberSummary,
  columns: readonly ColumnProfile[],
): RidesProfile {
  const has = (key: string): boolean => columns.some((column) => column.key === key)
  const withZones = has('pulocationid') && has('dolocationid')
  const withDistance = has('trip_distance')
  return {
    kept: rides.kept,
    not_kept: rides.notKept,
    duration,
    speed: withDistance ? speed : null,
    hour_of_week: hoursOf(rides),
    zones: withZones ? zonesOf(rides) : null,
    without_zone: rides.withoutZone,
    flows: withZones ? flowsOf(rides) : [],
    by_distance: withDistance ? distancesOf(rides) : null,
    correlations: rides.kept > 1 ? rides.correlations.finish() : null,
  }
}

function hoursOf(rides: RideCounts): RidesProfile['hour_of_week'] {
  const hours = Array.from({ length: 168 }, (_, hour) => secondsOf(rides.bySecond, hour))
  const counts = hours.map(sum)
  return {
    rides: counts,
    mean: counts.map((n, hour) => (n > 0 ? (rides.hourMinutes[hour] as number) / n : null)),
    median: hours.map((seconds, hour) => {
      return counts[hour] ? minutesAt(seconds, 0.5, counts[hour] as number) : null
    }),
  }
}

function zonesOf({ pickups, dropoffs, pairMinutes, keptPairs }: RideCounts): ZoneProfile[] {
  const size = pickups.length
  const from = (table: Float64Array, id: number): number =>
    sum(table.subarray(id * size, (id + 1) * size))
  return Array.from(pickups, (count, id) => {
    const kept = from(keptPairs, id)
    const mean_minutes = kept > 0 ? from(pairMinutes, id) / kept : null
    return { id, pickups: count, dropoffs: dropoffs[id] as number, mean_minutes }
  }).filter((zone) => zone.pickups + zone.dropoffs > 0)
}

function flowsOf({ pairs, keptPairs, pairMinutes, pickups }: RideCounts): Flow[] {
  const ways = Array.from(pairs.keys()).filter((pair) => (pairs[pair] as number) > 0)
  ways.sort((a, b) => (pairs[b] as number) - (pairs[a] as number) || a - b)
  return ways.slice(0, listedFlows).map((pair) => {
    const kept = keptPairs[pair] as number
    return {
      from: Math.floor(pair / pickups.length),
      to: pair % pickups.length,
      rides: pairs[pair] as number,
      mean_minutes: kept > 0 ? (pairMinutes[pair] as number) / kept : null,
    }
  })
}

function distancesOf({ byDistance }: RideCounts): DistanceBin[] {
  return Array.from({ length: 2 * binnedMiles }, (_, bin) => {
    const seconds = secondsOf(byDistance, bin)
    const rides = sum(seconds)
    const at = (p: number): number => minutesAt(seconds, p, rides)
    const [p10, median, p90] = [at(0.1), at(0.5), at(0.9)]
    return { from: bin / 2, to: (bin + 1) / 2, rides, p10, median, p90 }
  }).filter(({ rides }) => rides >= fewest)
}

/** A quantile of counted whole seconds, in minutes; between the two nearest as it lies. */
function minutesAt(seconds: Uint32Array, p: number, rides: number): number {
  const at = p * (rides - 1)
  const low = nth(seconds, Math.floor(at))
  const high = nth(seconds, Math.min(Math.floor(at) + 1, rides - 1))
  return (low + (high - low) * (at - Math.floor(at))) / 60
}

function nth(seconds: Uint32Array, position: number): number {
  let seen = 0
  for (let second = 0; second < seconds.length; second++) {
    seen += seconds[second] as number
    if (seen > position) return second
  }
  return Number.NaN
}

function sum(values: Uint32Array | Float64Array): number {
  let total = 0
  for (const value of values) total += value
  return total
}

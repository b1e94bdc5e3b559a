/**
 * What the training rides were like: the distributions stored beside a model. Serving assumes
 * from them what a request does not say, and warns where a ride is unlike those seen.
 * Knows nothing about how they are summed.
 */

import { z } from 'zod'

const count = z.int().nonnegative()
const zoneCounts = z.array(z.tuple([z.int(), count]))

/** The shape of `profile.json`. */
export const profileSchema = z.object({
  /** Training rides. */
  rides: count,
  duration: z.object({
    mean: z.number(),
    /** Sample standard deviation, minutes; 0 for a single ride. */
    std: z.number(),
    /** Rides by whole minutes of duration, from 0; negative ones count as 0. */
    minutes: z.array(count),
  }),
  /** Rides by hour of the week, Monday 0:00 first. */
  hour_of_week: z.array(count).length(168),
  /** Rides by zone id; 0 where it is missing. */
  pickups: zoneCounts,
  dropoffs: zoneCounts,
  /** Absent where the recipe does not use the distance. */
  trip_distance: z
    .object({
      /** Mean of the plausible distances, miles. */
      mean: z.number(),
      /** Plausible: above 0 and up to this many miles. */
      plausible_up_to: z.number(),
      /** Rides by bin: below the first edge, between edges, at or above the last. */
      edges: z.array(z.number()),
      counts: z.array(count),
    })
    .nullable(),
  /** By pair of zones: pickup, drop-off, rides, mean plausible distance in miles or null. */
  pairs: z.array(z.tuple([z.int(), z.int(), count, z.number().nullable()])),
})

/** The distributions of the rides a model was trained on. */
export type Profile = z.output<typeof profileSchema>

/** Look-ups in a {@link Profile}. */
export interface ProfileIndex {
  /**
   * The distance to expect between two zones, miles: the training mean of the pair, else of all
   * rides, else undefined where the model knows nothing of distances.
   */
  typicalDistance(from: number, to: number): { miles: number; of: 'pair' | 'all' } | undefined
  /** Distances that all but one in a thousand training rides stay below, miles. */
  readonly usualDistance: number
  /** Share of the training rides by hour of the week, adding up to 1. */
  readonly hourShares: Float64Array
}

/** Indexes a profile; one pass over its pairs. */
export function indexProfile(profile: Profile): ProfileIndex {
  const pairs = new Map<number, number>()
  for (const [from, to, , miles] of profile.pairs) {
    if (miles !== null) pairs.set(from * 65_536 + to, miles)
  }
  const distance = profile.trip_distance
  return {
    typicalDistance(from, to) {
      if (!distance) return undefined
      const miles = pairs.get(from * 65_536 + to)
      return miles === undefined ? { miles: distance.mean, of: 'all' } : { miles, of: 'pair' }
    },
    usualDistance: distance ? usualUpTo(distance.edges, distance.counts) : Number.POSITIVE_INFINITY,
    hourShares: Float64Array.from(
      profile.hour_of_week,
      (rides) => rides / Math.max(1, profile.rides),
    ),
  }
}

// The lowest edge with at most a thousandth of the rides at or above it.
function usualUpTo(edges: readonly number[], counts: readonly number[]): number {
  const total = counts.reduce((sum, rides) => sum + rides, 0)
  let above = 0
  for (let bin = counts.length - 1; bin > 0; bin--) {
    above += counts[bin] as number
    if (above > total / 1000) return edges[bin] ?? Number.POSITIVE_INFINITY
  }
  return edges[0] ?? Number.POSITIVE_INFINITY
}

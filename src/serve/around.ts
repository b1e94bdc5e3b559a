/**
 * What a model says around a ride: at the other hours of its day, and from its pickup to the other
 * zones. The server and the page without a server compute it by this. Knows nothing about HTTP.
 */

import type { Interval } from '../intervals.ts'
import type { Predictor, RideRequest } from '../predictor.ts'
import { indexProfile, type Profile } from '../profile.ts'
import { hourMicros } from '../ride.ts'
import { zoneOf } from '../zones.ts'

/** What a ride is compared with. */
export interface Around {
  /** Minutes at the middle of each hour of the ride's day, from midnight; null without a time. */
  readonly hours: readonly number[] | null
  /** What half of such rides take; null of a model without intervals. */
  readonly half: Interval | null
}

/** A distance to expect between two zones. */
export interface TypicalDistance {
  readonly miles: number
  /**
   * What it is: the mean of the pair in training; for other pairs the straight line between the
   * middles of the zones, made longer as the pairs of training are; else the mean of all rides.
   */
  readonly of: 'pair' | 'line' | 'all'
}

/** Minutes to the drop-offs of a pickup. */
export interface Reach {
  /** Drop-off and minutes, where training had rides of the pair. */
  readonly minutes: readonly (readonly [zone: number, minutes: number])[]
}

/** The coverage of {@link Around.half}. */
const half = 0.5

/**
 * What a ride is compared with.
 *
 * @param ride with every input that the model needs
 * @throws input_invalid as `Predictor.predict`
 */
export function aroundRide(predictor: Predictor, ride: RideRequest): Around {
  const { inputs, model } = predictor
  const at = ride.pickup_datetime
  const isTimed = at !== undefined && inputs.includes('pickup_datetime')
  return {
    hours: isTimed ? hoursOf(predictor, ride, at) : null,
    half: model.intervals ? (predictor.predict(ride, half).interval ?? null) : null,
  }
}

function hoursOf(predictor: Predictor, ride: RideRequest, at: number): number[] {
  const midnight = Math.floor(at / (24 * hourMicros)) * 24 * hourMicros
  return Array.from({ length: 24 }, (_, hour) => {
    const pickup_datetime = midnight + (hour + 0.5) * hourMicros
    return predictor.predict({ ...ride, pickup_datetime }).duration
  })
}

/**
 * Minutes from the pickup of a ride to every zone that training rides went to from there, over the
 * mean distance of each pair; all else is as in the ride.
 *
 * @throws input_invalid as `Predictor.predict`
 */
export function reachOf(predictor: Predictor, ride: RideRequest): Reach {
  const usesDistance = predictor.inputs.includes('trip_distance')
  const minutes: [number, number][] = []
  for (const [from, to, , miles] of predictor.profile.pairs) {
    if (from !== ride.PULocationID || (usesDistance && miles === null)) continue
    const there = { ...ride, DOLocationID: to, trip_distance: miles ?? Number.NaN }
    minutes.push([to, predictor.predict(there).duration])
  }
  return { minutes }
}

/**
 * The distances to expect by the rides of training; null where they say nothing of distances.
 *
 * @param profile one pass over its pairs
 */
export function typicalDistances(
  profile: Profile,
): (from: number, to: number) => TypicalDistance | null {
  const index = indexProfile(profile)
  const detour = detourOf(profile)
  return (from, to) => {
    const known = index.typicalDistance(from, to)
    if (known?.of !== 'all') return known ?? null
    const line = straightMiles(from, to)
    const isLine = from !== to && !Number.isNaN(line) && detour !== undefined
    return isLine ? { miles: line * detour, of: 'line' } : { miles: known.miles, of: 'all' }
  }
}

/** Miles driven for a mile of straight line, over the rides of all pairs of two zones. */
function detourOf({ pairs }: Profile): number | undefined {
  let [driven, straight] = [0, 0]
  for (const [from, to, rides, miles] of pairs) {
    const line = straightMiles(from, to)
    if (from === to || miles === null || Number.isNaN(line)) continue
    driven += rides * miles
    straight += rides * line
  }
  return straight > 0 ? driven / straight : undefined
}

// At 40.73 degrees north; over a city the sphere is flat.
const milesPerDegree = { longitude: 52.358, latitude: 69.0936 }

/** Miles between the middles of two zones; NaN of zones that are no place. */
function straightMiles(from: number, to: number): number {
  const [a, b] = [zoneOf(from), zoneOf(to)]
  if (!a || !b) return Number.NaN
  const east = (b.longitude - a.longitude) * milesPerDegree.longitude
  const north = (b.latitude - a.latitude) * milesPerDegree.latitude
  return Math.sqrt(east * east + north * north)
}

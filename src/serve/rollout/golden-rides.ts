/**
 * Golden rides: what a version must answer before it answers anybody. Made from the version's own
 * profile, the pairs of zones that most training rides went between at the busiest hours, so that
 * they need no file and are the same everywhere. Asking them warms the version too. Knows nothing
 * about where versions come from.
 */

import { messageOf, RidecastError } from '../../errors.ts'
import type { RideRequest } from '../../predictor.ts'
import { hourMicros } from '../../ride.ts'
import { exampleRide } from '../served-model.ts'
import type { ServedModel } from '../state.ts'

const pairsAsked = 20
const hoursAsked = 3
/** Enough that the code which answers is compiled before the first client comes. */
const rounds = 5
/** A Monday at midnight on the local clock, microseconds: 2021-01-04. */
const monday = Date.UTC(2021, 0, 4) * 1000
/** Minutes in a day: no ride within the city is longer. */
const longest = 24 * 60

/** The golden rides of a version, at most 60. */
export function goldenRides({ predictor }: ServedModel): RideRequest[] {
  const { profile, inputs } = predictor
  const pairs = [...profile.pairs].sort((a, b) => b[2] - a[2]).slice(0, pairsAsked)
  const hours = [...profile.hour_of_week.keys()]
    .sort((a, b) => (profile.hour_of_week[b] as number) - (profile.hour_of_week[a] as number))
    .slice(0, hoursAsked)
  const others = exampleRide(inputs)
  return pairs
    .filter(([from, to]) => from > 0 && to > 0)
    .flatMap(([PULocationID, DOLocationID, , miles]) =>
      hours.map((hour) => ({
        ...others,
        PULocationID,
        DOLocationID,
        trip_distance: miles ?? profile.trip_distance?.mean ?? 1,
        pickup_datetime: monday + (hour + 0.5) * hourMicros,
      })),
    )
}

/**
 * Asks a version its golden rides.
 *
 * @throws artifact_corrupt when an answer is no number, not above 0, or longer than a day
 */
export function askGoldenRides(served: ServedModel): void {
  const label = `model ${served.name}/${served.version}`
  const rides = goldenRides(served)
  for (let round = 0; round < rounds; round++) {
    for (const ride of rides) {
      const minutes = answerOf(served, ride, label)
      if (minutes > 0 && minutes <= longest) continue
      throw new RidecastError(
        'artifact_corrupt',
        `${label} answers ${minutes} minutes for a usual ride, from zone ${ride.PULocationID} to ` +
          `${ride.DOLocationID}: expected above 0 and at most ${longest}`,
      )
    }
  }
}

function answerOf({ predictor }: ServedModel, ride: RideRequest, label: string): number {
  try {
    return predictor.predict(ride).duration
  } catch (error) {
    throw new RidecastError(
      'artifact_corrupt',
      `${label} does not answer a usual ride, from zone ${ride.PULocationID} to ${ride.DOLocationID}: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

/**
 * Why a version cannot take requests that were meant for another, undefined when it can: it would
 * refuse rides that the other answers.
 */
export function misfitOf(challenger: ServedModel, champion: ServedModel): string | undefined {
  if (challenger.name !== champion.name) {
    return `it is a version of ${challenger.name}: expected one of ${champion.name}`
  }
  const asked = new Set(champion.fields.filter((field) => field.required).map(({ name }) => name))
  const more = challenger.fields.filter(({ name, required }) => required && !asked.has(name))
  if (more.length > 0) {
    const names = more.map(({ name }) => name).join(', ')
    return `it needs ${names}, which ${champion.version} does not ask for`
  }
  if (champion.predictor.model.intervals && !challenger.predictor.model.intervals) {
    return `it was trained without intervals, which ${champion.version} gives`
  }
  return undefined
}

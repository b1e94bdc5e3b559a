/**
 * What each input of a ride can hold at all, and when it is known: the one definition that both
 * the data contract (of files) and the server (of requests) go by. Knows nothing about shares,
 * months or messages.
 */

import { type InputName, maxId, maxZone, rideColumns } from './ride.ts'

/** When a ride is looked at: TRAINING, afterwards, as a row of a file; SERVING, before, as a request. */
export const environments = ['TRAINING', 'SERVING'] as const

/** One of the environments. */
export type Environment = (typeof environments)[number]

/** What is known of a ride at some time: inputs of features, and when it ended. */
export type KnownInput = InputName | 'dropoff_datetime'

/** What an input can hold; a value outside is an error of a request, and counted in a file. */
export type Domain =
  /** Wall-clock time. */
  | { readonly kind: 'time' }
  /** Integers, both ends included. */
  | { readonly kind: 'id'; readonly from: number; readonly to: number; readonly zone: boolean }
  /** Finite numbers in a unit; from a least one where it states one. */
  | { readonly kind: 'number'; readonly unit: string; readonly from?: number }

/** What an input can hold, the same in both environments. */
export function domainOf(input: KnownInput): Domain {
  if (input === 'pickup_datetime' || input === 'dropoff_datetime') return { kind: 'time' }
  if (input === 'PULocationID' || input === 'DOLocationID') {
    return { kind: 'id', from: 1, to: maxZone, zone: true }
  }
  if (rideColumns[input].kind === 'id') return { kind: 'id', from: 0, to: maxId, zone: false }
  const { unit } = rideColumns[input]
  if (input === 'trip_distance') return { kind: 'number', unit, from: 0 }
  return { kind: 'number', unit }
}

/**
 * The environments that an input is known in. The drop-off and what is only known after the ride
 * exist in TRAINING alone; a recipe that uses them anyway says `allow_leakage: true`.
 */
export function environmentsOf(input: KnownInput): readonly Environment[] {
  if (input === 'dropoff_datetime') return ['TRAINING']
  if (input === 'pickup_datetime') return environments
  return rideColumns[input].afterRide ? ['TRAINING'] : environments
}

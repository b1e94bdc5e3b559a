/**
 * From what a person or a client says about a ride to an answer: assumes what is not said, keeps
 * the answer within the target's lower bound, and says both. Used by the command line and the
 * server alike. Knows nothing about HTTP.
 */

import { RidecastError } from './errors.ts'
import type { Contribution, Model } from './model.ts'
import { indexProfile, type Profile } from './profile.ts'
import { type ColumnName, emptyRide, hourMicros, type InputName, type RideBatch } from './ride.ts'

/** What is known of a ride before it begins; what is absent is assumed where it can be. */
export interface RideRequest extends Partial<Record<ColumnName, number>> {
  readonly PULocationID: number
  readonly DOLocationID: number
  /** Wall-clock time of the pickup, microseconds since 1970-01-01T00:00. */
  readonly pickup_datetime?: number
}

/** Codes of {@link Warning}. */
export type WarningCode =
  | 'category_unseen'
  | 'distance_assumed'
  | 'distance_unusual'
  | 'pickup_assumed'
  | 'raised_to_minimum'

/** Something to know about an answer. */
export interface Warning {
  readonly code: WarningCode
  /** The field or term it is about. */
  readonly field: string
  readonly message: string
}

/** An answer. */
export interface Prediction {
  /** Minutes. */
  readonly duration: number
  readonly warnings: readonly Warning[]
}

/** An answer with its reasons. */
export interface Explanation extends Prediction {
  /** Minutes that every prediction starts from. */
  readonly intercept: number
  /** By term; added in order to the intercept they give `total` to the last bit. */
  readonly contributions: readonly Contribution[]
  /** The model's own number; the duration is this, or the lower bound where this lies below it. */
  readonly total: number
}

/** Answers rides. */
export interface Predictor {
  readonly model: Model
  readonly profile: Profile
  /** What the model is computed from. */
  readonly inputs: readonly InputName[]
  /**
   * Answers, always a finite number; assumes a missing distance or pickup time. Every other input
   * must be there.
   *
   * @throws input_invalid when the quantities are so large that the model's number is not finite
   */
  predict(ride: RideRequest): Prediction
  /** Answers with reasons; the same number as {@link predict}, and throws as it does. */
  explain(ride: RideRequest): Explanation
}

/** A predictor over a model and the distributions of its training rides. */
export function createPredictor(model: Model, profile: Profile): Predictor {
  const inputs = model.features.inputs
  const columns = inputs.filter((name): name is ColumnName => name !== 'pickup_datetime')
  const index = indexProfile(profile)
  const batch = emptyRide(columns)
  const terms = [...model.features.categorical, ...model.features.numeric]
  const timed = terms.flatMap((term, t) => (term.inputs.includes('pickup_datetime') ? [t] : []))
  const averages = averageOverWeek(model, index.hourShares, timed, batch)
  const usesDistance = inputs.includes('trip_distance')
  const minimum = model.recipe.target.min

  /** True when the model needs the time of the pickup and the batch has none. */
  const isTimeless = (): boolean => timed.length > 0 && Number.isNaN(batch.pickup[0])

  /** Fills the batch; returns what was assumed. */
  function fill(ride: RideRequest): Warning[] {
    const warnings: Warning[] = []
    for (const name of columns) {
      ;(batch.columns[name] as Float64Array)[0] = ride[name] ?? Number.NaN
    }
    batch.pickup[0] = ride.pickup_datetime ?? Number.NaN
    if (usesDistance) {
      const miles = (batch.columns.trip_distance as Float64Array)[0] as number
      if (Number.isNaN(miles)) assumeDistance(ride, warnings)
      else if (miles > index.usualDistance) {
        warnings.push({
          code: 'distance_unusual',
          field: 'trip_distance',
          message: `${miles} miles is longer than 99.9 % of the training rides (${index.usualDistance} miles)`,
        })
      }
    }
    if (isTimeless()) {
      warnings.push({
        code: 'pickup_assumed',
        field: 'pickup_datetime',
        message: 'no pickup time given: averaged over the hours of the training rides',
      })
    }
    return warnings
  }

  function assumeDistance(ride: RideRequest, warnings: Warning[]): void {
    const typical = index.typicalDistance(ride.PULocationID, ride.DOLocationID)
    const miles = typical?.miles ?? Number.NaN
    ;(batch.columns.trip_distance as Float64Array)[0] = miles
    const of = typical?.of === 'pair' ? 'the mean of this pair of zones' : 'the mean of all rides'
    warnings.push({
      code: 'distance_assumed',
      field: 'trip_distance',
      message: `no distance given: took ${miles.toFixed(2)} miles, ${of} in training`,
    })
  }

  /** The model's number from its parts, in the order that makes it exact. */
  function minutesOf(): number {
    if (!isTimeless()) return model.predict(batch, 0)
    let minutes = model.intercept
    for (let t = 0; t < terms.length; t++) minutes += averages(t) ?? model.contribution(t, batch, 0)
    return minutes
  }

  function noteUnseen(contributions: readonly Contribution[], warnings: Warning[]): void {
    for (const { term, value, unseen } of contributions) {
      if (!unseen || value === null) continue
      warnings.push({
        code: 'category_unseen',
        field: term,
        message: `${term} ${value} was not in the training rides: it adds nothing`,
      })
    }
  }

  function bounded(minutes: number, warnings: Warning[]): number {
    if (minutes >= minimum) return minutes
    warnings.push({
      code: 'raised_to_minimum',
      field: 'duration',
      message: `the model's number, ${minutes.toFixed(2)} minutes, lies below the shortest ride it was trained on: raised to ${minimum}`,
    })
    return minimum
  }

  function answer(ride: RideRequest): Explanation {
    const warnings = fill(ride)
    const averaged = isTimeless()
    const contributions = model.explain(batch, 0).map((contribution, t): Contribution => {
      const minutes = averaged ? averages(t) : undefined
      return minutes === undefined ? contribution : { ...contribution, minutes, unseen: false }
    })
    noteUnseen(contributions, warnings)
    const minutes = minutesOf()
    if (!Number.isFinite(minutes)) {
      throw new RidecastError(
        'input_invalid',
        'ride has values too large to be computed with: expected quantities like those of the training rides',
      )
    }
    const duration = bounded(minutes, warnings)
    return {
      duration,
      warnings,
      intercept: model.intercept,
      contributions,
      total: minutes,
    }
  }

  return {
    model,
    profile,
    inputs,
    explain: answer,
    predict(ride) {
      const { duration, warnings } = answer(ride)
      return { duration, warnings }
    },
  }
}

/**
 * Minutes that a term adds on average over the training hours, for a ride whose time is unknown;
 * undefined for a term that does not depend on the time.
 */
function averageOverWeek(
  model: Model,
  shares: Float64Array,
  timed: readonly number[],
  batch: RideBatch,
): (t: number) => number | undefined {
  const terms = [...model.features.categorical, ...model.features.numeric]
  const average = (t: number): number => {
    let minutes = 0
    for (let hour = 0; hour < shares.length; hour++) {
      const share = shares[hour] as number
      if (share === 0) continue
      // 1970-01-05 was a Monday; the middle of the hour stands for it.
      batch.pickup[0] = (4 * 24 + hour + 0.5) * hourMicros
      minutes += share * model.contribution(t, batch, 0)
    }
    batch.pickup[0] = Number.NaN
    return minutes
  }
  // A term of the time alone has one average; a product with other inputs depends on the ride.
  const fixed = new Map<number, number>()
  for (const t of timed) if (terms[t]?.inputs.length === 1) fixed.set(t, average(t))
  return (t) => fixed.get(t) ?? (timed.includes(t) ? average(t) : undefined)
}

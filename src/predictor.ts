/**
 * From what a person or a client says about a ride to an answer: assumes what is not said, keeps
 * the answer within the target's lower bound, and says both. Used by the command line and the
 * server alike. Knows nothing about HTTP.
 */

import { RidecastError } from './errors.ts'
import { type Interval, intervalAround } from './intervals.ts'
import type { Contribution, LinearModel, Model } from './model.ts'
import { indexProfile, type Profile } from './profile.ts'
import { type ColumnName, emptyRide, hourMicros, type InputName, type RideBatch } from './ride.ts'

/** What is known of a ride before it begins; what is absent is assumed where it can be. */
export interface RideRequest extends Partial<Record<ColumnName, number>> {
  readonly PULocationID: number
  readonly DOLocationID: number
  /** Wall-clock time of the pickup, microseconds since 1970-01-01T00:00. */
  readonly pickup_datetime?: number
}

/** Inputs that are assumed where a ride does not have them. */
export const assumable = ['trip_distance', 'pickup_datetime'] as const

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
  /** Where a coverage was asked for. */
  readonly interval?: Interval
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
   * @param coverage probability of the interval that is wanted, none by default
   * @throws input_invalid when the quantities are so large that the model's number is not finite, or
   *   an interval is wanted of a model without them, or of another coverage than there can be
   */
  predict(ride: RideRequest, coverage?: number): Prediction
  /** Answers with reasons; the same number as {@link predict}, and throws as it does. */
  explain(ride: RideRequest, coverage?: number): Explanation
}

/** A predictor over a model and the distributions of its training rides. */
export function createPredictor(model: Model, profile: Profile): Predictor {
  const inputs = model.features.inputs
  const columns = inputs.filter((name): name is ColumnName => name !== 'pickup_datetime')
  const index = indexProfile(profile)
  const batch = emptyRide(columns)
  const overWeek =
    model.kind === 'linear'
      ? termsOverWeek(model, index.hourShares, batch)
      : ridesOverWeek(model, index.hourShares, batch)
  const usesTime = inputs.includes('pickup_datetime')
  const usesDistance = inputs.includes('trip_distance')
  const minimum = model.recipe.target.min
  const slots = columns.map((name) => ({ name, values: batch.columns[name] as Float64Array }))
  const unseenText = model.kind === 'linear' ? 'it adds nothing' : 'it counts as unknown'

  /** True when the model needs the time of the pickup and the batch has none. */
  const isTimeless = (): boolean => usesTime && Number.isNaN(batch.pickup[0])

  /** Fills the batch; returns what was assumed. */
  function fill(ride: RideRequest): Warning[] {
    const warnings: Warning[] = []
    for (const { name, values } of slots) values[0] = ride[name] ?? Number.NaN
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
    if (typical === undefined) {
      throw new RidecastError(
        'input_invalid',
        'ride has no distance, and the training rides had none to assume: give trip_distance',
      )
    }
    const { miles } = typical
    ;(batch.columns.trip_distance as Float64Array)[0] = miles
    const of = typical.of === 'pair' ? 'the mean of this pair of zones' : 'the mean of all rides'
    warnings.push({
      code: 'distance_assumed',
      field: 'trip_distance',
      message: `no distance given: took ${miles.toFixed(2)} miles, ${of} in training`,
    })
  }

  function noteUnseen(contributions: readonly Contribution[], warnings: Warning[]): void {
    for (const { term, value, unseen } of contributions) {
      if (!unseen || value === null) continue
      warnings.push({
        code: 'category_unseen',
        field: term,
        message: `${term} ${value} was not in the training rides: ${unseenText}`,
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

  /** The number and the levels that were not in training; reasons only where they are wanted. */
  function answer(ride: RideRequest, why: true, coverage?: number): Explanation
  function answer(
    ride: RideRequest,
    why: boolean,
    coverage?: number,
  ): Prediction & Partial<Explanation>
  function answer(
    ride: RideRequest,
    why: boolean,
    coverage?: number,
  ): Prediction & Partial<Explanation> {
    const warnings = fill(ride)
    const explained = why ? explain() : undefined
    const seen = why || model.kind !== 'linear' ? Number.NaN : model.predictSeen(batch, 0)
    if (Number.isNaN(seen)) {
      noteUnseen(explained?.contributions ?? model.categories(batch, 0), warnings)
    }
    const minutes = explained?.total ?? minutesOf(seen)
    if (!Number.isFinite(minutes)) {
      throw new RidecastError(
        'input_invalid',
        'ride has values too large to be computed with: expected quantities like those of the training rides',
      )
    }
    const duration = bounded(minutes, warnings)
    if (coverage === undefined && !explained) return { duration, warnings }
    const interval = coverage === undefined ? undefined : intervalOf(minutes, coverage)
    return { duration, warnings, ...(interval && { interval }), ...explained }
  }

  /** The model's number; `seen` is it already, or NaN. */
  function minutesOf(seen: number): number {
    if (isTimeless()) return overWeek.predict()
    return Number.isNaN(seen) ? model.predict(batch, 0) : seen
  }

  function intervalOf(minutes: number, coverage: number): Interval {
    const { intervals, recipe } = model
    if (intervals) return intervalAround(intervals, minutes, coverage, recipe.target)
    throw new RidecastError(
      'input_invalid',
      `interval cannot be given: the model was trained by recipe ${recipe.name} without intervals; train it with --set intervals=true`,
    )
  }

  function explain(): Pick<Explanation, 'intercept' | 'contributions' | 'total'> {
    const { intercept } = model
    const contributions = isTimeless() ? overWeek.explain() : model.explain(batch, 0)
    return {
      intercept,
      contributions,
      total: contributions.reduce((sum, { minutes }) => sum + minutes, intercept),
    }
  }

  return {
    model,
    profile,
    inputs,
    explain: (ride, coverage) => answer(ride, true, coverage),
    predict: (ride, coverage) => answer(ride, false, coverage),
  }
}

/** Answers for a ride whose time is not known: averages over the hours of the training rides. */
interface OverWeek {
  predict(): number
  /** Contributions whose sum, in order from the intercept, is what {@link predict} gives. */
  explain(): Contribution[]
}

/** 1970-01-05 was a Monday; the middle of the hour stands for it. */
const middleOf = (hour: number): number => (4 * 24 + hour + 0.5) * hourMicros

/** Of a model that adds up its terms, each term has an average. */
function termsOverWeek(model: LinearModel, shares: Float64Array, batch: RideBatch): OverWeek {
  const terms = [...model.features.categorical, ...model.features.numeric]
  const timed = new Set(terms.filter((term) => term.inputs.includes('pickup_datetime')))
  const average = (t: number): number => {
    let minutes = 0
    for (let hour = 0; hour < shares.length; hour++) {
      const share = shares[hour] as number
      if (share === 0) continue
      batch.pickup[0] = middleOf(hour)
      minutes += share * model.contribution(t, batch, 0)
    }
    batch.pickup[0] = Number.NaN
    return minutes
  }
  // A term of the time alone has one average; a product with other inputs depends on the ride.
  const fixed = new Map<number, number>()
  terms.forEach((term, t) => {
    if (timed.has(term) && term.inputs.length === 1) fixed.set(t, average(t))
  })
  const isTimed = terms.map((term) => timed.has(term))
  return {
    explain: () =>
      model.explain(batch, 0).map((contribution, t): Contribution => {
        if (!isTimed[t]) return contribution
        return { ...contribution, minutes: fixed.get(t) ?? average(t), unseen: false }
      }),
    predict() {
      let minutes = model.intercept
      for (let t = 0; t < terms.length; t++) {
        minutes += isTimed[t] ? (fixed.get(t) ?? average(t)) : model.contribution(t, batch, 0)
      }
      return minutes
    },
  }
}

/**
 * Of other models, the answer is averaged. It is explained at the hour with the most rides, and what
 * the average differs from that is a contribution of its own.
 */
function ridesOverWeek(model: Model, shares: Float64Array, batch: RideBatch): OverWeek {
  const busiest = shares.indexOf(Math.max(...shares))
  const at = <T>(hour: number, ask: () => T): T => {
    batch.pickup[0] = middleOf(hour)
    const answer = ask()
    batch.pickup[0] = Number.NaN
    return answer
  }
  const predict = (): number => {
    let minutes = 0
    for (let hour = 0; hour < shares.length; hour++) {
      const share = shares[hour] as number
      if (share > 0) minutes += share * at(hour, () => model.predict(batch, 0))
    }
    // As the answers of these models are: what is between two of them is exact then.
    return Math.fround(minutes)
  }
  return {
    predict,
    explain() {
      const parts = at(busiest, () => model.explain(batch, 0))
      const sum = parts.reduce((total, { minutes }) => total + minutes, model.intercept)
      const minutes = predict() - sum
      return [...parts, { term: 'pickup_datetime', value: null, minutes, unseen: false }]
    },
  }
}

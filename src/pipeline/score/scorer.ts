/**
 * Predictions for many rides: the very numbers that the predictor gives for each. Where all that
 * the model is computed from is there, the model is asked at once; what has to be assumed is left
 * to the predictor. Knows nothing about files.
 */

import { isRidecastError, RidecastError } from '../../errors.ts'
import { intervalAround } from '../../intervals.ts'
import { predictAt } from '../../predict-at.ts'
import { assumable, type Predictor, type RideRequest } from '../../predictor.ts'
import type { ColumnName, InputName } from '../../ride.ts'
import type { RideRows } from './ride-rows.ts'

/** Rides by what was assumed of them. */
export type Assumed = Record<(typeof assumable)[number], number>

/** Predictions of some rows, each as long as they are. */
export interface Scores {
  /** Minutes; null for a row with a fault. */
  readonly duration: readonly (number | null)[]
  /** Ends of the interval, minutes; undefined where none is wanted. */
  readonly low: readonly (number | null)[] | undefined
  readonly high: readonly (number | null)[] | undefined
  /** Why a row has no prediction, null for one that has. */
  readonly fault: readonly (string | null)[]
}

/** Asks a model about rows. */
export class Scorer {
  /** What the model is computed from, and both zones. */
  readonly inputs: readonly InputName[]
  /** Those that a row cannot be predicted without: both zones, and what cannot be assumed. */
  readonly required: readonly InputName[]
  /** Rides so far by what was assumed of them. */
  readonly assumed: Assumed = { trip_distance: 0, pickup_datetime: 0 }
  private readonly predictor: Predictor
  private readonly coverage: number | undefined

  /**
   * @param coverage probability of the interval that is wanted, none by default
   * @throws input_invalid when the model cannot give such an interval
   */
  constructor(predictor: Predictor, coverage?: number) {
    const { model } = predictor
    if (coverage !== undefined) checkInterval(predictor, coverage)
    this.predictor = predictor
    this.coverage = coverage
    this.inputs = [...new Set<InputName>(['PULocationID', 'DOLocationID', ...predictor.inputs])]
    const isAssumed = (name: InputName): boolean => assumable.some((one) => one === name)
    this.required = this.inputs.filter((name) => {
      const isZone = name === 'PULocationID' || name === 'DOLocationID'
      return isZone || (model.features.required.includes(name) && !isAssumed(name))
    })
  }

  /** Predictions of rows, in order. */
  score({ rides, faults }: RideRows): Scores {
    const { length } = rides
    const duration = new Array<number | null>(length).fill(null)
    const fault = new Array<string | null>(length).fill(null)
    const isWanted = this.coverage !== undefined
    const low = isWanted ? new Array<number | null>(length).fill(null) : undefined
    const high = isWanted ? new Array<number | null>(length).fill(null) : undefined
    const minutes = this.minutes(rides, faults)
    for (let i = 0; i < length; i++) {
      const reason = faults.get(i)
      const answer = reason ?? this.answer(rides, i, minutes[i] as number)
      if (typeof answer === 'string') {
        fault[i] = answer
        continue
      }
      duration[i] = answer.duration
      if (low) low[i] = answer.low
      if (high) high[i] = answer.high
    }
    return { duration, low, high, fault }
  }

  /** What the model says of the rows that have all it is computed from, NaN for the others. */
  private minutes(rides: RideRows['rides'], faults: RideRows['faults']): Float64Array {
    const whole = Int32Array.from({ length: rides.length }, (_, i) => i).filter((i) => {
      return !faults.has(i) && this.assumedOf(rides, i).length === 0
    })
    const minutes = new Float64Array(rides.length).fill(Number.NaN)
    const said = predictAt(this.predictor.model, rides, whole)
    for (const [k, i] of whole.entries()) minutes[i] = said[k] as number
    return minutes
  }

  /** What would have to be assumed of a row. */
  private assumedOf(rides: RideRows['rides'], i: number): (typeof assumable)[number][] {
    const { inputs } = this.predictor
    return assumable.filter((name) => {
      return inputs.includes(name) && Number.isNaN(inputOf(rides, name, i))
    })
  }

  private answer(rides: RideRows['rides'], i: number, minutes: number): Answer | string {
    const { model } = this.predictor
    if (!Number.isFinite(minutes)) {
      // A number that is none has its reason, which the predictor gives.
      const assumed = this.assumedOf(rides, i)
      const answer = this.askPredictor(rides, i)
      if (typeof answer !== 'string') for (const name of assumed) this.assumed[name]++
      return answer
    }
    const { target } = model.recipe
    const duration = Math.max(minutes, target.min)
    if (this.coverage === undefined || !model.intervals) return { duration, low: null, high: null }
    const { low, high } = intervalAround(model.intervals, minutes, this.coverage, target)
    return { duration, low, high }
  }

  private askPredictor(rides: RideRows['rides'], i: number): Answer | string {
    const ride: Partial<Record<InputName, number>> = {}
    for (const name of this.inputs) {
      const value = inputOf(rides, name, i)
      if (!Number.isNaN(value)) ride[name] = value
    }
    try {
      const { duration, interval } = this.predictor.predict(ride as RideRequest, this.coverage)
      return { duration, low: interval?.low ?? null, high: interval?.high ?? null }
    } catch (error) {
      if (isRidecastError(error, 'input_invalid')) return error.message
      throw error
    }
  }
}

interface Answer {
  readonly duration: number
  readonly low: number | null
  readonly high: number | null
}

function inputOf(rides: RideRows['rides'], name: InputName, i: number): number {
  const values = name === 'pickup_datetime' ? rides.pickup : rides.columns[name as ColumnName]
  return values?.[i] ?? Number.NaN
}

/** Refuses once what would be refused for every ride. */
function checkInterval({ model }: Predictor, coverage: number): void {
  const { intervals, recipe } = model
  if (intervals) {
    intervalAround(intervals, recipe.target.min, coverage, recipe.target)
    return
  }
  throw new RidecastError(
    'input_invalid',
    `interval cannot be given: the model was trained by recipe ${recipe.name} without intervals; train it with --set intervals=true`,
  )
}

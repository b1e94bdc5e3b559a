/**
 * What a model makes of each input, whatever kind it is: how much worse it is when the input tells
 * nothing, and what it predicts when the input is set. Knows nothing about how models work.
 */

import { RidecastError } from '../../errors.ts'
import { measureOf } from '../../measures.ts'
import type { Model } from '../../model.ts'
import { predictAt } from '../../predict-at.ts'
import { derivedLevels, hourMicros, type InputName, type RideBatch } from '../../ride.ts'
import { minutesOf } from '../ride-table.ts'
import { randomBelow } from '../trees/random.ts'
import type {
  DependencePoint,
  InputImportance,
  PartialDependence,
  SettableInput,
} from './judgement.ts'
import { spreadOf } from './spread.ts'

/** How inputs are shuffled. */
export interface ImportanceOptions {
  /** A whole number of 32 bits: the same one shuffles alike. Default 1. */
  readonly seed?: number
  /** Shuffles of each input, default 3. */
  readonly repeats?: number
}

/**
 * How much worse a model gets when an input is shuffled among rides, the most needed input first
 * (Breiman, "Random forests", Machine Learning 45, 2001). Inputs that tell the same share what they
 * tell: zones and distance do.
 *
 * @param rides with the model's inputs and drop-off times
 */
export function permutationImportance(
  model: Model,
  rides: RideBatch,
  { seed = 1, repeats = 3 }: ImportanceOptions = {},
): InputImportance[] {
  const actual = minutesOf(rides)
  const base = rmseOf(model, rides, actual)
  return model.features.inputs
    .map((input, k): InputImportance => {
      const rises = Array.from({ length: repeats }, (_, repeat) => {
        const order = shuffled(rides.length, seed, k * repeats + repeat)
        const values = valuesOf(rides, input)
        const taken = Float64Array.from(order, (i) => values[i] as number)
        return rmseOf(model, withInput(rides, input, taken), actual) - base
      })
      const { mean: rise, deviation } = spreadOf(rises)
      return { input, rise, deviation }
    })
    .sort((a, b) => b.rise - a.rise)
}

/**
 * What a model predicts on average over rides when an input is set to each value of a grid, all
 * others as they are (Friedman, "Greedy function approximation", Annals of Statistics 29, 2001).
 *
 * @param grid values in the input's unit: microseconds for the time of the pickup
 * @throws usage_invalid when the model does not have the input
 */
export function partialDependence(
  model: Model,
  rides: RideBatch,
  input: SettableInput,
  grid: readonly number[],
): PartialDependence {
  const isPart = input === 'hour' || input === 'weekday'
  const column = isPart ? 'pickup_datetime' : input
  const { inputs } = model.features
  if (!inputs.includes(column)) {
    const text = `input ${input} is not one of the model: expected one of ${inputs.join(', ')}`
    throw new RidecastError('usage_invalid', text)
  }
  const points = grid.map((value): DependencePoint => {
    const values = isPart
      ? timesWith(rides, input, value)
      : new Float64Array(rides.length).fill(value)
    const set = withInput(rides, column, values)
    let sum = 0
    for (const minutes of predictAt(model, set)) sum += minutes
    return { value, minutes: sum / set.length }
  })
  return { input, points }
}

/** Times of the pickup with another hour or day of the week, minutes and the rest kept. */
function timesWith(rides: RideBatch, part: 'hour' | 'weekday', value: number): Float64Array {
  const measure = measureOf(part)
  const unit = part === 'hour' ? hourMicros : derivedLevels.hour * hourMicros
  return rides.pickup.map((time, i) => time + (value - measure.read(rides, i)) * unit)
}

const valuesOf = (rides: RideBatch, input: InputName): Float64Array =>
  input === 'pickup_datetime' ? rides.pickup : (rides.columns[input] as Float64Array)

/** The same rides with other values of an input. */
function withInput(rides: RideBatch, input: InputName, values: Float64Array): RideBatch {
  if (input !== 'pickup_datetime') {
    return { ...rides, columns: { ...rides.columns, [input]: values } }
  }
  // A ride that begins at another time still takes as long.
  const dropoff = values.map(
    (time, i) => time + (rides.dropoff[i] as number) - (rides.pickup[i] as number),
  )
  return { ...rides, pickup: values, dropoff }
}

function rmseOf(model: Model, rides: RideBatch, actual: Float64Array): number {
  const minutes = predictAt(model, rides)
  let squares = 0
  for (let i = 0; i < rides.length; i++) {
    squares += ((minutes[i] as number) - (actual[i] as number)) ** 2
  }
  return Math.sqrt(squares / rides.length)
}

/** A random order of the numbers from 0 (Fisher and Yates). */
function shuffled(length: number, seed: number, stream: number): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = randomBelow(i + 1, seed, stream, i)
    const taken = order[i] as number
    order[i] = order[j] as number
    order[j] = taken
  }
  return order
}

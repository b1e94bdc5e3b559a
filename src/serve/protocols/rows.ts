/**
 * From rows of a batch to their answers: each is checked, predicted, counted and logged as a single
 * request would be, and a fault of one does not touch the others. Knows nothing about formats.
 */

import { setImmediate } from 'node:timers/promises'
import type { Interval } from '../../intervals.ts'
import type { Explanation, Prediction, RideRequest, Warning } from '../../predictor.ts'
import type { Loggable } from '../prediction-log.ts'
import type { Answer, Wish } from '../predictions.ts'
import { type Fault, invalidInput, Problem, type ProblemCode, problemOf } from '../problem.ts'
import { isRide, rideOf } from '../ride-fields.ts'
import type { Service } from '../routes.ts'
import type { Turn } from '../state.ts'
import type { QueryWishes } from '../wishes.ts'

/** Rows that are answered before others get a turn. */
export const rowsAtOnce = 256

/** A row as it was read: the value that should be a ride, or the problem why there is none. */
export type Row = unknown

/** The answer to a row that was a ride. */
export interface AnsweredRow {
  /** Its place in the batch, from 0. */
  readonly row: number
  /** Minutes. */
  readonly duration: number
  readonly model_version: string
  readonly prediction_id: string
  readonly interval?: Interval
  readonly warnings?: readonly Warning[]
  readonly explanation?: Pick<Explanation, 'intercept' | 'contributions' | 'total'>
}

/** The answer to a row that was none. */
export interface RefusedRow {
  /** Its place in the batch, from 0. */
  readonly row: number
  readonly error: {
    readonly code: ProblemCode
    readonly detail: string
    /** Everything that is wrong with the ride; pointers start at the ride. */
    readonly errors?: readonly Fault[]
  }
}

/** The answer to a row. */
export type RowAnswer = AnsweredRow | RefusedRow

/** Who answers the rows of a batch, and what is wanted of every answer. */
export interface Asked {
  readonly turn: Turn
  readonly wishes: QueryWishes
  readonly key: string | undefined
  /** Gets the lines for the log, as {@link Wish.held}. */
  readonly held?: Loggable[]
}

/**
 * Answers the rows of a batch in their order, all by one turn.
 *
 * @param service `predictions` and `log`
 * @returns what answers the next rows
 */
export function answersOf(
  { predictions, log }: Pick<Service, 'predictions' | 'log'>,
  { turn, wishes, key, held }: Asked,
): (rows: readonly Row[]) => RowAnswer[] {
  const wish = { ...wishes, key, ...(held && { held }) }
  let count = 0

  function answer(value: Row): RowAnswer {
    const row = count++
    if (value instanceof Problem) return refused(row, value)
    const ride = rideOf(value, turn.model)
    if (!isRide(ride)) return refused(row, invalidInput(ride))
    try {
      const { id, model, prediction } = predictions.answer(turn, ride, wish)
      return answered(row, prediction, model.version, id)
    } catch (error) {
      const problem = problemOf(error)
      if (problem.code === 'internal') log.error({ error }, 'row failed')
      return refused(row, problem)
    }
  }

  return (rows) => rows.map(answer)
}

/** Faults that a protocol tells of which has no place for each row's own. */
const mostFaults = 20

/**
 * Answers rows of which every one has to be a ride, for protocols that know one answer for all.
 *
 * @param proceed asked when all are found to be rides and none is answered; may throw
 * @throws Problem: input_invalid with the first faults, pointers starting with the row
 */
export async function answerAll(
  { predictions }: Pick<Service, 'predictions'>,
  { turn, wishes, key }: Asked,
  rows: readonly Row[],
  proceed: () => void,
): Promise<Answer[]> {
  const rides: RideRequest[] = []
  const faults: Fault[] = []
  for (const [i, row] of rows.entries()) {
    if (i % rowsAtOnce === rowsAtOnce - 1) await setImmediate()
    if (row instanceof Problem) throw row
    const ride = rideOf(row, turn.model)
    if (isRide(ride)) {
      rides.push(ride)
      continue
    }
    for (const fault of ride) {
      faults.push({ ...fault, pointer: `#/${i}${(fault.pointer ?? '#').slice(1)}` })
    }
    if (faults.length >= mostFaults) break
  }
  if (faults.length > 0) throw invalidInput(faults.slice(0, mostFaults))
  proceed()
  const answers: Answer[] = []
  for (const [i, ride] of rides.entries()) {
    if (i % rowsAtOnce === rowsAtOnce - 1) await setImmediate()
    answers.push(predictions.answer(turn, ride, { ...wishes, key }))
  }
  return answers
}

/** The faults of a problem in one line, for protocols that have one text for them. */
export function faultsText({ message, faults }: Problem): string {
  if (faults.length === 0) return message
  return faults
    .map(({ pointer, message }) => {
      const row = /^#\/(\d+)/.exec(pointer ?? '')?.[1]
      return row === undefined ? message : `row ${row}: ${message}`
    })
    .join('; ')
}

/** The answer to a row that a problem stands for. */
export function refused(row: number, { code, message: detail, faults }: Problem): RefusedRow {
  return { row, error: { code, detail, ...(faults.length > 0 && { errors: faults }) } }
}

function answered(
  row: number,
  prediction: Prediction | Explanation,
  model_version: string,
  prediction_id: string,
): AnsweredRow {
  const { duration, interval, warnings } = prediction
  const answer = { row, duration, model_version, prediction_id }
  // Nearly all rows end here: no object is made for what is not there.
  if (!interval && warnings.length === 0 && !('contributions' in prediction)) return answer
  const explanation = explanationOf(prediction)
  return {
    ...answer,
    ...(interval && { interval }),
    ...(warnings.length > 0 && { warnings }),
    ...(explanation && { explanation }),
  }
}

/** The reasons of a prediction, where it was asked for them. */
export function explanationOf(
  prediction: Prediction | Explanation,
): AnsweredRow['explanation'] | undefined {
  if (!('contributions' in prediction)) return undefined
  const { intercept, contributions, total } = prediction
  return { intercept, contributions, total }
}

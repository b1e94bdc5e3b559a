/**
 * What the two arms of a trial did, as sums that add up over processes: predictions, failures,
 * durations, latencies, and errors once the actual durations are known. Knows nothing about rules.
 */

import { z } from 'zod'
import { binOf } from '../tally.ts'

/** Upper ends of the bins of durations, minutes; the last bin is open. */
export const minuteEdges: readonly number[] = [3, 5, 8, 11, 15, 20, 30, 45, 60]

/** Upper ends of the bins of latencies, milliseconds: eight to a doubling, 1 microsecond to 17 s. */
export const latencyEdges: readonly number[] = Array.from(
  { length: 193 },
  (_, i) => 0.001 * 2 ** (i / 8),
)

const count = z.int().nonnegative()
const counts = (length: number) => z.array(count).length(length)

/** How far predictions were from the actual durations, minutes. */
const errorsSchema = z.strictObject({
  /** Predictions whose actual duration is known. */
  n: count,
  /** Sum of the absolute errors. */
  absolute: z.number(),
  /** Sum of the squared errors. */
  square: z.number(),
  /** Sum of the fourth powers. */
  fourth: z.number(),
})

const armSchema = z.strictObject({
  answered: count,
  /** Rides that it should have answered and could not. */
  failed: count,
  /** Sum of the durations, minutes. */
  minutes: z.number(),
  /** Sum of their squares. */
  squares: z.number(),
  /** Durations by the bins of {@link minuteEdges}. */
  durations: counts(minuteEdges.length + 1),
  /** Latencies by the bins of {@link latencyEdges}; of mirrored rides there are none. */
  latencies: counts(latencyEdges.length + 1),
  errors: errorsSchema,
})

/** The counts of a trial on disk: errors over the whole trial, all else of the current step. */
export const trialCountsSchema = z.strictObject({
  /** The revision that began the step. */
  step: count,
  champion: armSchema,
  challenger: armSchema,
  /** Rides that both were asked: the challenger's duration less the champion's, minutes. */
  pairs: z.strictObject({
    n: count,
    sum: z.number(),
    squares: z.number(),
    largest: z.number(),
  }),
})

/** Errors of an arm, see the schema. */
export type ErrorSums = z.output<typeof errorsSchema>
/** What an arm did. */
export type ArmCounts = z.output<typeof armSchema>
/** What both arms of a trial did. */
export type TrialCounts = z.output<typeof trialCountsSchema>

const noErrors = (): ErrorSums => ({ n: 0, absolute: 0, square: 0, fourth: 0 })

/** An arm that did nothing yet. */
export function noCounts(errors: ErrorSums = noErrors()): ArmCounts {
  return {
    answered: 0,
    failed: 0,
    minutes: 0,
    squares: 0,
    durations: minuteEdges.map(() => 0).concat(0),
    latencies: latencyEdges.map(() => 0).concat(0),
    errors,
  }
}

/**
 * The counts of a step that begins.
 *
 * @param before of the trial so far: its errors go on
 */
export function newCounts(step: number, before?: TrialCounts): TrialCounts {
  return {
    step,
    champion: noCounts(before?.champion.errors),
    challenger: noCounts(before?.challenger.errors),
    pairs: { n: 0, sum: 0, squares: 0, largest: 0 },
  }
}

/**
 * Counts an answer.
 *
 * @param ms what it took, undefined where that was not measured
 */
export function countAnswer(arm: ArmCounts, minutes: number, ms?: number): void {
  arm.answered++
  arm.minutes += minutes
  arm.squares += minutes * minutes
  increment(arm.durations, binOf(minuteEdges, minutes))
  if (ms !== undefined) increment(arm.latencies, binOf(latencyEdges, ms))
}

/** Counts a ride that both arms were asked. */
export function countPair(counts: TrialCounts, champion: number, challenger: number): void {
  countAnswer(counts.champion, champion)
  countAnswer(counts.challenger, challenger)
  const { pairs } = counts
  const difference = challenger - champion
  pairs.n++
  pairs.sum += difference
  pairs.squares += difference * difference
  pairs.largest = Math.max(pairs.largest, Math.abs(difference))
}

/** Counts how far a prediction was from the actual duration. */
export function countError({ errors }: ArmCounts, predicted: number, actual: number): void {
  const error = Math.abs(predicted - actual)
  errors.n++
  errors.absolute += error
  errors.square += error ** 2
  errors.fourth += error ** 4
}

function increment(bins: number[], bin: number): void {
  bins[bin] = (bins[bin] as number) + 1
}

const added = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((value, i) => value + (b[i] as number))

function addedErrors(a: ErrorSums, b: ErrorSums): ErrorSums {
  return {
    n: a.n + b.n,
    absolute: a.absolute + b.absolute,
    square: a.square + b.square,
    fourth: a.fourth + b.fourth,
  }
}

function addedArms(a: ArmCounts, b: ArmCounts): ArmCounts {
  return {
    answered: a.answered + b.answered,
    failed: a.failed + b.failed,
    minutes: a.minutes + b.minutes,
    squares: a.squares + b.squares,
    durations: added(a.durations, b.durations),
    latencies: added(a.latencies, b.latencies),
    errors: addedErrors(a.errors, b.errors),
  }
}

/** The counts of several processes together: those of another step add their errors only. */
export function sumCounts(step: number, all: readonly TrialCounts[]): TrialCounts {
  return all.reduce((sum, one) => {
    const same = one.step === step ? one : newCounts(step, one)
    return {
      step,
      champion: addedArms(sum.champion, same.champion),
      challenger: addedArms(sum.challenger, same.challenger),
      pairs: {
        n: sum.pairs.n + same.pairs.n,
        sum: sum.pairs.sum + same.pairs.sum,
        squares: sum.pairs.squares + same.pairs.squares,
        largest: Math.max(sum.pairs.largest, same.pairs.largest),
      },
    }
  }, newCounts(step))
}

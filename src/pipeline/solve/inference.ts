/**
 * What a least squares fit says about its own certainty: standard errors, t and p-values and
 * intervals of coefficients and of combinations of them, leverage of rides, prediction intervals.
 * Takes errors to be independent, of one variance and normal. Where columns depend on each other it
 * says which combinations the rides can tell. Knows nothing about penalties: they bias what is
 * estimated here.
 */

import { RidecastError } from '../../errors.ts'
import type { RideBatch } from '../../ride.ts'
import { zeroSums } from '../double-double.ts'
import type { Moments } from '../moments.ts'
import { decompose, lengthsOf } from './direct.ts'
import { backsolve, inverseDiagonal } from './elimination.ts'
import { studentQuantile, twoSidedP } from './student-t.ts'
import { residual, type System } from './system.ts'
import { squaredErrors, yardstickOf } from './yardstick.ts'

/** A linear combination of coefficients: weights by coordinate, the intercept last. */
export type Combination = ReadonlyMap<number, number>

/** A coefficient or a combination of some. */
export interface Estimate {
  /** Minutes per unit. Where it cannot be told, that of the solution of least norm. */
  readonly value: number
  /** Whether the rides can tell it: false where other solutions fit as well and differ in it. */
  readonly estimable: boolean
  /** Undefined where it is not estimable, or no degree of freedom is left. */
  readonly standardError: number | undefined
  /** Value / standard error; undefined where that is 0. */
  readonly t: number | undefined
  /** Two-sided: how often a true value of 0 would show at least this. */
  readonly p: number | undefined
  /** Ends of the confidence interval. */
  readonly interval: readonly [number, number] | undefined
}

/** What is to be expected of one ride. */
export interface Prediction {
  /** Minutes. */
  readonly minutes: number
  /** Weight of a ride like this in its own prediction: see {@link Inference.leverage}. */
  readonly leverage: number | undefined
  /** The mean of rides like this lies in it, minutes; undefined where it cannot be told. */
  readonly meanInterval: readonly [number, number] | undefined
  /** A single ride lies in it, minutes. */
  readonly interval: readonly [number, number] | undefined
}

/** What can be said about a fit. */
export interface Inference {
  /** Rides. */
  readonly n: number
  /** Rank of [X 1]. */
  readonly rank: number
  /** Rides less rank. */
  readonly degrees: number
  /** Of the errors, minutes^2, without bias; undefined where no degree of freedom is left. */
  readonly variance: number | undefined
  /** Condition number of the scaled, eliminated Gram matrix: 1e8 costs standard errors 8 digits. */
  readonly condition: number
  /**
   * Every coefficient, by coordinate, the intercept last.
   *
   * @param level share of confidence intervals that hold the truth, default 0.95
   */
  coefficients(level?: number): Estimate[]
  /** A combination of coefficients, as the difference of two levels. */
  combination(weights: Combination, level?: number): Estimate
  /**
   * x'(X'X)^-1 x of a row: 1 for a ride that decides its own prediction, rank / n on average over
   * the rides that were fitted; undefined for a row that these cannot tell.
   */
  leverage(row: Combination): number | undefined
  /** What a row predicts, and how sure that is. */
  predict(row: Combination, level?: number): Prediction
}

/** What lies this little in the null space is outside it: what the solver's pivots can tell. */
const nullTolerance = 1e-5

/**
 * Fits and prepares what can be said.
 *
 * @param moments at least one ride
 * @param system their normal equations without a penalty, where the caller has them
 * @throws usage_invalid for a system with a penalty, solve_too_large, solve_failed
 */
export function inferenceOf(moments: Moments, system?: System): Inference {
  const yardstick = yardstickOf(moments, moments, system)
  const own = yardstick.system
  if (own.l2 !== 0) {
    throw new RidecastError(
      'usage_invalid',
      `standard errors need a fit without a penalty, found l2 ${own.l2}: set it to 0`,
    )
  }
  const { solution, factored, nullSpace } = decompose(own)
  const { coefficients, rank, condition } = solution
  const { n } = own
  const degrees = n - rank
  const variance = degrees > 0 ? squaredErrors(yardstick, coefficients) / degrees : undefined
  const isEstimable = estimability(own, nullSpace)

  // c'(X'X)^- c: solved, and once more for what doubles have left.
  function form(weights: Combination): number {
    const right = zeroSums(own.size)
    for (const [i, weight] of weights) right.hi[i] = weight
    const solved = zeroSums(own.size)
    for (let step = 0; step < 2; step++) {
      const left = step === 0 ? right.hi : residual(own, right, solved)
      backsolve(factored, left).forEach((value, i) => {
        solved.hi[i] = (solved.hi[i] as number) + value
      })
    }
    let sum = 0
    for (const [i, weight] of weights) sum += weight * (solved.hi[i] as number)
    return Math.max(0, sum)
  }

  const valueOfRow = (weights: Combination): number => {
    let sum = 0
    for (const [i, weight] of weights) sum += weight * (coefficients[i] as number)
    return sum
  }

  function leverage(row: Combination): number | undefined {
    return isEstimable(row) ? form(row) : undefined
  }

  return {
    n,
    rank,
    degrees,
    variance,
    condition,
    coefficients(level = 0.95) {
      const quantile = quantileOf(level, degrees)
      const squares = inverseDiagonal(factored)
      return Array.from(coefficients, (value, i) => {
        const known = isEstimable(new Map([[i, 1]]))
        const error =
          known && variance !== undefined ? variance * (squares[i] as number) : undefined
        return estimateOf(value, known, error, degrees, quantile)
      })
    },
    combination(weights, level = 0.95) {
      const square = leverage(weights)
      const error = square === undefined || variance === undefined ? undefined : variance * square
      const quantile = quantileOf(level, degrees)
      return estimateOf(valueOfRow(weights), square !== undefined, error, degrees, quantile)
    },
    leverage,
    predict(row, level = 0.95) {
      const minutes = valueOfRow(row)
      const weight = leverage(row)
      const quantile = quantileOf(level, degrees)
      const around = (share: number): [number, number] | undefined => {
        if (weight === undefined || variance === undefined) return undefined
        const half = (quantile as number) * Math.sqrt(variance * (weight + share))
        return [minutes - half, minutes + half]
      }
      return { minutes, leverage: weight, meanInterval: around(0), interval: around(1) }
    },
  }
}

/**
 * Tells which combinations of coefficients the rides of a system can tell: those without a part
 * along the null space.
 *
 * @param nullSpace vectors that span it, by coordinate
 */
export function estimability(
  system: System,
  nullSpace: readonly Float64Array[],
): (weights: Combination) => boolean {
  // A column of zeros has no length, and any unit will do.
  const lengths = lengthsOf(system).map((length) => length || 1)
  const directions = nullSpace.map((vector) => scaledTo(vector, lengths))
  return (weights) => {
    let size = 0
    for (const [i, weight] of weights) size += Math.abs(weight / (lengths[i] as number))
    return directions.every((direction) => {
      let along = 0
      for (const [i, weight] of weights) {
        along += (direction[i] as number) * (weight / (lengths[i] as number))
      }
      return Math.abs(along) <= nullTolerance * size
    })
  }
}

/** A null vector in units of its columns' lengths, its largest entry 1. */
function scaledTo(vector: Float64Array, lengths: Float64Array): Float64Array {
  const scaled = vector.map((value, i) => value * (lengths[i] as number))
  const most = scaled.reduce((high, value) => Math.max(high, Math.abs(value)), 0)
  return scaled.map((value) => value / most)
}

function quantileOf(level: number, degrees: number): number | undefined {
  if (!(level > 0 && level < 1)) {
    throw new RidecastError(
      'usage_invalid',
      `a confidence level lies between 0 and 1, found ${level}: give 0.95 for 95 %`,
    )
  }
  return degrees > 0 ? studentQuantile(level, degrees) : undefined
}

function estimateOf(
  value: number,
  estimable: boolean,
  square: number | undefined,
  degrees: number,
  quantile: number | undefined,
): Estimate {
  if (square === undefined || quantile === undefined) {
    const nothing = { standardError: undefined, t: undefined, p: undefined, interval: undefined }
    return { value, estimable, ...nothing }
  }
  const standardError = Math.sqrt(square)
  const t = standardError > 0 ? value / standardError : undefined
  const p = t === undefined ? undefined : twoSidedP(t, degrees)
  const half = quantile * standardError
  return { value, estimable, standardError, t, p, interval: [value - half, value + half] }
}

/** A ride as a row of the design. */
export interface RideRow {
  /** Values by coordinate, the intercept included. */
  readonly row: Combination
  /** Terms whose level no fitted ride has, or whose value is missing: they add nothing. */
  readonly unseen: readonly string[]
}

/** The row of ride `i` in the design of `moments`. */
export function rowOfRide(moments: Moments, rides: RideBatch, i: number): RideRow {
  return rowReader(moments)(rides, i)
}

/** Reads rows of the design of `moments` off many rides: see {@link rowOfRide}. */
export function rowReader({
  blocks,
  numeric,
}: Pick<Moments, 'blocks' | 'numeric'>): (rides: RideBatch, i: number) => RideRow {
  const places = blocks.map(({ codes }) => new Map(Array.from(codes, (code, k) => [code, k])))
  return (rides, i) => {
    const row = new Map<number, number>()
    const unseen: string[] = []
    let at = 0
    blocks.forEach(({ term, codes }, k) => {
      const level = places[k]?.get(term.code(rides, i))
      if (level === undefined) unseen.push(term.name)
      else row.set(at + level, 1)
      at += codes.length
    })
    for (const term of numeric) {
      const value = term.value(rides, i)
      if (Number.isNaN(value)) unseen.push(term.name)
      else row.set(at, value)
      at++
    }
    row.set(at, 1)
    return { row, unseen }
  }
}

/**
 * How good a linear model is on rides it may never have seen, from their moments alone: every
 * squared error is a quadratic form of the sums, evaluated in 106 bits.
 */

import type { LinearModel } from '../model.ts'
import { addPairsProductTo, addProductTo, addTo, zeroSums } from './double-double.ts'
import type { Moments } from './moments.ts'
import { type System, secondsPerMinute, systemOf, times } from './solve/system.ts'

/** Measures of a model on one set of rides. */
export interface Measures {
  /** Rides. */
  readonly n: number
  /** Root mean squared error, minutes. */
  readonly rmse: number
  /** Mean squared error, minutes^2. */
  readonly mse: number
  /**
   * Share of the variance explained: 1 - mse / variance of these rides around their own mean;
   * null where all durations are the same and there is nothing to explain.
   */
  readonly r2: number | null
  /** Mean of prediction - actual, minutes. */
  readonly bias: number
}

/** Coefficients of a model by coordinate of a system: levels it does not know have 0. */
function coefficientsOn(model: LinearModel, moments: Moments, system: System): Float64Array {
  const known = new Map(model.effects().map(({ feature, minutes }) => [feature, minutes]))
  const out = new Float64Array(system.size)
  moments.blocks.forEach(({ term, codes }, k) => {
    const at = system.blocks[k]?.at as number
    codes.forEach((code, i) => {
      out[at + i] = known.get(`${term.name}=${term.text(code)}`) ?? 0
    })
  })
  moments.numeric.forEach(({ name }, p) => {
    out[system.numericAt + p] = known.get(name) ?? 0
  })
  out[system.interceptAt] = model.intercept
  return out
}

/**
 * Measures a model on the rides behind `moments`, which must hold the model's terms.
 *
 * @param moments at least one ride
 * @param system their normal equations without a penalty, where the caller has them already
 */
export function evaluate(
  model: LinearModel,
  moments: Moments,
  system = systemOf(moments, 0),
): Measures {
  const w = { hi: coefficientsOn(model, moments, system), lo: new Float64Array(system.size) }
  const gram = times(system, w)
  const { n } = moments
  // Sum of squares y'y - 2 w'X'y + w'X'Xw, and of errors 1'(Xw - y).
  const total = zeroSums(2)
  const [squares, errors] = [0, 1]
  addTo(total, squares, system.targetSquares.hi)
  addTo(total, squares, system.targetSquares.lo)
  for (let i = 0; i < system.size; i++) {
    const weight = w.hi[i] as number
    addPairsProductTo(total, squares, gram.hi[i] as number, gram.lo[i] as number, weight, 0)
    addPairsProductTo(
      total,
      squares,
      system.rhs.hi[i] as number,
      system.rhs.lo[i] as number,
      -2 * weight,
      0,
    )
  }
  const last = system.interceptAt
  for (const [{ hi, lo }, sign] of [[gram, 1] as const, [system.rhs, -1] as const]) {
    addTo(total, errors, sign * (hi[last] as number))
    addTo(total, errors, sign * (lo[last] as number))
  }
  const sse = Math.max(0, (total.hi[squares] as number) + (total.lo[squares] as number))
  const mse = sse / n
  const spread = spreadOf(moments)
  return {
    n,
    rmse: Math.sqrt(mse),
    mse,
    r2: spread > 0 ? 1 - sse / spread : null,
    bias: ((total.hi[errors] as number) + (total.lo[errors] as number)) / n,
  }
}

/** Mean of the target, minutes. */
export function meanDuration({ target, n }: Moments): number {
  return (target.hi[0] as number) / n / secondsPerMinute
}

// Sum of (y - mean)^2, minutes^2, as (n sum of y^2 - (sum of y)^2) / n: both are whole numbers, so
// nothing is lost however near to each other the durations are.
function spreadOf({ target, n }: Moments): number {
  const { hi, lo } = target
  const total = zeroSums(1)
  addPairsProductTo(total, 0, hi[1] as number, lo[1] as number, n, 0)
  addPairsProductTo(
    total,
    0,
    hi[0] as number,
    lo[0] as number,
    -(hi[0] as number),
    -(lo[0] as number),
  )
  return ((total.hi[0] as number) + (total.lo[0] as number)) / n / secondsPerMinute ** 2
}

/** RMSE in minutes of one constant for every ride: the baseline that a model has to beat. */
export function constantRmse(moments: Moments, minutes: number): number {
  const { target, n } = moments
  const offset = zeroSums(1)
  addTo(offset, 0, target.hi[0] as number)
  addTo(offset, 0, target.lo[0] as number)
  addProductTo(offset, 0, -n * secondsPerMinute, minutes)
  const off = ((offset.hi[0] as number) + (offset.lo[0] as number)) / n / secondsPerMinute
  return Math.sqrt(Math.max(0, spreadOf(moments)) / n + off * off)
}

/**
 * How good coefficients are on the rides behind moments, many times over: in plain doubles where
 * those show ten digits, else in 106 bits. Coordinates are those of the moments that the
 * coefficients were fitted to. Knows nothing about models or how they were fitted.
 */

import { addPairsProductTo, addTo, zeroSums } from '../double-double.ts'
import type { Moments } from '../moments.ts'
import { type Gram, gramOf, multiply } from './gram.ts'
import { type System, systemOf, times } from './system.ts'

/** Rides that coefficients are measured on. */
export interface Yardstick {
  /** Their normal equations, without a penalty. */
  readonly system: System
  readonly gram: Gram
  /** Coordinate of the coefficients by coordinate here, -1 for a level they do not know. */
  readonly from: Int32Array
}

/** Relative error that the sum of squared errors may have before it is summed in 106 bits. */
const enough = 1e-11

/**
 * Prepares the rides behind `moments`.
 *
 * @param moments at least one ride
 * @param fitted moments of the same terms that coefficients are fitted to; default the same
 * @param system the normal equations of `moments`, where the caller has them
 */
export function yardstickOf(
  moments: Moments,
  fitted: Moments = moments,
  system: System = systemOf(moments, 0),
): Yardstick {
  const from = new Int32Array(system.size).fill(-1)
  let to = 0
  let at = 0
  moments.blocks.forEach(({ codes }, k) => {
    const known = fitted.blocks[k]?.codes ?? new Float64Array(0)
    const places = new Map(Array.from(known, (code, i) => [code, i]))
    codes.forEach((code, i) => {
      const place = places.get(code)
      if (place !== undefined) from[to + i] = at + place
    })
    to += codes.length
    at += known.length
  })
  // Numeric terms and the intercept are the same on both sides.
  for (let p = 0; to + p < system.size; p++) from[to + p] = at + p
  return { system, gram: gramOf(system), from }
}

/** Coefficients by coordinate of the yardstick: levels that they do not know have 0. */
export function placed({ from }: Yardstick, coefficients: Float64Array): Float64Array {
  const out = new Float64Array(from.length)
  for (let i = 0; i < out.length; i++) {
    const place = from[i] as number
    if (place >= 0) out[i] = coefficients[place] as number
  }
  return out
}

/**
 * Sum of squared errors, minutes^2.
 *
 * @param coefficients by coordinate of the moments that they were fitted to
 */
export function squaredErrors(yardstick: Yardstick, coefficients: Float64Array): number {
  const { system, gram } = yardstick
  const w = placed(yardstick, coefficients)
  const image = new Float64Array(system.size)
  multiply(gram, w, image)
  const { rhs, targetSquares } = system
  let sum = targetSquares.hi
  let size = sum
  for (let i = 0; i < w.length; i++) {
    const weight = w[i] as number
    const [fitted, target] = [weight * (image[i] as number), 2 * weight * (rhs.hi[i] as number)]
    sum += fitted - target
    size += Math.abs(fitted) + Math.abs(target)
  }
  // Every one of those sums has lost a few units in its last place.
  return size * 2 ** -50 < enough * sum ? sum : squaredErrorsExactly(system, w)
}

function squaredErrorsExactly(system: System, w: Float64Array): number {
  const image = times(system, { hi: w, lo: new Float64Array(w.length) })
  const { rhs, targetSquares } = system
  const total = zeroSums(1)
  addTo(total, 0, targetSquares.hi)
  addTo(total, 0, targetSquares.lo)
  for (let i = 0; i < w.length; i++) {
    const weight = w[i] as number
    addPairsProductTo(total, 0, image.hi[i] as number, image.lo[i] as number, weight, 0)
    addPairsProductTo(total, 0, rhs.hi[i] as number, rhs.lo[i] as number, -2 * weight, 0)
  }
  return Math.max(0, (total.hi[0] as number) + (total.lo[0] as number))
}

/** Root mean squared error in minutes of a sum of squared errors. */
export function rmseOf({ system }: Yardstick, errors: number): number {
  return Math.sqrt(Math.max(0, errors) / system.n)
}

/** Rides as an ONNX graph takes them, and what it must answer. */

import { onnxInputs } from '../../src/export/onnx-inputs.ts'
import { noTime } from '../../src/export/onnx-time.ts'
import type { Model } from '../../src/model.ts'
import type { RideBatch } from '../../src/ride.ts'

/** Values of the inputs by name: 64-bit integers or doubles, one a ride. */
export type Feeds = Readonly<Record<string, BigInt64Array | Float64Array>>

/** What is no 64-bit integer, such as a missing id, becomes another integer. */
function integers(values: Float64Array, otherwise: bigint): BigInt64Array {
  return BigInt64Array.from(values, (value) =>
    Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value) : otherwise,
  )
}

/** The inputs of a model's graph for every ride of a batch. */
export function feedsOf(model: Model, rides: RideBatch): Feeds {
  const feeds = onnxInputs(model).map(({ name, type }): [string, Feeds[string]] => {
    if (name === 'pickup_datetime') return [name, integers(rides.pickup, noTime)]
    const values = rides.columns[name] as Float64Array
    return [name, type === 'int64' ? integers(values, -1n) : values]
  })
  return Object.fromEntries(feeds)
}

/** What `model.predict` says for every ride of a batch; where it is finite, at least the bound. */
export function minutesOf(model: Model, rides: RideBatch): Float64Array {
  return Float64Array.from({ length: rides.length }, (_, i) => {
    const minutes = model.predict(rides, i)
    return Number.isFinite(minutes) ? Math.max(minutes, model.recipe.target.min) : minutes
  })
}

/**
 * The largest relative difference; Infinity where only one is finite, or the lengths differ.
 * Minutes below 1e-30 count as that much: ONNX Runtime drops an intercept that single precision
 * takes for 0.
 */
export function largestDifference(found: Float64Array, expected: Float64Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  return expected.reduce((largest, value, i) => {
    const other = found[i] as number
    if (Object.is(other, value) || other === value) return largest
    const difference = Math.abs(other - value) / Math.max(Math.abs(value), 1e-30)
    return Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
  }, 0)
}

/** Residuals against leverage, beside the hat matrix worked out by hand. */

import { describe, expect, test } from 'vitest'
import type { Model } from '../../../src/model.ts'
import { leveragePoints } from '../../../src/pipeline/judge/leverage-points.ts'
import type { RideBatch } from '../../../src/ride.ts'
import { randomNumbers, rideBatch } from '../../random-rides.ts'

const random = randomNumbers(4)
const start = Date.UTC(2021, 0, 4) * 1000
const miles = Array.from({ length: 400 }, (_, k) => (k === 7 ? 60 : 0.5 + 6 * random()))
const minutes = miles.map((x) => Math.round(60 * (4 + 3 * x + 4 * (random() - 0.5))) / 60)
const rides: RideBatch = rideBatch(
  miles.map((x, k) => ({
    pickup: start,
    dropoff: start + Math.round((minutes[k] as number) * 60) * 1e6,
    PULocationID: 1,
    DOLocationID: 2,
    trip_distance: x,
    VendorID: 2,
  })),
)

const n = miles.length
const mean = miles.reduce((sum, x) => sum + x, 0) / n
const spread = miles.reduce((sum, x) => sum + (x - mean) ** 2, 0)
const y = minutes.reduce((sum, one) => sum + one, 0) / n
const slope =
  miles.reduce((sum, x, k) => sum + (x - mean) * ((minutes[k] as number) - y), 0) / spread
const predicted = (x: number): number => y + slope * (x - mean)
/** Of a straight line, in every textbook. */
const hat = (x: number): number => 1 / n + (x - mean) ** 2 / spread
const model = {
  predict: ({ columns }: RideBatch, i: number) => predicted(columns.trip_distance?.[i] as number),
} as unknown as Model
const leverages = {
  n,
  total: 2,
  of: ({ columns }: RideBatch, i: number) => hat(columns.trip_distance?.[i] as number),
}
const errors = miles.map((x, k) => predicted(x) - (minutes[k] as number))
const squares = errors.reduce((sum, error) => sum + error ** 2, 0) / n
const sigma = Math.sqrt((squares * n) / (n - 2))

describe('rides by leverage', () => {
  test('are standardised by what is left of their error, and have Cook’s distance', () => {
    const { leverage, residual, influence, ...rest } = leveragePoints(
      model,
      leverages,
      rides,
      squares,
    )
    expect(rest).toEqual({ fitted: n, coefficients: 2, sampled: n, decided: 0 })
    for (const k of [0, 7, 200]) {
      const h = hat(miles[k] as number)
      const off = (errors[k] as number) / (sigma * Math.sqrt(1 - h))
      expect(leverage[k]).toBeCloseTo(h, 6)
      expect(residual[k]).toBeCloseTo(off, 4)
      expect(influence[k]).toBeCloseTo((off ** 2 * h) / (2 * (1 - h)), 4)
    }
  })

  test('are the first of the sample and those that move the fit most', () => {
    const { leverage, influence } = leveragePoints(model, leverages, rides, squares, {
      shown: 5,
      influential: 2,
    })
    // The ride of 60 miles is the eighth: there for its influence alone.
    expect(leverage).toHaveLength(7)
    expect(Math.max(...leverage)).toBeCloseTo(hat(60), 6)
    const all = leveragePoints(model, leverages, rides, squares).influence
    expect(Math.max(...influence)).toBe(Math.max(...all))
  })

  test('that decide their own prediction are counted, those that nothing tells left out', () => {
    const some = {
      ...leverages,
      of: (batch: RideBatch, i: number) =>
        i === 0 ? 1 : i === 1 ? undefined : leverages.of(batch, i),
    }
    const { leverage, decided } = leveragePoints(model, some, rides, squares)
    expect(decided).toBe(1)
    expect(leverage).toHaveLength(n - 2)
  })
})

/** Some rides as points for charts. Knows nothing about how they are drawn. */

import { measureOf } from '../../measures.ts'
import type { RideBatch } from '../../ride.ts'
import type { RideSample } from './judgement.ts'
import { Reservoir } from './reservoir.ts'

const hour = measureOf('hour')

/** Digits of a point beyond this are not seen. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000

/** Keeps some of the rides it is shown. */
export class RidePoints {
  private readonly seed: number
  private readonly reservoir: Reservoir
  private readonly predicted: number[] = []
  private readonly actual: number[] = []
  private readonly distance: (number | null)[] = []
  private readonly hour: number[] = []

  /**
   * @param size rides that are kept at most
   * @param seed a whole number of 32 bits
   */
  constructor(size: number, seed: number) {
    this.seed = seed
    this.reservoir = new Reservoir(size, seed)
  }

  /** Shows it a ride. */
  add(rides: RideBatch, i: number, actual: number, predicted: number): void {
    const place = this.reservoir.next()
    if (place < 0) return
    const miles = rides.columns.trip_distance?.[i] ?? Number.NaN
    this.predicted[place] = rounded(predicted)
    this.actual[place] = rounded(actual)
    this.distance[place] = Number.isFinite(miles) ? miles : null
    this.hour[place] = hour.read(rides, i)
  }

  /** The rides that were kept. */
  sample(): RideSample {
    const { seed, predicted, actual, distance, hour } = this
    return { seed, predicted, actual, distance, hour }
  }
}

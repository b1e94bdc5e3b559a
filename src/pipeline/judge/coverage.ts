/** How often rides take as long as an interval says, and how wide it is. */

import { intervalAround } from '../../intervals.ts'
import type { Model } from '../../model.ts'
import { type CoverageMeasures, coverageLevels, type IntervalCoverage } from './judgement.ts'
import { predictedBand, predictedNames } from './slices.ts'

/**
 * The minutes that a ride takes with a probability.
 *
 * @param predicted the prediction, minutes
 * @param coverage the probability, above 0 and below 1
 * @returns the bounds, both included
 */
export type Interval = (predicted: number, coverage: number) => readonly [number, number]

/** The intervals of a model, where it has some. */
export function intervalOf({ intervals, recipe }: Model): Interval | undefined {
  if (!intervals) return undefined
  return (predicted, coverage) => {
    const { low, high } = intervalAround(intervals, predicted, coverage, recipe.target)
    return [low, high]
  }
}

/** Counts rides in and out of intervals. */
export class CoverageCounts {
  private readonly interval: Interval
  private readonly counts = new Float64Array(predictedNames.length)
  private readonly inside = coverageLevels.map(() => new Float64Array(predictedNames.length))
  private readonly widths = coverageLevels.map(() => new Float64Array(predictedNames.length))

  constructor(interval: Interval) {
    this.interval = interval
  }

  /** Takes a ride. */
  add(actual: number, predicted: number): void {
    const band = predictedBand(predicted)
    this.counts[band]! += 1
    for (let k = 0; k < coverageLevels.length; k++) {
      const [low, high] = this.interval(predicted, coverageLevels[k] as number)
      if (actual >= low && actual <= high) this.inside[k]![band]! += 1
      this.widths[k]![band]! += high - low
    }
  }

  /** By nominal coverage. */
  coverage(): IntervalCoverage[] {
    return coverageLevels.map((nominal, k) => {
      const of = (bands: readonly number[]): CoverageMeasures => {
        const sum = (values: Float64Array | undefined): number =>
          bands.reduce((total, band) => total + (values?.[band] ?? 0), 0)
        const n = sum(this.counts)
        return { n, coverage: sum(this.inside[k]) / n, width: sum(this.widths[k]) / n }
      }
      const bands = [...this.counts.keys()].filter((band) => (this.counts[band] as number) > 0)
      const slices = bands.map((band) => ({ name: predictedNames[band] as string, ...of([band]) }))
      return { nominal, ...of(bands), slices }
    })
  }
}

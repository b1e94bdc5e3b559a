/**
 * How predicted and actual minutes lie, alone and together, and the residuals by predicted minutes:
 * counts in bins, so that memory does not grow with rides. Knows nothing about models.
 */

import type { Histogram } from '../data-profile/document.ts'
import { type FittedBin, fittedLevels, type MinutesAxis, spreadLevels } from './judgement.ts'

const bins = 60
/** Bins of residuals in one bin of the axis. */
const steps = 10
/** Residuals beyond so many widths of the axis share the outermost bins. */
const farthest = 120
const residualBins = 2 * farthest * steps + 1
const middle = farthest * steps

/** Counts rides by predicted and actual minutes. */
export class MinutesCounts {
  readonly axis: MinutesAxis
  private readonly density = new Float64Array(bins * bins)
  private readonly residuals = new Float64Array(bins * residualBins)
  private readonly sums = new Float64Array(bins)
  private readonly histograms: readonly [MinutesHistogram, MinutesHistogram]

  /**
   * @param most the longest ride that is taken, minutes: the axis ends there or a little later
   */
  constructor(most: number) {
    this.axis = { width: Math.max(1, Math.ceil(most / bins)), bins }
    this.histograms = [new MinutesHistogram(this.axis), new MinutesHistogram(this.axis)]
  }

  /** Takes a ride. */
  add(actual: number, predicted: number): void {
    const { width } = this.axis
    const [row, column] = [within(predicted / width, bins), within(actual / width, bins)]
    const error = predicted - actual
    const residual = within(Math.round((error / width) * steps) + middle, residualBins)
    this.density[row * bins + column]! += 1
    this.residuals[row * residualBins + residual]! += 1
    this.sums[row]! += error
    this.histograms[0].add(predicted)
    this.histograms[1].add(actual)
  }

  /** What was counted, but for the residuals. */
  counts(): { predicted: Histogram; actual: Histogram; density: number[] } {
    const [predicted, actual] = this.histograms
    return {
      predicted: predicted.histogram(),
      actual: actual.histogram(),
      density: [...this.density],
    }
  }

  /**
   * Residuals by predicted minutes.
   *
   * @param scale what residuals are divided by before the root is taken, minutes
   */
  fitted(scale: number): FittedBin[] {
    const { width } = this.axis
    return Array.from({ length: bins }, (_, row) => row).flatMap((row) => {
      const counts = this.residuals.subarray(row * residualBins, (row + 1) * residualBins)
      const n = counts.reduce((sum, count) => sum + count, 0)
      if (n === 0) return []
      const minutes = (bin: number): number => (bin * width) / steps
      const root = (bin: number): number => (scale > 0 ? Math.sqrt(minutes(bin) / scale) : 0)
      return {
        from: row * width,
        to: (row + 1) * width,
        n,
        mean: (this.sums[row] as number) / n,
        quantiles: binsAt(counts, n, fittedLevels).map((bin) => minutes(bin - middle)),
        spread: binsAt(folded(counts), n, spreadLevels).map(root),
      }
    })
  }
}

const within = (value: number, size: number): number =>
  Math.min(Math.max(Math.floor(value), 0), size - 1)

/** Counts of residuals by their size, whatever their sign. */
function folded(counts: Float64Array): Float64Array {
  return Float64Array.from({ length: middle + 1 }, (_, k) => {
    const above = counts[middle + k] as number
    return k === 0 ? above : above + (counts[middle - k] as number)
  })
}

/** The first bins that shares of the counts do not lie beyond; `levels` ascend. */
function binsAt(counts: Float64Array, n: number, levels: readonly number[]): number[] {
  let bin = 0
  let below = counts[0] as number
  return levels.map((level) => {
    while (below < level * n && bin < counts.length - 1) below += counts[++bin] as number
    return bin
  })
}

class MinutesHistogram {
  private readonly axis: MinutesAxis
  private readonly counts: Float64Array
  private below = 0
  private above = 0

  constructor(axis: MinutesAxis) {
    this.axis = axis
    // The last bin holds the longest ride, which the axis ends with.
    this.counts = new Float64Array(axis.bins + 1)
  }

  add(minutes: number): void {
    const bin = Math.floor(minutes / this.axis.width)
    if (bin < 0) this.below++
    else if (bin >= this.counts.length) this.above++
    else this.counts[bin]! += 1
  }

  histogram(): Histogram {
    const { axis, counts, below, above } = this
    return { start: 0, width: axis.width, counts: [...counts], whole: false, below, above }
  }
}

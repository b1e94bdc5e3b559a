/** Sums of errors by slot, and the measures they make. Knows nothing about what the slots are. */

import type { ErrorMeasures } from './judgement.ts'

/** Sums of errors in slots from 0. */
export class ErrorSums {
  private readonly counts: Float64Array
  private readonly sums: Float64Array
  private readonly absolutes: Float64Array
  private readonly squares: Float64Array

  constructor(slots: number) {
    this.counts = new Float64Array(slots)
    this.sums = new Float64Array(slots)
    this.absolutes = new Float64Array(slots)
    this.squares = new Float64Array(slots)
  }

  /** Takes an error into a slot; none below 0. */
  add(slot: number, error: number): void {
    if (slot < 0) return
    this.counts[slot]! += 1
    this.sums[slot]! += error
    this.absolutes[slot]! += Math.abs(error)
    this.squares[slot]! += error * error
  }

  /** Measures of a slot; undefined where nothing is in it. */
  measures(slot: number): ErrorMeasures | undefined {
    const n = this.counts[slot] as number
    if (n === 0) return undefined
    return {
      n,
      rmse: Math.sqrt((this.squares[slot] as number) / n),
      mae: (this.absolutes[slot] as number) / n,
      bias: (this.sums[slot] as number) / n,
    }
  }
}

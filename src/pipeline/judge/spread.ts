/** The mean of some numbers and how far they lie apart. */

/** Of at least one number. */
export interface Spread {
  readonly mean: number
  /** Standard deviation, divided by their number less 1; 0 for one. */
  readonly deviation: number
}

/** Mean and standard deviation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) }
}

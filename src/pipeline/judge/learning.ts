/** Which months a learning curve is made of. Knows nothing about models. */

import { areMonths, parseMonths } from '../../months.ts'

/** Points of a curve of a recipe that takes little time for each. */
const mostPoints = 12

/**
 * Parts of the training months for a learning curve, each the latest ones, the fewest first, all
 * months not among them: a model of these is there already. None where sources are not months, or
 * one month.
 *
 * @param sources months as they are named, or files
 * @param every true for every number of months, 12 at most; false halves them, so that all parts
 *   together are no more than the whole
 */
export function learningParts(sources: readonly string[], now: Date, every: boolean): string[][] {
  if (!sources.every((source) => areMonths(source))) return []
  const months = [...new Set(sources.flatMap((text) => parseMonths(text, now)))].sort()
  const counts = new Set<number>()
  if (every) {
    const steps = Math.min(mostPoints, months.length)
    for (let k = 1; k < steps; k++) counts.add(Math.ceil((k * months.length) / steps))
  } else {
    for (let k = Math.floor(months.length / 2); k >= 1; k = Math.floor(k / 2)) counts.add(k)
  }
  return [...counts].sort((a, b) => a - b).map((count) => months.slice(-count))
}

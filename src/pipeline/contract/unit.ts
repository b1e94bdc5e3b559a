/** Which unit a wrong speed points to: how many times too fast, and what that number is known for. */

import type { Period } from '../../contract.ts'
import type { Measures } from './measures.ts'

/** Ratios of a speed to the usual one, and what they mean. */
const units: readonly (readonly [ratio: number, text: string])[] = [
  [1.609344, 'distances look like kilometres'],
  [1609.344, 'distances look like metres'],
  [5280, 'distances look like feet'],
  [1760, 'distances look like yards'],
  [100, 'distances look like hundredths of a mile'],
  [10, 'distances look like tenths of a mile'],
  [1 / 1.609344, 'distances look divided by 1.6'],
  [1 / 1000, 'distances look like thousands of miles'],
  [60, 'durations look like seconds where minutes are meant, or distances are 60 times too long'],
  [1 / 60, 'durations look 60 times too long'],
]

/**
 * What the speed's distance from the middle of its band points to, to be put after a sentence.
 *
 * @returns empty when no unit comes near
 */
export function unitOf({ values }: Measures, { warn, error }: Period): string {
  const [low, high] = warn ?? error ?? [null, null]
  if (low === null || high === null || values.median_mph === undefined) return ''
  const ratio = values.median_mph / Math.sqrt(low * high)
  const off = (known: number): number => Math.abs(Math.log(ratio / known))
  const nearest = units.reduce((best, one) => (off(one[0]) < off(best[0]) ? one : best))
  return off(nearest[0]) < 0.25 ? `: ${nearest[1]}` : ''
}

/**
 * A stream of random numbers for one trial of a search: what a seed, a purpose and the number of
 * the trial decide, whatever was drawn for other trials. Not for secrets.
 */

import { randomBits } from '../trees/random.ts'

/** Random numbers, one after another. */
export interface Draws {
  /** A number from 0 up to 1, without 1. */
  uniform(): number
  /** A number from the standard normal distribution. */
  normal(): number
}

/**
 * The stream of a trial.
 *
 * @param seed of the search, a whole number of 32 bits
 * @param purpose tells streams of the same trial apart, a whole number of 32 bits
 * @param trial number of the trial, from 0
 */
export function drawsFor(seed: number, purpose: number, trial: number): Draws {
  let drawn = 0
  const bits = (): number => randomBits(seed ^ purpose, trial, drawn++)
  const uniform = (): number => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53
  // Box and Muller's; the cosine alone, as streams are short.
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return { uniform, normal }
}

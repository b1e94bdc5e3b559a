/** Points drawn at random, each for itself. Knows nothing about the trials before. */

import { drawsFor } from './draws.ts'
import type { Sampler } from './sampler.ts'
import { type Dimension, namesOf, type Point, type Space, settingAt } from './space.ts'

const purpose = 0x72616e64

/** Random search (Bergstra and Bengio 2012): a trial's point depends on seed and number alone. */
export function randomSampler(): Sampler {
  return {
    spec: { name: 'random' },
    propose: (space, number, seed) => randomPoint(space, number, seed),
  }
}

/** The random point of a trial: uniform over settings, over their logarithms with `log`. */
export function randomPoint(space: Space, number: number, seed: number): Point {
  const draws = drawsFor(seed, purpose, number)
  const settings = namesOf(space).map((name) => {
    return [name, settingAt(space[name] as Dimension, draws.uniform())] as const
  })
  return Object.fromEntries(settings)
}

/** What proposes the point of the next trial. Knows nothing about running trials or storing them. */

import type { Point, Setting, Space } from './space.ts'
import type { Trial } from './trial.ts'

/** Proposes points. */
export interface Sampler {
  /** What it is, as data: a search goes on under the same only. */
  readonly spec: { readonly name: string } & Readonly<Record<string, Setting>>
  /** How many points it has in a space; not there when there is no end of them. */
  size?(space: Space): number
  /**
   * A point for a trial. The same for the same arguments: it keeps nothing between calls.
   *
   * @param number of the trial, from 0
   * @param seed a whole number of 32 bits
   * @param trials those that were started before it, by number
   */
  propose(space: Space, number: number, seed: number, trials: readonly Trial[]): Point
}

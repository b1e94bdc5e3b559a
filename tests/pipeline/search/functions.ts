/** Known functions to search on: where their smallest values lie is published or plain to see. */

import type { Sampler } from '../../../src/pipeline/search/sampler.ts'
import { checkSpace, type Point, type Space } from '../../../src/pipeline/search/space.ts'
import { bestOf, type Trial } from '../../../src/pipeline/search/trial.ts'

/** A function on a space, and its smallest value. */
export interface KnownFunction {
  readonly space: Space
  readonly least: number
  readonly at: (point: Readonly<Point>) => number
}

const unit = { kind: 'number', low: 0, high: 1 }

/** Branin and Hoo: three minima of 0.397887 (Surjanovic and Bingham, Virtual Library, 2013). */
export const branin: KnownFunction = {
  space: checkSpace(
    { x: { kind: 'number', low: -5, high: 10 }, y: { kind: 'number', low: 0, high: 15 } },
    'branin',
  ),
  least: 0.397887,
  at: (point) => {
    const [x, y] = [Number(point.x), Number(point.y)]
    const bend = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6
    return bend ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
  },
}

const scales = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
] as const
const centres = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
] as const
const heights = [1, 1.2, 3, 3.2] as const

/** Hartmann in six dimensions: a minimum of -3.32237 (Surjanovic and Bingham, as above). */
export const hartmann: KnownFunction = {
  space: checkSpace({ a: unit, b: unit, c: unit, d: unit, e: unit, f: unit }, 'hartmann'),
  least: -3.32237,
  at: (point) => {
    const x = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => Number(point[name]))
    const hills = heights.map((height, i) => {
      const distances = x.map((one, j) => scales[i]![j]! * (one - centres[i]![j]!) ** 2)
      return height * Math.exp(-distances.reduce((sum, one) => sum + one, 0))
    })
    return -hills.reduce((sum, one) => sum + one, 0)
  },
}

/** A bowl over every kind of dimension: 0 at rate 0.01, leaves 32, depth 30, shift 1, kind b. */
export const bowl: KnownFunction = {
  space: checkSpace(
    {
      rate: { kind: 'number', low: 1e-4, high: 1, log: true },
      leaves: { kind: 'whole', low: 2, high: 512, log: true },
      depth: { kind: 'whole', low: 0, high: 100, step: 5 },
      shift: { kind: 'number', low: -5, high: 5 },
      kind: { kind: 'choice', options: ['a', 'b', 'c', 'd'] },
    },
    'bowl',
  ),
  least: 0,
  at: ({ rate, leaves, depth, shift, kind }) => {
    const scaled = [
      Math.log10(Number(rate)) + 2,
      (Math.log2(Number(leaves)) - 5) / 2,
      (Number(depth) - 30) / 20,
      (Number(shift) - 1) / 2,
    ]
    const penalty = { a: 1, b: 0, c: 2, d: 3 }[String(kind)] ?? Number.NaN
    return scaled.reduce((sum, one) => sum + one * one, penalty)
  },
}

/** A finished trial, made by hand. */
export function finished(number: number, point: Point, value: number): Trial {
  return { number, point, state: 'finished', value, metrics: {}, intermediates: new Map() }
}

/** The trials of a search without a log: one after another, as `runSearch` does with one worker. */
export function trialsOf(
  sampler: Sampler,
  { space, at }: KnownFunction,
  count: number,
  seed: number,
): Trial[] {
  const trials: Trial[] = []
  for (let number = 0; number < count; number++) {
    const point = sampler.propose(space, number, seed, trials)
    trials.push(finished(number, point, at(point)))
  }
  return trials
}

/** How far the best of some trials is above the smallest value there is. */
export function regretOf(trials: readonly Trial[], { least }: KnownFunction): number {
  return (bestOf(trials)?.value ?? Number.POSITIVE_INFINITY) - least
}

/** Samplers: what points they propose, and how good TPE's are. */

import { describe, expect, test } from 'vitest'
import { drawsFor } from '../../../src/pipeline/search/draws.ts'
import { gridSampler } from '../../../src/pipeline/search/grid-sampler.ts'
import { normalMass } from '../../../src/pipeline/search/normal.ts'
import { densityOf } from '../../../src/pipeline/search/parzen.ts'
import { randomPoint, randomSampler } from '../../../src/pipeline/search/random-sampler.ts'
import type { Sampler } from '../../../src/pipeline/search/sampler.ts'
import { checkSpace, keyOf, type Space } from '../../../src/pipeline/search/space.ts'
import { tpeSampler } from '../../../src/pipeline/search/tpe-sampler.ts'
import type { Trial } from '../../../src/pipeline/search/trial.ts'
import { bowl, branin, finished, hartmann, regretOf, trialsOf } from './functions.ts'

const tpe = tpeSampler()
const ended = trialsOf(tpe, bowl, 30, 5)

describe('random points', () => {
  test('depend on seed and number alone, whatever was run before', () => {
    const sampler = randomSampler()
    const point = sampler.propose(bowl.space, 17, 3, [])
    expect(sampler.propose(bowl.space, 17, 3, ended)).toEqual(point)
    expect(sampler.propose(bowl.space, 18, 3, [])).not.toEqual(point)
    expect(sampler.propose(bowl.space, 17, 4, [])).not.toEqual(point)
  })

  test('are uniform: means and counts lie within 4 standard errors', () => {
    const space = checkSpace(
      {
        x: { kind: 'number', low: 0, high: 1 },
        n: { kind: 'whole', low: 1, high: 4 },
        c: { kind: 'choice', options: ['a', 'b', 'c', 'd'] },
      },
      'some',
    )
    const count = 4000
    const points = Array.from({ length: count }, (_, i) => randomPoint(space, i, 11))
    const mean = points.reduce((sum, { x }) => sum + Number(x), 0) / count
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / count))
    for (const [name, setting] of [
      ['n', 1],
      ['n', 4],
      ['c', 'a'],
      ['c', 'd'],
    ] as const) {
      const share = points.filter((point) => point[name] === setting).length / count
      expect(Math.abs(share - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / count))
    }
  })
})

describe('densities', () => {
  test('masses of the normal distribution are those of tables', () => {
    // Phi(1) - Phi(-1), Phi(1.96) - Phi(0), 1 - Phi(3), from tables of the normal distribution.
    expect(normalMass(-1, 1)).toBeCloseTo(0.682689, 6)
    expect(normalMass(0, 1.96)).toBeCloseTo(0.475002, 6)
    expect(normalMass(3, 40)).toBeCloseTo(0.00135, 6)
    expect(normalMass(-40, -3)).toBeCloseTo(0.00135, 6)
  })

  test('integrate to 1 over uniform points, of every kind of dimension together', () => {
    const points = ended.slice(0, 6).map(({ point }) => point)
    const density = densityOf(bowl.space, points, 1)
    const count = 20_000
    const values = Array.from({ length: count }, (_, i) => {
      return density.at(randomPoint(bowl.space, i, 23))
    })
    const mean = values.reduce((sum, one) => sum + one, 0) / count
    const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (count - 1)
    expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(variance / count))
    expect(Math.sqrt(variance / count)).toBeLessThan(0.05)
  })

  test('draw as often as they say: the share of an option is its density', () => {
    const space = checkSpace({ c: { kind: 'choice', options: ['a', 'b', 'c'] } }, 'some')
    const density = densityOf(space, [{ c: 'b' }, { c: 'b' }, { c: 'c' }], 1)
    const draws = drawsFor(1, 2, 3)
    const drawn = Array.from({ length: 6000 }, () => density.draw(draws).c)
    for (const c of ['a', 'b', 'c']) {
      const share = drawn.filter((one) => one === c).length / drawn.length
      expect(share).toBeCloseTo(density.at({ c }) / 3, 1)
    }
  })

  test('are 1 everywhere in a space without a choice, and uniform without points', () => {
    const fixed = checkSpace(
      { a: { kind: 'number', low: 2, high: 2 }, b: { kind: 'choice', options: ['x'] } },
      'some',
    )
    expect(densityOf(fixed, [{ a: 2, b: 'x' }], 1).at({ a: 2, b: 'x' })).toBeCloseTo(1, 6)
    const choice = checkSpace({ c: { kind: 'choice', options: [1, 2] } }, 'some')
    expect(densityOf(choice, [], 1).at({ c: 2 })).toBe(1)
  })
})

describe('TPE', () => {
  test.each([
    ['Branin', branin, 60],
    ['Hartmann 6', hartmann, 60],
    ['a bowl over every kind of dimension', bowl, 60],
  ])('on %s it is better than random search for 19 of 24 seeds or more', (_, known, count) => {
    const regrets = (sampler: Sampler): number[] =>
      Array.from({ length: 24 }, (_unused, seed) => {
        return regretOf(trialsOf(sampler, known, count, seed), known)
      })
    const [own, random] = [regrets(tpe), regrets(randomSampler())]
    // Of 24 fair coins 19 or more show heads with a probability of 0.0033 (sign test).
    const wins = own.filter((regret, seed) => regret < (random[seed] ?? 0)).length
    expect(wins).toBeGreaterThanOrEqual(19)
    const median = (values: number[]): number => values.sort((a, b) => a - b)[12] ?? Number.NaN
    expect(median(own)).toBeLessThan(median(random) / 2)
  })

  test('begins with the points of random search', () => {
    const random = trialsOf(randomSampler(), bowl, 10, 5)
    expect(ended.slice(0, 10).map(({ point }) => point)).toEqual(random.map(({ point }) => point))
  })

  test('proposes the same whatever the order of dimensions', () => {
    const reversed = Object.fromEntries(Object.entries(bowl.space).reverse()) as Space
    expect(Object.keys(reversed)[0]).not.toBe(Object.keys(bowl.space)[0])
    for (const count of [0, 10, 30]) {
      const before = ended.slice(0, count)
      expect(tpe.propose(reversed, count, 5, before)).toEqual(
        tpe.propose(bowl.space, count, 5, before),
      )
    }
  })

  test('proposes the same when all values are scaled and shifted', () => {
    const other = ended.map((trial) => ({ ...trial, value: Number(trial.value) * 1000 - 7 }))
    expect(tpe.propose(bowl.space, 30, 5, other)).toEqual(tpe.propose(bowl.space, 30, 5, ended))
  })

  test('stays away from the points of trials that run, so that workers part', () => {
    const { space } = branin
    const before = trialsOf(tpe, branin, 30, 2)
    // The same trial number, so that the same candidates stand to choose from.
    const first = tpe.propose(space, 30, 2, before)
    const running: Trial = {
      number: 30,
      point: first,
      state: 'running',
      metrics: {},
      intermediates: new Map(),
    }
    expect(tpe.propose(space, 30, 2, [...before, running])).not.toEqual(first)
    expect(tpe.propose(space, 30, 2, [...before, { ...running, state: 'failed' }])).not.toEqual(
      first,
    )
  })

  test('keeps away from where trials fail', () => {
    const space = checkSpace({ x: { kind: 'number', low: 0, high: 1 } }, 'some')
    const good = Array.from({ length: 20 }, (_, i) => {
      return finished(i, { x: i / 20 }, Math.abs(i / 20 - 0.5))
    })
    const failed = Array.from({ length: 40 }, (_, i): Trial => {
      const point = { x: 0.5 + i / 80 }
      const state = 'failed'
      return { number: 20 + i, point, state, metrics: {}, intermediates: new Map() }
    })
    const shareAbove = (trials: Trial[]): number => {
      const points = Array.from({ length: 60 }, (_, i) => tpe.propose(space, i, 1, trials))
      return points.filter(({ x }) => Number(x) > 0.5).length / 60
    }
    // The best trials lie on both sides of 0.5, and without the failed ones both are proposed.
    expect(shareAbove(good)).toBeGreaterThan(0.3)
    expect(shareAbove([...good, ...failed])).toBeLessThan(0.1)
  })

  test('ranks pruned trials behind finished ones, those that came further first', () => {
    const space = checkSpace({ x: { kind: 'number', low: 0, high: 1 } }, 'some')
    const pruned = (number: number, x: number, step: number, value: number): Trial => ({
      number,
      point: { x },
      state: 'pruned',
      metrics: {},
      intermediates: new Map([[step, value]]),
    })
    const trials = [
      ...Array.from({ length: 8 }, (_, i) => pruned(i, 0.1 + i / 100, 1, -100 + i)),
      pruned(8, 0.8, 5, 3),
      pruned(9, 0.82, 5, Number.NaN),
    ]
    const points = Array.from({ length: 40 }, (_, i) => tpe.propose(space, 10 + i, 1, trials))
    // The two good ones of ten are those that came to step 5, poor as their values look.
    const near = points.filter(({ x }) => Math.abs(Number(x) - 0.81) < 0.2).length
    expect(near).toBeGreaterThan(30)
  })

  test('does not try a point twice while others are left', () => {
    const space = checkSpace({ n: { kind: 'whole', low: 1, high: 40 } }, 'some')
    const known = { space, least: 0, at: ({ n = 0 }) => (Number(n) - 20) ** 2 }
    const trials = trialsOf(tpeSampler({ candidates: 200, startupTrials: 3 }), known, 20, 1)
    const later = trials.slice(3).map(({ point }) => keyOf(space, point))
    expect(new Set(later).size).toBe(17)
  })

  test.each([
    ['a choice of one option', { kind: 'choice', options: ['only'] }],
    ['low equal to high', { kind: 'number', low: 0.5, high: 0.5, log: true }],
    ['one whole number', { kind: 'whole', low: 3, high: 3 }],
  ])('gets on with %s', (_, dimension) => {
    const space = checkSpace({ fixed: dimension, x: { kind: 'number', low: 0, high: 1 } }, 'some')
    const known = { space, least: 0, at: ({ x }: Record<string, unknown>) => Number(x) ** 2 }
    const trials = trialsOf(tpe, known, 25, 1)
    expect(new Set(trials.map(({ point }) => point.fixed)).size).toBe(1)
    expect(new Set(trials.map(({ point }) => point.x)).size).toBe(25)
    expect(tpe.propose(checkSpace({ fixed: dimension }, 'some'), 25, 1, trials)).toHaveProperty(
      'fixed',
    )
  })

  test('goes on at random while every trial has failed', () => {
    const failed = ended.map((trial): Trial => {
      const { number, point, metrics, intermediates } = trial
      return { number, point, state: 'failed', metrics, intermediates }
    })
    expect(tpe.propose(bowl.space, 30, 5, failed)).toEqual(randomPoint(bowl.space, 30, 5))
  })

  test('takes equal and infinite intermediate values', () => {
    const trials = ended.map((trial, i): Trial => {
      const intermediates = new Map([[1, [Number.NaN, Infinity, -Infinity, 0][i % 4] as number]])
      return { ...finished(trial.number, trial.point, 0), state: 'pruned', intermediates }
    })
    const point = tpe.propose(bowl.space, 30, 5, trials)
    expect(bowl.at(point)).toSatisfy(Number.isFinite)
  })

  test.each([
    { goodShare: 0 },
    { goodShare: 1 },
    { candidates: 0 },
    { startupTrials: 0.5 },
    { priorWeight: Number.NaN },
    { mostGood: -1 },
  ])('refuses %j', (options) => {
    expect(() => tpeSampler(options)).toThrowError(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })
})

test('a grid sampler gives the points of the grid by number, and says how many there are', () => {
  const space = checkSpace({ x: { kind: 'number', low: 0, high: 1 } }, 'some')
  const sampler = gridSampler(3)
  expect(sampler.size?.(space)).toBe(3)
  expect([0, 1, 2].map((i) => sampler.propose(space, i, 0, []).x)).toEqual([0, 0.5, 1])
})

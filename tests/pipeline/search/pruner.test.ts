/** Pruners: which trials they stop, computed by hand. */

import { describe, expect, test } from 'vitest'
import { halvingPruner, medianPruner } from '../../../src/pipeline/search/pruner.ts'
import type { Trial } from '../../../src/pipeline/search/trial.ts'

/** A trial with intermediate values at steps 0, 1, 2 ... or at those given. */
function trial(number: number, state: Trial['state'], values: number[], steps?: number[]): Trial {
  const intermediates = new Map(values.map((value, i) => [steps?.[i] ?? i, value]))
  return { number, point: {}, state, metrics: {}, intermediates }
}

const done = (number: number, ...values: number[]): Trial => ({
  ...trial(number, 'finished', values),
  value: 0,
})

describe('the median pruner', () => {
  // Medians: 5 at step 0, 3 at step 1, 2.5 at step 2, which only two trials reached.
  const others = [done(0, 3, 2, 1), done(1, 4, 3, 4), done(2, 5, 3), done(3, 6, 5), done(4, 7, 6)]
  const pruner = medianPruner()

  test.each([
    ['stops above the median of the step', [5.1], 'stop'],
    ['lets pass what equals it', [5], 'go on'],
    ['goes by the best value so far, not the last', [4, 2.9, 9], 'stop'],
    ['lets pass a best value so far at the median', [4, 2.5, 9], 'go on'],
    ['takes the mean of the middle two', [9, 9, 2.6], 'stop'],
    ['lets pass where no other has been', [9, 9, 9, 9], 'go on'],
    ['stops what is not a number', [1, Number.NaN], 'stop'],
    ['stops what is infinite', [Number.POSITIVE_INFINITY], 'stop'],
    ['passes over a value that was not a number', [Number.NaN, 2], 'go on'],
  ] as const)('%s', (_, values, verdict) => {
    expect(pruner.judge(trial(5, 'running', [...values]), others)).toBe(verdict)
  })

  test('waits for enough finished trials; pruned and failed ones do not count', () => {
    const few = [
      ...others.slice(0, 4),
      trial(4, 'pruned', [1]),
      trial(6, 'failed', [1]),
      trial(7, 'running', [1]),
    ]
    const poor = trial(5, 'running', [99])
    expect(pruner.judge(poor, few)).toBe('go on')
    expect(medianPruner({ startupTrials: 4 }).judge(poor, few)).toBe('stop')
  })

  test('lets everything pass before the first step that counts', () => {
    const later = medianPruner({ warmupSteps: 1 })
    expect(later.judge(trial(5, 'running', [99]), others)).toBe('go on')
    expect(later.judge(trial(5, 'running', [99, 99]), others)).toBe('stop')
  })
})

describe('the halving pruner', () => {
  // Rungs at steps 2, 6 and 18.
  const pruner = halvingPruner({ minSteps: 2, reduction: 3 })
  const at = (number: number, value: number, state: Trial['state'] = 'pruned'): Trial =>
    trial(number, state, [value], [2])

  test.each([
    ['lets the first one at a rung pass', [], 9, 'go on'],
    ['stops the second one when it is worse', [1], 2, 'stop'],
    ['lets it pass when it is better', [1], 0.5, 'go on'],
    ['lets the best third of six pass', [1, 2, 3, 4, 5], 1.5, 'go on'],
    ['stops the third of six', [1, 2, 3, 4, 5], 2.5, 'stop'],
    ['lets equals pass', [1, 1, 1], 1, 'go on'],
    ['stops what is not a number', [], Number.NaN, 'stop'],
  ] as const)('%s', (_, values, own, verdict) => {
    const others = values.map((value, i) => at(i, value))
    const mine = at(9, own, 'running')
    expect(pruner.judge(mine, [...others, mine])).toBe(verdict)
  })

  test('judges once at a rung, by the first report there or later', () => {
    const others = [trial(0, 'finished', [1, 0], [3, 7]), trial(1, 'finished', [2, 0], [2, 6])]
    const mine = (...steps: number[]): Trial => {
      return trial(
        2,
        'running',
        steps.map(() => 1.5),
        steps,
      )
    }
    // Below the rung, at it (one of three is better, one goes on), past it without another rung.
    expect(pruner.judge(mine(1), others)).toBe('go on')
    expect(pruner.judge(mine(1, 2), others)).toBe('stop')
    expect(pruner.judge(mine(1, 2, 3), others)).toBe('go on')
    // One report may pass several rungs.
    expect(pruner.judge(trial(2, 'running', [-1, 0.5], [2, 7]), others)).toBe('stop')
    expect(pruner.judge(trial(2, 'running', [-1], [7]), others)).toBe('go on')
  })
})

test.each([
  () => medianPruner({ startupTrials: 0 }),
  () => medianPruner({ warmupSteps: -1 }),
  () => halvingPruner({ minSteps: 0 }),
  () => halvingPruner({ minSteps: 1, reduction: 1.5 }),
])('an option out of range is refused: %s', (make) => {
  expect(make).toThrowError(expect.objectContaining({ code: 'usage_invalid' }))
})

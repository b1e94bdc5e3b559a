/** Time that is shared, and what happens when a part is spent. */

import { describe, expect, test } from 'vitest'
import { shareTime } from '../../src/commands/budget.ts'

const never = (): AbortSignal => new AbortController().signal

describe('a budget', () => {
  test('is shared equally, and each part is its own', async () => {
    const asked: [string, number][] = []
    const shares = shareTime(3, ['a', 'b', 'c'], (ms, whose) => {
      asked.push([whose, ms])
      return never()
    })
    await shares.get('a')?.spend(async () => 1)
    await shares.get('b')?.spend(async () => 2)
    expect(asked).toEqual([
      ['a', 60_000],
      ['b', 60_000],
    ])
  })

  test('gives a second piece of work what the first has left', async () => {
    const asked: number[] = []
    const share = shareTime(1, ['a'], (ms) => {
      asked.push(ms)
      return never()
    }).get('a')
    const until = performance.now() + 5
    await share?.spend(async () => {
      while (performance.now() < until);
    })
    await share?.spend(async () => {})
    expect(asked[0]).toBe(60_000)
    expect(asked[1]).toBeLessThanOrEqual(59_995)
  })

  test('that is spent ends the work, with an error of its own', async () => {
    const timer = new AbortController()
    const share = shareTime(2, ['trees', 'plain'], () => timer.signal).get('trees')
    const work = share?.spend(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          timer.abort()
        }),
    )
    await expect(work).rejects.toMatchObject({
      code: 'budget_spent',
      message:
        'trees took longer than its part of the budget, 1 minutes: give it more, or name fewer recipes',
    })
  })

  test('does not take what comes too late, though no timer could tell', async () => {
    const share = shareTime(1e-6, ['a'], never).get('a')
    const until = performance.now() + 1
    const late = share?.spend(async () => {
      while (performance.now() < until);
      return 'late'
    })
    await expect(late).rejects.toMatchObject({ code: 'budget_spent' })
  })

  test('begins nothing once it is spent', async () => {
    const share = shareTime(1, ['a'], () => AbortSignal.abort()).get('a')
    let begun = false
    const work = share?.spend(async () => {
      begun = true
    })
    await expect(work).rejects.toMatchObject({ code: 'budget_spent' })
    expect(begun).toBe(false)
  })

  test('that nobody gave has no end and asks no clock', async () => {
    const share = shareTime(undefined, ['a'], () => AbortSignal.abort()).get('a')
    expect(await share?.spend(async (signal) => signal.aborted)).toBe(false)
  })
})

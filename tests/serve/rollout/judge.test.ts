import { describe, expect, test } from 'vitest'
import {
  countAnswer,
  countPair,
  newCounts,
  sumCounts,
  trialCountsSchema,
} from '../../../src/serve/rollout/arm-counts.ts'
import {
  faultOf,
  judge,
  numbersOf,
  p99Of,
  psiOf,
  shiftOf,
} from '../../../src/serve/rollout/judge.ts'
import { defaultRules } from '../../../src/serve/rollout/rules.ts'
import { countsOf, newTrial, rides } from './trials.ts'

const trial = newTrial()
const quick = { min_predictions: 100, min_seconds: 10 }

describe('a canary', () => {
  test('goes on until its step has had its time and its predictions', () => {
    const counts = countsOf(rides(1000), rides(500))
    expect(judge(trial, counts, 299)).toBeUndefined()
    expect(judge(trial, countsOf(rides(1000), rides(499)), 300)).toBeUndefined()
    const verdict = judge(trial, counts, 300)
    expect(verdict?.change).toBe('advance')
    expect(verdict?.reason).toBe('step 1 of 3 passed: 500 predictions in 300 s, no fault found')
    expect(verdict?.numbers).toMatchObject({ predictions: 500, seconds: 300 })
  })

  test('at its last step is judged by failures alone where nobody else answers', () => {
    const last = { ...newTrial('canary', quick), step: 2 }
    expect(judge(last, countsOf([], rides(100)), 10)?.reason).toContain('all steps passed')
    expect(judge(last, countsOf([], rides(100), { failed: 10 }), 0)?.change).toBe('rollback')
  })
})

describe('failures', () => {
  test.each([
    // At 0.1 % allowed, P(at least 2 of 22) = 2.3e-4 and P(at least 3 of 23) = 1.7e-6, both above
    // and below 1e-4, by scipy.stats.binom.sf.
    [2, 20, undefined],
    [3, 20, 'rollback'],
    // 0.1 % of 10,000 is 10: P(at least 20) = 3.4e-3, P(at least 30) = 2.5e-7.
    [20, 9980, undefined],
    [30, 9970, 'rollback'],
  ])('%d beside %d answers', (failed, answered, change) => {
    expect(judge(trial, countsOf(rides(1000), rides(answered), { failed }), 0)?.change).toBe(change)
  })

  test('of one ride alone say nothing yet', () => {
    expect(judge(trial, countsOf([], [], { failed: 1 }), 0)).toBeUndefined()
  })

  test('that the champion has too are no reason', () => {
    const counts = countsOf(rides(1000), rides(1000), { failed: 30 })
    counts.champion.failed = 30
    expect(judge(trial, counts, 0)).toBeUndefined()
    counts.champion.failed = 0
    const verdict = judge(trial, counts, 0)
    expect(verdict?.reason).toBe(
      'error rate: the challenger failed on 30 of 1030 rides, more than 0.1 % and chance allow',
    )
    expect(verdict?.numbers).toMatchObject({ failed: 30, rides: 1030 })
  })

  test('are no reason when that rule is off', () => {
    const off = newTrial('canary', { max_error_rate: null })
    expect(judge(off, countsOf(rides(1000), rides(20), { failed: 500 }), 0)).toBeUndefined()
  })
})

describe('latency', () => {
  /** 1,000 answers of the challenger, so many of them in 100 ms, beside 1,000 quick ones. */
  const slow = (n: number) => {
    const counts = countsOf(rides(1000), rides(1000 - n))
    for (const minutes of rides(n)) countAnswer(counts.challenger, minutes, 100)
    return counts
  }
  test('of more than one in a hundred beyond chance rolls back', () => {
    // P(at least 20 of 1,000 at 1 %) = 3.3e-3 and P(at least 30) = 2.1e-7 by scipy.stats.binom.sf.
    expect(judge(trial, slow(20), 0)).toBeUndefined()
    const verdict = judge(trial, slow(30), 0)
    expect(verdict?.change).toBe('rollback')
    expect(verdict?.reason).toMatch(/^latency: p99 is /)
    expect(verdict?.numbers.slow).toBe(30)
  })

  test('below the floor is never too slow, whatever the ratio', () => {
    expect(judge(trial, countsOf(rides(1000), rides(1000), { challengerMs: 4 }), 0)).toBeUndefined()
    const low = newTrial('canary', { latency_floor_ms: 0.1 })
    const counts = countsOf(rides(1000), rides(1000), { challengerMs: 4 })
    expect(judge(low, counts, 0)?.change).toBe('rollback')
  })

  test('waits for its support in both arms', () => {
    expect(judge(trial, countsOf(rides(99), rides(1000), { challengerMs: 100 }), 0)).toBeUndefined()
    expect(judge(trial, countsOf(rides(1000), rides(99), { challengerMs: 100 }), 0)).toBeUndefined()
    const counts = countsOf(rides(100), rides(100), { challengerMs: 100 })
    expect(judge(trial, counts, 0)?.change).toBe('rollback')
  })

  test('of the 99th percentile is the upper end of its bin', () => {
    // 0.001 * 2^(27/8) = 0.01037 is the first edge at or above 0.01.
    expect(p99Of(countsOf(rides(100), []).champion)).toBeCloseTo(0.010375, 5)
    expect(p99Of(countsOf([], []).champion)).toBeNull()
  })
})

describe('shift', () => {
  test('of three times the minutes rolls back, and the record has the means', () => {
    const verdict = judge(
      trial,
      countsOf(
        rides(1000),
        rides(200, (m) => 3 * m),
      ),
      0,
    )
    expect(verdict?.change).toBe('rollback')
    // The mean of 2 to 41 is 21.5.
    expect(verdict?.reason).toContain("the challenger's mean is 64.5 minutes, the champion's 21.5")
    expect(verdict?.numbers.champion_mean_minutes).toBeCloseTo(21.5, 9)
  })

  test('is the difference of the means in standard deviations', () => {
    // 2 to 41 minutes have a variance of (40^2 - 1) / 12; 4 minutes more leave it as it is.
    const { shift } = shiftOf(
      countsOf(
        rides(400),
        rides(400, (m) => m + 4),
      ),
    )
    expect(shift).toBeCloseTo(4 / Math.sqrt((40 ** 2 - 1) / 12), 9)
  })

  test('that is large but not beyond chance waits', () => {
    // 100 rides each: 4 minutes are 0.35 deviations, but only 2.4 standard errors.
    const counts = countsOf(
      rides(100),
      rides(100, (m) => m + 4),
    )
    expect(judge(newTrial('canary', { max_psi: null }), counts, 0)).toBeUndefined()
    const more = countsOf(
      rides(1000),
      rides(1000, (m) => m + 4),
    )
    expect(judge(newTrial('canary', { max_psi: null }), more, 0)?.change).toBe('rollback')
  })

  test('by less than a quarter of a minute is none where all rides are alike', () => {
    const alike = countsOf(Array(500).fill(12), Array(500).fill(12.2))
    expect(judge(trial, alike, 0)).toBeUndefined()
    expect(judge(trial, countsOf(Array(500).fill(12), Array(500).fill(13)), 0)?.change).toBe(
      'rollback',
    )
  })

  test('of the shape alone is found by the stability index', () => {
    // Every ride takes the mean: nothing of it shows in the mean.
    const counts = countsOf(
      rides(4000),
      rides(4000, () => 21.5),
    )
    const verdict = judge(trial, counts, 0)
    expect(verdict?.reason).toMatch(/^prediction shift: the stability index/)
  })

  test('of two bins by hand', () => {
    // 30 and 10 of 40 against 20 and 20: (0.5 - 0.75) ln(0.5 / 0.75) + (0.5 - 0.25) ln(0.5 / 0.25).
    const counts = countsOf(
      [...Array(30).fill(4), ...Array(10).fill(25)],
      [...Array(20).fill(4), ...Array(20).fill(25)],
    )
    expect(psiOf(counts).psi).toBeCloseTo(-0.25 * Math.log(2 / 3) + 0.25 * Math.log(2), 12)
  })

  test('of equal arms is not found, at a thousand looks', () => {
    let state = 1
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    }
    const counts = newCounts(1)
    for (let look = 0; look < 1000; look++) {
      for (let i = 0; i < 20; i++) {
        const arm = random() < 0.2 ? counts.challenger : counts.champion
        countAnswer(arm, Math.exp(2.3 + 0.7 * (random() + random() + random() - 1.5)), random())
      }
      expect(faultOf(counts, defaultRules)).toBeUndefined()
    }
  })
})

describe('other modes', () => {
  test('arms of an A/B trial may predict differently, but not fail', () => {
    const ab = newTrial('ab')
    expect(
      judge(
        ab,
        countsOf(
          rides(1000),
          rides(1000, (m) => 3 * m),
        ),
        1e6,
      ),
    ).toBeUndefined()
    expect(judge(ab, countsOf(rides(1000), rides(1000), { failed: 50 }), 0)?.change).toBe(
      'rollback',
    )
  })

  test('a shadow is never judged by itself; its fault is there to see', () => {
    const shadow = newTrial('shadow')
    const counts = newCounts(1)
    for (const minutes of rides(1000)) countPair(counts, minutes, 3 * minutes)
    expect(judge(shadow, counts, 1e6)).toBeUndefined()
    expect(faultOf(counts, shadow.rules)?.reason).toMatch(/^prediction shift/)
    // 2 to 41, twice each more: at most 82, on average 43.
    expect(counts.pairs).toMatchObject({ n: 1000, sum: 43_000, largest: 82 })
  })
})

describe('counts', () => {
  test('of several processes add up to those of one', () => {
    const all = rides(900)
    const parts = [0, 300, 600].map((from) =>
      countsOf(all.slice(from, from + 300), all.slice(from, from + 100)),
    )
    const whole = sumCounts(1, parts)
    expect(whole.champion).toEqual(countsOf(all, []).champion)
    expect(whole.challenger.answered).toBe(300)
    expect(trialCountsSchema.parse(JSON.parse(JSON.stringify(whole)))).toEqual(whole)
  })

  test('of another step keep nothing but the errors', () => {
    const before = countsOf(rides(100), rides(100))
    before.challenger.errors = { n: 2, absolute: 3, square: 5, fourth: 17 }
    const sum = sumCounts(7, [before])
    expect(sum.challenger.answered).toBe(0)
    expect(sum.challenger.errors).toEqual({ n: 2, absolute: 3, square: 5, fourth: 17 })
    expect(numbersOf(sum).shift).toBeNull()
  })
})

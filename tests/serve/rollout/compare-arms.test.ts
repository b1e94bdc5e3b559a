import { expect, test } from 'vitest'
import { countError, newCounts } from '../../../src/serve/rollout/arm-counts.ts'
import { compareArms } from '../../../src/serve/rollout/compare-arms.ts'

/** Errors of both arms, minutes. */
function withErrors(ofChampion: readonly number[], ofChallenger: readonly number[]) {
  const counts = newCounts(1)
  for (const error of ofChampion) countError(counts.champion, 20 + error, 20)
  for (const error of ofChallenger) countError(counts.challenger, 20 - error, 20)
  return counts
}

const champion = Array.from({ length: 40 }, (_, i) => (i * 7) % 11)
const challenger = Array.from({ length: 50 }, (_, i) => ((i * 5) % 13) + 1)

test('mean absolute errors differ by what Welch says', () => {
  const { mae, better, actuals } = compareArms(withErrors(champion, challenger))
  expect(actuals).toEqual({ champion: 40, challenger: 50 })
  // scipy.stats.ttest_ind(challenger, champion, equal_var=False).confidence_interval(0.95)
  expect(mae?.champion).toBeCloseTo(5.05, 12)
  expect(mae?.challenger).toBeCloseTo(7.02, 12)
  expect(mae?.low).toBeCloseTo(0.48654735256801085, 5)
  expect(mae?.high).toBeCloseTo(3.4534526474319884, 5)
  expect(better).toBe('champion')
})

test('the root of the mean square is compared too', () => {
  const { rmse } = compareArms(withErrors(champion, challenger))
  const root = (all: readonly number[]): number =>
    Math.sqrt(all.reduce((sum, one) => sum + one * one, 0) / all.length)
  expect(rmse?.champion).toBeCloseTo(root(champion), 12)
  expect(rmse?.difference).toBeCloseTo(root(challenger) - root(champion), 12)
  expect(rmse?.low).toBeLessThan(rmse?.difference as number)
})

test('its interval holds the truth 95 times of 100', () => {
  let state = 7
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
  const trials = 1000
  let [mae, rmse] = [0, 0]
  for (let i = 0; i < trials; i++) {
    const draw = (n: number, sd: number): number[] => Array.from({ length: n }, () => sd * normal())
    const found = compareArms(withErrors(draw(300, 2), draw(150, 3)))
    // Of normal errors: sd * sqrt(2 / pi), and sd.
    const truth = Math.sqrt(2 / Math.PI)
    if (found.mae && found.mae.low <= truth && found.mae.high >= truth) mae++
    if (found.rmse && found.rmse.low <= 1 && found.rmse.high >= 1) rmse++
  }
  // 95 % of 1,000, give or take four standard deviations of 6.9; the root's interval is approximate.
  expect(Math.abs(mae - 950)).toBeLessThan(28)
  expect(Math.abs(rmse - 950)).toBeLessThan(35)
})

test('there is none before both arms have 30', () => {
  const { mae, rmse, better } = compareArms(withErrors(champion, challenger.slice(0, 29)))
  expect([mae, rmse, better]).toEqual([null, null, null])
})

test('arms without any spread are compared too', () => {
  const { mae, better } = compareArms(withErrors(Array(30).fill(3), Array(30).fill(2)))
  expect(mae).toMatchObject({ difference: -1, low: -1, high: -1 })
  expect(better).toBe('challenger')
})

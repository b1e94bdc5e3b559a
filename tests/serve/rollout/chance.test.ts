import { describe, expect, test } from 'vitest'
import { binomialTail, logFactorial, studentT95 } from '../../../src/serve/rollout/chance.ts'

describe('binomialTail', () => {
  // scipy.stats.binom.sf(hits - 1, n, p)
  test.each([
    [5, 20, 0.001, 1.531135840278396e-11],
    [1, 10, 0.1, 0.6513215599000001],
    [30, 1000, 0.01, 2.059988850971949e-7],
    [2, 1000, 0.001, 0.26424108696981247],
    [990, 1000, 0.99, 0.5830408033010972],
    [12, 100_000, 0.0001, 0.30321816635575183],
  ])('at least %d of %d at %d is as SciPy has it', (hits, n, p, expected) => {
    expect(Math.abs(binomialTail(hits, n, p) / expected - 1)).toBeLessThan(1e-8)
  })

  test('its ends are certain or impossible', () => {
    expect(binomialTail(0, 10, 0.5)).toBe(1)
    expect(binomialTail(11, 10, 0.5)).toBe(0)
    expect(binomialTail(1, 10, 0)).toBe(0)
    expect(binomialTail(10, 10, 1)).toBe(1)
    // By hand: 2^-10.
    expect(binomialTail(10, 10, 0.5)).toBeCloseTo(2 ** -10, 12)
  })

  test('shrinks with every hit more', () => {
    const tails = Array.from({ length: 51 }, (_, hits) => binomialTail(hits, 50, 0.3))
    for (let i = 1; i < tails.length; i++) {
      expect(tails[i]).toBeLessThan(tails[i - 1] as number)
    }
  })
})

test('factorials are those that are multiplied out, on both sides of where the series begins', () => {
  let product = 1n
  for (let n = 1; n <= 20; n++) {
    product *= BigInt(n)
    expect(logFactorial(n)).toBeCloseTo(Math.log(Number(product)), 9)
  }
})

describe('studentT95', () => {
  // scipy.stats.t.ppf(0.975, degrees)
  test.each([
    [29, 2.045229642132703],
    [58.3, 2.001498197878836],
    [1000, 1.9623390808264083],
    [1e9, 1.959963986912325],
  ])('with %d degrees of freedom is as SciPy has it', (degrees, expected) => {
    expect(Math.abs(studentT95(degrees) - expected)).toBeLessThan(1e-5)
  })
})

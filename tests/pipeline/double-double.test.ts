import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addPairsProductTo,
  addProductTo,
  addTo,
  dividePair,
  productError,
  type Sums,
  settle,
  zeroSums,
} from '../../src/pipeline/double-double.ts'
import { by, type Fraction, fromNumber, plus, toNumber } from './solve/rational.ts'

const value = ({ hi, lo }: Sums, i = 0): Fraction =>
  plus(fromNumber(hi[i] as number), fromNumber(lo[i] as number))
const total = (values: readonly Fraction[]): Fraction =>
  values.reduce(plus, { top: 0n, bottom: 1n })
const minus = (a: Fraction, b: Fraction): number =>
  toNumber(plus(a, { top: -b.top, bottom: b.bottom }))
const whole = (bits: number): fc.Arbitrary<number> => {
  const most = 2 ** bits
  return fc.maxSafeInteger().map((n) => Math.trunc((n / Number.MAX_SAFE_INTEGER) * most))
}
/** Values of all sizes and signs that a trip file may hold, and then some. */
const real = fc.double({ min: -1e12, max: 1e12, noNaN: true })
const runs = { seed: 20210101, numRuns: 300 }

describe('sums of whole numbers', () => {
  test('are exact far beyond 2^53', () => {
    fc.assert(
      fc.property(fc.array(whole(53), { minLength: 1, maxLength: 200 }), (values) => {
        const sums = zeroSums(1)
        for (const one of values) addTo(sums, 0, one)
        expect(value(sums)).toEqual({ top: values.map(BigInt).reduce((a, b) => a + b), bottom: 1n })
      }),
      runs,
    )
  })

  test('are exact for products beyond 2^53', () => {
    const factors = fc.array(fc.tuple(whole(44), whole(44)), { minLength: 1, maxLength: 100 })
    fc.assert(
      fc.property(factors, (pairs) => {
        const sums = zeroSums(1)
        for (const [a, b] of pairs) addProductTo(sums, 0, a, b)
        const exact = pairs.reduce((sum, [a, b]) => sum + BigInt(a) * BigInt(b), 0n)
        expect(value(sums)).toEqual({ top: exact, bottom: 1n })
      }),
      runs,
    )
  })

  test('are exact up to the bound that is stated: additions x largest sum below 2^106', () => {
    const sums = zeroSums(1)
    const step = 2 ** 85 + 2 ** 33
    let exact = 0n
    for (let k = 0; k < 1000; k++) {
      addTo(sums, 0, step)
      addTo(sums, 0, 2 * k + 1)
      exact += BigInt(step) + BigInt(2 * k + 1)
    }
    expect(value(sums)).toEqual({ top: exact, bottom: 1n })
  })

  test('have the same two words in any order, once settled', () => {
    const values = fc.array(whole(53), { minLength: 1, maxLength: 60 })
    const orders = values.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    )
    fc.assert(
      fc.property(orders, ([first, second]) => {
        const sums = zeroSums(2)
        for (const one of first) addProductTo(sums, 0, one, 3)
        for (const one of second) addProductTo(sums, 1, one, 3)
        settle(sums)
        // Object.is tells 0 from -0, as a hash of bytes does.
        expect(Object.is(sums.hi[0], sums.hi[1]) && Object.is(sums.lo[0], sums.lo[1])).toBe(true)
      }),
      runs,
    )
  })

  test('leave a positive zero where everything cancels', () => {
    const sums = zeroSums(1)
    for (const one of [-0, 5, -0, -5]) addTo(sums, 0, one)
    settle(sums)
    expect([...sums.hi, ...sums.lo].every((word) => Object.is(word, 0))).toBe(true)
  })
})

describe('settle', () => {
  test('makes the first word the nearest double and changes nothing else', () => {
    fc.assert(
      fc.property(fc.array(real, { minLength: 1, maxLength: 50 }), (values) => {
        const sums = zeroSums(1)
        for (const one of values) addTo(sums, 0, one)
        const before = value(sums)
        settle(sums)
        expect(minus(value(sums), before)).toBe(0)
        expect(sums.hi[0]).toBe((sums.hi[0] as number) + (sums.lo[0] as number))
      }),
      runs,
    )
  })
})

describe('sums of reals', () => {
  test('lose less than 1e-28 of the sum of absolute values', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(real, real), { minLength: 1, maxLength: 60 }), (pairs) => {
        const sums = zeroSums(2)
        for (const [a, b] of pairs) {
          addTo(sums, 0, a)
          addProductTo(sums, 1, a, b)
        }
        const size = pairs.reduce(
          ([s, p], [a, b]) => [s + Math.abs(a), p + Math.abs(a * b)] as [number, number],
          [0, 0] as [number, number],
        )
        const exact = [
          total(pairs.map(([a]) => fromNumber(a))),
          total(pairs.map(([a, b]) => by(fromNumber(a), fromNumber(b)))),
        ]
        exact.forEach((sum, k) => {
          expect(Math.abs(minus(value(sums, k), sum))).toBeLessThanOrEqual(
            1e-28 * (size[k] as number) + 1e-300,
          )
        })
      }),
      runs,
    )
  })

  test('keep the error of a product that happens to round to a whole number', () => {
    const sums = zeroSums(1)
    addProductTo(sums, 0, 3, 1 / 3)
    expect(sums.hi[0]).toBe(1)
    expect(minus(value(sums), by(fromNumber(3), fromNumber(1 / 3)))).toBe(0)
  })
})

describe('pairs', () => {
  const pair = fc.tuple(real, fc.double({ min: -1, max: 1, noNaN: true })).map(([hi, share]) => {
    const lo = hi * 2 ** -54 * share
    return { hi, lo, exact: plus(fromNumber(hi), fromNumber(lo)) }
  })

  test('multiply to 104 bits', () => {
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const sums = zeroSums(1)
        addPairsProductTo(sums, 0, a.hi, a.lo, b.hi, b.lo)
        const off = Math.abs(minus(value(sums), by(a.exact, b.exact)))
        expect(off).toBeLessThanOrEqual(2 ** -104 * Math.abs(a.hi * b.hi) + 1e-300)
      }),
      runs,
    )
  })

  test('divide to 102 bits', () => {
    const divisor = fc.oneof(fc.constantFrom(60, 3600, 6000, 2 ** 40), fc.integer({ min: 1 }))
    fc.assert(
      fc.property(pair, divisor, (a, divisor) => {
        const [hi, lo] = dividePair(a.hi, a.lo, divisor)
        const back = by(plus(fromNumber(hi), fromNumber(lo)), fromNumber(divisor))
        expect(Math.abs(minus(back, a.exact))).toBeLessThanOrEqual(
          2 ** -102 * Math.abs(a.hi) + 1e-300,
        )
      }),
      runs,
    )
  })

  test('know what a product loses to rounding', () => {
    fc.assert(
      fc.property(real, real, (a, b) => {
        // Far from the smallest doubles, where an error has no bits to be written in.
        fc.pre(Math.abs(a) > 1e-100 && Math.abs(b) > 1e-100)
        const error = fromNumber(productError(a, b, a * b))
        expect(minus(plus(fromNumber(a * b), error), by(fromNumber(a), fromNumber(b)))).toBe(0)
      }),
      runs,
    )
  })
})

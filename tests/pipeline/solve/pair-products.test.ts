import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, zeroSums } from '../../../src/pipeline/double-double.ts'
import { addPairProducts } from '../../../src/pipeline/solve/pair-products.ts'
import type { SystemBlock } from '../../../src/pipeline/solve/system.ts'
import { by, type Fraction, fromNumber, plus, toNumber } from './rational.ts'

const none: Fraction = { top: 0n, bottom: 1n }

/** Two blocks of three and four levels, and counts of all pairs of them. */
const counts = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 2 ** 26 })), {
  minLength: 12,
  maxLength: 12,
})
const value = fc.oneof(
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constant(0),
)
const pair = fc.tuple(value, fc.double({ min: -1, max: 1, noNaN: true }))

function blocksFor(pairs: readonly number[]): SystemBlock[] {
  const rides = (take: (c: number) => boolean): number =>
    pairs.reduce((sum, count, c) => sum + (take(c) ? count : 0), 0)
  const numeric = zeroSums(0)
  return [
    {
      at: 0,
      counts: Float64Array.from({ length: 3 }, (_, i) => rides((c) => c >> 2 === i)),
      numeric,
    },
    {
      at: 3,
      counts: Float64Array.from({ length: 4 }, (_, j) => rides((c) => c % 4 === j)),
      numeric,
    },
  ]
}

test('products are those of rational numbers to 1e-27 of the largest there can be', () => {
  fc.assert(
    fc.property(counts, fc.array(pair, { minLength: 7, maxLength: 7 }), (pairs, values) => {
      const cross = {
        a: 0,
        b: 1,
        rows: Int32Array.from(pairs, (_, c) => c >> 2),
        columns: Int32Array.from(pairs, (_, c) => c % 4),
        counts: Float64Array.from(pairs),
      }
      const v = zeroSums(7)
      values.forEach(([high, low], i) => {
        v.hi[i] = high
        v.lo[i] = low * Math.abs(high) * 2 ** -54
      })
      const out = zeroSums(7)
      addPairProducts(blocksFor(pairs), [cross], v, out)
      settle(out)
      const exact = values.map(() => none)
      const largest = Math.max(...v.hi.map(Math.abs))
      pairs.forEach((count, c) => {
        const [i, j] = [c >> 2, 3 + (c % 4)]
        for (const [to, from] of [
          [i, j],
          [j, i],
        ] as const) {
          const [high, low] = [v.hi, v.lo].map((part) => fromNumber(part[from] as number))
          const own = plus(high as Fraction, low as Fraction)
          exact[to] = plus(exact[to] as Fraction, by(fromNumber(count), own))
        }
      })
      const all = pairs.reduce((sum, count) => sum + count, 0)
      exact.forEach((sum, i) => {
        const found = plus(fromNumber(out.hi[i] as number), fromNumber(out.lo[i] as number))
        const off = toNumber(plus(found, by(fromNumber(-1), sum)))
        expect(Math.abs(off)).toBeLessThanOrEqual(1e-27 * largest * all)
      })
    }),
    { seed: 20210101, numRuns: 300 },
  )
})

test('a vector of zeros adds nothing, and one that is no number says so', () => {
  const pairs = Array.from({ length: 12 }, (_, c) => c + 1)
  const cross = {
    a: 0,
    b: 1,
    rows: Int32Array.from(pairs, (_, c) => c >> 2),
    columns: Int32Array.from(pairs, (_, c) => c % 4),
    counts: Float64Array.from(pairs),
  }
  const out = zeroSums(7)
  addPairProducts(blocksFor(pairs), [cross], zeroSums(7), out)
  expect([...out.hi]).toEqual(new Array(7).fill(0))
  const v = zeroSums(7)
  v.hi[6] = Number.NaN
  addPairProducts(blocksFor(pairs), [cross], v, out)
  expect(out.hi[0]).toBeNaN()
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LevelIndex } from '../../src/pipeline/level-index.ts'

/** What it must do, by a map. */
function numbered(codes: readonly number[]): { numbers: number[]; distinct: number[] } {
  const seen = new Map<number, number>()
  const numbers = codes.map((code) => {
    if (!seen.has(code)) seen.set(code, seen.size)
    return seen.get(code) as number
  })
  return { numbers, distinct: [...seen.keys()] }
}

/** Many codes, some of them again and again. */
const codesBelow = (levels: number): fc.Arbitrary<number[]> =>
  fc.array(
    fc.oneof(
      fc.nat({ max: Math.min(levels, 20) - 1 }),
      fc.maxSafeNat().map((n) => n % levels),
    ),
    { maxLength: 2000, size: 'max' },
  )

describe.each([
  ['a table of 266 codes', 266],
  ['the largest table', 2 ** 20],
  ['hashing from one code more', 2 ** 20 + 1],
  ['pairs of ids', 65_536 ** 2],
  ['hashing of codes up to 2^53', 2 ** 53],
])('LevelIndex with %s', (_, levels) => {
  test('numbers codes by first appearance', () => {
    fc.assert(
      fc.property(codesBelow(levels), (codes) => {
        const index = new LevelIndex(levels)
        const { numbers, distinct } = numbered(codes)
        expect(codes.map((code) => index.of(code))).toEqual(numbers)
        expect(index.size).toBe(distinct.length)
        expect([...index.codes.subarray(0, index.size)]).toEqual(distinct)
      }),
      { seed: 20210101, numRuns: 30 },
    )
  })
})

test('LevelIndex keeps apart products of ids that differ in their high bits only', () => {
  const index = new LevelIndex(2 ** 53)
  // Multiples of 2^32 share all low bits; 100,000 of them also make it grow many times.
  const codes = Array.from({ length: 100_000 }, (_, k) => k * 2 ** 32)
  const first = codes.map((code) => index.of(code))
  const again = codes.map((code) => index.of(code))
  expect(first).toEqual(codes.map((_, k) => k))
  expect(again).toEqual(first)
})

test('LevelIndex takes the first and the last code of a table', () => {
  const index = new LevelIndex(24)
  expect([23, 0, 23, 0].map((code) => index.of(code))).toEqual([0, 1, 0, 1])
})

test('LevelIndex has one code for 0, without a sign', () => {
  for (const levels of [24, 2 ** 53]) {
    const index = new LevelIndex(levels)
    expect([index.of(-0), index.of(0)]).toEqual([0, 0])
    expect(Object.is(index.codes[0], 0)).toBe(true)
  }
})

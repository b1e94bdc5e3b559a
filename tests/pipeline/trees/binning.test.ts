/** Bins of values: their counts, their edges, and what does not fit. */

import { describe, expect, test } from 'vitest'
import { binsOf, totalBins, writePlaces } from '../../../src/pipeline/trees/binning.ts'
import { randomNumbers } from '../../random-rides.ts'
import { categoryColumn, numberColumn } from './tables.ts'

/** The bins of one column's values. */
function binned(values: readonly number[], most: number): { cuts: number[]; bins: number[] } {
  const columns = [numberColumn('a', values)]
  const bins = binsOf(columns, most)
  const places = new Uint16Array(values.length)
  writePlaces(columns, bins, places)
  return { cuts: [...bins[0]!.cuts], bins: [...places] }
}

describe('numbers', () => {
  test('of few values have a bin each, parted in the middle', () => {
    expect(binned([3, 1, 2, 1, Number.NaN], 255)).toEqual({
      cuts: [1.5, 2.5],
      bins: [3, 1, 2, 1, 0],
    })
  })

  test('next to each other are parted by the upper one', () => {
    const above = 1 + 2 ** -23
    expect(binned([1, above], 255)).toEqual({ cuts: [above], bins: [1, 2] })
    // The same 32-bit float is the same value.
    expect(binned([1, 1 + 2 ** -30], 255)).toEqual({ cuts: [], bins: [1, 1] })
  })

  test('of many values have bins of about equally many rows', () => {
    const random = randomNumbers(1)
    const values = Array.from({ length: 20_000 }, () => random() ** 3)
    const { cuts, bins } = binned(values, 64)
    expect(cuts.length).toBe(63)
    const counts = new Array<number>(66).fill(0)
    for (const bin of bins) counts[bin]!++
    expect(counts[0]).toBe(0)
    expect(Math.max(...counts)).toBeLessThan((1.2 * 20_000) / 64)
    for (const [i, bin] of bins.entries()) {
      expect(Math.fround(values[i]!)).toBeLessThan(cuts[bin - 1] ?? Infinity)
      expect(Math.fround(values[i]!)).toBeGreaterThanOrEqual(cuts[bin - 2] ?? -Infinity)
    }
  })

  test('that many rows share have a bin alone, and leave the others theirs', () => {
    const random = randomNumbers(2)
    const values = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? 5 : random() * 10))
    const { cuts, bins } = binned(values, 16)
    const own = bins[1]!
    const others = values.filter((value, i) => bins[i] === own && value !== 5)
    expect(others.length).toBeLessThan(10)
    expect(cuts.length).toBeGreaterThan(12)
  })
})

test('zero has a bin of its own, however few rows it has', () => {
  const random = randomNumbers(3)
  const values = Array.from({ length: 20_000 }, (_, i) => (i < 5 ? 0 : random() * 10 - 5))
  const { bins } = binned(values, 16)
  expect(values.filter((_, i) => bins[i] === bins[0])).toEqual([0, 0, 0, 0, 0])
})

test('categories have a bin each; missing, and those that training did not have, are bin 0', () => {
  const bins = binsOf([numberColumn('n', [1]), categoryColumn('c', [1], 3)], 255)
  expect(totalBins(bins)).toBe(2 + 4)
  const places = new Uint16Array(10)
  const columns = [numberColumn('n', [1, 1, 1, 1, 1]), categoryColumn('c', [0, 2, -1, 3, 7], 9)]
  writePlaces(columns, bins, places)
  expect([...places].filter((_, i) => i % 2 === 1)).toEqual([3, 5, 2, 2, 2])
})

test('more levels than places are refused', () => {
  const columns = [categoryColumn('a', [0], 40_000), categoryColumn('b', [0], 30_000)]
  expect(() => binsOf(columns, 255)).toThrow(/70002 bins and levels, expected at most 65536/)
})

/** Counting numbers in bounded memory, against sorting all of them. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorrelationCounts } from '../../../src/pipeline/data-profile/correlation-counts.ts'
import {
  binsFor,
  countBelow,
  histogramOf,
  quantile,
} from '../../../src/pipeline/data-profile/distribution.ts'
import { HyperLogLog } from '../../../src/pipeline/data-profile/hyper-log-log.ts'
import { binError, NumberCounts } from '../../../src/pipeline/data-profile/number-counts.ts'

/** Numbers from 0 to 1 that are the same every time (a linear congruence, as in Numerical Recipes). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)

/** Type 7 of Hyndman and Fan by its definition, of values in order. */
function sortedQuantile(sorted: readonly number[], p: number): number {
  const at = p * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number]
  return low === high ? low : low + (high - low) * (at - Math.floor(at))
}

function counted(...batches: readonly number[][]): NumberCounts {
  const counts = new NumberCounts()
  for (const batch of batches) counts.add(Float64Array.from(batch))
  return counts
}

describe('NumberCounts', () => {
  test('tells what sorting tells, whatever the numbers and their batches', () => {
    const number = fc.oneof(
      fc.integer({ min: -70_000, max: 250_000 }).map((cents) => cents / 100),
      fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
    )
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1 }),
        fc.nat(),
        fc.double({ noNaN: true, min: 0, max: 1 }),
        (values, cut, p) => {
          const at = cut % values.length
          const counts = counted(values.slice(0, at), values.slice(at))
          const all = counts.distribution()
          expect(quantile(all, p)).toBeCloseTo(sortedQuantile(ascending(values), p), 9)
          expect(counts.min).toBe(Math.min(...values))
          expect(counts.max).toBe(Math.max(...values))
          expect(counts.distinct()).toEqual({
            count: new Set(values.map((v) => v + 0)).size,
            relative_error: null,
          })
          expect(countBelow(all, 0)).toBe(values.filter((value) => value < 0).length)
          expect(countBelow(all, 0, true)).toBe(values.filter((value) => value <= 0).length)
          const mean = values.reduce((sum, value) => sum + value, 0) / values.length
          expect(Math.abs(counts.mean - mean)).toBeLessThan(
            1e-9 * Math.max(1, ...values.map(Math.abs)),
          )
        },
      ),
    )
  })

  test('passes over NaN and counts what is infinite, zero or negative', () => {
    const counts = counted([Number.NaN, 0, -0, -1.5, Number.POSITIVE_INFINITY, 2])
    const { count, infinite, zeros, negatives, min, max } = counts
    expect({ count, infinite, zeros, negatives, min, max }).toEqual({
      count: 4,
      infinite: 1,
      zeros: 2,
      negatives: 1,
      min: -1.5,
      max: 2,
    })
    // (0 + 0 - 1.5 + 2) / 4, and squares around it by hand: 0.015625 * 2 + 2.640625 + 3.515625.
    expect(counts.mean).toBe(0.125)
    expect(counts.std).toBeCloseTo(Math.sqrt(6.1875 / 3), 14)
  })

  test('loses no digits to large values', () => {
    const values = Array.from({ length: 1000 }, (_, i) => 1e9 + (i % 3))
    // Of 0, 1, 2 over and over: 334, 333, 333 times.
    const mean = (333 + 666) / 1000
    const squares = 334 * mean ** 2 + 333 * (1 - mean) ** 2 + 333 * (2 - mean) ** 2
    const counts = counted(values.slice(0, 10), values.slice(10))
    expect(counts.mean - 1e9).toBeCloseTo(mean, 6)
    expect(counts.std).toBeCloseTo(Math.sqrt(squares / 999), 9)
  })

  test('says how far off it may be where there are too many values, and is not further off', () => {
    const next = random(7)
    const values = Array.from({ length: 300_000 }, () => (next() - 0.2) * 10 ** (6 * next()))
    const counts = counted(values.slice(0, 100_000), values.slice(100_000))
    const all = counts.distribution()
    expect(all.error).toBe(binError)
    const sorted = ascending(values)
    for (const p of [0, 0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1]) {
      const real = sortedQuantile(sorted, p)
      expect(Math.abs(quantile(all, p) - real)).toBeLessThanOrEqual(
        binError * Math.abs(real) * (1 + 1e-9) + 1e-9,
      )
    }
    expect(all.total).toBe(300_000)
    expect(all.counts.reduce((sum, count) => sum + count, 0)).toBe(300_000)
    const { count, relative_error } = counts.distinct()
    expect(relative_error).toBeCloseTo(0.008125, 6)
    // Four standard errors: such a miss would come once in 16,000 samples, and this is always the same one.
    expect(Math.abs(count / new Set(values).size - 1)).toBeLessThan(4 * (relative_error ?? 0))
  })
})

describe('HyperLogLog', () => {
  test.each([1, 100, 20_000, 60_000, 400_000, 2_000_000])(
    'estimates %i different numbers',
    (size) => {
      const sketch = new HyperLogLog()
      for (let i = 0; i < size; i++) sketch.addNumber(i * 0.01 - 7)
      const once = sketch.estimate()
      for (let i = 0; i < Math.min(size, 1000); i++) sketch.addNumber(i * 0.01 - 7)
      expect(sketch.estimate()).toBe(once)
      expect(Math.abs(once / size - 1)).toBeLessThan(4 * HyperLogLog.relativeError)
    },
  )

  test('estimates different texts', () => {
    const sketch = new HyperLogLog()
    for (let i = 0; i < 200_000; i++) sketch.addText(`B${String(i).padStart(5, '0')}`)
    expect(Math.abs(sketch.estimate() / 200_000 - 1)).toBeLessThan(4 * HyperLogLog.relativeError)
  })
})

describe('histograms', () => {
  test('have round edges over the bulk, and count what lies outside', () => {
    const next = random(3)
    const fares = Array.from({ length: 10_000 }, () => Math.round(100 * (3 + 30 * next())) / 100)
    const all = counted([...fares, 244_152.01, -300]).distribution()
    const bins = binsFor([all])
    // 3 to 33 dollars in at most 60 bins: half a dollar each.
    expect(bins).toMatchObject({ width: 0.5, whole: false })
    const histogram = histogramOf(all, bins ?? { start: 0, width: 1, count: 1, whole: false })
    const inside = histogram.counts.reduce((sum, count) => sum + count, 0)
    expect(inside + histogram.below + histogram.above).toBe(10_002)
    expect(inside).toBeGreaterThan(9890)
    expect(histogram.above).toBeGreaterThanOrEqual(1)
    expect(histogram.below).toBeGreaterThanOrEqual(1)
  })

  test('count a value on an edge into the bin above it, in hundredths too', () => {
    const all = counted(Array.from({ length: 100 }, (_, i) => i / 100)).distribution()
    const histogram = histogramOf(all, { start: 0, width: 0.1, count: 10, whole: false })
    expect(histogram.counts).toEqual(new Array(10).fill(10))
  })

  test('give whole numbers a bin each', () => {
    const bins = binsFor([counted([1, 1, 2, 2, 3, 6]).distribution()])
    expect(bins).toEqual({ start: 1, width: 1, count: 6, whole: true })
  })

  test('are the same for two months', () => {
    const [one, two] = [counted([1.5, 2.5]).distribution(), counted([40.25, 41]).distribution()]
    expect(binsFor([one, two])).toEqual(binsFor([two, one]))
    expect(binsFor([counted([]).distribution()])).toBeUndefined()
  })
})

describe('CorrelationCounts', () => {
  test('computes what the definition does, over the rides that have both', () => {
    const next = random(11)
    const rows = Array.from({ length: 500 }, () => {
      const x = next() * 60
      return [x, 3 * x + next() * 40, next() < 0.3 ? Number.NaN : -x + next(), 7]
    })
    const counts = new CorrelationCounts(['x', 'y', 'z', 'same'])
    for (const row of rows) counts.add(Float64Array.from(row))
    const { pearson, spearman, rides, sampled } = counts.finish()
    expect({ rides, sampled }).toEqual({ rides: 500, sampled: 500 })
    const by = (a: number, b: number): number => {
      const both = rows.filter((row) => !Number.isNaN(row[a]) && !Number.isNaN(row[b]))
      const mean = (k: number): number =>
        both.reduce((sum, row) => sum + (row[k] as number), 0) / both.length
      const [ma, mb] = [mean(a), mean(b)]
      const sum = (f: (x: number, y: number) => number): number =>
        both.reduce((all, row) => all + f((row[a] as number) - ma, (row[b] as number) - mb), 0)
      return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y))
    }
    expect(pearson[0]?.[1]).toBeCloseTo(by(0, 1), 12)
    expect(pearson[2]?.[0]).toBeCloseTo(by(0, 2), 12)
    expect(pearson[1]?.[2]).toBeCloseTo(by(1, 2), 12)
    expect(pearson[0]?.[3]).toBeNull()
    expect(spearman[3]?.[1]).toBeNull()
    expect(spearman[0]?.[0]).toBe(1)
  })

  test('sees by ranks what is monotone but not straight, with ties', () => {
    const counts = new CorrelationCounts(['x', 'y'])
    for (const x of [1, 2, 2, 3, 10]) counts.add(Float64Array.of(x, x ** 5))
    const { pearson, spearman } = counts.finish()
    expect(spearman[0]?.[1]).toBe(1)
    expect(pearson[0]?.[1]).toBeLessThan(0.99)
  })

  test('keeps rides evenly spread when there are many', () => {
    const counts = new CorrelationCounts(['x', 'y'])
    for (let i = 0; i < 100_000; i++) counts.add(Float64Array.of(i, -i))
    const { spearman, sampled } = counts.finish()
    // Every fourth of 100,000.
    expect(sampled).toBe(25_000)
    expect(spearman[0]?.[1]).toBeCloseTo(-1, 12)
  })
})

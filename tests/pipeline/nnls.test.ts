import { describe, expect, test } from 'vitest'
import { meanWeights, nonNegativeWeights } from '../../src/pipeline/nnls.ts'
import { randomNumbers } from '../random-rides.ts'

/** A'A and A'y of random columns. */
function problem(seed: number, k: number): { gram: Float64Array; rhs: Float64Array } {
  const random = randomNumbers(seed)
  const rows = Array.from({ length: 30 }, () => Array.from({ length: k + 1 }, () => random() - 0.4))
  const dot = (a: number, b: number): number =>
    rows.reduce((sum, row) => sum + (row[a] as number) * (row[b] as number), 0)
  return {
    gram: Float64Array.from({ length: k * k }, (_, i) => dot(Math.floor(i / k), i % k)),
    rhs: Float64Array.from({ length: k }, (_, i) => dot(i, k)),
  }
}

/** Gradient descent with projection: an independent way, slow. */
function projected({ gram, rhs }: ReturnType<typeof problem>): Float64Array {
  const k = rhs.length
  const w = new Float64Array(k)
  const step = 1 / gram.reduce((sum, value, i) => (i % (k + 1) === 0 ? sum + value : sum), 0)
  for (let turn = 0; turn < 200_000; turn++) {
    for (let i = 0; i < k; i++) {
      let slope = -(rhs[i] as number)
      for (let j = 0; j < k; j++) slope += (gram[i * k + j] as number) * (w[j] as number)
      w[i] = Math.max(0, (w[i] as number) - step * slope)
    }
  }
  return w
}

describe('non-negative least squares', () => {
  test.each([1, 2, 3, 4, 5, 6])('finds what projected gradients find, seed %d', (seed) => {
    const given = problem(seed, 4)
    const weights = nonNegativeWeights(given.gram, given.rhs)
    const expected = projected(given)
    for (let i = 0; i < 4; i++) expect(weights[i]).toBeCloseTo(expected[i] as number, 8)
  })

  test('gives a column that repeats another nothing', () => {
    // Two equal columns of length 1, and what they are to make is twice the one.
    const weights = nonNegativeWeights(Float64Array.of(1, 1, 1, 1), Float64Array.of(2, 2))
    expect([...weights]).toEqual([2, 0])
  })

  test('gives nothing where all columns point away', () => {
    expect([...nonNegativeWeights(Float64Array.of(1, 0, 0, 1), Float64Array.of(-1, -2))]).toEqual([
      0, 0,
    ])
  })
})

describe('weights of a mean', () => {
  const squares = (gram: Float64Array, w: ArrayLike<number>): number => {
    let sum = 0
    for (let i = 0; i < w.length; i++) {
      for (let j = 0; j < w.length; j++) {
        sum += (w[i] as number) * (gram[i * w.length + j] as number) * (w[j] as number)
      }
    }
    return sum
  }

  test.each([1, 2, 3, 4, 5, 6])('are better than every mean of a grid, seed %d', (seed) => {
    const { gram } = problem(seed, 3)
    const weights = meanWeights(gram)
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(0)
    const least = squares(gram, weights)
    for (let a = 0; a <= 100; a++) {
      for (let b = 0; a + b <= 100; b++) {
        const other = squares(gram, [a / 100, b / 100, (100 - a - b) / 100])
        expect(least).toBeLessThanOrEqual(other + 1e-6)
      }
    }
  })

  test('give all to a prediction without an error, and halves to equal ones', () => {
    expect(meanWeights(Float64Array.of(0, 0, 0, 4))[0]).toBeCloseTo(1, 6)
    expect([...meanWeights(Float64Array.of(4, 0, 0, 4))]).toEqual([0.5, 0.5])
    expect(meanWeights(Float64Array.of(0, 0, 0, 0)).reduce((a, b) => a + b)).toBe(1)
  })
})

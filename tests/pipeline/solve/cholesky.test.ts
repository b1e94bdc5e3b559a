import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  choleskyBlocked,
  choleskyCondition,
  choleskyPivoted,
  choleskySolve,
} from '../../../src/pipeline/solve/cholesky.ts'

const runs = { seed: 20210101, numRuns: 100 }
const entry = fc.integer({ min: -3, max: 3 })

/** X'X of a random X (rows x size) of small whole numbers: exact in doubles. */
const gram = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
  .chain(([rows, size]) =>
    fc
      .array(fc.array(entry, { minLength: size, maxLength: size }), {
        minLength: rows,
        maxLength: rows,
      })
      .map((x) => {
        const matrix = new Float64Array(size * size)
        for (const row of x) {
          row.forEach((a, i) => {
            row.forEach((b, j) => {
              matrix[i * size + j] = (matrix[i * size + j] as number) + a * b
            })
          })
        }
        return { x, size, matrix }
      }),
  )

/** Rank by elimination in exact fractions: entries are small whole numbers. */
function rankOf(x: readonly (readonly number[])[]): number {
  const rows = x.map((row) => row.map(BigInt))
  let rank = 0
  for (let c = 0; c < (rows[0]?.length ?? 0); c++) {
    const found = rows.findIndex((row, i) => i >= rank && row[c] !== 0n)
    if (found < 0) continue
    const pivot = rows[found] as bigint[]
    rows[found] = rows[rank] as bigint[]
    rows[rank] = pivot
    for (const row of rows.slice(rank + 1)) {
      const [a, b] = [pivot[c] as bigint, row[c] as bigint]
      row.forEach((value, j) => {
        row[j] = value * a - (pivot[j] as bigint) * b
      })
    }
    rank++
  }
  return rank
}

/** Ones on the diagonal, `r` elsewhere: eigenvalues 1 + (size - 1) r and 1 - r. */
function alike(size: number, r: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? 1 : r))
}

describe('choleskyPivoted', () => {
  test('factors a matrix of any rank, and shows the rank', () => {
    fc.assert(
      fc.property(gram, ({ x, size, matrix }) => {
        const { rank, order, factor } = choleskyPivoted(matrix.slice(), size, 1e-9)
        expect(rank).toBe(rankOf(x))
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from(order.keys()))
        for (let i = 0; i < rank; i++) {
          for (let j = 0; j <= i; j++) {
            let product = 0
            for (let k = 0; k <= j; k++) {
              product += (factor[i * size + k] as number) * (factor[j * size + k] as number)
            }
            const at = (order[i] as number) * size + (order[j] as number)
            expect(product).toBeCloseTo(matrix[at] as number, 11)
          }
        }
      }),
      runs,
    )
  })

  test('reads the lower triangle only', () => {
    const matrix = Float64Array.of(4, Number.NaN, 2, 5)
    expect(choleskyPivoted(matrix, 2, 0).rank).toBe(2)
  })

  test('stops at what is no number', () => {
    expect(choleskyPivoted(new Float64Array(4).fill(Number.NaN), 2, 0).rank).toBe(0)
  })
})

describe('choleskySolve', () => {
  test('solves on the independent positions and leaves zeros on the others', () => {
    const solvable = gram.chain((problem) =>
      fc.tuple(
        fc.constant(problem),
        fc.array(entry, { minLength: problem.size, maxLength: problem.size }),
      ),
    )
    fc.assert(
      fc.property(solvable, ([{ size, matrix }, weights]) => {
        const b = Float64Array.from({ length: size }, (_, i) =>
          weights.reduce((sum, w, j) => sum + w * (matrix[i * size + j] as number), 0),
        )
        const cholesky = choleskyPivoted(matrix.slice(), size, 1e-9)
        const solution = choleskySolve(cholesky, b)
        // b lies in the range of the matrix, so every equation holds, the dependent ones too.
        for (let i = 0; i < size; i++) {
          const left = solution.reduce((s, v, j) => s + v * (matrix[i * size + j] as number), 0)
          expect(left).toBeCloseTo(b[i] as number, 7)
        }
        for (const i of cholesky.order.subarray(cholesky.rank)) expect(solution[i]).toBe(0)
      }),
      runs,
    )
  })
})

describe('choleskyCondition', () => {
  test.each([
    [2, 0.5],
    [2, -0.9],
    [10, 0.9],
    [50, 0.999],
  ])('of %d columns with correlation %d is the ratio of the eigenvalues', (size, r) => {
    const eigenvalues = [1 + (size - 1) * r, 1 - r]
    const expected = Math.max(...eigenvalues) / Math.min(...eigenvalues)
    const found = choleskyCondition(choleskyPivoted(alike(size, r), size, 0))
    expect(found / expected).toBeGreaterThan(0.97)
    expect(found / expected).toBeLessThan(1 + 1e-9)
  })

  test('of nothing is 1', () => {
    expect(choleskyCondition(choleskyPivoted(new Float64Array(0), 0, 0))).toBe(1)
  })

  test('counts what was eliminated, which had a unit diagonal', () => {
    // One column of which elimination left a hundredth.
    expect(choleskyCondition(choleskyPivoted(Float64Array.of(0.01), 1, 0))).toBeCloseTo(100, 9)
  })
})

describe('choleskyBlocked', () => {
  test.each([1, 3, 64, 65, 130, 200])(
    'gives factors of %d columns that multiply to the matrix',
    (size) => {
      // X'X of a band of whole numbers and the identity: exact, positive definite.
      const x = Array.from({ length: size }, (_, i) =>
        Array.from({ length: size }, (_, j) =>
          Math.abs(i - j) < 9 ? ((i * 7 + j * 13) % 11) - 5 : 0,
        ),
      )
      const matrix = Float64Array.from({ length: size * size }, (_, k) => {
        const [i, j] = [Math.floor(k / size), k % size]
        return x.reduce(
          (sum, row) => sum + (row[i] as number) * (row[j] as number),
          i === j ? 1 : 0,
        )
      })
      const lower = matrix.slice()
      expect(choleskyBlocked(lower, size)).toBe(true)
      for (let i = 0; i < size; i++) {
        for (let j = 0; j <= i; j++) {
          let product = 0
          for (let k = 0; k <= j; k++) {
            product += (lower[i * size + k] as number) * (lower[j * size + k] as number)
          }
          expect(Math.abs(product - (matrix[i * size + j] as number))).toBeLessThan(1e-10)
        }
      }
    },
  )

  test('says of matrices whether they are positive definite', () => {
    fc.assert(
      fc.property(gram, ({ x, size, matrix }) => {
        // With a little less on the diagonal, a rank short of the size shows as a pivot below 0.
        const less = matrix.map((value, k) => (k % (size + 1) === 0 ? value - 1e-6 : value))
        const more = matrix.map((value, k) => (k % (size + 1) === 0 ? value + 1e-6 : value))
        if (rankOf(x) < size) expect(choleskyBlocked(less, size)).toBe(false)
        expect(choleskyBlocked(more, size)).toBe(true)
      }),
      runs,
    )
  })
})

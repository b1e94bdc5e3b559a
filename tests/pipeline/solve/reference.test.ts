import { describe, expect, test } from 'vitest'
import { eliminated, fromNumber, toNumber } from './rational.ts'
import { type DenseColumn, solveExactly } from './reference.ts'

// The reference is what the solvers are held to, so it is held to sums done by hand.

const column = (name: string, units: readonly number[], scale = 1): DenseColumn => ({
  name,
  scale: BigInt(scale),
  units: units.map(BigInt),
})
const minutes = (...values: readonly number[]): bigint[] =>
  values.map((value) => BigInt(value * 60))

describe('fractions', () => {
  test('come from doubles and go back', () => {
    for (const value of [0, 1, -1 / 3, 0.1, 2 ** 70, -1e-300, 5e-324, 1.7e308]) {
      expect(toNumber(fromNumber(value))).toBe(value)
    }
    expect(toNumber({ top: 1n, bottom: -3n })).toBe(-1 / 3)
    expect(toNumber({ top: 10n ** 400n, bottom: 3n * 10n ** 399n })).toBe(10 / 3)
  })

  test('are kept whole by the elimination', () => {
    // Rows 1 and 2 of three are independent: x = 1, y = 2.
    const { rows, columns, pivot } = eliminated(
      [
        [2n, 1n, 4n],
        [1n, 3n, 7n],
        [3n, 4n, 11n],
      ],
      2,
    )
    expect(columns).toEqual([0, 1])
    expect(pivot).toBe(5n)
    expect(rows).toEqual([
      [5n, 0n, 5n],
      [0n, 5n, 10n],
    ])
  })
})

describe('the exact solution', () => {
  test('of a straight line is that line', () => {
    const { rank, intercept, slopes, rmse, nullSpace } = solveExactly({
      columns: [column('miles', [100, 250, 400], 100)],
      seconds: minutes(5, 8, 11),
      l2: 0,
    })
    expect({ rank, intercept, rmse, nullSpace }).toEqual({
      rank: 2,
      intercept: 3,
      rmse: 0,
      nullSpace: [],
    })
    expect([...slopes]).toEqual([['miles', 2]])
  })

  test('of a least squares fit has the textbook RMSE', () => {
    // y = 1, 2, 6 on x = 0, 1, 2: slope 2.5, intercept 0.5, errors -0.5, 1, -0.5.
    const fitted = solveExactly({
      columns: [column('x', [0, 1, 2])],
      seconds: minutes(1, 2, 6),
      l2: 0,
    })
    expect(fitted.intercept).toBe(0.5)
    expect(fitted.predictions).toEqual([0.5, 3, 5.5])
    expect(fitted.rmse).toBe(Math.sqrt(0.5))
  })

  test('of one block of levels has the mean of the levels as its intercept', () => {
    // Level means 10 and 20: the least slopes around a free intercept are -5 and 5.
    const { rank, intercept, slopes, nullSpace } = solveExactly({
      columns: [column('a', [1, 1, 1, 0]), column('b', [0, 0, 0, 1])],
      seconds: minutes(9, 10, 11, 20),
      l2: 0,
    })
    expect({ rank, intercept }).toEqual({ rank: 2, intercept: 15 })
    expect([...slopes.values()]).toEqual([-5, 5])
    expect(nullSpace).toHaveLength(1)
  })

  test('measures slopes in their own units: the column of larger values takes more', () => {
    // 3 minutes per ride in both columns, one worth 2: slopes 3 x 2 / 5 and 3 x 1 / 5.
    const { slopes, intercept } = solveExactly({
      columns: [column('two', [0, 200], 100), column('one', [0, 1])],
      seconds: minutes(1, 4),
      l2: 0,
    })
    expect(slopes.get('two')).toBe(6 / 5)
    expect(slopes.get('one')).toBe(3 / 5)
    expect(intercept).toBe(1)
  })

  test('with a penalty shrinks the slope and not the intercept', () => {
    // Centred x = -1, 1 and y = -2, 2: slope 4 / (2 + l2).
    const { slopes, intercept, rank } = solveExactly({
      columns: [column('x', [0, 2])],
      seconds: minutes(3, 7),
      l2: 2,
    })
    expect(slopes.get('x')).toBe(1)
    expect({ intercept, rank }).toEqual({ intercept: 4, rank: 2 })
  })

  test('says how independent the columns are', () => {
    // Of (0, 2), length squared 4, half lies outside the intercept.
    const one = solveExactly({ columns: [column('x', [0, 2])], seconds: minutes(3, 7), l2: 0 })
    expect(one.independence).toBe(0.5)
  })
})

import { describe, expect, test } from 'vitest'
import { hashMoments } from '../../src/pipeline/moments.ts'
import { MomentsBuilder } from '../../src/pipeline/moments-builder.ts'
import { RideSelector } from '../../src/pipeline/plan.ts'
import { pieceRides, piecesOf, RowLoops } from '../../src/pipeline/row-loops.ts'
import type { RideBatch } from '../../src/ride.ts'
import { randomRides, rideBatch } from '../random-rides.ts'
import { planFor, recipeOf } from './small-rides.ts'

/** A batch of some of its rides. */
function part(rides: RideBatch, from: number, to: number): RideBatch {
  const cut = (values: Float64Array): Float64Array => values.slice(from, to)
  const columns = Object.entries(rides.columns).map(([name, values]) => [name, cut(values)])
  return {
    length: to - from,
    pickup: cut(rides.pickup),
    dropoff: cut(rides.dropoff),
    columns: Object.fromEntries(columns),
  }
}

const plan = planFor(
  recipeOf({
    categorical: [
      'PULocationID',
      'hour_of_week',
      { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
      { name: 'miles_3', bin: 'trip_distance', edges: [0.5, 2, 9], or_missing: true },
    ],
    numeric: [{ name: 'miles', of: 'trip_distance', steps: [{ clip: [0, 30] }] }],
  }),
)
const many = rideBatch(randomRides(7, 2 * pieceRides + 5))

describe('a batch of more rides than a piece', () => {
  test('is the sum of its rides, however it is cut', () => {
    const cuts = [0, 1, 100, pieceRides, pieceRides + 1, 2 * pieceRides, many.length]
    const [whole, parts] = [new MomentsBuilder([plan]), new MomentsBuilder([plan])]
    whole.add(many)
    cuts.slice(1).forEach((to, k) => {
      parts.add(part(many, cuts[k] as number, to))
    })
    const [a, b] = [whole.finish()[0], parts.finish()[0]]
    expect(a?.n).toBeGreaterThan(1000)
    expect(hashMoments(a as NonNullable<typeof a>)).toBe(hashMoments(b as NonNullable<typeof b>))
  })

  test('is visited by positions in the batch', () => {
    const selector = new RideSelector(plan)
    const seen: number[] = []
    selector.forEach(many, (i) => seen.push(i))
    const one = new RideSelector(plan)
    const alone = Array.from({ length: many.length }, (_, i) => i).filter((i) => {
      let taken = false
      one.forEach(part(many, i, i + 1), () => {
        taken = true
      })
      return taken
    })
    expect(seen).toEqual(alone)
    expect(seen.at(-1)).toBeGreaterThan(pieceRides)
  })

  test('an empty batch has no pieces', () => {
    expect([...piecesOf(part(many, 3, 3))]).toEqual([])
  })
})

describe('memory of loops', () => {
  test('is zero, and keeps its arrays when it grows', () => {
    const loops = new RowLoops()
    const first = loops.doubles(3)
    first.set([1, 2, 3])
    const large = loops.doubles(2 ** 20)
    expect(large.every((value) => value === 0)).toBe(true)
    large.fill(1)
    const last = loops.ints(2 ** 20)
    expect(last.every((value) => value === 0)).toBe(true)
    expect([...first]).toEqual([1, 2, 3])
    expect(loops.sumOf(first, 0, 3)).toBe(6)
    expect(loops.sumOf(large, 0, large.length)).toBe(2 ** 20)
  })
})

describe('loops', () => {
  const loops = new RowLoops()
  const doubles = (values: readonly number[]): Float64Array => {
    const array = loops.doubles(values.length)
    array.set(values)
    return array
  }
  const ints = (values: readonly number[]): Int32Array => {
    const array = loops.ints(values.length)
    array.set(values)
    return array
  }

  test('add records of any even width to those of their groups', () => {
    for (const width of [2, 4, 12, 16, 18, 34]) {
      const groups = ints([2, 0, 2])
      const records = loops.doubles(3 * width)
      for (let column = 0; column < width; column++) {
        loops.putColumn(records, width, column, doubles([column + 1, 10 * column, 1000]), 3)
      }
      const into = loops.doubles(3 * width)
      loops.addRecords(into, records, width, groups)
      const expected = Array.from({ length: 3 * width }, (_, k) => {
        const [group, column] = [Math.floor(k / width), k % width]
        return [10 * column, 0, column + 1 + 1000][group]
      })
      expect([...into]).toEqual(expected)
    }
  })

  test('sum parts of any length and begin anywhere', () => {
    const sums = Array.from({ length: 21 }, (_, k) => 2 ** k)
    const values = doubles(sums)
    const large = sums.map((_, k) => (k % 2 === 0 ? 2 ** 31 - 1 - k : -(2 ** 29) - k))
    const small = sums.map((_, k) => (k % 3 === 0 ? -k : 2 ** 28 + k))
    const [left, right] = [loops.ints(21), loops.ints(21)]
    loops.integers(left, doubles(large), 21)
    loops.integers(right, doubles(small), 21)
    expect([...left]).toEqual(large)
    for (let from = 0; from <= values.length; from++) {
      for (let end = from; end <= values.length; end++) {
        const sum = sums.slice(from, end).reduce((total, value) => total + value, 0)
        expect(loops.sumOf(values, from, end)).toBe(sum)
        const products = large.slice(from, end).reduce((total, value, k) => {
          return total + BigInt(value) * BigInt(small[from + k] as number)
        }, 0n)
        const [high, low] = loops.sumOfProducts(left, right, from, end)
        expect(BigInt(high) + BigInt(low)).toBe(products)
      }
    }
  })

  test('find the largest size, of negative values as well, and tell when one is no number', () => {
    expect(loops.topOf(doubles([1, -7, 3]), 3)).toBe(7)
    expect(loops.topOf(doubles([1, -7, 3]), 1)).toBe(1)
    expect(loops.topOf(doubles([Number.NEGATIVE_INFINITY]), 1)).toBe(Number.POSITIVE_INFINITY)
    expect(loops.topOf(doubles([5, Number.NaN, 3]), 3)).toBeNaN()
  })

  test('leave pairs outside the matrix to the caller', () => {
    // Numbers plus 1, 2 rows of 3.
    const matrix = ints([1, 2, 3, 4, 5, 0])
    const [into, late] = [loops.ints(6), loops.ints(6)]
    const left = ints([0, 1, 1, 2, -1, 0])
    const right = ints([2, 0, 2, 0, 0, -1])
    const size = loops.lookUpPairs(into, matrix, 3, left, right, 6, late)
    expect([...into]).toEqual([2, 3, -1, -1, -1, -1])
    expect([...late.subarray(0, size)]).toEqual([2, 3, 4, 5])
  })

  test('count by key, and leave the first of each and those that have none of their own', () => {
    const counts = ints([0, 0, -1])
    const keys = ints([0, 1, 0, 2, 2, 1, 0])
    const late = loops.ints(7)
    const size = loops.countKeys(counts, keys, ints([0, 2, 3, 4, 5]), late)
    expect([...counts]).toEqual([2, 1, -1])
    expect([...late.subarray(0, size)]).toEqual([0, 3, 4, 5])
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PairCounts } from '../../src/pipeline/pair-counts.ts'

type Ride = readonly [number, number, number]

/** Counts the pairs of the first two, the last two and the outer two of three terms. */
function counted(batches: readonly (readonly Ride[])[]): [string, number][][] {
  const pairs = [
    [0, 1],
    [1, 2],
    [0, 2],
  ] as const
  const counts = new PairCounts(3, pairs)
  const sizes = [0, 0, 0]
  for (const rides of batches) {
    const levels = sizes.map((_, t) => {
      const numbers = Int32Array.from(rides, (ride) => ride[t] as number)
      sizes[t] = numbers.reduce((high, number) => Math.max(high, number + 1), sizes[t] as number)
      return { numbers, size: sizes[t] as number }
    })
    // Every third ride is not taken.
    counts.add(
      levels,
      Int32Array.from(rides.keys()).filter((i) => i % 3 !== 2),
    )
  }
  return pairs.map((_, k) => {
    const { rows, columns, values } = counts.cells(k)
    const cells = Array.from(values, (count, c): [string, number] => {
      return [`${rows[c]},${columns[c]}`, count]
    })
    return cells.sort()
  })
}

/** The same by maps. */
function expected(batches: readonly (readonly Ride[])[]): [string, number][][] {
  return [
    [0, 1],
    [1, 2],
    [0, 2],
  ].map(([a, b]) => {
    const map = new Map<string, number>()
    for (const rides of batches) {
      rides.forEach((ride, i) => {
        if (i % 3 === 2) return
        const key = `${ride[a as number]},${ride[b as number]}`
        map.set(key, (map.get(key) ?? 0) + 1)
      })
    }
    return [...map].sort()
  })
}

test('pairs are counted as maps count them, whatever batches rides come in', () => {
  const ride = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 40 }), fc.nat({ max: 2000 }))
  fc.assert(
    fc.property(fc.array(fc.array(ride, { maxLength: 60 }), { maxLength: 6 }), (batches) => {
      expect(counted(batches)).toEqual(expected(batches))
    }),
    { seed: 20210101, numRuns: 200 },
  )
})

test('more rides than are held back are counted in turns, with levels that only come up later', () => {
  const rides = Array.from({ length: 450_000 }, (_, k): Ride => {
    return [k % 7, (k * 31) % (1 + (k >> 9)), (k >> 4) % 50]
  })
  const batches = [rides.slice(0, 1000), rides.slice(1000, 400_000), rides.slice(400_000)]
  expect(counted(batches)).toEqual(expected(batches))
})

test('without rides there are no pairs', () => {
  expect(counted([])).toEqual([[], [], []])
})

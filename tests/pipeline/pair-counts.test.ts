import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PairCounts, type Placed } from '../../src/pipeline/pair-counts.ts'
import { RowLoops } from '../../src/pipeline/row-loops.ts'

type Ride = readonly [number, number, number]

const pairs = [
  [0, 1],
  [1, 2],
  [0, 2],
  [2, 1],
] as const

/** Every third ride is not taken. */
const isTaken = (_: unknown, i: number): boolean => i % 3 !== 2

/** Levels that were taken, the highest first: their places. */
function placesOf(batches: readonly (readonly Ride[])[], term: number): Placed {
  const taken = batches.flatMap((rides) =>
    rides.filter(isTaken).map((ride) => ride[term] as number),
  )
  const order = [...new Set(taken)].sort((a, b) => b - a)
  const size = batches.flat().reduce((most, ride) => Math.max(most, (ride[term] as number) + 1), 0)
  const places = new Int32Array(size).fill(-1)
  order.forEach((number, place) => {
    places[number] = place
  })
  return { places, size: order.length }
}

/** Cells of the pairs of three terms, by row, column and count. */
function counted(batches: readonly (readonly Ride[])[], mostHeld?: number): number[][][] {
  const loops = new RowLoops()
  const counts = new PairCounts(3, pairs, loops, mostHeld)
  const sizes = [0, 0, 0]
  for (const rides of batches) {
    const levels = sizes.map((_, t) => {
      const numbers = loops.ints(rides.length)
      numbers.set(rides.map((ride) => ride[t] as number))
      sizes[t] = numbers.reduce((high, number) => Math.max(high, number + 1), sizes[t] as number)
      return { numbers, size: sizes[t] as number }
    })
    const taken = Int32Array.from(rides.keys()).filter(isTaken)
    const at = loops.ints(taken.length)
    at.set(taken)
    counts.add(levels, at)
  }
  return pairs.map(([a, b], k) => {
    const cells = counts.take(k, placesOf(batches, a), placesOf(batches, b))
    return Array.from(cells.counts, (count, c) => {
      return [cells.rows[c] as number, cells.columns[c] as number, count]
    })
  })
}

/** The same by maps. */
function expected(batches: readonly (readonly Ride[])[]): number[][][] {
  return pairs.map(([a, b]) => {
    const [{ places: rows }, { places: columns }] = [placesOf(batches, a), placesOf(batches, b)]
    const map = new Map<number, number>()
    for (const ride of batches.flatMap((rides) => rides.filter(isTaken))) {
      const key = (rows[ride[a] as number] as number) * 1e5 + (columns[ride[b] as number] as number)
      map.set(key, (map.get(key) ?? 0) + 1)
    }
    const cells = [...map].map(([key, count]) => [Math.floor(key / 1e5), key % 1e5, count])
    return cells.sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d)
  })
}

test('pairs are counted and put in order as maps do it, whatever batches rides come in', () => {
  const ride = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 40 }), fc.nat({ max: 2000 }))
  fc.assert(
    fc.property(fc.array(fc.array(ride, { maxLength: 60 }), { maxLength: 6 }), (batches) => {
      expect(counted(batches)).toEqual(expected(batches))
    }),
    { seed: 20210101, numRuns: 200 },
  )
})

test('more rides than are held back are counted in turns, with levels that only come up later', () => {
  // Few levels with few and with many, and many with many, which no matrix holds.
  const rides = Array.from({ length: 90_000 }, (_, k): Ride => {
    return [k % 7, 17 * ((k * 31) % (1 + (k >> 9))), 16 * ((k >> 5) % 50)]
  })
  const batches = [rides.slice(0, 1000), rides.slice(1000, 70_000), rides.slice(70_000)]
  expect(counted(batches, 2 ** 14)).toEqual(expected(batches))
})

test('levels that two bytes do not tell apart are counted as well', () => {
  const rides = Array.from({ length: 3000 }, (_, k): Ride => [k % 3, k * 29, (k * 7) % 70_000])
  const batches = [rides.slice(0, 1000), rides.slice(1000)]
  expect(counted(batches)).toEqual(expected(batches))
})

test('without rides there are no pairs', () => {
  expect(counted([])).toEqual([[], [], [], []])
})

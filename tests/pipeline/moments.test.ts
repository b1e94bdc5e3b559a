import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileFeatures } from '../../src/features.ts'
import type { Sums } from '../../src/pipeline/double-double.ts'
import {
  type Block,
  crossOf,
  hashMoments,
  type Moments,
  plannedCrosses,
} from '../../src/pipeline/moments.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide, smallRide } from './small-rides.ts'
import { by, fromNumber, plus, toNumber } from './solve/rational.ts'

const pair = { name: 'pair', product: ['PULocationID', 'DOLocationID'] }
const bins = { bin: 'trip_distance', edges: [1, 5, 10] }
const recipe = recipeOf({
  categorical: [
    'PULocationID',
    'DOLocationID',
    pair,
    'hour_of_week',
    { name: 'from_hour', product: ['PULocationID', 'hour_of_week'] },
    { name: 'bins', ...bins },
  ],
  numeric: [
    'trip_distance',
    'fare_amount',
    { name: 'log', of: 'trip_distance', steps: ['log1p'] },
    { name: 'to_id', of: 'DOLocationID' },
  ],
})
const plan = planFor(recipe)
const runs = { seed: 20210101, numRuns: 40 }
const someRides = fc.array(smallRide, { minLength: 1, maxLength: 80, size: 'max' })

/** A sum as a whole number; it must be one. */
function wholeOf({ hi, lo }: Sums, i: number): bigint {
  return BigInt(hi[i] as number) + BigInt(lo[i] as number)
}

const wholes = (sums: Sums): bigint[] => Array.from(sums.hi, (_, i) => wholeOf(sums, i))

/** Values of the numeric terms by ride, in their units. */
function unitsOf(rides: readonly SmallRide[]): bigint[][] {
  const batch = batchOf(rides)
  return plan.features.numeric.map((term) =>
    rides.map((_, i) => BigInt(Math.round(term.value(batch, i) * term.scale))),
  )
}

const total = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n)
const dot = (a: readonly bigint[], b: readonly bigint[]): bigint =>
  total(a.map((value, i) => value * (b[i] as bigint)))

describe('sums', () => {
  test('are those of whole numbers of any size', () => {
    const far = fc
      .tuple(smallRide, fc.constantFrom(0, 200_000, 1e9), fc.constantFrom(0, 35_000_000))
      .map(([ride, miles, seconds]) => {
        const trip_distance = (ride.columns.trip_distance ?? 0) + miles
        return {
          ...ride,
          seconds: ride.seconds + seconds,
          columns: { ...ride.columns, trip_distance: Math.round(trip_distance * 100) / 100 },
        }
      })
    const wide = { ...plan, target: { min: 0, max: 1e6 } }
    fc.assert(
      fc.property(fc.array(far, { minLength: 1, maxLength: 40, size: 'max' }), (rides) => {
        const moments = momentsOf(wide, rides)
        const y = rides.map(({ seconds }) => BigInt(seconds))
        const x = unitsOf(rides)
        expect(moments.inexact).toEqual([])
        expect(moments.n).toBe(rides.length)
        expect(wholes(moments.target)).toEqual([total(y), dot(y, y)])
        expect(wholes(moments.sums)).toEqual(x.map(total))
        expect(wholes(moments.products)).toEqual(x.map((values) => dot(values, y)))
        expect(wholes(moments.squares)).toEqual(
          x.flatMap((values, p) => x.slice(0, p + 1).map((others) => dot(values, others))),
        )
      }),
      runs,
    )
  })

  test('by level are those of the rides of that level', () => {
    fc.assert(
      fc.property(someRides, (rides) => {
        const moments = momentsOf(plan, rides)
        const batch = batchOf(rides)
        const x = unitsOf(rides)
        expect(moments.blocks).toHaveLength(plan.features.categorical.length)
        for (const { term, codes, counts, target, numeric } of moments.blocks) {
          const ofRides = rides.map((_, i) => term.code(batch, i))
          expect([...codes]).toEqual([...new Set(ofRides)].sort((a, b) => a - b))
          codes.forEach((code, level) => {
            const own = <T>(values: readonly T[]): T[] =>
              values.filter((_, i) => ofRides[i] === code)
            expect(counts[level]).toBe(own(rides).length)
            expect(wholeOf(target, level)).toBe(
              total(own(rides).map(({ seconds }) => BigInt(seconds))),
            )
            x.forEach((values, p) => {
              expect(wholeOf(numeric, level * x.length + p)).toBe(total(own(values)))
            })
          })
        }
      }),
      runs,
    )
  })

  test('do not depend on the order of rides or on batches', () => {
    // Beside squares of 1e28, those of a few miles do not show in one double.
    const far = fc.tuple(smallRide, fc.nat({ max: 3 })).map(([ride, luck]): SmallRide => {
      return luck > 0 ? ride : { ...ride, columns: { ...ride.columns, trip_distance: 1e12 } }
    })
    const orders = fc
      .array(far, { minLength: 1, maxLength: 60, size: 'max' })
      .chain((rides) =>
        fc.tuple(
          fc.constant(rides),
          fc.shuffledSubarray(rides, { minLength: rides.length }),
          fc.nat({ max: rides.length }),
          fc.nat({ max: rides.length }),
        ),
      )
    fc.assert(
      fc.property(orders, ([rides, shuffled, i, j]) => {
        const [a, b] = [Math.min(i, j), Math.max(i, j)]
        const once = hashMoments(momentsOf(plan, rides))
        const cut = [shuffled.slice(0, a), shuffled.slice(a, b), shuffled.slice(b)]
        expect(hashMoments(momentsOf(plan, ...cut))).toBe(once)
        expect(hashMoments(momentsOf(plan, ...shuffled.map((ride) => [ride])))).toBe(once)
      }),
      runs,
    )
  })

  test('have another hash when any one value is another', () => {
    const changes: ((ride: SmallRide) => SmallRide)[] = [
      (ride) => ({ ...ride, seconds: ride.seconds + 1 }),
      (ride) => ({ ...ride, hour: ride.hour + 1 }),
      ...(['PULocationID', 'DOLocationID', 'trip_distance', 'fare_amount'] as const).map(
        (name) => (ride: SmallRide) => {
          const value = Math.round((ride.columns[name] as number) * 100 + 100) / 100
          return { ...ride, columns: { ...ride.columns, [name]: value } }
        },
      ),
    ]
    fc.assert(
      fc.property(someRides, fc.nat(), (rides, which) => {
        const at = which % rides.length
        const hashes = changes.map((change) =>
          hashMoments(
            momentsOf(
              plan,
              rides.map((ride, i) => (i === at ? change(ride) : ride)),
            ),
          ),
        )
        expect(new Set([...hashes, hashMoments(momentsOf(plan, rides))]).size).toBe(
          changes.length + 1,
        )
      }),
      { ...runs, numRuns: 20 },
    )
  })

  test('of no rides are empty', () => {
    const moments = momentsOf(plan, [])
    expect(moments).toMatchObject({ rows: 0, n: 0, outside: 0, inexact: [] })
    expect(moments.blocks.every(({ codes }) => codes.length === 0)).toBe(true)
    expect(moments.crosses.every(({ counts }) => counts.length === 0)).toBe(true)
  })
})

describe('values finer than their unit', () => {
  const fine = fc
    .tuple(
      smallRide,
      fc.double({ min: -1000, max: 200_000, noNaN: true }),
      fc.constantFrom(0, 0.25, 0.001),
    )
    .map(([ride, trip_distance, part]) => ({
      ...ride,
      seconds: ride.seconds + part,
      columns: { ...ride.columns, trip_distance },
    }))
  const bare = planFor(recipeOf({ numeric: ['trip_distance', 'fare_amount'] }))

  test('are flagged by column, and no others are', () => {
    const ride = { hour: 0, seconds: 90, columns: { trip_distance: 1.25, fare_amount: 7 } }
    const finer = { ...ride, columns: { ...ride.columns, trip_distance: 1.255 } }
    expect(momentsOf(bare, [ride]).inexact).toEqual([])
    expect(momentsOf(bare, [ride, finer]).inexact).toEqual(['trip_distance'])
    expect(momentsOf(bare, [{ ...ride, seconds: 90.5 }]).inexact).toEqual(['duration'])
    // 0.29 has no finer digits, though 0.29 * 100 is 28.999999999999996 in doubles.
    const cents = { ...ride, columns: { trip_distance: 0.29, fare_amount: -1.1 } }
    expect(momentsOf(bare, [cents]).inexact).toEqual([])
    expect(wholes(momentsOf(bare, [cents]).sums)).toEqual([29n, -110n])
  })

  test('are summed to 1e-12 of the sum of absolute values', () => {
    fc.assert(
      fc.property(fc.array(fine, { minLength: 1, maxLength: 40, size: 'max' }), (rides) => {
        const { sums, products, squares, target } = momentsOf(bare, rides)
        const batch = batchOf(rides)
        const x = rides.map(({ columns }) =>
          by(fromNumber(columns.trip_distance as number), fromNumber(100)),
        )
        // What the batch holds: microseconds, whole.
        const y = rides.map((_, i) => ({
          top: BigInt((batch.dropoff[i] as number) - (batch.pickup[i] as number)),
          bottom: 1_000_000n,
        }))
        const near = (found: Sums, at: number, a: typeof x, b?: typeof x): void => {
          const terms = a.map((value, i) => (b ? by(value, b[i] as (typeof x)[number]) : value))
          const exact = terms.reduce(plus, { top: 0n, bottom: 1n })
          const size = terms.reduce((sum, term) => sum + Math.abs(toNumber(term)), 0)
          const sum = plus(fromNumber(found.hi[at] as number), fromNumber(found.lo[at] as number))
          const off = toNumber(plus(sum, { ...exact, top: -exact.top }))
          expect(Math.abs(off)).toBeLessThanOrEqual(1e-12 * size)
        }
        near(sums, 0, x)
        near(products, 0, x, y)
        near(squares, 0, x, x)
        near(target, 0, y)
        near(target, 1, y, y)
      }),
      { ...runs, numRuns: 15 },
    )
  })

  test('are refused as sums where they are too large to be squared', () => {
    const ride = { hour: 0, seconds: 90, columns: { trip_distance: 1e300, fare_amount: 7 } }
    expect(() => momentsOf(bare, [ride])).toThrow(
      expect.objectContaining({
        code: 'sums_overflow',
        message: expect.stringContaining('trip_distance'),
      }),
    )
  })
})

describe('crossOf', () => {
  /** Rides by pair of codes, ascending, counted one by one. */
  function counted(rides: readonly SmallRide[], a: Block, b: Block): [number, number, number][] {
    const batch = batchOf(rides)
    const pairs = rides.map((_, i) => [a.term.code(batch, i), b.term.code(batch, i)] as const)
    const cells: [number, number, number][] = []
    for (const row of a.codes) {
      for (const column of b.codes) {
        const count = pairs.filter(([r, c]) => r === row && c === column).length
        if (count > 0) cells.push([row, column, count])
      }
    }
    return cells
  }

  function cellsOf(moments: Moments, a: number, b: number): [number, number, number][] {
    const { rows, columns, counts } = crossOf(moments, a, b)
    return Array.from(counts, (count, c) => [
      moments.blocks[a]?.codes[rows[c] as number] as number,
      moments.blocks[b]?.codes[columns[c] as number] as number,
      count,
    ])
  }

  test('counts every pair of terms, stored or read off another', () => {
    fc.assert(
      fc.property(someRides, (rides) => {
        const moments = momentsOf(plan, rides)
        for (let b = 1; b < moments.blocks.length; b++) {
          for (let a = 0; a < b; a++) {
            expect(cellsOf(moments, a, b)).toEqual(
              counted(rides, moments.blocks[a] as Block, moments.blocks[b] as Block),
            )
          }
        }
      }),
      { ...runs, numRuns: 25 },
    )
  })
})

describe('plannedCrosses', () => {
  const plannedFor = (...categorical: unknown[]): [number, number][] =>
    plannedCrosses(compileFeatures(recipeOf({ categorical })).categorical)
  const fromHour = { name: 'from_hour', product: ['PULocationID', 'hour_of_week'] }
  const toHour = { name: 'to_hour', product: ['DOLocationID', 'hour_of_week'] }

  test('counts nothing for one term', () => {
    expect(plannedFor('PULocationID')).toEqual([])
    expect(plannedFor(pair)).toEqual([])
  })

  test('counts the pair of two terms', () => {
    expect(plannedFor('PULocationID', 'DOLocationID')).toEqual([[0, 1]])
  })

  test('counts nothing for zones where their pair is a term', () => {
    expect(plannedFor('PULocationID', 'DOLocationID', pair)).toEqual([])
    expect(plannedFor(pair, 'DOLocationID')).toEqual([])
  })

  test('counts the zone pair by hour alone for the terms of the standard recipe', () => {
    expect(plannedFor('PULocationID', 'DOLocationID', pair, 'hour_of_week')).toEqual([[2, 3]])
  })

  test('reads everything off one pair that holds all atoms', () => {
    // pair x from_hour knows both zones and the hour, and so does every other pair of these.
    const chosen = plannedFor('PULocationID', pair, 'hour_of_week', fromHour, toHour)
    expect(chosen).toHaveLength(1)
  })

  test('does not read a cross off a term with other bins of the same number', () => {
    const other = { bin: 'trip_distance', edges: [2, 4] }
    expect(
      plannedFor(
        { name: 'bins', ...bins },
        { name: 'both', product: ['PULocationID', other] },
        'PULocationID',
      ),
    ).toEqual([[0, 1]])
  })
})

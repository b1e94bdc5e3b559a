/**
 * The suite that every engine passes. An engine's own test file calls {@link engineConformance}
 * and adds what is special to that engine. What an engine sums is compared with a reference that
 * goes over the same rides one by one, in integers of any length.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decimal, makeData, makeVector, type Vector, vectorFromArray } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RidecastError } from '../../../src/errors.ts'
import { compileFeatures, featuresOf, specOfFeatures } from '../../../src/features.ts'
import type { Sums } from '../../../src/pipeline/double-double.ts'
import type { Engine } from '../../../src/pipeline/engines/engine.ts'
import { type Block, crossOf, hashMoments, type Moments } from '../../../src/pipeline/moments.ts'
import { mergeMoments } from '../../../src/pipeline/moments-algebra.ts'
import { type Plan, planOf, type Refused, type Slice } from '../../../src/pipeline/plan.ts'
import { profilePlan } from '../../../src/pipeline/profile.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'
import { randomNumbers, rideBatch } from '../../random-rides.ts'
import { days, makeParquet, nulls, numbers, texts, timestamps } from '../make-parquet.ts'

/** A ride as it stands in a file, null where the file has a null; times in whole seconds. */
interface Row {
  readonly pickup: number | null
  readonly dropoff: number | null
  readonly PULocationID: number | null
  readonly DOLocationID: number | null
  readonly trip_distance: number | null
  readonly passenger_count: number | null
}

function randomRows(seed: number, length: number): Row[] {
  const random = randomNumbers(seed)
  const upTo = (n: number): number => Math.floor(random() * n)
  const orNull = (value: number): number | null => (random() < 0.03 ? null : value)
  return Array.from({ length }, () => {
    const pickup = 1_609_459_200 + upTo(31 * 86_400)
    return {
      pickup: orNull(pickup),
      dropoff: orNull(pickup + upTo(3900) - 120),
      PULocationID: orNull(random() < 0.03 ? 70_000 : 1 + upTo(12)),
      DOLocationID: orNull(1 + upTo(12)),
      // Whole hundredths, as in official files, some of them as far off as there.
      trip_distance: orNull(random() < 0.01 ? 20_737_229 / 100 : upTo(3000) / 100),
      passenger_count: orNull(upTo(7)),
    }
  })
}

const rich = checkRecipe(
  {
    name: 'rich',
    categorical: [
      'PULocationID',
      'DOLocationID',
      { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
      'hour_of_week',
      { name: 'far', bin: 'trip_distance', edges: [1, 5, 20] },
      { product: ['far', 'hour'] },
    ],
    numeric: [
      'trip_distance',
      { name: 'log', of: 'trip_distance', steps: [{ clip: [0, 30] }, 'log1p'] },
      'passenger_count',
    ],
    filters: [{ column: 'passenger_count', above: 0, at_most: 5 }],
  },
  'rich',
)

const plain = checkRecipe(
  { name: 'plain', categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] },
  'plain',
)

const planFor = (recipe: Recipe, slice?: Slice): Plan =>
  planOf(recipe, compileFeatures(recipe), slice)

/** The moments of rows, summed one by one; sums as integers, crosses of all pairs of terms. */
interface Reference {
  readonly rows: number
  readonly n: number
  readonly outside: number
  readonly refused: Refused
  readonly target: readonly [bigint, bigint]
  readonly sums: readonly bigint[]
  readonly products: readonly bigint[]
  readonly squares: readonly bigint[]
  /** By term: count, sum of the target, sums of the quantities, by code. */
  readonly blocks: readonly Map<number, readonly bigint[]>[]
  /** By pair of terms `a,b`: counts by pair of codes `x,y`. */
  readonly crosses: ReadonlyMap<string, Map<string, number>>
}

function reference(rows: readonly Row[], plan: Plan): Reference {
  const rides = rideBatch(
    rows.map((row) => {
      const known = Object.entries(row).filter(([, value]) => value !== null)
      const { pickup, dropoff, ...columns } = Object.fromEntries(known) as Record<string, number>
      return {
        ...columns,
        pickup: (pickup ?? Number.NaN) * 1e6,
        dropoff: (dropoff ?? Number.NaN) * 1e6,
      }
    }),
  )
  const { categorical, numeric } = plan.features
  const refused = {
    null_time: 0,
    unparsable_time: 0,
    below_min: 0,
    above_max: 0,
    filtered: 0,
    null_value: 0,
  }
  const taken: { y: bigint; codes: number[]; xs: bigint[] }[] = []
  let position = 0
  rows.forEach((row, i) => {
    const { pickup, dropoff } = row
    if (pickup === null || dropoff === null) {
      refused.null_time++
      return
    }
    const minutes = (dropoff - pickup) / 60
    if (minutes < plan.target.min) {
      refused.below_min++
      return
    }
    if (minutes > plan.target.max) {
      refused.above_max++
      return
    }
    const out = plan.filters.some(({ column, above = -Infinity, at_most = Infinity }) => {
      const value = rides.columns[column]?.[i] as number
      return !(value > above && value <= at_most)
    })
    if (out) {
      refused.filtered++
      return
    }
    const codes = categorical.map((term) => term.code(rides, i))
    const values = numeric.map((term) => term.value(rides, i))
    if (codes.some((code) => code < 0) || values.some(Number.isNaN)) {
      refused.null_value++
      return
    }
    const at = plan.slice.kind === 'pickup' ? pickup * 1e6 : position
    position++
    if (plan.slice.kind !== 'all' && (at < plan.slice.from || at >= plan.slice.to)) return
    const xs = values.map((value, p) => BigInt(Math.round(value * (numeric[p]?.scale as number))))
    taken.push({ y: BigInt(dropoff - pickup), codes, xs })
  })
  const sum = (of: (ride: (typeof taken)[number]) => bigint): bigint =>
    taken.reduce((total, ride) => total + of(ride), 0n)
  const at = (xs: readonly bigint[], p: number): bigint => xs[p] as bigint
  return {
    rows: rows.length,
    n: taken.length,
    outside: position - taken.length,
    refused,
    target: [sum(({ y }) => y), sum(({ y }) => y * y)],
    sums: numeric.map((_, p) => sum(({ xs }) => at(xs, p))),
    products: numeric.map((_, p) => sum(({ xs, y }) => at(xs, p) * y)),
    squares: numeric.flatMap((_, p) =>
      numeric.slice(0, p + 1).map((_, q) => sum(({ xs }) => at(xs, p) * at(xs, q))),
    ),
    blocks: categorical.map((_, k) => {
      const levels = new Map<number, bigint[]>()
      for (const { y, codes, xs } of taken) {
        const code = codes[k] as number
        const before = levels.get(code) ?? new Array<bigint>(2 + xs.length).fill(0n)
        levels.set(
          code,
          [1n, y, ...xs].map((value, m) => value + (before[m] as bigint)),
        )
      }
      return levels
    }),
    crosses: new Map(
      categorical.flatMap((_, b) =>
        categorical.slice(0, b).map((_, a): [string, Map<string, number>] => {
          const cells = new Map<string, number>()
          for (const { codes } of taken) {
            const key = `${codes[a]},${codes[b]}`
            cells.set(key, (cells.get(key) ?? 0) + 1)
          }
          return [`${a},${b}`, cells]
        }),
      ),
    ),
  }
}

/** A sum as an integer; its first word must be the nearest double. */
function integer({ hi, lo }: Sums, i: number): bigint {
  const value = BigInt(hi[i] as number) + BigInt(lo[i] as number)
  expect(hi[i]).toBe(Number(value))
  return value
}

const integers = (sums: Sums): bigint[] => Array.from(sums.hi, (_, i) => integer(sums, i))

/** What an engine gave, in the form of the reference. */
function asReference(moments: Moments): Reference {
  const { rows, n, outside, refused, target, sums, products, squares, blocks, numeric } = moments
  const width = numeric.length
  const levels = (block: Block): Map<number, bigint[]> =>
    new Map(
      Array.from(block.codes, (code, i) => [
        code,
        [
          BigInt(block.counts[i] as number),
          integer(block.target, i),
          ...numeric.map((_, p) => integer(block.numeric, i * width + p)),
        ],
      ]),
    )
  const crosses = blocks.flatMap((second, b) =>
    blocks.slice(0, b).map((first, a): [string, Map<string, number>] => {
      const cross = crossOf(moments, a, b)
      const cells = Array.from(cross.counts, (count, i): [string, number] => {
        const row = first.codes[cross.rows[i] as number]
        return [`${row},${second.codes[cross.columns[i] as number]}`, count]
      })
      expect(new Set(cells.map(([key]) => key)).size).toBe(cells.length)
      return [`${a},${b}`, new Map(cells)]
    }),
  )
  return {
    rows,
    n,
    outside,
    refused,
    target: integers(target) as [bigint, bigint],
    sums: integers(sums),
    products: integers(products),
    squares: integers(squares),
    blocks: blocks.map(levels),
    crosses: new Map(crosses),
  }
}

/** Files in a folder of their own, or in one that is there. */
function files(place?: () => string): {
  write: (rows: readonly Row[], changes?: FileChanges) => string
} {
  let folder = ''
  let count = 0
  beforeAll(() => {
    folder = place?.() ?? mkdtempSync(join(tmpdir(), 'ridecast-engine-'))
  })
  afterAll(() => {
    if (!place) rmSync(folder, { recursive: true, force: true })
  })
  const write = (rows: readonly Row[], { columns = {}, rowGroup }: FileChanges = {}): string => {
    const of = (name: keyof Row): (number | null)[] => rows.map((row) => row[name])
    const micros = (name: 'pickup' | 'dropoff'): Vector =>
      timestamps.us(of(name).map((second) => second && second * 1e6))
    const all = Object.entries({
      lpep_pickup_datetime: micros('pickup'),
      lpep_dropoff_datetime: micros('dropoff'),
      PULocationID: numbers.int64(of('PULocationID')),
      DOLocationID: numbers.int64(of('DOLocationID')),
      trip_distance: numbers.float64(of('trip_distance')),
      passenger_count: numbers.float64(of('passenger_count')),
      store_and_fwd_flag: texts(rows.map(() => 'N')),
      ehail_fee: nulls(rows.length),
      ...columns,
    }).filter((entry): entry is [string, Vector] => entry[1] !== undefined)
    return makeParquet(join(folder, `${count++}.parquet`), Object.fromEntries(all), rowGroup)
  }
  return { write }
}

/** What is special about a file. */
interface FileChanges {
  /** Columns in place of the usual ones, undefined for none. */
  readonly columns?: Readonly<Record<string, Vector | undefined>>
  /** Rows of a row group, default all. */
  readonly rowGroup?: number
}

/** The name of a case that others depend on. */
const empty = 'a file without rides adds nothing, alone it gives empty moments'

/** What is special about an engine that reads files elsewhere than on this disk. */
export interface Special {
  /** Where the files of the suite are to lie; asked once tests run. */
  readonly folder?: () => string
  /** Cases that cannot hold for it, by name, each with the reason. */
  readonly without?: Readonly<Record<string, string>>
  /** False where rows have no order; default true. */
  readonly rowSlices?: boolean
  /** How many files of one ride are added up; default 30, fewer where each takes long. */
  readonly smallFiles?: number
}

/**
 * Runs the suite.
 *
 * @param name of the engine, for the heading
 */
export function engineConformance(
  name: string,
  open: () => Promise<Engine>,
  { folder, without = {}, rowSlices = true, smallFiles = 30 }: Special = {},
): void {
  describe(`${name} keeps the Engine contract`, () => {
    const { write } = files(folder)
    const cases = new Set<string>()
    const emptyFiles = without[empty] === undefined
    const testUnlessWithout = (title: string, body: () => Promise<void>): void => {
      cases.add(title)
      if (without[title] === undefined) test(title, body)
    }
    const rows = randomRows(1, 1500)
    let engine: Engine
    beforeAll(async () => {
      engine = await open()
    })
    afterAll(() => engine.close())

    const sum = async (paths: readonly string[], plan: Plan): Promise<Moments> => {
      const all = await Promise.all(paths.map((path) => engine.sum(path, 'green', [plan])))
      for (const moments of all) expect(moments).toHaveLength(1)
      return mergeMoments(all.flat())
    }
    const refusal = async (path: string, plan: Plan, taxi: 'green' | 'yellow' = 'green') => {
      const error = await engine.sum(path, taxi, [plan]).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error instanceof RidecastError) return `${error.code}: ${error.message}`
      throw error ?? new Error('it was summed')
    }

    test('its name is the one it is chosen by', () => {
      expect(engine.name).toBe(name)
    })

    test.each([rich, plain])('sums of the recipe $name are those of integers', async (recipe) => {
      const plan = planFor(recipe)
      const moments = await sum([write(rows)], plan)
      const expected = reference(rows, plan)
      expect(asReference(moments)).toEqual(expected)
      expect(moments.inexact).toEqual([])
      // What the comparison rests on: rides of every fate but text, which has a test of its own.
      const { unparsable_time: _, filtered, ...others } = expected.refused
      expect(Object.values(others).every((count) => count > 0)).toBe(true)
      expect(filtered > 0).toBe(recipe.filters.length > 0)
      expect(expected.n).toBeGreaterThan(500)
    })

    test('levels, and cells of pairs of levels, ascend', async () => {
      const { blocks, crosses } = await sum([write(rows)], planFor(rich))
      for (const { codes } of blocks) {
        expect(Array.from(codes)).toEqual(Array.from(codes).sort((a, b) => a - b))
      }
      for (const { rows, columns, counts } of crosses) {
        const keys = Array.from(
          counts,
          (_, i) => (rows[i] as number) * 1e6 + (columns[i] as number),
        )
        expect(keys).toEqual([...keys].sort((a, b) => a - b))
      }
    })

    test('the order of rows and of files, and the row groups, change nothing', async () => {
      const plan = planFor(rich)
      const whole = hashMoments(await sum([write(rows)], plan))
      const random = randomNumbers(2)
      const keyed = rows.map((row): [number, Row] => [random(), row])
      const shuffled = keyed.sort(([a], [b]) => a - b).map(([, row]) => row)
      const bounds: [number, number][] = [
        [0, 400],
        [400, 401],
        [401, 1500],
      ]
      const parts = bounds.map(([from, to], k) => {
        return write(shuffled.slice(from, to), { rowGroup: 100 + k })
      })
      for (const paths of [
        [write(shuffled)],
        [write([...rows].reverse(), { rowGroup: 333 })],
        parts,
        [...parts].reverse(),
      ]) {
        expect(hashMoments(await sum(paths, plan))).toBe(whole)
      }
    })

    test('one ride more, or another value, does change the fingerprint', async () => {
      const plan = planFor(rich)
      const whole = hashMoments(await sum([write(rows)], plan))
      const taken = rows.findIndex((row) => reference([row], plan).n === 1)
      const changed = rows.map((row, i) => {
        return i === taken ? { ...row, dropoff: (row.dropoff ?? 0) + 1 } : row
      })
      for (const other of [[...rows, rows[taken] as Row], changed]) {
        expect(hashMoments(await sum([write(other)], plan))).not.toBe(whole)
      }
    })

    testUnlessWithout('times that are text are read, and refused where they are none', async () => {
      const plan = planFor(plain)
      const text = (second: number | null): string | null =>
        second === null ? null : new Date(second * 1000).toISOString().slice(0, 19)
      const known = await sum(
        [
          write(rows, {
            columns: {
              lpep_pickup_datetime: texts(
                rows.map(({ pickup }) => text(pickup)?.replace('T', ' ') ?? null),
              ),
              lpep_dropoff_datetime: texts(rows.map(({ dropoff }) => text(dropoff))),
            },
          }),
        ],
        plan,
      )
      expect(hashMoments(known)).toBe(hashMoments(await sum([write(rows)], plan)))
      const broken = write(rows, {
        columns: {
          lpep_pickup_datetime: texts(rows.map((_, i) => (i % 3 ? 'soon' : null))),
          lpep_dropoff_datetime: texts(rows.map((_, i) => (i % 5 ? 'later' : null))),
        },
      })
      const { refused, n } = await sum([broken], plan)
      const either = rows.filter((_, i) => i % 3 === 0 || i % 5 === 0).length
      expect({ ...refused, n }).toEqual({
        null_time: either,
        unparsable_time: rows.length - either,
        below_min: 0,
        above_max: 0,
        filtered: 0,
        null_value: 0,
        n: 0,
      })
    })

    test('the bounds of the duration are both included, to the second', async () => {
      const durations = [59, 60, 61, 3599, 3600, 3601]
      const one = rows.find((row) => reference([row], planFor(plain)).n === 1) as Row
      const some = durations.map((seconds) => ({ ...one, dropoff: (one.pickup ?? 0) + seconds }))
      const { n, refused } = await sum([write(some)], planFor(plain))
      expect([n, refused.below_min, refused.above_max]).toEqual([4, 1, 1])
    })

    test('several plans in one pass give what each gives alone', async () => {
      const path = write(rows)
      const plans = [
        planFor(rich),
        ...(rowSlices ? [planFor(plain, { kind: 'rows', from: 100, to: 900 })] : []),
        profilePlan(planFor(plain)),
        planFor(plain),
      ]
      const together = await engine.sum(path, 'green', plans)
      expect(together).toHaveLength(plans.length)
      for (const [k, plan] of plans.entries()) {
        const alone = await sum([path], plan)
        expect(hashMoments(together[k] as Moments)).toBe(hashMoments(alone))
      }
    })

    test('a plan without crosses has no products, and the same sums otherwise', async () => {
      const path = write(rows)
      const plan = planFor(rich)
      const without = await sum([path], { ...plan, crosses: false })
      const { crosses, products, squares } = without
      expect([crosses.length, products.hi.length, squares.hi.length]).toEqual([0, 0, 0])
      const all = await sum([path], plan)
      expect(all.crosses.length).toBeGreaterThan(0)
      expect(hashMoments(without)).toBe(hashMoments({ ...all, crosses, products, squares }))
    })

    test('terms that are counted have the counts of those that are summed', async () => {
      const path = write(rows)
      const plan = { ...planFor(rich), crosses: false }
      const { categorical, numeric } = specOfFeatures(plan.features)
      const terms = categorical.map((term) => ({ ...term, counted: true as const }))
      const counted = await sum([path], {
        ...plan,
        features: featuresOf({ categorical: terms, numeric }),
      })
      const summed = await sum([path], plan)
      expect(counted.sums).toEqual(summed.sums)
      counted.blocks.forEach(({ codes, counts, target, numeric: sums }, k) => {
        expect([codes, counts]).toEqual([summed.blocks[k]?.codes, summed.blocks[k]?.counts])
        expect([target.hi.length, sums.hi.length]).toEqual([0, 0])
      })
    })

    testUnlessWithout(
      'slices by row count the kept rides in file order, through all row groups',
      async () => {
        const paths = [write(rows, { rowGroup: 200 })]
        for (const [from, to] of [
          [0, 500],
          [500, Number.POSITIVE_INFINITY],
          [17, 18],
          [1e6, 2e6],
        ] as const) {
          const plan = planFor(plain, { kind: 'rows', from, to })
          expect(asReference(await sum(paths, plan))).toEqual(reference(rows, plan))
        }
      },
    )

    test('slices by pickup hold their beginning and not their end', async () => {
      const path = write(rows)
      const some = rows.filter((row) => reference([row], planFor(plain)).n === 1)
      const cut = (some[250]?.pickup as number) * 1e6
      const slices: Slice[] = [
        { kind: 'pickup', from: Number.NEGATIVE_INFINITY, to: cut },
        { kind: 'pickup', from: cut, to: Number.POSITIVE_INFINITY },
      ]
      let n = 0
      for (const slice of slices) {
        const plan = planFor(plain, slice)
        const moments = await sum([path], plan)
        expect(asReference(moments)).toEqual(reference(rows, plan))
        n += moments.n
      }
      expect(n).toBe(some.length)
    })

    testUnlessWithout(
      'a file without rides adds nothing, alone it gives empty moments',
      async () => {
        const empty = write([])
        const moments = await sum([empty], planFor(rich))
        expect(asReference(moments)).toEqual(reference([], planFor(rich)))
        const path = write(rows)
        const hash = hashMoments(await sum([path], planFor(rich)))
        expect(hashMoments(await sum([empty, path, empty], planFor(rich)))).toBe(hash)
      },
    )

    test('a file of one ride is summed', async () => {
      const one = rows.find((row) => reference([row], planFor(rich)).n === 1) as Row
      expect(asReference(await sum([write([one])], planFor(rich)))).toEqual(
        reference([one], planFor(rich)),
      )
    })

    testUnlessWithout(
      'the types and the spelling of columns change nothing, file by file',
      async () => {
        const plan = planFor(plain)
        const of = (part: readonly Row[], name: keyof Row): (number | null)[] =>
          part.map((row) => row[name])
        const parts = [0, 1, 2, 3].map((k) => rows.slice(k * 375, (k + 1) * 375))
        const [a, b, c, d] = parts as [Row[], Row[], Row[], Row[]]
        const nanos = (part: readonly Row[], name: 'pickup' | 'dropoff'): Vector =>
          timestamps.ns(of(part, name).map((second) => second && BigInt(second) * 1_000_000_000n))
        const paths = [
          write(a),
          write(b, {
            columns: {
              PULocationID: numbers.int32(of(b, 'PULocationID')),
              DOLocationID: numbers.uint8(of(b, 'DOLocationID')),
              lpep_pickup_datetime: nanos(b, 'pickup'),
              lpep_dropoff_datetime: nanos(b, 'dropoff'),
            },
          }),
          write(c, {
            columns: {
              PULocationID: numbers.float64(of(c, 'PULocationID')),
              DOLocationID: numbers.float32(of(c, 'DOLocationID')),
              lpep_pickup_datetime: timestamps.s(of(c, 'pickup')),
              lpep_dropoff_datetime: timestamps.ms(of(c, 'dropoff').map((s) => s && s * 1000)),
            },
          }),
          write(d, {
            columns: {
              PULocationID: undefined,
              pulocationid: numbers.uint32(of(d, 'PULocationID')),
              Trip_Distance: numbers.float64(of(d, 'trip_distance')),
              trip_distance: undefined,
            },
          }),
        ]
        expect(hashMoments(await sum(paths, plan))).toBe(
          hashMoments(await sum([write(rows)], plan)),
        )
      },
    )

    testUnlessWithout(
      'a column that no plan requires may be missing: its rides are missing it',
      async () => {
        const bare = write(rows, { columns: { PULocationID: undefined, trip_distance: undefined } })
        const plan = { ...planFor(plain), required: [] }
        const { n, refused } = await sum([bare], plan)
        const missing = rows.map((row) => ({ ...row, PULocationID: null, trip_distance: null }))
        expect(refused).toEqual(reference(missing, plan).refused)
        expect(n).toBe(0)
        // The same of a column that is there and holds nothing.
        const hollow = write(rows, { columns: { PULocationID: nulls(rows.length) } })
        expect((await sum([hollow], plan)).refused.null_value).toBe(refused.null_value)
      },
    )

    testUnlessWithout(
      'a column that a plan requires, for terms or filters, must be there',
      async () => {
        const path = write(rows, {
          columns: { DOLocationID: undefined, passenger_count: undefined },
        })
        expect(await refusal(path, planFor(rich))).toMatch(
          /^source_columns: .* lacks (DOLocationID, .*passenger_count|passenger_count, .*DOLocationID)/,
        )
        expect(await refusal(path, planFor(plain))).toMatch(
          /^source_columns: .* lacks DOLocationID,/,
        )
        expect(await refusal(write(rows), planFor(plain), 'yellow')).toMatch(/^source_columns: /)
      },
    )

    testUnlessWithout('a column of another kind is refused by name', async () => {
      const path = write(rows, { columns: { trip_distance: texts(rows.map(() => 'far')) } })
      expect(await refusal(path, planFor(plain))).toMatch(
        /^source_column_type: column trip_distance of /,
      )
      const zoned = write(rows, {
        columns: {
          lpep_pickup_datetime: timestamps.us(
            rows.map(() => 0),
            'UTC',
          ),
        },
      })
      expect(await refusal(zoned, planFor(plain))).toMatch(
        /^source_column_type: column lpep_pickup_datetime of /,
      )
    })

    test('values finer than their unit are summed to 1e-12, and named', async () => {
      const random = randomNumbers(3)
      const fine = rows.map((row) => ({ ...row, trip_distance: random() * 1e6 - 5e5 }))
      const plan = planFor(plain)
      const { sums, products, inexact, n } = await sum([write(fine)], plan)
      expect(inexact).toEqual(['trip_distance'])
      const taken = fine.filter((row) => reference([row], plan).n === 1)
      expect(n).toBe(taken.length)
      // The reference: whole units of 2^-34 miles, which lose less than that for each ride.
      const exact = (of: (row: (typeof fine)[number]) => number): [number, number] => {
        const units = taken.map(
          (row) => BigInt(Math.round(row.trip_distance * 2 ** 34)) * BigInt(of(row)),
        )
        const total = units.reduce((a, b) => a + b, 0n)
        const size = units.reduce((a, b) => a + (b < 0n ? -b : b), 0n)
        return [Number(total) / 2 ** 34, Number(size) / 2 ** 34]
      }
      const [total, size] = exact(() => 1)
      expect(Math.abs((sums.hi[0] as number) / 100 - total)).toBeLessThanOrEqual(1e-12 * size)
      const [product, productSize] = exact(({ pickup, dropoff }) => (dropoff ?? 0) - (pickup ?? 0))
      expect(Math.abs((products.hi[0] as number) / 100 - product)).toBeLessThanOrEqual(
        1e-12 * productSize,
      )
    })

    test('sums beyond 2^53 are exact', async () => {
      // 30 million hundredths squared, a thousand times: 9e17, and durations as they come.
      const far = rows.map((row, i) => ({ ...row, trip_distance: 300_000 + i / 100 }))
      const plan = planFor(plain)
      const moments = await sum([write(far)], plan)
      const expected = reference(far, plan)
      expect(asReference(moments)).toEqual(expected)
      expect(expected.squares[0]).toBeGreaterThan(2n ** 57n)
    })

    test('values too large to be squared are refused', async () => {
      const huge = rows.map((row) => ({ ...row, trip_distance: 1e300 }))
      expect(await refusal(write(huge), planFor(plain))).toMatch(
        /^sums_overflow: column trip_distance holds values too large/,
      )
    })

    test('progress is told by file, up to its rides', async () => {
      const paths = [write(rows, { rowGroup: 600 }), write(rows.slice(0, 10))]
      const told: [number, number, string][] = []
      for (const path of paths) {
        await engine.sum(path, 'green', [planFor(plain)], (done, total, path) => {
          told.push([done, total, path])
        })
      }
      for (const [k, length] of [rows.length, 10].entries()) {
        const mine = told.filter(([, , path]) => path === paths[k])
        expect(mine.at(-1)?.slice(0, 2)).toEqual([length, length])
        expect(mine.map(([done]) => done)).toEqual(mine.map(([done]) => done).sort((a, b) => a - b))
      }
    })

    test('files as the years bring them add up to the sums of all their rides', async () => {
      const seven = Array.from({ length: 7 }, (_, k) => randomRows(20 + k, k === 3 ? 1 : 120))
      const [a, b, c, d, e, f, g] = seven as [Row[], Row[], Row[], Row[], Row[], Row[], Row[]]
      const of = (part: readonly Row[], name: keyof Row): (number | null)[] =>
        part.map((row) => row[name])
      const ids = (part: readonly Row[], type: 'int32' | 'int64' | 'float64') => ({
        PULocationID: numbers[type](of(part, 'PULocationID')),
        DOLocationID: numbers[type](of(part, 'DOLocationID')),
        passenger_count: numbers[type](of(part, 'passenger_count')),
      })
      const paths = [
        write(a, { columns: ids(a, 'int64'), rowGroup: 50 }),
        write(b, { columns: ids(b, 'int32') }),
        // What pandas makes of ids that are missing somewhere: doubles, and NaN instead of null.
        write(c, {
          columns: {
            ...ids(c, 'float64'),
            DOLocationID: numbers.float64(of(c, 'DOLocationID').map((id) => id ?? Number.NaN)),
            trip_distance: numbers.float64(of(c, 'trip_distance').map((x) => x ?? Number.NaN)),
          },
        }),
        write(d),
        ...(emptyFiles ? [write([])] : []),
        // Columns that came later, and those that went.
        write(e, {
          columns: {
            cbd_congestion_fee: numbers.float64(e.map(() => 0.75)),
            note: texts(e.map((_, i) => (i % 2 ? null : 'new'))),
            ehail_fee: undefined,
            store_and_fwd_flag: undefined,
          },
        }),
        write(f, { columns: { trip_distance: undefined, PULocationID: undefined } }),
        write(g, { rowGroup: 1 }),
      ]
      const plan = { ...planFor(plain), required: [] }
      const without = f.map((row) => ({ ...row, trip_distance: null, PULocationID: null }))
      const rides = [...a, ...b, ...c, ...d, ...e, ...without, ...g]
      const expected = reference(rides, plan)
      expect(expected.n).toBeGreaterThan(300)
      const orders = [
        paths,
        [...paths].reverse(),
        paths.map((_, k) => paths[(k * 3) % paths.length] as string),
      ]
      const all = await Promise.all(orders.map((order) => sum(order, plan)))
      expect(asReference(all[0] as Moments)).toEqual(expected)
      expect(new Set(all.map(hashMoments)).size).toBe(1)
    })

    test('many files of one ride, in any order, add up to one file of all', async () => {
      const few = rows.slice(0, smallFiles)
      const plan = planFor(rich)
      const whole = await sum([write(few)], plan)
      const each = few.map((row) => write([row]))
      const random = randomNumbers(4)
      const shuffled = each.map((path): [number, string] => [random(), path])
      shuffled.sort(([a], [b]) => a - b)
      const added = await sum(each, plan)
      expect(asReference(added)).toEqual(reference(few, plan))
      expect(hashMoments(added)).toBe(hashMoments(whole))
      const others = shuffled.map(([, path]) => path)
      expect(hashMoments(await sum(others, plan))).toBe(hashMoments(whole))
    })

    test('NaN and infinite values are missing, as nulls are', async () => {
      const plan = planFor(plain)
      const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null]
      const spoil = (values: readonly (number | null)[]): (number | null)[] =>
        values.map((value, i) => (i % 3 === 0 ? (odd[(i / 3) % 4] as number | null) : value))
      const path = write(rows, {
        columns: {
          trip_distance: numbers.float64(spoil(rows.map((row) => row.trip_distance))),
          PULocationID: numbers.float64(spoil(rows.map((row) => row.PULocationID)).reverse()),
        },
      })
      const known = [...rows.keys()].map((i) => (i % 3 === 0 ? null : (rows[i] as Row)))
      const expected = rows.map((row, i): Row => {
        const from = known[rows.length - 1 - i]
        return {
          ...row,
          trip_distance: known[i]?.trip_distance ?? null,
          PULocationID: from?.PULocationID ?? null,
        }
      })
      expect(asReference(await sum([path], plan))).toEqual(reference(expected, plan))
    })

    testUnlessWithout(
      'decimals, booleans and dates are refused by name, whichever column they are',
      async () => {
        const decimals = makeVector(
          makeData({
            type: new Decimal(2, 10, 128),
            length: rows.length,
            data: new Uint32Array(rows.length * 4),
          }),
        )
        const flags = vectorFromArray(rows.map((_, i) => i % 2 === 0))
        const cases: [string, Vector][] = [
          ['trip_distance', decimals],
          ['PULocationID', flags],
          ['DOLocationID', days(rows.map((_, i) => i))],
          ['lpep_pickup_datetime', days(rows.map((_, i) => i))],
          ['lpep_dropoff_datetime', numbers.int64(rows.map((_, i) => i))],
        ]
        for (const [column, values] of cases) {
          const path = write(rows, { columns: { [column]: values } })
          expect(await refusal(path, planFor(plain))).toMatch(
            new RegExp(`^source_column_type: column ${column} of .* cannot be read: expected `),
          )
          // One that nobody asks for may be anything.
          const unasked = write(rows, { columns: { ehail_fee: values } })
          expect((await sum([unasked], planFor(plain))).rows).toBe(rows.length)
        }
      },
    )

    test('what is left out of the suite is in it', () => {
      expect(Object.keys(without).filter((title) => !cases.has(title))).toEqual([])
    })
  })
}

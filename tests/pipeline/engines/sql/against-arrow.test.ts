import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Vector } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageOf, RidecastError } from '../../../../src/errors.ts'
import { compileFeatures, featuresOf } from '../../../../src/features.ts'
import { openArrowEngine } from '../../../../src/pipeline/engines/arrow.ts'
import { openDuckdbEngine } from '../../../../src/pipeline/engines/duckdb.ts'
import type { Engine } from '../../../../src/pipeline/engines/engine.ts'
import type { Moments } from '../../../../src/pipeline/moments.ts'
import { beside, type Plan, planOf, type Slice } from '../../../../src/pipeline/plan.ts'
import { profilePlan } from '../../../../src/pipeline/profile.ts'
import { checkRecipe, parseRecipe } from '../../../../src/recipe.ts'
import { randomNumbers } from '../../../random-rides.ts'
import { makeParquet, numbers, texts, timestamps } from '../../make-parquet.ts'
import { hasShared, sharedPath, whyNot } from '../../shared.ts'
import { expectSame } from './compare.ts'
import { openSqlOnDuckdb } from './sql-on-duckdb.ts'

const named = ['plain', 'pairs', 'standard'].map((name) => {
  const path = new URL(`../../../../recipes/${name}.yaml`, import.meta.url)
  return parseRecipe(readFileSync(path, 'utf8'), name)
})

// Every kind of term and every step, some of them after a logarithm.
const every = checkRecipe(
  {
    name: 'every',
    allow_leakage: true,
    target: { min: 0.5, max: 90 },
    categorical: [
      'PULocationID',
      'VendorID',
      'hour',
      'weekday',
      'hour_of_week',
      { name: 'far', bin: 'trip_distance', edges: [0, 1, 5, 20] },
      { name: 'paid', bin: 'fare_amount', edges: [-5, 0, 2.5, 3, 5, 7.5, 10, 20, 50, 100] },
      { name: 'where', product: ['PULocationID', 'DOLocationID', 'weekday'] },
      { name: 'far_hour', product: ['far', 'hour'] },
    ],
    numeric: [
      'trip_distance',
      'passenger_count',
      'fare_amount',
      { name: 'clipped', of: 'trip_distance', steps: [{ clip: [0.1, 30] }] },
      { name: 'log', of: 'trip_distance', steps: [{ clip: [0, 1000] }, 'log1p'] },
      { name: 'log_bare', of: 'fare_amount', steps: ['log1p', { clip: [-3, 9] }] },
      { name: 'root', of: 'trip_distance', steps: [{ clip: [0, 500] }, 'sqrt'] },
      {
        name: 'log_root',
        of: 'trip_distance',
        steps: [{ hinge: 0.5 }, 'log1p', 'sqrt', { clip: [0, 9] }],
      },
      { name: 'log_log', of: 'trip_distance', steps: [{ clip: [0, 99] }, 'log1p', 'log1p'] },
      {
        name: 'log_part',
        of: 'trip_distance',
        steps: [{ clip: [0, 99] }, 'log1p', { between: [0.5, 2] }],
      },
      { name: 'log_flag', of: 'trip_distance', steps: [{ clip: [0, 99] }, 'log1p', 'is_zero'] },
      { name: 'zero', of: 'trip_distance', steps: ['is_zero'] },
      { name: 'beyond', of: 'trip_distance', steps: [{ hinge: 2 }, { clip: [0, 10] }] },
      { name: 'middle', of: 'trip_distance', steps: [{ between: [1, 9] }] },
      { name: 'is_middle', of: 'trip_distance', steps: [{ is_between: [1, 9] }] },
    ],
  },
  'every',
)

const filtered = checkRecipe(
  {
    name: 'filtered',
    categorical: ['PULocationID', 'hour_of_week'],
    numeric: [{ of: 'trip_distance', steps: ['log1p'] }],
    filters: [
      { column: 'passenger_count', above: 0 },
      { column: 'trip_distance', at_least: 0.1, below: 200 },
    ],
  },
  'filtered',
)

// What only a profile or a contract asks for: all rides, whatever is missing, many small terms.
const counts: Plan = {
  target: { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY },
  filters: [],
  slice: { kind: 'all' },
  required: [],
  features: featuresOf({
    categorical: [
      {
        name: 'ride',
        atoms: [
          { kind: 'bin', of: 'duration', edges: [0, 1, 60, 180], or_missing: true },
          { kind: 'bin', of: 'speed', edges: [1, 5, 10, 30, 80], or_missing: true },
          {
            kind: 'bin',
            of: 'trip_distance',
            edges: [0, 0.01, 1, 2, 3, 4, 5, 10, 20, 50],
            or_missing: true,
          },
        ],
      },
      { name: 'day', atoms: [{ kind: 'pickup_day' }] },
      { name: 'minute', atoms: [{ kind: 'pickup_minute' }] },
      { name: 'long', atoms: [{ kind: 'duration_minute' }], counted: true },
      {
        name: 'from',
        atoms: [{ kind: 'id', column: 'PULocationID', or_missing: true }],
        counted: true,
      },
      {
        name: 'fare',
        atoms: [
          {
            kind: 'bin',
            of: 'fare_amount',
            edges: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100],
            or_missing: true,
          },
        ],
      },
    ],
    numeric: [],
  }),
  crosses: false,
}

const planFor = (recipe: typeof every, slice?: Slice): Plan =>
  planOf(recipe, compileFeatures(recipe), slice)

const plain = named[0] as typeof every

/** Plans of every kind. */
const plans: readonly Plan[] = [
  planFor(every),
  profilePlan(planFor(every)),
  beside(planFor(every), planFor(plain).features),
  planFor(filtered),
  counts,
  planFor(plain, { kind: 'rows', from: 10, to: 150 }),
  planFor(filtered, { kind: 'rows', from: 100, to: Number.POSITIVE_INFINITY }),
  planFor(plain, {
    kind: 'pickup',
    from: Date.UTC(2021, 0, 10) * 1000,
    to: Number.POSITIVE_INFINITY,
  }),
]

/** Plans as training has them. */
const trained: readonly Plan[] = [
  ...named.flatMap((recipe) => [planFor(recipe), profilePlan(planFor(recipe))]),
  { ...planFor(every), crosses: false },
  counts,
]

/** Held to the Arrow engine. */
let others: Engine[] = []
let arrow: Engine
let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-sql-'))
  others = await Promise.all([openDuckdbEngine(), openSqlOnDuckdb()])
  arrow = await openArrowEngine()
})
afterAll(async () => {
  await Promise.all([...others, arrow].map((engine) => engine.close()))
  rmSync(folder, { recursive: true, force: true })
})

/** What an engine makes of a file, or its refusal. */
async function outcome(
  engine: Engine,
  path: string,
  some: readonly Plan[],
): Promise<Moments[] | string> {
  const taxi = path.includes('yellow') ? 'yellow' : 'green'
  try {
    return await engine.sum(path, taxi, some)
  } catch (error) {
    if (!(error instanceof RidecastError)) throw error
    return error.code
  }
}

/** Expects all engines to sum a file alike, plan by plan where they refuse one. */
async function compare(path: string, some: readonly Plan[]): Promise<void> {
  for (const engine of others) await compareWith(engine, path, some)
}

async function compareWith(engine: Engine, path: string, some: readonly Plan[]): Promise<void> {
  const [found, expected] = await Promise.all([
    outcome(engine, path, some),
    outcome(arrow, path, some),
  ])
  if (typeof expected === 'string' || typeof found === 'string') {
    if (some.length > 1) for (const plan of some) await compareWith(engine, path, [plan])
    else expect(found).toBe(expected)
    return
  }
  expected.forEach((moments, k) => {
    try {
      expectSame(found[k] as Moments, moments)
    } catch (error) {
      throw new Error(`plan ${k}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  })
}

describe.skipIf(!hasShared)(`DuckDB sums as Arrow does ${hasShared ? '' : whyNot}`, () => {
  // One of each writer and fleet; tests/real/trino.test.ts goes through all of them.
  test.each([
    'green_tripdata_2020-04.from-csv.parquet',
    'green_tripdata_2021-02.parquet',
    'green_tripdata_2024-01.parquet',
    'yellow_tripdata_2022-01.first100000.parquet',
    'yellow_tripdata_2025-02.sample5000.parquet',
  ])('%s', async (file) => {
    await compare(sharedPath(join('tlc', file)), trained)
  })
})

type Values = readonly (number | null)[]

/** Columns of a hostile file. */
function hostileColumns(seed: number): Record<string, Vector> {
  const random = randomNumbers(seed)
  const upTo = (n: number): number => Math.floor(random() * n)
  const length = 1 + upTo(400)
  const make = (of: () => number | null): (number | null)[] => Array.from({ length }, of)
  const oneOf = <T>(...options: readonly T[]): T => options[upTo(options.length)] as T
  const odd = (share: number, values: Values, usual: () => number): (() => number | null) => {
    return () => (random() < share ? (oneOf(...values) as number | null) : usual())
  }
  const never = [null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const share = oneOf(0, 0.01, 0.2)
  const start = oneOf(1_609_459_200, -3_000_000_000, 0, 4_000_000_000)
  const pickup = make(odd(share, [null], () => start + upTo(31 * 86_400)))
  const fraction = oneOf(0, 0, 0, 0.25)
  const dropoff = pickup.map((at) => {
    if (at === null || random() < share) return null
    return at + upTo(5000) - 100 + (random() < 0.1 ? fraction : 0)
  })
  const hundredths = (): number => upTo(3000) / 100
  const miles = oneOf(
    make(odd(share, [...never, -1, 0, 200_000.12, 1e9], hundredths)),
    make(odd(share, [...never, 0.1 + 0.2, 1e-20, 5e-324, 1e15], hundredths)),
    make(() => random() * 50),
    make(odd(0.3, [1e17, -1e17, 3e18], hundredths)),
    make(odd(0.05, [0], hundredths)),
  )
  const ids = (): Vector => {
    const small = make(odd(share, [null, 0, 265, 65_535, 65_536, -1], () => 1 + upTo(20)))
    const broken = make(odd(share, [...never, 1.5, -0.5, 65_535.5, 1e300], () => 1 + upTo(20)))
    return oneOf(
      () => numbers.int64(small),
      () => numbers.int32(small),
      () => numbers.float64(broken),
      () => numbers.float32(small),
      () => numbers.uint16(small.map((id) => (id === null ? null : id & 65_535))),
    )()
  }
  const big = (values: Values, by: bigint): (bigint | null)[] =>
    values.map((at) => (at === null ? null : (BigInt(Math.round(at * 1e6)) * by) / 1000n))
  const times = (values: Values): Vector =>
    oneOf(
      () => timestamps.us(big(values, 1000n)),
      () => timestamps.ns(big(values, 1_000_000n).map((at) => at && at + BigInt(upTo(2) * 999))),
      () => timestamps.ms(values.map((at) => at && Math.floor(at * 1000))),
      () => timestamps.s(values.map((at) => at && Math.floor(at))),
      () => texts(values.map((at) => textOf(at, oneOf))),
    )()
  const optional = {
    passenger_count: numbers.float64(make(odd(share, never, () => upTo(7)))),
    fare_amount: oneOf(
      () => numbers.float64(make(odd(share, [...never, -1, -0.5, -2, 1e8], hundredths))),
      () => numbers.int64(make(() => upTo(100) - 5)),
      () => numbers.float32(make(hundredths)),
    )(),
  }
  const columns = {
    VendorID: ids(),
    lpep_pickup_datetime: times(pickup),
    lpep_dropoff_datetime: times(dropoff),
    PULocationID: ids(),
    DOLocationID: ids(),
    trip_distance: numbers.float64(miles),
    ...(random() < 0.9 ? optional : {}),
  }
  return columns
}

function textOf(at: number | null, oneOf: <T>(...options: readonly T[]) => T): string | null {
  if (at === null) return null
  const text = new Date(at * 1000).toISOString()
  return oneOf(
    text.slice(0, 23),
    text.slice(0, 19),
    text.slice(0, 19).replace('T', ' '),
    `  ${text.slice(0, 16)}\u00a0`,
    `${text.slice(0, 19)}.5`,
    text,
    'soon',
    '2021-02-31 08:00:00',
    '2021-01-05 24:00:00',
    '0099-01-01 00:00:00',
    '',
  )
}

describe('DuckDB sums hostile files as Arrow does', () => {
  test.each(Array.from({ length: 16 }, (_, seed) => seed))('made from seed %i', async (seed) => {
    const path = join(folder, `green ${seed}.parquet`)
    makeParquet(path, hostileColumns(seed), [7, 100, 2 ** 20][seed % 3])
    await compare(path, plans)
  })

  test('whose logarithms lie on the border between two units', async () => {
    // The largest inputs below, and the smallest at or above, where a unit of 2^-20 begins.
    const borders = Array.from({ length: 200 }, (_, k) => Math.expm1((k * 5000 + 0.5) / 2 ** 20))
    const around = borders.flatMap((x) => [x, x * (1 + 2 ** -52), x * (1 - 2 ** -53)])
    const length = around.length
    const path = join(folder, 'green borders.parquet')
    const at = Date.UTC(2021, 0, 5) * 1000
    makeParquet(path, {
      lpep_pickup_datetime: timestamps.us(around.map(() => at)),
      lpep_dropoff_datetime: timestamps.us(around.map((_, i) => at + (60 + i) * 1e6)),
      PULocationID: numbers.int64(around.map(() => 1)),
      DOLocationID: numbers.int64(around.map(() => 1)),
      trip_distance: numbers.float64(around),
    })
    const recipe = checkRecipe(
      {
        name: 'logs',
        target: { min: 0, max: 600 },
        numeric: [{ of: 'trip_distance', steps: [{ clip: [0, 99] }, 'log1p'] }],
      },
      'logs',
    )
    const [moments] = await arrow.sum(path, 'green', [planFor(recipe)])
    expect(moments?.n).toBe(length)
    await compare(path, [planFor(recipe)])
  })
})

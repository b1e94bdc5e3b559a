import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Decimal,
  makeData,
  makeVector,
  tableFromIPC,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import { ParquetFile, readParquet } from 'parquet-wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RidecastError } from '../../src/errors.ts'
import { compileFeatures } from '../../src/features.ts'
import type { RideColumns } from '../../src/pipeline/columns.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import { planOf } from '../../src/pipeline/plan.ts'
import { openRides, readRides } from '../../src/pipeline/rides.ts'
import { obtain, planSource } from '../../src/pipeline/source.ts'
import { type TrainOptions, train } from '../../src/pipeline/train.ts'
import { checkRecipe } from '../../src/recipe.ts'
import type { ColumnName, RideBatch, Taxi } from '../../src/ride.ts'
import { randomNumbers } from '../random-rides.ts'
import {
  days,
  greenColumns,
  makeParquet,
  nulls,
  numbers,
  texts,
  timestamps,
} from './make-parquet.ts'
import { hasShared, sharedPath, whyNot } from './shared.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-rides-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const data = (name: string): string => fileURLToPath(new URL(`../../data/${name}`, import.meta.url))
const january = data('green_tripdata_2021-01.parquet')
const zoned: RideColumns = { required: ['PULocationID', 'DOLocationID'], optional: [] }
const noColumns: RideColumns = { required: [], optional: [] }

/** All rides of a file as one batch of plain arrays. */
interface Read {
  readonly pickup: number[]
  readonly dropoff: number[]
  readonly columns: Partial<Record<ColumnName, number[]>>
}

async function read(path: string, columns: RideColumns, taxi: Taxi = 'green'): Promise<Read> {
  const batches: RideBatch[] = []
  for await (const batch of readRides(path, taxi, columns)) {
    const { length, pickup, dropoff } = batch
    for (const array of [pickup, dropoff, ...Object.values(batch.columns)]) {
      expect(array).toBeInstanceOf(Float64Array)
      expect(array).toHaveLength(length)
    }
    batches.push(batch)
  }
  const all = (of: (batch: RideBatch) => Float64Array): number[] =>
    batches.flatMap((batch) => Array.from(of(batch)))
  const names = [...columns.required, ...columns.optional]
  return {
    pickup: all(({ pickup }) => pickup),
    dropoff: all(({ dropoff }) => dropoff),
    columns: Object.fromEntries(
      names.map((name) => [name, all((batch) => batch.columns[name] as Float64Array)]),
    ),
  }
}

async function refusal(
  path: string,
  columns: RideColumns = zoned,
  taxi: Taxi = 'green',
): Promise<string> {
  try {
    await read(path, columns, taxi)
  } catch (error) {
    if (error instanceof RidecastError) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('it was read')
}

/** A green file of three rides; the given columns replace those of the usual types or join them. */
function made(changes: Record<string, Vector | undefined>, rowGroup?: number): string {
  const rides = [
    { pickup: 0, dropoff: 60e6, from: 1, to: 2, miles: 0.5 },
    { pickup: 1, dropoff: 120e6, from: 3, to: 4, miles: 1.01 },
    { pickup: -1, dropoff: 180e6, from: 5, to: 6, miles: 0 },
  ]
  const columns = Object.entries({ ...greenColumns(rides), ...changes }).filter(
    (entry): entry is [string, Vector] => entry[1] !== undefined,
  )
  return makeParquet(join(folder, 'made.parquet'), Object.fromEntries(columns), rowGroup)
}

const pickups = async (column: Vector): Promise<number[]> =>
  (await read(made({ lpep_pickup_datetime: column }), zoned)).pickup

const fromIds = async (column: Vector): Promise<number[]> =>
  (await read(made({ PULocationID: column }), zoned)).columns.PULocationID as number[]

const missing = Number.NaN

describe('timestamps', () => {
  // 2021-01-01T00:15:56, 1969-12-31T23:59:59 and 2200-01-01T00:00:00 in seconds.
  const seconds = [1_609_460_156, -1, 7_258_118_400]

  test.each([
    ['s', 1n],
    ['ms', 1000n],
    ['us', 1_000_000n],
    ['ns', 1_000_000_000n],
  ] as const)('in %s are read exactly', async (unit, perSecond) => {
    const column = timestamps[unit](seconds.map((second) => BigInt(second) * perSecond))
    expect(await pickups(column)).toEqual(seconds.map((second) => second * 1e6))
  })

  test('in ns beyond 2^53 are cut to whole microseconds, downwards', async () => {
    // The nearest double of the first would be 256 ns away.
    const nanos = [1_609_460_156_123_456_789n, -1n, -9_223_372_036_854_775_808n]
    expect(await pickups(timestamps.ns(nanos))).toEqual([
      1_609_460_156_123_456, -1, -9_223_372_036_854_776,
    ])
  })

  test('in ns agree with integers of any length on random times', async () => {
    const random = randomNumbers(1)
    const nanos = Array.from({ length: 2000 }, () => {
      const high = BigInt(Math.floor((random() - 0.5) * 2 ** 31))
      return (high << 32n) + BigInt(Math.floor(random() * 2 ** 32))
    })
    const floor = (n: bigint): number => Number((n - (((n % 1000n) + 1000n) % 1000n)) / 1000n)
    const path = join(folder, 'nanos.parquet')
    makeParquet(path, {
      lpep_pickup_datetime: timestamps.ns(nanos),
      lpep_dropoff_datetime: timestamps.ns(nanos),
    })
    const { pickup, dropoff } = await read(path, noColumns)
    expect(pickup).toEqual(nanos.map(floor))
    expect(dropoff).toEqual(pickup)
  })

  test('with nulls are missing there', async () => {
    for (const unit of ['s', 'ms', 'us', 'ns'] as const) {
      expect(await pickups(timestamps[unit]([null, 0, null]))).toEqual([missing, 0, missing])
    }
  })

  test('of a column that holds nothing are all missing', async () => {
    expect(await pickups(nulls(3))).toEqual([missing, missing, missing])
  })

  test.each(['s', 'ms', 'us', 'ns'] as const)('in %s with a zone are refused', async (unit) => {
    const path = made({ lpep_dropoff_datetime: timestamps[unit]([0, 1, 2], 'UTC') })
    expect(await refusal(path)).toMatch(
      /^source_column_type: column lpep_dropoff_datetime of \S+made\.parquet cannot be read: expected wall-clock time without a zone, found Timestamp<\w+, UTC>$/,
    )
  })

  test('that are dates or numbers are refused', async () => {
    for (const column of [days([1, 2, 3]), numbers.int64([1, 2, 3]), numbers.float64([1, 2, 3])]) {
      expect(await refusal(made({ lpep_pickup_datetime: column }))).toMatch(
        /^source_column_type: column lpep_pickup_datetime of .* expected a timestamp or text column, found (Date32|Int64|Float64)/,
      )
    }
  })
})

describe('times as text', () => {
  test('are parsed; what is no time is Infinity, what is missing is NaN', async () => {
    const column = texts(['2020-04-01 00:35:23', 'soon', null])
    // 2020-04-01 is day 18,353 since 1970-01-01.
    expect(await pickups(column)).toEqual([
      (18_353 * 86_400 + 35 * 60 + 23) * 1e6,
      Number.POSITIVE_INFINITY,
      missing,
    ])
  })

  test('with a zone are no time of the wall clock', async () => {
    const column = texts(['2020-04-01T00:35:23Z', '2020-04-01T00:35:23-04:00', ''])
    expect(await pickups(column)).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ])
  })
})

describe('numbers', () => {
  test.each(Object.entries(numbers))(
    'of type %s are read, nulls are missing',
    async (_, column) => {
      expect(await fromIds(column([43, 0, 127]))).toEqual([43, 0, 127])
      expect(await fromIds(column([null, 7, null]))).toEqual([missing, 7, missing])
      expect(await fromIds(column([null, null, null]))).toEqual([missing, missing, missing])
    },
  )

  test('keep their sign and their size', async () => {
    expect(await fromIds(numbers.int8([-128, -1, 127]))).toEqual([-128, -1, 127])
    expect(await fromIds(numbers.int32([-(2 ** 31), -1, 2 ** 31 - 1]))).toEqual([
      -(2 ** 31),
      -1,
      2 ** 31 - 1,
    ])
    expect(await fromIds(numbers.uint32([2 ** 31, 2 ** 32 - 1, 0]))).toEqual([
      2 ** 31,
      2 ** 32 - 1,
      0,
    ])
    expect(await fromIds(numbers.int64([-(2 ** 53), -1, 2 ** 53]))).toEqual([
      -(2 ** 53),
      -1,
      2 ** 53,
    ])
    expect(await fromIds(numbers.uint64([2n ** 63n, 2n ** 32n, 1n]))).toEqual([2 ** 63, 2 ** 32, 1])
    expect(await fromIds(numbers.float64([-0.1, 1e300, Number.POSITIVE_INFINITY]))).toEqual([
      -0.1,
      1e300,
      Number.POSITIVE_INFINITY,
    ])
    expect(await fromIds(numbers.float32([0.1, -2.5, 0]))).toEqual([Math.fround(0.1), -2.5, 0])
  })

  test('of a column that holds nothing are all missing', async () => {
    expect(await fromIds(nulls(3))).toEqual([missing, missing, missing])
  })

  test.each([
    ['text', texts(['1', '2', '3']), 'Utf8'],
    ['times', timestamps.us([1, 2, 3]), 'Timestamp<MICROSECOND>'],
    ['dates', days([1, 2, 3]), 'Date32<DAY>'],
    ['truth values', vectorFromArray([true, false, null]), 'Bool'],
    [
      'decimals',
      makeVector(makeData({ type: new Decimal(2, 9, 128), length: 3, data: new Uint32Array(12) })),
      'Decimal[9e+2]',
    ],
  ])('that are %s are refused', async (_, column, found) => {
    expect(await refusal(made({ PULocationID: column }))).toBe(
      `source_column_type: column PULocationID of ${join(folder, 'made.parquet')} cannot be read: expected an integer or floating-point column, found ${found}`,
    )
  })

  test('of a column that nobody asked for are not looked at', async () => {
    const path = made({ trip_distance: texts(['far', 'near', 'away']) })
    expect((await read(path, zoned)).columns.PULocationID).toEqual([1, 3, 5])
  })
})

describe('column names', () => {
  test('are found in any case, and called by their canonical name', async () => {
    const path = made({
      PULocationID: undefined,
      lpep_pickup_datetime: undefined,
      PUlocationID: numbers.int64([7, 8, 9]),
      LPEP_Pickup_Datetime: timestamps.us([10, 11, 12]),
      Airport_fee: numbers.float64([0, 1.25, null]),
    })
    const columns: RideColumns = { required: ['PULocationID', 'airport_fee'], optional: [] }
    const { pickup, columns: found } = await read(path, columns)
    expect(pickup).toEqual([10, 11, 12])
    expect(found).toEqual({ PULocationID: [7, 8, 9], airport_fee: [0, 1.25, missing] })
  })

  test('that begin alike are told apart', async () => {
    const path = made({ extra: numbers.float64([1, 2, 3]), extra_fee: texts(['x', 'y', 'z']) })
    const { columns } = await read(path, { required: ['extra'], optional: [] })
    expect(columns.extra).toEqual([1, 2, 3])
  })

  test('that a file has in two spellings are refused, but only where one is needed', async () => {
    const path = made({
      airport_fee: numbers.float64([1, null, null]),
      Airport_fee: numbers.float64([null, 2, 3]),
    })
    expect(await refusal(path, { required: [], optional: ['airport_fee'] })).toBe(
      `source_columns: ${path} has column airport_fee more than once, as airport_fee, Airport_fee: expected it once, merge them`,
    )
    expect((await read(path, zoned)).pickup).toHaveLength(3)
  })

  test('that are missing are listed, with what is there', async () => {
    const path = made({ PULocationID: undefined, lpep_dropoff_datetime: undefined })
    expect(await refusal(path, { required: ['PULocationID', 'trip_type'], optional: [] })).toBe(
      `source_columns: ${path} lacks lpep_dropoff_datetime, PULocationID, trip_type, found VendorID, lpep_pickup_datetime, store_and_fwd_flag, DOLocationID, trip_distance`,
    )
  })

  test('that are missing and optional are all missing', async () => {
    const { columns } = await read(made({}), { required: [], optional: ['trip_type'] })
    expect(columns).toEqual({ trip_type: [missing, missing, missing] })
  })

  test('of the other fleet bring a hint', async () => {
    const path = made({
      lpep_pickup_datetime: undefined,
      lpep_dropoff_datetime: undefined,
      tpep_pickup_datetime: timestamps.us([1, 2, 3]),
      tpep_dropoff_datetime: timestamps.us([1, 2, 3]),
    })
    expect(await refusal(path)).toMatch(
      /^source_columns: .* lacks lpep_pickup_datetime, .*; it looks like a yellow file: say --taxi yellow$/,
    )
    expect((await read(path, zoned, 'yellow')).pickup).toEqual([1, 2, 3])
    expect(await refusal(made({}), zoned, 'yellow')).toMatch(/looks like a green file: say --taxi/)
    const neither = makeParquet(join(folder, 'other.parquet'), { a: numbers.int8([1]) })
    expect(await refusal(neither)).toMatch(/, found a$/)
  })
})

describe('row groups', () => {
  test('of any size give the same rides', async () => {
    const random = randomNumbers(2)
    const rides = Array.from({ length: 250 }, () => {
      const pickup = Math.floor(random() * 1e15)
      const odd = (value: number): number | null => (random() < 0.1 ? null : value)
      return {
        pickup: odd(pickup),
        dropoff: odd(pickup + Math.floor(random() * 4000) * 1e6),
        from: odd(1 + Math.floor(random() * 265)),
        to: odd(1 + Math.floor(random() * 265)),
        miles: odd(Math.floor(random() * 3000) / 100),
      }
    })
    const columns: RideColumns = { required: ['PULocationID', 'trip_distance'], optional: [] }
    const of = async (rowGroup: number): Promise<Read> =>
      read(makeParquet(join(folder, 'groups.parquet'), greenColumns(rides), rowGroup), columns)
    const one = await of(250)
    expect(one.pickup).toEqual(rides.map(({ pickup }) => pickup ?? missing))
    expect(one.columns.trip_distance).toEqual(rides.map(({ miles }) => miles ?? missing))
    for (const rowGroup of [1, 7, 8, 99, 249, 5000]) expect(await of(rowGroup)).toEqual(one)
  })

  test('come one by one, with the progress told after each', async () => {
    const told: number[][] = []
    const path = made({}, 2)
    const sizes: number[] = []
    const progress = (done: number, total: number): unknown => told.push([done, total])
    for await (const { length } of readRides(path, 'green', zoned, progress)) sizes.push(length)
    expect(sizes).toEqual([2, 1])
    expect(told).toEqual([
      [2, 3],
      [3, 3],
    ])
  })

  test('may be read in any order, and again', async () => {
    const file = await openRides(made({}, 1), 'green', zoned)
    try {
      expect([file.rows, file.groups]).toEqual([3, [1, 1, 1]])
      const found: number[] = []
      for (const group of [2, 0, 1, 2]) {
        for await (const { columns } of file.read(group)) {
          found.push(columns.PULocationID?.[0] as number)
        }
      }
      expect(found).toEqual([5, 1, 3, 5])
    } finally {
      file.close()
    }
  })

  test('that are large come in several batches, with every null in its place', async () => {
    // No multiple of 8 or of a batch; as bits, nulls of a batch may begin within a byte.
    const length = 70_001
    const rides = Array.from({ length }, (_, i) => ({
      pickup: i % 7 === 0 ? null : i * 1e6,
      dropoff: i % 11 === 0 ? null : (i + 60) * 1e6,
      from: i % 13 === 0 ? null : i % 263,
      to: i % 264,
      miles: i % 17 === 0 ? null : i / 100,
    }))
    const path = makeParquet(join(folder, 'large.parquet'), greenColumns(rides))
    const columns: RideColumns = {
      required: ['PULocationID', 'DOLocationID', 'trip_distance'],
      optional: [],
    }
    const sizes: number[] = []
    for await (const batch of readRides(path, 'green', columns)) sizes.push(batch.length)
    expect(sizes.length).toBeGreaterThan(1)
    const found = await read(path, columns)
    expect(found.pickup).toEqual(rides.map(({ pickup }) => pickup ?? missing))
    expect(found.dropoff).toEqual(rides.map(({ dropoff }) => dropoff ?? missing))
    expect(found.columns.PULocationID).toEqual(rides.map(({ from }) => from ?? missing))
    expect(found.columns.DOLocationID).toEqual(rides.map(({ to }) => to))
    expect(found.columns.trip_distance).toEqual(rides.map(({ miles }) => miles ?? missing))
  })

  test('of two files read in turns do not mix', async () => {
    const of = (offset: number): string => {
      const rides = Array.from({ length: 70_000 }, (_, i) => {
        return { pickup: i, dropoff: i, from: offset, to: 1, miles: 1 }
      })
      return makeParquet(join(folder, `turn${offset}.parquet`), greenColumns(rides), 30_000)
    }
    const files = [of(1), of(2)].map((path) => readRides(path, 'green', zoned))
    const seen = [0, 0]
    for (let open = 2; open > 0; ) {
      for (const [k, file] of files.entries()) {
        const { done, value } = await file.next()
        if (done) open--
        else {
          expect(value.columns.PULocationID?.every((id) => id === k + 1)).toBe(true)
          seen[k] = (seen[k] as number) + value.length
        }
      }
    }
    expect(seen).toEqual([70_000, 70_000])
  })

  test('need not be read to the end', async () => {
    for await (const { length } of readRides(made({}, 1), 'green', zoned)) {
      expect(length).toBe(1)
      break
    }
    expect((await read(made({}), zoned)).pickup).toHaveLength(3)
  })

  test('of a file without rides are none', async () => {
    const path = makeParquet(join(folder, 'empty.parquet'), greenColumns([]))
    expect(await read(path, zoned)).toEqual({
      pickup: [],
      dropoff: [],
      columns: { PULocationID: [], DOLocationID: [] },
    })
    expect(await refusal(path, { required: ['trip_type'], optional: [] })).toMatch(
      /^source_columns: /,
    )
  })
})

describe('damage', () => {
  const good = readFileSync(january)

  /** The file of January 2021 with noise in place of some bytes. */
  function damagedAt(from: number, length: number, seed: number): string {
    const bytes = Buffer.from(good)
    const random = randomNumbers(seed)
    for (let i = from; i < from + length; i++) bytes[i] = Math.floor(random() * 256)
    const path = join(folder, 'damaged.parquet')
    writeFileSync(path, bytes)
    return path
  }

  /** Where the data of a column lie: in this file a chunk's offset is that of its end. */
  async function chunkOf(name: string): Promise<{ from: number; length: number }> {
    const file = await ParquetFile.fromFile(new Blob([good]))
    const chunk = file
      .metadata()
      .rowGroup(0)
      .columns()
      .find((column) => column.columnPath()[0] === name)
    const length = chunk?.compressedSize() as number
    return { from: Number(chunk?.fileOffset()) - length, length }
  }

  /** A file whose decoder panics: noise in the middle of the times. */
  async function panicking(): Promise<string> {
    const { from, length } = await chunkOf('lpep_pickup_datetime')
    return damagedAt(from + length / 2, 500, 1)
  }

  const fault =
    /^source_truncated: \S+damaged\.parquet is a damaged Parquet file \((.+)\): download it again$/

  test('in the middle of the times is a truncated source, not a crash', async () => {
    expect(fault.exec(await refusal(await panicking()))?.[1]).toBe('its pages cannot be decoded')
  })

  // Further on, noise among packed ids can be ids again: nothing in the file tells them apart.
  test.each(['lpep_pickup_datetime', 'lpep_dropoff_datetime', 'PULocationID', 'DOLocationID'])(
    'at the beginning of %s is a truncated source',
    async (name) => {
      const { from } = await chunkOf(name)
      expect(await refusal(damagedAt(from, 100, 1))).toMatch(fault)
    },
  )

  test('in a column that is not needed is not seen: it is not read', async () => {
    const whole = await read(january, zoned)
    for (const name of ['store_and_fwd_flag', 'trip_distance', 'congestion_surcharge']) {
      const { from, length } = await chunkOf(name)
      expect(await read(damagedAt(from, length, 2), zoned)).toEqual(whole)
    }
  })

  test('anywhere never ends the process or goes on for ever', async () => {
    const random = randomNumbers(3)
    const end = good.length - 8
    const footer = good.readUInt32LE(end)
    const outcomes = { read: 0, refused: 0 }
    for (let k = 0; k < 40; k++) {
      const [from, to] = k % 2 ? [4, end - footer] : [end - footer, end]
      const at = from + Math.floor(random() * (to - from))
      const path = damagedAt(at, Math.min(end - at, k % 2 ? 2000 : 4), k)
      try {
        const { pickup, columns } = await read(path, zoned)
        expect(pickup).toHaveLength(76_518)
        expect(columns.PULocationID).toHaveLength(76_518)
        outcomes.read++
      } catch (error) {
        expect((error as RidecastError).code).toMatch(/^source_(truncated|columns|column_type)$/)
        outcomes.refused++
      }
    }
    expect(outcomes.refused).toBeGreaterThan(15)
    expect((await read(january, zoned)).pickup).toHaveLength(76_518)
  })

  test('of one file does not touch another that is read at the same time', async () => {
    const path = await panicking()
    const results = await Promise.allSettled([
      read(january, zoned),
      read(path, zoned),
      read(january, zoned),
      read(path, zoned),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ])
  })

  test('leaves the scheduling of microtasks as it was', async () => {
    const before = globalThis.queueMicrotask
    await refusal(await panicking())
    await read(january, zoned)
    expect(globalThis.queueMicrotask).toBe(before)
  })

  test('of other code in a microtask is not swallowed', async () => {
    const faults: unknown[] = []
    const caught = (error: unknown): unknown => faults.push(error)
    const mine = new Error('of somebody else')
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', caught)
    try {
      const reading = read(january, zoned)
      await new Promise((resolve) => setImmediate(resolve))
      queueMicrotask(() => {
        throw mine
      })
      await reading
    } finally {
      process.removeListener('uncaughtException', caught)
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(faults).toEqual([mine])
  })

  test('that has removed the file is refused too', async () => {
    expect(await refusal(join(folder, 'nowhere.parquet'))).toMatch(/^source_/)
  })
})

/** Rows and rides of 1 to 60 minutes, both ends included, counted by the engine. */
async function counted(path: string, taxi: Taxi = 'green'): Promise<{ rows: number; n: number }> {
  const recipe = checkRecipe({ name: 'x', categorical: ['hour'] }, 'x')
  const [moments] = await (await openArrowEngine()).sum(path, taxi, [
    planOf(recipe, compileFeatures(recipe)),
  ])
  const { rows = -1, n = -1 } = moments ?? {}
  return { rows, n }
}

describe('the sample months', () => {
  // Rows and kept of truth.md, recomputed by independent code.
  test.each([
    ['2021-01', 76_518, 73_908],
    ['2021-02', 64_572, 61_921],
    ['2021-03', 83_827, 80_372],
  ])('%s has %i rows, %i of them kept', async (month, rows, n) => {
    expect(await counted(data(`green_tripdata_${month}.parquet`))).toEqual({ rows, n })
  })
})

/** Rows and kept of a file, from its own values one by one: no code of ours in between. */
function countedOneByOne(path: string, taxi: Taxi): { rows: number; n: number } {
  const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())
  const prefix = taxi === 'green' ? 'lpep' : 'tpep'
  const millis = (which: string): (number | null)[] => {
    const column = table.getChild(`${prefix}_${which}_datetime`) as Vector
    return Array.from(column, (value: string | number | null) =>
      typeof value === 'string' ? Date.parse(`${value.replace(' ', 'T')}Z`) : value,
    )
  }
  const [start, end] = [millis('pickup'), millis('dropoff')]
  const kept = start.filter((from, i) => {
    const to = end[i] as number | null
    if (from === null || to === null) return false
    const minutes = (to - from) / 60_000
    return minutes >= 1 && minutes <= 60
  })
  return { rows: table.numRows, n: kept.length }
}

describe('the official files of other years', () => {
  const names = hasShared ? readdirSync(sharedPath('tlc')) : []

  test('are there, or this part says why it is skipped', ({ skip }) => {
    skip(!hasShared, whyNot)
    expect(names.length).toBeGreaterThan(10)
  })

  test.each(names)('%s is read, every row of it', async (name) => {
    const taxi = name.startsWith('yellow') ? 'yellow' : 'green'
    const path = sharedPath(`tlc/${name}`)
    expect(await counted(path, taxi)).toEqual(countedOneByOne(path, taxi))
  })

  // Rows and kept of truth.md.
  test.each([
    ['green_tripdata_2022-01.parquet', 62_495, 59_603],
    ['green_tripdata_2022-02.parquet', 69_399, 66_097],
    ['green_tripdata_2023-01.parquet', 68_211, 65_946],
    ['green_tripdata_2023-02.parquet', 64_809, 62_574],
    ['green_tripdata_2024-01.parquet', 56_551, 54_373],
  ])('%s has %i rows, %i of them kept', async (name, rows, n) => {
    if (!hasShared) return
    expect(await counted(sharedPath(`tlc/${name}`))).toEqual({ rows, n })
  })

  test('the times that are text are parsed, all of them', async ({ skip }) => {
    skip(!hasShared, whyNot)
    const path = sharedPath('tlc/green_tripdata_2020-04.from-csv.parquet')
    const { pickup, dropoff } = await read(path, zoned)
    expect(pickup).toHaveLength(35_612)
    expect([...pickup, ...dropoff].every(Number.isFinite)).toBe(true)
    const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())
    const text = table.getChild('lpep_pickup_datetime')?.get(12_345) as string
    expect(pickup[12_345]).toBe(Date.parse(`${text.replace(' ', 'T')}Z`) * 1000)
  })

  test('a yellow file that is read as green is refused with a hint', async ({ skip }) => {
    skip(!hasShared, whyNot)
    const path = sharedPath('tlc/yellow_tripdata_2022-01.first100000.parquet')
    expect(await refusal(path)).toMatch(/^source_columns: .*say --taxi yellow$/)
  })
})

describe('files that are no Parquet', () => {
  const options: Omit<TrainOptions, 'sources'> = {
    taxis: undefined,
    dataFolder: 'data',
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    today: new Date('2024-05-17T12:00:00Z'),
    validate: 'holdout',
    recipe: checkRecipe({ name: 'x', categorical: ['PULocationID'] }, 'x'),
    comparison: undefined,
    engine: 'arrow',
    solver: 'auto',
    residuals: false,
  }

  test.each([
    ['fhv_tripdata_2021-01.lfs-pointer.parquet', 'source_lfs_pointer'],
    ['yellow_tripdata_2022-01.403-html.parquet', 'source_html'],
    ['yellow_tripdata_2024-01.truncated.parquet', 'source_truncated'],
  ])('%s is refused as %s, in obtaining and in training', async (name, code) => {
    if (!hasShared) return
    const source = sharedPath(`broken/${name}`)
    const before = readdirSync(sharedPath('broken'))
    const fault = expect.objectContaining({
      code,
      message: expect.stringContaining(basename(name)),
    })
    await expect(obtain(planSource(source, { ...options, taxi: 'green' }))).rejects.toThrow(fault)
    await expect(train({ ...options, sources: [source] })).rejects.toThrow(fault)
    expect(readdirSync(sharedPath('broken'))).toEqual(before)
  })

  test('every one there is tested here', ({ skip }) => {
    skip(!hasShared, whyNot)
    expect(readdirSync(sharedPath('broken'))).toHaveLength(3)
  })
})

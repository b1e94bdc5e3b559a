import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRidecastError } from '../../../src/errors.ts'
import { footerOf } from '../../../src/pipeline/contract/footer.ts'
import { factsOf, remoteFactsOf } from '../../../src/pipeline/contract/gate.ts'
import { days, makeParquet, nulls, numbers, texts, timestamps } from '../make-parquet.ts'
import { hasShared, sharedPath, whyNot } from '../shared.ts'
import { samplePath } from './months.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-footer-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a footer', () => {
  test('of a sample month says rows, types and missing values', async () => {
    const footer = await footerOf(samplePath('green_tripdata_2021-01.parquet'))
    // Rows and missing passenger counts as data/README.md counts them.
    expect(footer.rows).toBe(76_518)
    const column = (name: string) => footer.columns.find((one) => one.name === name)
    expect(column('passenger_count')).toMatchObject({ kind: 'float', nulls: 36_047 })
    expect(column('lpep_pickup_datetime')).toEqual({
      name: 'lpep_pickup_datetime',
      kind: 'time',
      type: 'INT64 TIMESTAMP(MICROS)',
      nulls: 0,
    })
    expect(column('ehail_fee')).toMatchObject({ kind: 'null', nulls: undefined })
    expect(footer.columns).toHaveLength(20)
  })

  test('tells the types that files come in', async () => {
    const path = makeParquet(join(folder, 'types.parquet'), {
      narrow: numbers.int8([1, null]),
      wide: numbers.uint64([1, 2]),
      single: numbers.float32([1, 2]),
      millis: timestamps.ms([1, 2]),
      zoned: timestamps.us([1, 2], 'UTC'),
      date: days([1, null]),
      text: texts(['a', 'b']),
      empty: nulls(2),
    })
    const { columns, rows } = await footerOf(path)
    expect(rows).toBe(2)
    expect(Object.fromEntries(columns.map(({ name, kind }) => [name, kind]))).toEqual({
      narrow: 'int',
      wide: 'int',
      single: 'float',
      millis: 'time',
      zoned: 'zoned time',
      date: 'date',
      text: 'text',
      empty: 'null',
    })
  })

  test('adds missing values over row groups', async () => {
    const path = makeParquet(
      join(folder, 'groups.parquet'),
      { a: numbers.int64([1, null, null]) },
      1,
    )
    expect(await footerOf(path)).toMatchObject({ rows: 3, rowGroups: 3, columns: [{ nulls: 2 }] })
  })

  test('that is damaged anywhere is an error of ours, never a crash', async () => {
    const bytes = readFileSync(
      makeParquet(join(folder, 'whole.parquet'), { a: numbers.int64([1]) }),
    )
    const length = bytes.readUInt32LE(bytes.length - 8)
    const path = join(folder, 'damaged.parquet')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const damaged = Buffer.from(bytes)
          for (const [at, value] of changes) damaged[bytes.length - 8 - length + at] = value
          writeFileSync(path, damaged)
          const found = await footerOf(path).catch((error: unknown) => error)
          expect(!(found instanceof Error) || isRidecastError(found, 'source_truncated')).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('that is not there is an error that says so', async () => {
    await expect(footerOf(join(folder, 'none.parquet'))).rejects.toThrow(/cannot be read.*ENOENT/)
    writeFileSync(join(folder, 'text.parquet'), 'not Parquet at all')
    await expect(footerOf(join(folder, 'text.parquet'))).rejects.toThrow(/has no footer/)
  })

  // Rows as truth.md has them; files from 2023-02 on count no missing values.
  test.skipIf(!hasShared)(`of official files by other writers is read (${whyNot})`, async () => {
    for (const [name, rows] of [
      ['green_tripdata_2023-02.parquet', 64_809],
      ['green_tripdata_2024-01.parquet', 56_551],
      ['yellow_tripdata_2022-01.first100000.parquet', 100_000],
    ] as const) {
      const footer = await footerOf(sharedPath(`tlc/${name}`))
      expect(footer.rows).toBe(rows)
      expect(footer.columns.map(({ kind }) => kind)).not.toContain('other')
    }
  })
})

describe('the months around a file', () => {
  test('are those beside it, up to two away; what cannot be read is left out', async () => {
    for (const month of ['2021-01', '2021-02', '2021-03']) {
      const name = `green_tripdata_${month}.parquet`
      copyFileSync(samplePath(name), join(folder, name))
    }
    writeFileSync(join(folder, 'green_tripdata_2020-12.parquet'), 'PAR1 no more')
    const path = join(folder, 'green_tripdata_2021-01.parquet')
    const { neighbours } = await factsOf({ path, month: '2021-01', taxi: 'green' })
    expect(neighbours).toEqual([
      { month: '2021-02', rows: 64_572 },
      { month: '2021-03', rows: 83_827 },
    ])
    const other = await factsOf({ path, month: '2021-01', taxi: 'yellow' })
    expect(other.neighbours).toEqual([])
  })

  test('are those that the engine has, for a file that it alone has', async () => {
    const facts = await remoteFactsOf(
      { path: '/nowhere/green_tripdata_2021-01.parquet', month: '2021-01', taxi: 'green' },
      {
        path: 's3://rides/green/green_tripdata_2021-01.parquet',
        bytes: 1000,
        modified: '2021-03-01T00:00:00.000Z',
        rows: 10,
        columns: [
          { name: 'pulocationid', kind: 'integer', type: 'bigint' },
          { name: 'trip_distance', kind: 'double', type: 'double' },
        ],
        others: new Map([
          ['green_tripdata_2020-12.parquet', 9],
          ['green_tripdata_2020-09.parquet', 5],
          ['yellow_tripdata_2021-02.parquet', 7],
        ]),
      },
    )
    expect(facts.neighbours).toEqual([{ month: '2020-12', rows: 9 }])
    expect(facts.footer).toMatchObject({
      rows: 10,
      columns: [
        { name: 'pulocationid', kind: 'int', nulls: undefined },
        { name: 'trip_distance', kind: 'float', nulls: undefined },
      ],
    })
  })
})

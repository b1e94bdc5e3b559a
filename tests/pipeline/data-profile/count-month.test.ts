/** Columns of all types that trip files come in, and a real month against pandas. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Decimal, type Vector, vectorFromArray } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countMonth } from '../../../src/pipeline/data-profile/count-month.ts'
import type { ColumnProfile, MonthProfile } from '../../../src/pipeline/data-profile/document.ts'
import { profileOf } from '../../../src/pipeline/data-profile/profile-of.ts'
import {
  days,
  greenColumns,
  makeParquet,
  nulls,
  numbers,
  texts,
  timestamps,
} from '../make-parquet.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-profile-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const facts = { label: 'a file', bytes: 0, sha256: '' }

async function profiled(
  columns: Record<string, Vector>,
  month: MonthProfile['month'] = '2021-01',
  rowGroup?: number,
): Promise<MonthProfile> {
  const path = makeParquet(join(folder, 'file.parquet'), columns, rowGroup)
  const source = { ...facts, path, month: (month ?? undefined) as '2021-01' | undefined }
  return profileOf([await countMonth(source, 'green')]).months[0] as MonthProfile
}

const column = ({ columns }: MonthProfile, name: string): ColumnProfile => {
  const found = columns.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no column ${name}`)
  return found
}

/** Microseconds of a time in January 2021. */
const at = (day: number, hour = 0, minute = 0): number =>
  Date.UTC(2021, 0, day, hour, minute) * 1000

describe('columns', () => {
  test('tell null from NaN, and both from zero', async () => {
    const month = await profiled({ x: numbers.float64([1, null, Number.NaN, 0, null]) })
    expect(column(month, 'x')).toMatchObject({
      kind: 'number',
      rows: 5,
      nulls: 2,
      nan: 1,
      count: 2,
      zeros: 1,
      mean: 0.5,
    })
  })

  test.each([
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
    'float32',
    'float64',
  ] as const)('are read as numbers from %s', async (type) => {
    const month = await profiled({ x: numbers[type]([3, null, 100]) })
    expect(column(month, 'x')).toMatchObject({
      kind: 'number',
      nulls: 1,
      min: 3,
      max: 100,
      mean: 51.5,
    })
  })

  test('are read from decimals, negative ones too', async () => {
    const cents = [1234n, -56n].map((value) => {
      const bits = BigInt.asUintN(128, value)
      return Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((bits >> shift) & 0xffffffffn))
    })
    const month = await profiled({
      x: vectorFromArray([cents[0], cents[1]], new Decimal(2, 10, 128)),
    })
    expect(column(month, 'x')).toMatchObject({ kind: 'number', min: -0.56, max: 12.34, count: 2 })
  })

  test('are counted as text, blanks apart from nulls', async () => {
    const month = await profiled({ flag: texts(['N', 'Y', '', null, 'N']) })
    expect(column(month, 'flag')).toMatchObject({
      kind: 'text',
      nulls: 1,
      blank: 1,
      longest: 1,
      distinct: { count: 3, relative_error: null },
      top: [
        { value: 'N', count: 2 },
        { value: '', count: 1 },
        { value: 'Y', count: 1 },
      ],
    })
  })

  test('are times from stamps of any unit, from days and from text', async () => {
    const wanted = {
      kind: 'time',
      earliest: '2021-01-02T03:04:00',
      latest: '2021-01-05T00:00:00',
      nulls: 1,
    }
    const micros = [at(2, 3, 4), at(5), null]
    const per = (unit: number): (bigint | null)[] =>
      micros.map((one) => (one === null ? null : (BigInt(one) * BigInt(1000)) / BigInt(unit)))
    const month = await profiled({
      s: timestamps.s(per(1e9)),
      ms: timestamps.ms(per(1e6)),
      us: timestamps.us(per(1e3)),
      ns: timestamps.ns(per(1)),
      made_datetime: texts(['2021-01-02 03:04:00', '2021-01-05T00:00', null]),
    })
    for (const { name } of month.columns)
      expect([name, column(month, name)]).toMatchObject([name, wanted])
    const day = await profiled({ day: days([18_629, 18_630]) })
    // 18,629 days after 1970-01-01 is the 2nd of January 2021.
    expect(column(day, 'day')).toMatchObject({ kind: 'time', earliest: '2021-01-02T00:00:00' })
  })

  test('that hold nothing, or what no trip file holds, are said so', async () => {
    const month = await profiled({
      ehail_fee: nulls(2),
      zoned: timestamps.us([at(1), at(2)], 'America/New_York'),
    })
    expect(column(month, 'ehail_fee')).toMatchObject({ kind: 'empty', nulls: 2 })
    expect(column(month, 'zoned')).toMatchObject({ kind: 'unread', nulls: 0 })
    expect(month.findings.map(({ text }) => text)).toContain('ehail_fee has no value in any row')
  })

  test('name zones, and count what lies outside the month by its name', async () => {
    const rides = [at(1), at(31, 23, 59), at(1) - 1, at(32)].map((pickup) => {
      return { pickup, dropoff: pickup + 600e6, from: 74, to: 265, miles: 1 }
    })
    const month = await profiled(greenColumns(rides))
    expect(column(month, 'PULocationID')).toMatchObject({
      kind: 'id',
      top: [{ value: 74, label: 'East Harlem North (74)', count: 4 }],
    })
    const pickup = column(month, 'lpep_pickup_datetime')
    expect(pickup).toMatchObject({ key: 'pickup', outside_month: { before: 1, after: 1 } })
    expect(pickup).toMatchObject({ by_day: [1, ...new Array(29).fill(0), 1] })
    const unknown = await profiled(greenColumns(rides), null)
    expect(column(unknown, 'lpep_pickup_datetime')).toMatchObject({
      outside_month: null,
      by_day: [],
    })
  })

  test('do not depend on row groups', async () => {
    const rides = Array.from({ length: 1000 }, (_, i) => {
      const pickup = at(1 + (i % 31), i % 24)
      return {
        pickup,
        dropoff: pickup + (i % 70) * 60e6,
        from: (i % 263) + 1,
        to: 7,
        miles: i / 100,
      }
    })
    const [one, many] = [
      await profiled(greenColumns(rides)),
      await profiled(greenColumns(rides), '2021-01', 64),
    ]
    expect(many.columns.map(({ distinct }) => distinct)).toEqual(
      one.columns.map(({ distinct }) => distinct),
    )
    expect(many.rides.by_distance).toEqual(one.rides.by_distance)
    expect(many.findings).toEqual(one.findings)
  })

  test('of a file without rows are there, without values', async () => {
    const month = await profiled(greenColumns([]))
    expect(month).toMatchObject({ rows: 0, findings: [], rides: { kept: 0, correlations: null } })
    expect(month.columns).toHaveLength(7)
  })
})

describe('green 2021-01', () => {
  // Every number below was computed with pandas 3 from the same file.
  let month: MonthProfile
  beforeAll(async () => {
    const path = fileURLToPath(
      new URL('../../../data/green_tripdata_2021-01.parquet', import.meta.url),
    )
    month = profileOf([await countMonth({ ...facts, path, month: '2021-01' }, 'green')])
      .months[0] as MonthProfile
  })

  test('has the fares that pandas finds', () => {
    const fare = column(month, 'fare_amount')
    expect(fare).toMatchObject({
      nulls: 0,
      min: -280,
      max: 284,
      zeros: 156,
      negatives: 134,
      distinct: { count: 3399 },
    })
    if (fare.kind !== 'number') throw new Error(fare.kind)
    expect(fare.mean).toBeCloseTo(19.93977717661204, 10)
    expect(fare.std).toBeCloseTo(14.98424075460877, 10)
    expect(fare.quantiles).toEqual([2.5, 5, 9, 16.73, 25.5, 49, 69.88])
    expect(fare.outliers).toMatchObject({ beyond_low: 13, beyond_high: 3519 })
    expect(fare.outliers?.lowest.slice(0, 2)).toEqual([
      { value: -280, count: 1 },
      { value: -120, count: 1 },
    ])
    expect(fare.outliers?.highest.slice(0, 2)).toEqual([
      { value: 284, count: 1 },
      { value: 280, count: 2 },
    ])
  })

  test('has the distances and passengers that pandas finds', () => {
    const distance = column(month, 'trip_distance')
    if (distance.kind !== 'number') throw new Error(distance.kind)
    expect(distance).toMatchObject({ max: 244_152.01, zeros: 2553, distinct: { count: 2939 } })
    expect(distance.std).toBeCloseTo(1924.4087784937012, 8)
    expect(distance.quantiles.at(-1)).toBeCloseTo(24.27320000000007, 10)
    expect(column(month, 'passenger_count')).toMatchObject({
      nulls: 36_047,
      nan: 0,
      count: 40_471,
      distinct: { count: 8 },
    })
    expect(column(month, 'store_and_fwd_flag')).toMatchObject({
      top: [
        { value: 'N', count: 40_205 },
        { value: 'Y', count: 266 },
      ],
    })
    expect(column(month, 'PULocationID')).toMatchObject({ distinct: { count: 251 } })
  })

  test('has the durations, hours and speeds that pandas finds', () => {
    const { rides } = month
    expect(rides.kept).toBe(73_908)
    expect(rides.not_kept).toEqual({
      without_time: 0,
      backwards: 0,
      under_a_minute: 1448,
      over_an_hour: 1162,
    })
    expect(rides.duration.mean).toBeCloseTo(19.927896050602474, 10)
    expect(rides.duration.std).toBeCloseTo(59.33859413164492, 10)
    expect(rides.duration.quantiles[3]).toBeCloseTo(13.883333333333333, 12)
    const { hour_of_week } = rides
    expect([hour_of_week.rides[8], hour_of_week.rides[167]]).toEqual([802, 102])
    expect(hour_of_week.mean[8]).toBeCloseTo(16.88973399833749, 10)
    expect(hour_of_week.median[8]).toBeCloseTo(14.716666666666667, 10)
    expect(hour_of_week.median[167]).toBeCloseTo(8.683333333333334, 10)
    expect(rides.speed).toMatchObject({ count: 72_220, outliers: { absurd_high: 24 } })
    expect(rides.speed?.mean).toBeCloseTo(14.467197739974539, 10)
    expect(rides.speed?.quantiles[6]).toBeCloseTo(37.607705806451605, 10)
    expect(rides.by_distance?.find(({ from }) => from === 1)).toEqual({
      from: 1,
      to: 1.5,
      rides: 10_025,
      p10: 5,
      median: 7.366666666666666,
      p90: 11,
    })
  })

  test('has the zones, ways and correlations that pandas finds', () => {
    const { rides } = month
    expect(rides.zones?.find(({ id }) => id === 74)).toMatchObject({ pickups: 6696 })
    expect(rides.flows.slice(0, 2)).toMatchObject([
      { from: 74, to: 75, rides: 1108 },
      { from: 75, to: 74, rides: 1023 },
    ])
    const found = rides.correlations
    if (found === null) throw new Error('no correlations')
    const of = (kind: 'pearson' | 'spearman', a: string, b: string): number => {
      return found[kind][found.names.indexOf(a)]?.[found.names.indexOf(b)] ?? Number.NaN
    }
    expect(found.rides).toBe(72_220)
    expect(of('pearson', 'duration', 'trip_distance')).toBeCloseTo(0.813216321092, 11)
    expect(of('pearson', 'fare_amount', 'trip_distance')).toBeCloseTo(0.886344563736, 11)
    // With missing values: over the rides that have both.
    expect(of('pearson', 'congestion_surcharge', 'tip_amount')).toBeCloseTo(0.317823123466, 11)
    // Of a third of the rides, so that it is near what pandas finds over all, 0.899131 and 0.853981.
    expect(of('spearman', 'duration', 'trip_distance')).toBeCloseTo(0.899131, 2)
    expect(of('spearman', 'fare_amount', 'trip_distance')).toBeCloseTo(0.853981, 2)
  })

  test('is told in sentences with these numbers', () => {
    expect(month.findings.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        '3.4 % of rides (2,610) do not take 1 to 60 minutes: 1,448 shorter and 1,162 longer',
        '47 % of rides (36,047) lack store_and_fwd_flag, RatecodeID, passenger_count, payment_type, trip_type and congestion_surcharge',
        '3 pickups lie outside 2021-01, the earliest 2009-01-01 00:03:25',
        '63 rides report more than 100 miles, the farthest 244,152',
      ]),
    )
  })
})

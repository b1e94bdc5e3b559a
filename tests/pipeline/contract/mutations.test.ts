import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findContract } from '../../../src/commands/contracts.ts'
import type { Anomaly } from '../../../src/pipeline/contract/anomaly.ts'
import { type Inspection, inspect } from '../../../src/pipeline/contract/inspect.ts'
import { openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { noCache } from '../../../src/pipeline/moments-cache.ts'
import { planSources } from '../../../src/pipeline/sources.ts'
import { Summing } from '../../../src/pipeline/summing.ts'
import {
  changed,
  doubled,
  kept,
  type MonthColumns,
  readMonth,
  renamed,
  samplePath,
  writeMonth,
} from './months.ts'

let folder: string
let month: MonthColumns
let summing: Summing
const name = 'green_tripdata_2021-02.parquet'
const contract = findContract('green', '/')
const minute = 60e6
const pickup = 'lpep_pickup_datetime'
const dropoff = 'lpep_dropoff_datetime'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-contract-'))
  month = readMonth(samplePath(name))
  summing = new Summing(openArrowEngine, noCache)
})
afterAll(async () => {
  await summing.close()
  rmSync(folder, { recursive: true, force: true })
})

async function inspected(path: string): Promise<Inspection> {
  const [plan] = planSources([path], {
    taxis: undefined,
    dataFolder: folder,
    cwd: folder,
    today: new Date('2026-06-01'),
  })
  return inspect(plan as NonNullable<typeof plan>, contract, summing, true)
}

const errorsOf = ({ anomalies }: Inspection): Anomaly[] =>
  anomalies.filter(({ severity }) => severity === 'error')

/** The codes of the errors of a month written under the name of the sample, alone in its folder. */
async function errorsIn(columns: MonthColumns): Promise<{ codes: string[]; text: string }> {
  const errors = errorsOf(await inspected(writeMonth(join(folder, name), columns)))
  return {
    codes: [...new Set(errors.map(({ code }) => code))],
    text: errors.map(({ message }) => message).join('\n'),
  }
}

/** True for half of the rows, without a pattern, always the same ones. */
const halfOf = (i: number): boolean => Math.imul(i, 0x9e3779b1) >>> 31 === 0

test('the month as it is has no error, and neither has it when it is written again', async () => {
  expect(errorsOf(await inspected(samplePath(name)))).toEqual([])
  expect(await errorsIn(month)).toEqual({ codes: [], text: '' })
})

describe('a dead column', () => {
  test.each([
    ['trip_distance', 0, 'FEATURE_TYPE_LOW_UNIQUE'],
    ['trip_distance', 2.5, 'FEATURE_TYPE_LOW_UNIQUE'],
    ['trip_distance', null, 'FEATURE_TYPE_NOT_PRESENT'],
    ['PULocationID', 74, 'FEATURE_TYPE_LOW_UNIQUE'],
    ['PULocationID', null, 'FEATURE_TYPE_NOT_PRESENT'],
    ['DOLocationID', 1, 'FEATURE_TYPE_LOW_UNIQUE'],
    ['VendorID', 2, 'FEATURE_TYPE_LOW_UNIQUE'],
    ['passenger_count', null, 'FEATURE_TYPE_NOT_PRESENT'],
    ['passenger_count', 0, 'FEATURE_TYPE_LOW_UNIQUE'],
    ['fare_amount', 0, 'FEATURE_TYPE_LOW_UNIQUE'],
    [dropoff, null, 'TIME_NOT_READABLE'],
  ])('%s, %s everywhere, is %s', async (column, value, code) => {
    const { codes, text } = await errorsIn(changed(month, column, () => value))
    expect(codes).toContain(code)
    expect(text).toContain(code === 'TIME_NOT_READABLE' ? 'readable pickup and drop-off' : column)
  })
})

describe('a wrong unit', () => {
  test.each([
    ['kilometres', 1.609344, 'kilometres'],
    ['metres', 1609.344, 'metres'],
    ['feet', 5280, 'feet'],
    ['hundredths of a mile', 100, 'hundredths'],
    ['miles taken for kilometres', 1 / 1.609344, '1.6'],
  ])('%s are told by the speed', async (_, factor, text) => {
    const found = await errorsIn(changed(month, 'trip_distance', (miles) => miles * factor))
    expect(found.codes).toContain(factor > 1 ? 'RIDE_SPEED_HIGH' : 'RIDE_SPEED_LOW')
    expect(found.text).toContain(`distances look`)
    expect(found.text).toContain(text)
  })

  test('durations that are 60 times too short are too fast', async () => {
    const starts = month[pickup]?.values as number[]
    const shrunk = changed(month, dropoff, (end, i) => {
      return Math.round((starts[i] as number) + (end - (starts[i] as number)) / 60)
    })
    expect((await errorsIn(shrunk)).codes).toEqual(
      expect.arrayContaining(['RIDE_SPEED_HIGH', 'DATASET_LOW_KEPT_SHARE']),
    )
  })

  test('times that are a thousand times too early lie in 1970', async () => {
    const early = changed(
      changed(month, pickup, (t) => Math.floor(t / 1000)),
      dropoff,
      (t) => t / 1000,
    )
    const { codes, text } = await errorsIn(early)
    expect(codes).toContain('TIME_OUTSIDE_MONTH')
    expect(text).toContain('most are of 1970-01')
  })
})

describe('times', () => {
  test('drop-offs an hour late make rides too long', async () => {
    const { codes } = await errorsIn(changed(month, dropoff, (t) => t + 60 * minute))
    expect(codes).toContain('DATASET_LOW_KEPT_SHARE')
  })

  test('drop-offs an hour early lie before the pickup', async () => {
    const { codes } = await errorsIn(changed(month, dropoff, (t) => t - 60 * minute))
    expect(codes).toContain('TIME_DROPOFF_BEFORE_PICKUP')
  })

  test('exchanged pickup and drop-off columns end before they begin', async () => {
    const swapped = { ...month, [pickup]: month[dropoff], [dropoff]: month[pickup] }
    expect((await errorsIn(swapped as MonthColumns)).codes).toContain('TIME_DROPOFF_BEFORE_PICKUP')
  })

  test('a month under the name of another one has its pickups outside', async () => {
    const path = join(folder, 'green_tripdata_2021-04.parquet')
    copyFileSync(samplePath(name), path)
    const errors = errorsOf(await inspected(path))
    expect(errors.map(({ code }) => code)).toContain('TIME_OUTSIDE_MONTH')
    expect(errors.map(({ message }) => message).join()).toContain('most are of 2021-02')
    rmSync(path)
  })

  test('times of UTC are a warning: the quiet of the night comes at nine', async () => {
    const shift = (t: number): number => t + 5 * 60 * minute
    const path = writeMonth(
      join(folder, name),
      changed(changed(month, pickup, shift), dropoff, shift),
    )
    const { anomalies } = await inspected(path)
    const shifted = anomalies.find(({ code }) => code === 'TIME_OF_DAY_SHIFTED')
    expect(shifted).toMatchObject({ severity: 'warn', column: pickup })
  })
})

describe('rows that are missing or too many', () => {
  test('half of the rows at random are too few for any month of that year', async () => {
    const { codes, text } = await errorsIn(kept(month, halfOf))
    expect(codes).toEqual(['DATASET_LOW_NUM_EXAMPLES'])
    expect(text).toMatch(/3\d,\d{3} rides/)
  })

  test('half of the rows are too few beside the next months, whatever the year', async () => {
    const beside = ['green_tripdata_2021-01.parquet', 'green_tripdata_2021-03.parquet']
    for (const one of beside) copyFileSync(samplePath(one), join(folder, one))
    const { codes, text } = await errorsIn(kept(month, halfOf))
    expect(codes).toContain('COMPARATOR_LOW_NUM_EXAMPLES')
    expect(text).toContain('2021-01: 76,518, 2021-03: 83,827')
    // Whole, it is like them.
    expect((await errorsIn(month)).codes).toEqual([])
    for (const one of beside) rmSync(join(folder, one))
  })

  test('the first half of the month leaves days without rides', async () => {
    const middle = Date.UTC(2021, 1, 15) * 1000
    const starts = month[pickup]?.values as number[]
    const { codes, text } = await errorsIn(kept(month, (i) => (starts[i] as number) < middle))
    expect(codes).toContain('NO_DATA_IN_SPAN')
    expect(text).toContain('14 days have no rides: 2021-02-15 to 2021-02-28')
  })

  test('a single day that is missing is an error', async () => {
    const [from, to] = [Date.UTC(2021, 1, 10) * 1000, Date.UTC(2021, 1, 11) * 1000]
    const starts = month[pickup]?.values as number[]
    const without = kept(month, (i) => (starts[i] as number) < from || (starts[i] as number) >= to)
    expect(await errorsIn(without)).toEqual({
      codes: ['NO_DATA_IN_SPAN'],
      text: 'a day has no rides: 2021-02-10',
    })
  })

  test('a month twice over repeats its rows', async () => {
    const { codes, text } = await errorsIn(doubled(month))
    expect(codes).toEqual(['DATASET_HIGH_NUM_EXAMPLES', 'DATASET_DUPLICATE_EXAMPLES'])
    expect(text).toContain('50 % of the rows repeat another row exactly')
  })

  test('a month without rows has too few', async () => {
    expect((await errorsIn(kept(month, () => false))).codes).toEqual(['DATASET_LOW_NUM_EXAMPLES'])
  })
})

describe('columns', () => {
  test.each(['trip_distance', 'DOLocationID', 'fare_amount', dropoff])(
    '%s that is missing is named',
    async (column) => {
      const { codes, text } = await errorsIn(renamed(month, { [column]: undefined }))
      expect(codes).toEqual(['SCHEMA_MISSING_COLUMN'])
      expect(text).toBe(`column ${column} is missing`)
    },
  )

  test('a column that is new is a warning', async () => {
    const path = writeMonth(join(folder, name), {
      ...month,
      surprise: month.fare_amount,
    } as MonthColumns)
    const { anomalies } = await inspected(path)
    expect(anomalies.filter(({ code }) => code === 'SCHEMA_NEW_COLUMN')).toMatchObject([
      { severity: 'warn', column: 'surprise' },
    ])
  })

  test('zones that do not exist are counted, with examples', async () => {
    const wrong = changed(month, 'PULocationID', (id, i) => (i % 10 === 0 ? 900 + (i % 3) : id))
    const { codes, text } = await errorsIn(wrong)
    expect(codes).toEqual(['ENUM_TYPE_UNEXPECTED_VALUES'])
    expect(text).toMatch(/6,458 rows \(10 %\) 3 ids that are not allowed, 90\d \(2,15\d\)/)
  })

  test('exchanged zone columns cluster the wrong way round', async () => {
    const swapped = { ...month, PULocationID: month.DOLocationID, DOLocationID: month.PULocationID }
    expect((await errorsIn(swapped as MonthColumns)).codes).toEqual(['ZONES_SWAPPED'])
  })

  test('distances as text cannot be read', async () => {
    const values = month.trip_distance?.values.map(String) ?? []
    const { codes } = await errorsIn({ ...month, trip_distance: { kind: 'text', values } })
    expect(codes).toEqual(['UNEXPECTED_DATA_TYPE'])
  })

  test('a file of another fleet under this name is told by its times', async () => {
    const other = renamed(month, {
      [pickup]: 'tpep_pickup_datetime',
      [dropoff]: 'tpep_dropoff_datetime',
    })
    const { codes, text } = await errorsIn(other)
    expect(codes).toEqual(['SCHEMA_MISSING_COLUMN'])
    expect(text).toContain('looks like a yellow file under the name of a green one')
  })
})

describe('a file that cannot be read', () => {
  test('is a finding of its own: cut off', async () => {
    const path = join(folder, name)
    copyFileSync(samplePath(name), path)
    truncateSync(path, 600_000)
    expect(errorsOf(await inspected(path)).map(({ code }) => code)).toEqual(['source_truncated'])
  })

  test('is a finding of its own: damaged in the middle, with a whole footer', async () => {
    const bytes = readFileSync(samplePath(name))
    bytes.fill(0xff, 200_000, 400_000)
    const path = join(folder, name)
    writeFileSync(path, bytes)
    expect(errorsOf(await inspected(path)).map(({ code }) => code)).toContain('source_truncated')
  })

  test('is a finding of its own: a page', async () => {
    const path = join(folder, name)
    writeFileSync(path, '<html><body>Access denied</body></html>')
    expect(errorsOf(await inspected(path))).toMatchObject([
      { code: 'source_html', message: expect.stringContaining('Access denied') },
    ])
  })
})

/** The months that the benchmark makes: whether they are like the real sample they are drawn from. */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Table, tableFromIPC } from 'apache-arrow'
import { ParquetFile, readParquet } from 'parquet-wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const generator = resolve(import.meta.dirname, '../../bench/generate.mjs')
const rows = 40_000
const folder = mkdtempSync(join(tmpdir(), 'ridecast-generate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Made {
  readonly rowGroup: number
  readonly files: readonly { readonly path: string; readonly made: boolean }[]
}

function generate(out: string, ...flags: string[]): Made {
  const args = [generator, '--out', join(folder, out), '--rows', String(rows), ...flags]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Made
}

const sha256 = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex')
const pathOf = (made: Made): string => made.files[0]?.path ?? ''

describe('a made month', () => {
  let made: Made
  let table: Table
  beforeAll(() => {
    made = generate('a', '--months', '2023-01')
    table = tableFromIPC(readParquet(readFileSync(pathOf(made))).intoIPCStream())
  })
  const column = (name: string): number[] =>
    Array.from(table.getChild(name) ?? [], (value) => (value === null ? Number.NaN : Number(value)))
  const share = (values: readonly number[], test: (value: number) => boolean): number =>
    values.filter(test).length / values.length

  test('has the columns and types of the real sample', () => {
    // As pyarrow prints the schema of yellow_tripdata_2022-01.first100000.parquet.
    expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'VendorID Int64',
      'tpep_pickup_datetime Timestamp<MICROSECOND>',
      'tpep_dropoff_datetime Timestamp<MICROSECOND>',
      'passenger_count Float64',
      'trip_distance Float64',
      'RatecodeID Float64',
      'store_and_fwd_flag Utf8',
      'PULocationID Int64',
      'DOLocationID Int64',
      'payment_type Int64',
      'fare_amount Float64',
      'extra Float64',
      'mta_tax Float64',
      'tip_amount Float64',
      'tolls_amount Float64',
      'improvement_surcharge Float64',
      'total_amount Float64',
      'congestion_surcharge Float64',
      'airport_fee Float64',
    ])
    expect(table.numRows).toBe(rows)
    // As official files from March 2023 on.
    expect(made.rowGroup).toBe(1_048_576)
  })

  test('has zones as frequent as in the real sample', () => {
    const [from, to] = [column('PULocationID'), column('DOLocationID')]
    // Shares of the sample: 6,458 and 4,139 of its 100,000 pickups, 3,489 of its drop-offs.
    // Tolerances are more than four standard deviations of 40,000 draws.
    expect(share(from, (zone) => zone === 132)).toBeCloseTo(0.0646, 2)
    expect(share(from, (zone) => zone === 48)).toBeCloseTo(0.0414, 2)
    expect(share(to, (zone) => zone === 48)).toBeCloseTo(0.0349, 2)
    expect([...from, ...to].every((zone) => zone >= 1 && zone <= 265)).toBe(true)
  })

  test('has durations in whole seconds, most of them from 1 to 60 minutes', () => {
    const [pickup, dropoff] = [column('tpep_pickup_datetime'), column('tpep_dropoff_datetime')]
    const seconds = dropoff.map((end, i) => (end - (pickup[i] as number)) / 1000)
    expect(seconds.every((value) => Number.isInteger(value))).toBe(true)
    // 97.9 % of the sample: 1,735 rides under a minute and 366 over an hour.
    const kept = share(seconds, (value) => value >= 60 && value <= 3600)
    expect(kept).toBeGreaterThan(0.96)
    expect(kept).toBeLessThan(0.99)
    expect(seconds.some((value) => value === 0)).toBe(true)
    expect(seconds.some((value) => value > 12 * 3600)).toBe(true)
  })

  test('has distances in whole hundredths, some zero and some absurd', () => {
    const miles = column('trip_distance')
    expect(miles.every((value) => value === Math.round(value * 100) / 100)).toBe(true)
    expect(miles.some((value) => value === 0)).toBe(true)
    expect(miles.some((value) => value > 1000)).toBe(true)
    const sorted = [...miles].sort((a, b) => a - b)
    // The median of the sample is 2.04 miles.
    expect(Math.abs((sorted[rows / 2] as number) - 2.04)).toBeLessThan(0.2)
  })

  test('has rows without passengers at its end, and refunds', () => {
    const passengers = column('passenger_count')
    const first = passengers.findIndex(Number.isNaN)
    // 4,324 of the 68,211 rows of green 2023-01.
    expect((rows - first) / rows).toBeCloseTo(0.0634, 3)
    expect(passengers.slice(first).every(Number.isNaN)).toBe(true)
    expect(column('fare_amount').some((fare) => fare < 0)).toBe(true)
  })

  test('is not made again while it is there', () => {
    expect(made.files.map((file) => file.made)).toEqual([true])
    expect(generate('a', '--months', '2023-01').files.map((file) => file.made)).toEqual([false])
  })

  test('is the same to the byte for the same seed, another for another seed or month', () => {
    const again = generate('b', '--months', '2023-01,2023-02')
    const other = generate('b', '--months', '2023-01', '--seed', '2')
    const hashes = [made, again, other].map((one) => sha256(pathOf(one)))
    expect(hashes[1]).toBe(hashes[0])
    expect(hashes[2]).not.toBe(hashes[0])
    expect(sha256(again.files[1]?.path ?? '')).not.toBe(hashes[0])
  })
})

test('ten times the rows are as many in groups of the same size', async () => {
  const flags = ['--rows', '4000', '--scale', '10', '--row-group', '16384']
  const made = generate('c', '--months', '2023-01', ...flags)
  const file = await ParquetFile.fromFile(new Blob([readFileSync(pathOf(made))]))
  const groups = file.metadata().rowGroups()
  // 40,000 rows by 16,384.
  expect(groups.map((group) => group.numRows())).toEqual([16_384, 16_384, 7232])
})

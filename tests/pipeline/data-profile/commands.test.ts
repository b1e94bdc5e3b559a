/** `ridecast data profile` and `ridecast data rides`, as a person types them. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataProfileCommand } from '../../../src/commands/data-profile.ts'
import { dataRidesCommand } from '../../../src/commands/data-rides.ts'
import type { DataProfile } from '../../../src/pipeline/data-profile/document.ts'
import { runCommand } from '../../commands/run-command.ts'
import { greenColumns, makeParquet } from '../make-parquet.ts'

const data = fileURLToPath(new URL('../../../data', import.meta.url))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-data-commands-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(
  make: typeof dataProfileCommand | typeof dataRidesCommand,
  ...argv: string[]
): Promise<{ out: string; err: string }> {
  const said = { out: '', err: '' }
  await runCommand((io) => make(io), [...argv, '--data', data], folder, {
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
  })
  return said
}

describe('data profile', () => {
  test('prints the document with --json and writes nothing', async () => {
    const { out, err } = await run(dataProfileCommand, '2021-02', '--json')
    const profile = JSON.parse(out) as DataProfile
    expect(profile).toMatchObject({ format: 'ridecast-data-profile', version: 1, comparison: null })
    expect(profile.months[0]).toMatchObject({
      label: 'green 2021-02',
      file: 'green_tripdata_2021-02.parquet',
      // As data/SHA256SUMS has them.
      sha256: 'fd43c7afa2002716c8afadfd57665ab9c9ad99be419570a9b0a08de15cbeb64e',
      bytes: 1_145_679,
      rows: 64_572,
    })
    expect(err).toBe('')
    expect(readdirSync(folder)).toEqual([])
    expect((await run(dataProfileCommand, '2021-02', '--json')).out).toBe(out)
  })

  test('compares two months, the earlier one first', async () => {
    const { out } = await run(dataProfileCommand, '2021-02,2021-01', '--json')
    const { months, comparison } = JSON.parse(out) as DataProfile
    expect(months.map(({ month }) => month)).toEqual(['2021-01', '2021-02'])
    expect(comparison?.drift.length).toBeGreaterThan(15)
  })

  test('refuses three', async () => {
    await expect(run(dataProfileCommand, '2020-12..2021-02', '--json')).rejects.toMatchObject({
      code: 'usage_invalid',
      message: expect.stringContaining('one month or two side by side, found 3'),
    })
  })
})

describe('data rides', () => {
  test('writes the rides that the plain recipe takes, as CSV', async () => {
    const { out, err } = await run(dataRidesCommand, '2021-01')
    const lines = out.trimEnd().split('\n')
    expect(lines[0]).toBe(
      'pickup_datetime,dropoff_datetime,duration,PULocationID,DOLocationID,trip_distance',
    )
    // The first ride of the file.
    expect(lines[1]).toBe('2021-01-01T00:15:56,2021-01-01T00:19:52,3.933333333333333,43,151,1.01')
    // Of 76,518 rides, as published.
    expect(lines.length - 1).toBe(73_908)
    expect(err).toBe('73,908 rides that plain takes\n')
  })

  test('writes lines of JSON to a file, nulls where a ride has nothing', async () => {
    const minute = 60e6
    const rides = [
      { pickup: 0, dropoff: 5 * minute, from: 1, to: 2, miles: 0.7 },
      { pickup: 0, dropoff: 0.5 * minute, from: 1, to: 2, miles: 0.1 },
      { pickup: minute, dropoff: 61 * minute, from: 3, to: 4, miles: 12 },
    ]
    const path = makeParquet(join(folder, 'rides.parquet'), greenColumns(rides))
    const flags = ['--format', 'ndjson', '--columns', 'duration, pulocationid,tip_amount']
    const { out } = await run(dataRidesCommand, path, ...flags, '--out', 'rides.ndjson')
    expect(out).toBe('')
    const text = readFileSync(join(folder, 'rides.ndjson'), 'utf8')
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { duration: 5, PULocationID: 1, tip_amount: null },
      { duration: 60, PULocationID: 3, tip_amount: null },
    ])
    expect(readdirSync(folder).sort()).toEqual(['rides.ndjson', 'rides.parquet'])
  })

  test('names the columns there are when one is not, and the folder that is not there', async () => {
    await expect(run(dataRidesCommand, '2021-01', '--columns', 'fare')).rejects.toMatchObject({
      code: 'usage_invalid',
      message: expect.stringContaining('expected some of pickup_datetime'),
    })
    await expect(run(dataRidesCommand, '2021-01', '--out', 'no/where.csv')).rejects.toMatchObject({
      code: 'usage_invalid',
      message: expect.stringContaining('cannot be written (ENOENT)'),
    })
  })
})

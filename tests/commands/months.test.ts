/** The commands over several months, end to end: backtest, cache, train with a contract. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backtestCommand } from '../../src/commands/backtest.ts'
import { cacheCommand } from '../../src/commands/cache.ts'
import { trainCommand } from '../../src/commands/train.ts'
import { printedBy } from './run-command.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-months-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const said = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, argv, cwd)

const months = ['--data', data, '--engine', 'arrow'] as const
const window = ['--from', '2021-01', '--to', '2021-03', '--recipe', 'plain'] as const

describe('ridecast backtest', () => {
  test('prints a line for each window, and writes the same as CSV', async () => {
    const printed = await said(backtestCommand, ...window, ...months, '--csv', 'windows.csv')
    expect(printed).toMatch(/^plain on green, windows of 1 month\n/)
    // truth.md: the plain recipe of January 2021 scores 10.474 on February.
    expect(printed).toMatch(/2021-01 +2021-02 +73,908 +507 +9\.775 +10\.474/)
    expect(printed).toMatch(/mean RMSE {2}[\d.]+ ±[\d.]+ minutes over 2 windows, worst/)
    const [header, first, ...rest] = readFileSync(join(cwd, 'windows.csv'), 'utf8').split('\n')
    expect(header?.split(',').slice(0, 3)).toEqual([
      'train_months',
      'validation_month',
      'train_rides',
    ])
    expect(first).toMatch(/^2021-01,2021-02,73908,61921,507,9\.775/)
    expect(rest.filter(Boolean)).toHaveLength(1)
  })

  test('knows the sums the second time', async () => {
    const report = JSON.parse(await said(backtestCommand, ...window, ...months, '--json'))
    expect(report.reading).toEqual({ read: { files: 0, rows: 0 }, cached: { files: 3 } })
    expect(report.windows).toHaveLength(2)
  })

  test('of months without a month after them says so', async () => {
    const alone = [...window, ...months, '--from', '2021-03'] as const
    await expect(said(backtestCommand, ...alone)).rejects.toThrow(/no window of 1 month/)
  })
})

describe('ridecast cache', () => {
  test('lists what is kept, for people and for machines', async () => {
    const printed = await said(cacheCommand, 'list')
    expect(printed).toMatch(/green_tripdata_2021-01\.parquet +73,908 +PULocationID DOLocationID/)
    const { entries } = JSON.parse(await said(cacheCommand, 'list', '--json'))
    expect(entries).toHaveLength(3)
    expect(entries[0]).toMatchObject({ source: { taxi: 'green' }, plan: { crosses: true } })
  })

  test('makes room', async () => {
    expect(await said(cacheCommand, 'prune', '--unused-for', '30')).toMatch(/^removed 0 files/)
    expect(await said(cacheCommand, 'prune', '--all')).toMatch(/^removed 3 files, .*; 0 are left/)
    expect(await said(cacheCommand, 'list')).toMatch(/^no sums are kept in /)
    await expect(said(cacheCommand, 'prune', '--max-size', 'much')).rejects.toThrow(/500MB or 2GB/)
  })
})

describe('ridecast train', () => {
  const places = ['--models', 'models', '--runs', 'runs', '--recipe', 'plain', '--json'] as const

  test('says what was read, and keeps nothing when told so', async () => {
    const argv = ['2021-01', ...months, ...places, '--no-cache'] as const
    const { engine, read } = JSON.parse(await said(trainCommand, ...argv))
    expect({ engine, ...read }).toEqual({
      engine: 'arrow',
      files: 2,
      rows: 76_518 + 64_572,
      cached_files: 0,
    })
    const kept = join(cwd, 'data/cache/moments')
    expect(existsSync(kept) ? readdirSync(kept) : []).toEqual([])
  })

  test('counts back from a month', async () => {
    const argv = ['2021-02', '--last', '2', '--validate', '2021-03', ...months, ...places] as const
    const report = JSON.parse(await said(trainCommand, ...argv))
    expect([report.train_months, report.validation_month]).toEqual([
      ['2021-01', '2021-02'],
      '2021-03',
    ])
  })

  test('takes a model of another engine for the same', async () => {
    const argv = ['2021-01', '--data', data, ...places] as const
    const versions = await Promise.all(
      ['arrow', 'duckdb'].map(async (engine) => {
        const report = JSON.parse(
          await said(trainCommand, ...argv, '--engine', engine, '--no-cache'),
        )
        expect(report.engine).toBe(engine)
        return report.model_version
      }),
    )
    expect(versions[0]).toBe(versions[1])
  })
})

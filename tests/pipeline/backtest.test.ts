import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BacktestOptions, backtest } from '../../src/pipeline/backtest.ts'
import { openMomentsCache } from '../../src/pipeline/moments-cache.ts'
import { train } from '../../src/pipeline/train.ts'
import { parseRecipe } from '../../src/recipe.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const plain = parseRecipe(readFileSync(join(repository, 'recipes/plain.yaml'), 'utf8'), 'plain')
const months = ['2021-01', '2021-02', '2021-03'] as const

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-backtest-'))
  mkdirSync(join(cwd, 'data'))
  for (const month of months) {
    const name = `green_tripdata_${month}.parquet`
    copyFileSync(join(repository, 'data', name), join(cwd, 'data', name))
  }
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const options = (changes: Partial<BacktestOptions> = {}): BacktestOptions => ({
  taxis: undefined,
  dataFolder: 'data',
  cwd,
  today: new Date('2024-05-17T12:00:00Z'),
  from: '2021-01',
  to: '2021-03',
  window: 1,
  recipe: plain,
  engine: 'arrow',
  solver: 'auto',
  ...changes,
})

/** A publisher that has nothing. */
const nobody = {
  fetch: async (): Promise<Response> =>
    new Response('<Error><Code>AccessDenied</Code></Error>', { status: 403 }),
}

describe('a backtest', () => {
  test('measures every window as a training of its own does', async () => {
    const { windows, missing, taxi } = await backtest(options())
    expect([taxi, missing]).toEqual(['green', []])
    expect(windows.map(({ train_months }) => train_months)).toEqual([['2021-01'], ['2021-02']])
    for (const { train_months, validation_month, ...window } of windows) {
      const alone = await train({
        ...options(),
        sources: [...train_months],
        validate: validation_month,
        comparison: undefined,
        residuals: false,
      })
      // The second window is the sum of both months without the first.
      expect(window.validation).toEqual(alone.metrics.validation)
      expect(window.train).toEqual(alone.metrics.train)
      expect(window.baseline_rmse).toBe(alone.metrics.baseline.rmse)
    }
  })

  test('adds up the months of a window', async () => {
    const { windows } = await backtest(options({ window: 2 }))
    expect(windows).toHaveLength(1)
    expect(windows[0]?.train_months).toEqual(['2021-01', '2021-02'])
    // truth.md: 73,908 and 61,921 rides are kept of these months.
    expect(windows[0]?.train.n).toBe(73_908 + 61_921)
  })

  test('reads nothing when the sums are kept', async () => {
    const cache = openMomentsCache(join(cwd, 'cache'))
    const cold = await backtest(options(), { cache })
    expect(cold.reading).toMatchObject({ read: { files: 3 } })
    const warm = await backtest(options({ window: 2 }), { cache })
    expect(warm.reading).toMatchObject({ engine: undefined, read: { files: 0, rows: 0 } })
  })

  test('leaves out months that cannot be had, and the windows that need them', async () => {
    const { windows, missing } = await backtest(
      options({ from: '2020-11', to: '2021-05', window: 2 }),
      { download: nobody },
    )
    expect(missing.map(({ month }) => month)).toEqual(['2020-11', '2020-12', '2021-04', '2021-05'])
    expect(new Set(missing.map(({ code }) => code))).toEqual(new Set(['source_not_published']))
    expect(windows.map(({ validation_month }) => validation_month)).toEqual(['2021-03'])
  })

  test('of a broken file fails: it is there, and not what it should be', async () => {
    copyFileSync(join(repository, 'package.json'), join(cwd, 'data/green_tripdata_2021-04.parquet'))
    await expect(backtest(options({ to: '2021-04' }))).rejects.toThrow(/not a whole Parquet file/)
    rmSync(join(cwd, 'data/green_tripdata_2021-04.parquet'))
  })
})

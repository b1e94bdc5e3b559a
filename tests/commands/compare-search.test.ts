/** `ridecast compare` and `ridecast search`, end to end on real months. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareCommand } from '../../src/commands/compare.ts'
import type { ComparisonReport } from '../../src/commands/compare-report.ts'
import type { Io } from '../../src/commands/io.ts'
import { searchCommand } from '../../src/commands/search.ts'
import { dimensionOf } from '../../src/commands/search-space.ts'
import { trainCommand } from '../../src/commands/train.ts'
import type { ReportDocument } from '../../src/pipeline/report/document.ts'
import { selectionFolds, windowsOf } from '../../src/pipeline/select.ts'
import { fileTracker } from '../../src/tracking/files.ts'
import { fewTrees } from './few-trees.ts'
import { printedBy } from './run-command.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-compare-'))
  writeFileSync(join(cwd, 'few.yaml'), fewTrees)
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const said = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, argv, cwd)

const rides = ['--data', data] as const
const months = [...rides, '--engine', 'arrow'] as const

describe('rides that choose', () => {
  const now = new Date('2023-06-01')

  test('are the last month of several, or windows before it', () => {
    expect(selectionFolds(['2023-01..2023-03'], now)).toEqual([
      { sources: ['2023-01', '2023-02'], validate: '2023-03' },
    ])
    expect(selectionFolds(['2023-01..2023-04'], now, 2)).toEqual([
      { sources: ['2023-01', '2023-02'], validate: '2023-03' },
      { sources: ['2023-02', '2023-03'], validate: '2023-04' },
    ])
  })

  test('are named for people', () => {
    expect(windowsOf(selectionFolds(['2023-01..2023-04'], now, 2))).toEqual([
      { train: '2023-01..2023-02', validation: '2023-03' },
      { train: '2023-02..2023-03', validation: '2023-04' },
    ])
    expect(windowsOf(selectionFolds(['2023-01'], now))).toEqual([
      { train: '2023-01, first four fifths', validation: '2023-01, last fifth' },
    ])
  })

  test('are held out of one month, and of files', () => {
    expect(selectionFolds(['2023-01'], now)).toEqual([
      { sources: ['2023-01'], validate: 'holdout' },
    ])
    expect(selectionFolds(['a.parquet', 'b.parquet'], now, 3)).toEqual([
      { sources: ['a.parquet', 'b.parquet'], validate: 'holdout' },
    ])
  })
})

describe('ridecast compare', () => {
  const compare = ['2021-01', ...months, '--open', 'no'] as const
  let report: ComparisonReport

  test('ranks by rides before those reported, and reports what training reports', async () => {
    report = JSON.parse(
      await said(compareCommand, ...compare, '--recipes', 'plain,few.yaml', '--json'),
    )
    expect(report.candidates.map(({ recipe }) => recipe)).toEqual(['few', 'plain'])
    expect(report.winner).toBe('few')
    const [few, plain] = report.candidates
    // truth.md: 61,921 rides, and 10.474 for the plain recipe.
    expect(plain?.validation).toMatchObject({ n: 61_921, rmse: expect.closeTo(10.474, 3) })
    expect(few?.selection.rmse).toHaveLength(1)
    expect(few?.selection.mean).not.toBe(few?.validation.rmse)
    const trained = JSON.parse(
      await said(trainCommand, '2021-01', ...months, '--recipe', 'few.yaml', '--json'),
    )
    expect(few?.validation.rmse).toBe(trained.validation.rmse)
    expect(few?.model_version).toBe(trained.model_version)
    // The winner was the first version of its name.
    expect(trained.champion).toBe(true)
  })

  test('writes a page with every model', () => {
    const page = readFileSync(join(cwd, report.report), 'utf8')
    expect(report.report).toBe('compare-green-2021-02.html')
    for (const { model_version: version } of report.candidates) expect(page).toContain(version)
  })

  test('does not promote what is no better than the champion, with an error of its own', async () => {
    const again = said(compareCommand, ...compare, '--recipes', 'plain', '--promote')
    await expect(again).rejects.toThrow(
      expect.objectContaining({
        code: 'gate_refused',
        message: expect.stringMatching(/champion .* on these rides, the winner 10\.4735/),
      }),
    )
  })

  test('does not promote what is too bad somewhere', async () => {
    const strict = said(
      compareCommand,
      ...compare,
      '--recipes',
      'few.yaml',
      '--promote',
      '--worst',
      '2',
    )
    await expect(strict).rejects.toThrow(
      /its worst slice, .* over [\d]+ rides, above 2; it is the champion as the first version/,
    )
  })

  test('promotes what is better', async () => {
    const better = ['--recipes', 'standard', '--promote', '--json'] as const
    const { promoted } = JSON.parse(await said(compareCommand, ...compare, ...better))
    expect(promoted).toMatchObject({ done: true })
  })

  test('gives every recipe an equal part of a budget, and leaves out what needs more', async () => {
    const told: [string, number][] = []
    // A clock of the test's own: what the trees have is spent before they begin.
    const timer = (ms: number, whose: string): AbortSignal => {
      told.push([whose, ms])
      return whose === 'few' ? AbortSignal.abort() : new AbortController().signal
    }
    const make = (io: Io) => compareCommand(io, undefined, timer)
    const argv = ['--recipes', 'plain,few.yaml', '--budget', '60', '--json'] as const
    const { candidates, failed } = JSON.parse(await said(make, ...compare, ...argv))
    expect(candidates.map(({ recipe }: { recipe: string }) => recipe)).toEqual(['plain'])
    expect(failed).toEqual([
      {
        recipe: 'few',
        error:
          'few took longer than its part of the budget, 30 minutes: give it more, or name fewer recipes',
      },
    ])
    const halfAnHour = 30 * 60_000
    expect(told).toContainEqual(['few', halfAnHour])
    const plain = told.filter(([whose]) => whose === 'plain').map(([, ms]) => ms)
    // Its ranking, then its training with what that has left.
    expect(plain).toHaveLength(2)
    expect(plain[0]).toBe(halfAnHour)
    expect(plain[1]).toBeLessThan(halfAnHour)
  })

  test('names a recipe that is named twice', async () => {
    const twice = said(compareCommand, ...compare, '--recipes', 'plain,plain')
    await expect(twice).rejects.toThrow('--recipes names plain twice')
  })
})

describe('ridecast compare of several months', () => {
  let report: ComparisonReport
  beforeAll(async () => {
    // Three months, of which the repository holds the first two and the last.
    report = JSON.parse(
      await said(
        compareCommand,
        '2021-01..2021-02',
        ...months,
        ...['--validate', '2021-03', '--open', 'no', '--models', 'months', '--json'],
        ...['--recipes', 'plain,few.yaml'],
      ),
    )
  })

  test('ranks by windows before the reported month, and says which', () => {
    expect(report.windows).toEqual([{ train: '2021-01', validation: '2021-02' }])
    const plain = report.candidates.find(({ recipe }) => recipe === 'plain')
    // truth.md's 10.474 again: this ranking is a training on January, measured on February.
    expect(plain?.selection.rmse).toEqual([expect.closeTo(10.474, 3)])
  })

  test('has learning curves that end with what is reported', async () => {
    const trained = JSON.parse(
      await said(
        trainCommand,
        '2021-02',
        ...months,
        ...['--validate', '2021-03', '--recipe', 'few.yaml', '--models', 'alone', '--json'],
      ),
    )
    const few = report.candidates.find(({ recipe }) => recipe === 'few')
    expect(few?.learning).toEqual([
      { months: 1, rmse: trained.validation.rmse },
      { months: 2, rmse: few?.validation.rmse },
    ])
  })

  test('draws no curve on rides that are held out, which would be others for fewer months', async () => {
    const held = ['--validate', 'holdout', '--recipes', 'plain', '--models', 'held'] as const
    const { candidates } = JSON.parse(
      await said(compareCommand, '2021-01..2021-02', ...months, ...held, '--open', 'no', '--json'),
    )
    expect(candidates.map(({ learning }: { learning: object[] }) => learning)).toEqual([[]])
  })

  test('judges intervals of errors on rides before those they are counted on', () => {
    const [few, plain] = report.candidates
    expect(few?.interval?.nominal).toBe(0.9)
    // March 2021 is the third month of a slow recovery: nine in ten within three in a hundred.
    expect(Math.abs((few?.interval?.coverage ?? 0) - 0.9)).toBeLessThan(0.03)
    expect(plain?.interval).toBeNull()
    expect(documentIn(report.report).models[0]?.calibrated_on).toBe('2021-02')
  })

  test('shows leverage of the linear model, and what both make of their inputs', () => {
    const [few, plain] = documentIn(report.report).models
    expect(few?.leverage).toBeUndefined()
    const leverage = plain?.leverage
    if (!leverage || 'unavailable' in leverage) throw new Error('plain has no leverage')
    expect(leverage.fitted).toBeGreaterThan(100_000)
    expect(leverage.leverage.length).toBeGreaterThan(1000)
    for (const model of [few, plain]) {
      expect(model?.importance?.[0]?.rise).toBeGreaterThan(0.1)
      expect(model?.dependence?.map(({ input }) => input)).toContain('trip_distance')
    }
  })

  const documentIn = (path: string): ReportDocument => {
    const page = readFileSync(join(cwd, path), 'utf8')
    return JSON.parse(/<script id="report"[^>]*>(.*?)<\/script>/s.exec(page)?.[1] ?? '')
  }
})

describe('ridecast search', () => {
  const search = ['2021-01', ...rides, '--recipe', 'few.yaml', '--seed', '5'] as const
  const params = [
    '--param',
    'trees.leaves=4..31:log',
    '--param',
    'trees.learning_rate=0.1..0.5',
  ] as const

  test('keeps every trial as a run within its own, and goes on where it was', async () => {
    const first = JSON.parse(
      await said(searchCommand, ...search, ...params, '--trials', '3', '--json'),
    )
    expect(first.trials).toHaveLength(3)
    const more = JSON.parse(
      await said(searchCommand, ...search, ...params, '--trials', '5', '--json'),
    )
    expect(more.trials.slice(0, 3)).toEqual(first.trials)
    expect(more.run_id).toBe(first.run_id)
    const whole = JSON.parse(
      await said(
        searchCommand,
        ...search,
        ...params,
        '--trials',
        '5',
        '--study',
        'other',
        '--json',
      ),
    )
    expect(whole.trials).toEqual(more.trials)
    const runs = await fileTracker(join(cwd, 'runs')).listRuns({ experiment: 'search-few' })
    const nested = runs.flatMap((run) =>
      'parent' in run && run.parent === more.run_id ? [run] : [],
    )
    expect(nested.map(({ name }) => name).sort()).toEqual([
      'result',
      'trial-1',
      'trial-2',
      'trial-3',
      'trial-4',
      'trial-5',
    ])
    const best = Math.min(...more.trials.map(({ rmse }: { rmse: number }) => rmse))
    expect(more.best.rmse).toBe(best)
    const tracker = fileTracker(join(cwd, 'runs'))
    const { parameters } = await tracker.getRun(more.run_id)
    expect(parameters).toMatchObject({ recipe: 'few', sampler: 'tpe', seed: '5', workers: '1' })
    const third = nested.find(({ name }) => name === 'trial-3')
    const trial = await tracker.getRun(third?.id ?? '')
    const point = Object.entries(more.trials[2].point).map(([key, one]) => [key, String(one)])
    expect(trial.parameters).toMatchObject({ ...Object.fromEntries(point), trial: '3', seed: '5' })
    expect(trial.metrics.rmse).toBe(more.trials[2].rmse)
  })

  test('records a trial that ended when the process was killed before it was recorded', async () => {
    const argv = [...search, ...params, '--study', 'killed', '--experiment', 'killed', '--json']
    const first = JSON.parse(await said(searchCommand, ...argv, '--trials', '3'))
    const tracker = fileTracker(join(cwd, 'runs'))
    const nested = async (): Promise<{ name: string; id: string }[]> =>
      (await tracker.listRuns({ experiment: 'killed' })).flatMap((run) =>
        'parent' in run && run.name.startsWith('trial-') ? [run] : [],
      )
    const second = (await nested()).find(({ name }) => name === 'trial-2')
    rmSync(join(cwd, 'runs', second?.id ?? ''), { recursive: true })
    await said(searchCommand, ...argv, '--trials', '4')
    const names = (await nested()).map(({ name }) => name).sort()
    expect(names).toEqual(['trial-1', 'trial-2', 'trial-3', 'trial-4'])
    const [again] = (await nested()).filter(({ name }) => name === 'trial-2')
    const { metrics } = await tracker.getRun(again?.id ?? '')
    expect(metrics.rmse).toBe(first.trials[1].rmse)
  })

  test('writes the best settings as a recipe that trains', async () => {
    const recipe = readFileSync(join(cwd, 'other', 'best.yaml'), 'utf8')
    expect(recipe).toMatch(/learning_rate: 0\.\d+/)
    const argv = ['2021-01', ...months, '--recipe', 'other/best.yaml', '--print-recipe']
    expect(await said(trainCommand, ...argv)).toBe(recipe)
  })

  test('of a linear recipe finds a strength on the held-out rides', async () => {
    const argv = [
      '2021-01',
      ...rides,
      '--recipe',
      'plain',
      '--sampler',
      'grid',
      '--points',
      '2',
    ] as const
    const found = JSON.parse(
      await said(searchCommand, ...argv, '--param', 'l2=1.0..100.0:log', '--json'),
    )
    expect(found.trials.map(({ point }: { point: object }) => point)).toEqual([
      { l2: 1 },
      { l2: 100 },
    ])
    expect(found.best.rmse).toBeGreaterThan(5)
  })

  test('of an ensemble says what to do instead', async () => {
    await expect(said(searchCommand, '2021-01', ...rides, '--recipe', 'best')).rejects.toThrow(
      /recipe best is of kind ensemble, .* search its members/,
    )
  })

  test.each([
    ['l2=1..5', ['l2', { kind: 'whole', low: 1, high: 5, log: false }]],
    ['l2=0.5..5:log', ['l2', { kind: 'number', low: 0.5, high: 5, log: true }]],
    ['a.b=1e-3..1e2:log', ['a.b', { kind: 'number', low: 1e-3, high: 100, log: true }]],
    ['x=1,2,yes', ['x', { kind: 'choice', options: [1, 2, 'yes'] }]],
  ])('reads --param %s', (text, expected) => {
    expect(dimensionOf(text)).toEqual(expected)
  })

  test.each(['l2', '=1..2', 'l2='])('refuses --param %s', (text) => {
    expect(() => dimensionOf(text)).toThrow(expect.objectContaining({ code: 'usage_invalid' }))
  })
})

/** What `ridecast evaluate` says of the rides that a model was trained on, where they are at hand. */

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareCommand } from '../../src/commands/compare.ts'
import { evaluateCommand } from '../../src/commands/evaluate.ts'
import type { Io } from '../../src/commands/io.ts'
import { trainCommand } from '../../src/commands/train.ts'
import type { ReportDocument, ReportModel } from '../../src/pipeline/report/document.ts'
import { fewTrees } from './few-trees.ts'
import { printedBy, runCommand } from './run-command.ts'

const repository = fileURLToPath(new URL('../../data', import.meta.url))
const fileName = (month: string): string => `green_tripdata_${month}.parquet`
let cwd = ''

/** A data folder with some months, by the name of the file that stands for each. */
function dataFolder(name: string, months: Readonly<Record<string, string>>): void {
  mkdirSync(join(cwd, name))
  for (const [month, content] of Object.entries(months)) {
    copyFileSync(join(repository, fileName(content)), join(cwd, name, fileName(month)))
  }
}

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-fitted-'))
  dataFolder('all', { '2021-01': '2021-01', '2021-02': '2021-02', '2021-03': '2021-03' })
  dataFolder('last', { '2021-03': '2021-03' })
  dataFolder('mixed', { '2021-01': '2021-02', '2021-02': '2021-02', '2021-03': '2021-03' })
  writeFileSync(join(cwd, 'few.yaml'), fewTrees)
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const run = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, [...argv, '--engine', 'arrow'], cwd)

/** Trains a version of its own name; what training prints with --json. */
async function trained(name: string, ...argv: string[]) {
  const json = await run(trainCommand, ...argv, '--name', name, '--data', 'all', '--json')
  return JSON.parse(json) as { model_version: string; validation: { rmse: number } }
}

function pageModels(path: string): readonly ReportModel[] {
  const page = readFileSync(join(cwd, path), 'utf8')
  const text = /<script id="report"[^>]*>(.*?)<\/script>/s.exec(page)?.[1] ?? ''
  return (JSON.parse(text) as ReportDocument).models
}

/** Evaluates a model on March; what the page says of it, and what was printed. */
async function evaluated(name: string, data: string, ...argv: string[]) {
  const report = ['--report', 'page.html', '--data', data] as const
  const printed = await run(evaluateCommand, name, '2021-03', ...report, ...argv)
  return { printed, model: pageModels('page.html')[0] as ReportModel }
}

describe('a linear model whose training rides are at hand', () => {
  let compared: readonly ReportModel[]
  let march = 0
  beforeAll(async () => {
    const both = ['2021-01..2021-02', '--validate', '2021-03'] as const
    await trained('two-months', ...both, '--recipe', 'plain')
    march = (await trained('alone', '2021-02', '--validate', '2021-03', '--recipe', 'plain'))
      .validation.rmse
    const out = ['--open', 'no', '--report', 'compare.html', '--models', 'compared'] as const
    await run(compareCommand, ...both, ...out, '--recipes', 'plain,few.yaml', '--data', 'all')
    compared = pageModels('compare.html')
  })

  test('shows what the report of a comparison shows', async () => {
    const { model, printed } = await evaluated('two-months', 'all')
    const plain = compared.find(({ name }) => name === 'plain') as ReportModel
    expect(plain.learning_curve).toHaveLength(2)
    expect(model.leverage).toEqual(plain.leverage)
    expect(model.learning_curve).toEqual(plain.learning_curve)
    expect(printed).not.toContain('note:')
  })

  test('measures the recipe on fewer months as a training on them is measured', async () => {
    const json = await run(
      evaluateCommand,
      ...['two-months', '2021-03', '--learning', '--data', 'all', '--json'],
    )
    const { learning, rmse } = JSON.parse(json)
    expect(learning).toEqual([
      { months: 1, rmse: march },
      { months: 2, rmse },
    ])
    const text = await run(evaluateCommand, 'two-months', '2021-03', '--learning', '--data', 'all')
    expect(text).toContain(`latest ones: 1: ${march.toFixed(4)}, 2: ${rmse.toFixed(4)}\n`)
  })

  test('trains nothing where nobody asked, or somebody said so', async () => {
    const { model } = await evaluated('two-months', 'all', '--no-learning')
    expect(model.learning_curve).toBeUndefined()
    expect(model.leverage).toHaveProperty('fitted')
    const plain = await run(
      evaluateCommand,
      ...['two-months', '2021-03', '--data', 'all', '--json'],
    )
    expect(JSON.parse(plain).learning).toBeNull()
  })

  test('takes the rides that training did not hold out', async () => {
    await trained('part', '2021-01', '--validate', 'holdout', '--recipe', 'plain')
    const { model } = await evaluated('part', 'all')
    const { leverage } = model
    if (!leverage || 'unavailable' in leverage) throw new Error('no leverage')
    // Four fifths of truth.md's 73,908, cut at a whole minute.
    expect(leverage.fitted / 73_908).toBeCloseTo(0.8, 3)
    expect(model.learning_curve).toEqual({ unavailable: 'it was trained on a part of its months' })
  })

  test('finds the first rides of a file that its recipe splits', async () => {
    const split = ['--recipe', 'plain', '--set', 'split.first_rows=30000'] as const
    await trained('first', '2021-01', ...split)
    expect((await evaluated('first', 'all')).model.leverage).toMatchObject({ fitted: 30_000 })
  })
})

describe('a model whose training rides are not at hand', () => {
  const missing =
    /green_tripdata_2021-01\.parquet, which it was trained on, is not in the data folder/

  test('is evaluated all the same, and both charts say why they are not there', async () => {
    const { model, printed } = await evaluated('two-months', 'last')
    for (const part of [model.leverage, model.learning_curve]) {
      expect(part).toEqual({ unavailable: expect.stringMatching(missing) })
    }
    expect(printed).toMatch(/note: no residuals against leverage: green_/)
    expect(printed).toMatch(/note: no learning curve: green_/)
    expect(model.judgement.measures.n).toBeGreaterThan(60_000)
  })

  test('does not take a file of the same name for it', async () => {
    const { model } = await evaluated('two-months', 'mixed')
    const other = /^green_tripdata_2021-01\.parquet, which .* is not the file of that name at hand/
    expect(model.leverage).toEqual({ unavailable: expect.stringMatching(other) })
  })

  test('takes a file that is named on the command line, whatever its name', async () => {
    copyFileSync(join(repository, fileName('2021-01')), join(cwd, 'january.parquet'))
    await trained('january', '2021-01', '--recipe', 'plain')
    const report = ['--report', 'page.html', '--data', 'last'] as const
    await run(evaluateCommand, 'january', './january.parquet', ...report)
    const [model] = pageModels('page.html')
    expect(model?.leverage).toMatchObject({ fitted: 73_908 })
    const unnamed = { unavailable: 'the names of its files state no months' }
    expect(model?.learning_curve).toEqual(unnamed)
  })
})

describe('a model of trees', () => {
  beforeAll(async () => {
    const both = ['2021-01..2021-02', '--validate', '2021-03'] as const
    await trained('trees', ...both, '--recipe', 'few.yaml')
  })

  test('waits with its learning curve until somebody asks', async () => {
    const { model } = await evaluated('trees', 'all')
    expect(model.leverage).toBeUndefined()
    expect(model.learning_curve).toEqual({
      unavailable: expect.stringContaining('takes time: say --learning'),
    })
  })

  test('has the one of a comparison then', async () => {
    const { model } = await evaluated('trees', 'all', '--learning')
    const few = pageModels('compare.html').find(({ name }) => name === 'few')
    expect(model.learning_curve).toHaveLength(2)
    expect(model.learning_curve).toEqual(few?.learning_curve)
  })
})

describe('the page', () => {
  test('is opened where that is asked for', async () => {
    const opened: string[] = []
    const make = (io: Io) =>
      evaluateCommand(io, async (_, path) => {
        opened.push(path)
      })
    const argv = ['two-months', '2021-03', '--data', 'last', '--engine', 'arrow', '--no-learning']
    const quiet = { out: () => {}, err: () => {} }
    await runCommand(make, [...argv, '--report', 'open.html', '--open', 'yes'], cwd, quiet)
    await runCommand(make, [...argv, '--report', 'closed.html'], cwd, quiet)
    expect(opened).toEqual([join(cwd, 'open.html')])
  })
})

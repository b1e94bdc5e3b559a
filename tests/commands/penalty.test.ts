/** `ridecast penalty`, end to end: what it says of a strength is what training with it gives. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { penaltyCommand } from '../../src/commands/penalty.ts'
import { trainCommand } from '../../src/commands/train.ts'
import { printedBy } from './run-command.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-penalty-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const said = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, argv, cwd)

const months = ['--data', data, '--engine', 'arrow'] as const
const plain = ['2021-01', ...months, '--recipe', 'plain', '--count', '5'] as const

interface Choice {
  readonly rows: {
    readonly strength: number
    readonly score: number
    readonly train_rmse: number
  }[]
  readonly best: { readonly strength: number; readonly score: number }
}

describe('ridecast penalty', () => {
  test('measures a ridge as a training does that holds the same rides out', async () => {
    const choice: Choice = JSON.parse(await said(penaltyCommand, ...plain, '--json'))
    expect(choice.rows).toHaveLength(5)
    expect(choice.best.score).toBe(Math.min(...choice.rows.map(({ score }) => score)))
    const { strength, score, train_rmse: fitted } = choice.rows[2] as Choice['rows'][number]
    const held = ['--recipe', 'plain', '--set', `l2=${strength}`, '--validate', 'holdout'] as const
    const trained = JSON.parse(await said(trainCommand, '2021-01', ...months, ...held, '--json'))
    expect(score).toBeCloseTo(trained.validation.rmse, 9)
    expect(fitted).toBeCloseTo(trained.train.rmse, 9)
  })

  test('measures by the last of several months', async () => {
    const several = ['2021-01,2021-02', ...plain.slice(1)]
    const choice: Choice = JSON.parse(await said(penaltyCommand, ...several, '--json'))
    const { strength, score } = choice.rows[3] as Choice['rows'][number]
    const argv = ['2021-01', ...months, '--recipe', 'plain', '--set', `l2=${strength}`, '--json']
    const trained = JSON.parse(await said(trainCommand, ...argv))
    expect(score).toBeCloseTo(trained.validation.rmse, 9)
  })

  test.each(['gcv', 'folds'])('says which to take by %s, and how to train with it', async (by) => {
    const printed = await said(penaltyCommand, ...plain, '--by', by)
    expect(printed).toMatch(/ \d+\.\d{4} \*/)
    expect(printed).toMatch(/5 strengths in .* s; \* is the best/)
    expect(printed).toMatch(/next +ridecast train 2021-01 --recipe plain --set l2=\d/)
  })

  test('measures a lasso from the strength that leaves nothing', async () => {
    const choice: Choice = JSON.parse(
      await said(penaltyCommand, ...plain, '--penalty', 'l1', '--json'),
    )
    const scores = choice.rows.map(({ score }) => score)
    expect(choice.rows.at(-1)?.train_rmse).toBeGreaterThan(choice.rows[0]?.train_rmse as number)
    expect(scores.every(Number.isFinite)).toBe(true)
  })

  test('refuses what has no such strength', async () => {
    const trees = said(penaltyCommand, '2021-01', ...months, '--recipe', 'trees')
    await expect(trees).rejects.toThrow(/recipe trees is of kind trees/)
    const lasso = said(penaltyCommand, ...plain, '--penalty', 'l1', '--by', 'gcv')
    await expect(lasso).rejects.toThrow(/generalized cross-validation is for ridges/)
  })
})

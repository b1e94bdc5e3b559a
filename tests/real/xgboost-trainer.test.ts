/**
 * The real XGBoost, called from Node: what it grows here is what Python's `xgboost` of the same wheel grows
 * on the same rows, and `train --trainer xgboost` gives a model that predicts as it does.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trainCommand } from '../../src/commands/train.ts'
import { trainerCommand } from '../../src/commands/trainer.ts'
import { loadModel, type TreeModel } from '../../src/model.ts'
import type { TreeTrainer } from '../../src/pipeline/fit-trees.ts'
import { openXgboost } from '../../src/pipeline/xgboost/binding.ts'
import { requireLibrary } from '../../src/pipeline/xgboost/install.ts'
import { xgboostPlan } from '../../src/pipeline/xgboost/settings.ts'
import { rowsOf, xgboostTrainer } from '../../src/pipeline/xgboost/trainer.ts'
import { runCommand } from '../commands/run-command.ts'
import { rideTable, rmseOf } from '../pipeline/trees/tables.ts'
import { python, xgboostWheel } from './parts.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ridecast-xgboost-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = (name: string): string => join(folder, name)

async function said(make: Parameters<typeof runCommand>[0], ...argv: string[]): Promise<string> {
  let text = ''
  const out = (more: string): void => {
    text += more
  }
  await runCommand(make, argv, folder, { out, err: () => {} })
  return text
}

let trainer: TreeTrainer
beforeAll(async () => {
  const text = await said(trainerCommand, 'install', 'xgboost', '--from', xgboostWheel(), '--json')
  expect(JSON.parse(text)).toMatchObject({ name: 'xgboost', version: '3.2.0', installed: true })
  trainer = await xgboostTrainer(path('data/trainers'))
})

/** Python's predictions for the first rows' model on the others, and the rounds that were best. */
const script = `
import json, sys
import numpy as np
import xgboost as xgb
folder, parameters, rounds, patience = sys.argv[1], dict(json.loads(sys.argv[2])), int(sys.argv[3]), int(sys.argv[4])
def matrix(name):
    x = np.fromfile(f'{folder}/{name}-rows', dtype='<f4').reshape(-1, 3)
    y = np.fromfile(f'{folder}/{name}-target', dtype='<f4')
    return xgb.DMatrix(x, y, feature_names=['zone', 'distance', 'hour'], feature_types=['c', 'float', 'float'], nthread=2)
train, other = matrix('train'), matrix('other')
stop = dict(evals=[(other, 'other')], early_stopping_rounds=patience, verbose_eval=False) if patience else {}
model = xgb.train(parameters, train, rounds, **stop)
best = model.best_iteration + 1 if patience else rounds
model.predict(other, iteration_range=(0, best)).astype('<f4').tofile(f'{folder}/minutes')
print(json.dumps({'version': xgb.__version__, 'best': best}))`

describe('the trainer', () => {
  const table = rideTable(20_000)
  const other = rideTable(20_000, 2, 0.2)

  test.each([
    ['as it comes', {}, 0],
    ['sampled rows and features', { rowFraction: 0.8, featureFraction: 0.7, seed: 9 }, 0],
    ['a distance that may only lengthen', { monotone: { distance: 1 as const }, l2: 3 }, 0],
    ['stopping early', { learningRate: 0.5, rounds: 200 }, 5],
  ])('grows what Python does, to the bit: %s', async (_, more, patience) => {
    const settings = { rounds: 40, leaves: 31, ...more }
    const options = { settings, threads: 2 }
    const grown = await trainer.grow(table, 'trees', {
      ...options,
      ...(patience > 0 && { validation: other, patience }),
    })
    for (const [name, one] of [
      ['train', table],
      ['other', other],
    ] as const) {
      const { values, target } = rowsOf(one)
      writeFileSync(path(`${name}-rows`), values)
      writeFileSync(path(`${name}-target`), target)
    }
    const { rounds, parameters } = xgboostPlan('trees', options, table.columns)
    const answer = python(script, [
      folder,
      JSON.stringify(parameters),
      String(rounds),
      String(patience),
    ])
    expect(answer).toEqual({ version: '3.2.0', best: grown.kept })
    const theirs = new Float32Array(new Uint8Array(readFileSync(path('minutes'))).buffer)
    expect(grown.ensemble.predictTable(other.columns)).toEqual(theirs)
    expect(grown.ensemble.trees.some(({ categories }) => categories.size > 0)).toBe(true)
    expect(rmseOf(theirs, other.target)).toBeLessThan(
      rmseOf(new Float32Array(20_000), other.target) / 3,
    )
  })

  test('tells each round, and stops when it is told to', async () => {
    const stop = new AbortController()
    const told: number[] = []
    const grown = trainer.grow(table, 'trees', {
      settings: { rounds: 50 },
      signal: stop.signal,
      onRound: ({ round }) => {
        told.push(round)
        if (round === 3) stop.abort(new Error('enough'))
      },
    })
    await expect(grown).rejects.toThrow('enough')
    expect(told).toEqual([1, 2, 3])
  })

  test('says what the library says when it fails', async () => {
    const calls = await openXgboost((await requireLibrary(path('data/trainers'))).path)
    const matrix = calls.matrix(rowsOf(table), 1)
    const booster = calls.booster([matrix])
    calls.set(booster, 'objective', 'no:such-objective')
    await expect(calls.grow(booster, 0, matrix)).rejects.toMatchObject({ code: 'trainer_failed' })
    expect(() => calls.measure(booster, 0, [matrix], ['rows'])).toThrow(/no:such-objective/)
    calls.freeBooster(booster)
    calls.freeMatrix(matrix)
  })
})

test('train --trainer xgboost records the library, and its model is loaded without it', async () => {
  const flags = ['--recipe', 'trees', '--set', 'trees.rounds=20', '--trainer', 'xgboost']
  const text = await said(trainCommand, '2021-01', '--data', data, ...flags, '--json')
  const report = JSON.parse(text)
  expect(report.solver).toMatchObject({ method: 'trees', trees: 20, library: 'xgboost 3.2.0' })
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(join(report.model_path, name), 'utf8'))
  expect(read('lineage.json')).toMatchObject({ trainer: 'xgboost 3.2.0' })
  const model = loadModel(read('model.json')) as TreeModel
  expect(model.trees).toBe(20)
  expect(report.validation.rmse).toBeLessThan(report.baseline.rmse / 1.5)
})

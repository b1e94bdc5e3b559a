/** Rides that a model was fitted to, told from others; what they show is held in tests/commands. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Model } from '../../../src/model.ts'
import { type Lineage, readLineage } from '../../../src/pipeline/judge/fitted.ts'
import { fittedEffects } from '../../../src/pipeline/judge/fitted-effects.ts'
import { noCache } from '../../../src/pipeline/moments-cache.ts'
import { train } from '../../../src/pipeline/train.ts'
import { parseRecipe } from '../../../src/recipe.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const plain = parseRecipe(readFileSync(`${root}/recipes/plain.yaml`, 'utf8'), 'plain')
const sources = {
  taxis: undefined,
  dataFolder: 'data',
  cwd: root,
  today: new Date('2024-05-17T12:00:00Z'),
  engine: 'arrow',
} as const

let model: Model
let lineage: Lineage
beforeAll(async () => {
  const trained = await train({
    ...sources,
    sources: ['2021-01'],
    validate: '2021-02',
    recipe: plain,
    comparison: undefined,
    residuals: false,
    solver: 'auto',
  })
  model = trained.model
  lineage = readLineage({ lineage: trained.lineage }) as Lineage
})

const told = (of: Lineage | undefined, signal = new AbortController().signal) =>
  fittedEffects(
    model,
    of,
    { ...sources, known: [], rmse: 10, leverage: true, learning: 'sums' },
    { cache: noCache, memory: undefined, signal },
  )

describe('the rides that a model was fitted to', () => {
  test('are known by their sums as well', async () => {
    // Of one month there is no learning curve.
    expect(await told(lineage)).toEqual({
      leverage: expect.objectContaining({ fitted: 73_908 }),
      learning: [],
    })
    const other = { ...lineage, moments_sha256: { train: '0'.repeat(64) } }
    expect((await told(other)).leverage).toEqual({
      unavailable: expect.stringContaining('are other ones here'),
    })
  })

  test('are not looked for where a version does not name them, or no file was there', async () => {
    const why = { unavailable: 'its version does not say what it was trained on' }
    expect(await told(undefined)).toEqual({ leverage: why, learning: why })
    const remote = lineage.train.map((file) => ({ ...file, sha256: null }))
    const alone = { unavailable: expect.stringContaining('was known to an engine alone') }
    expect(await told({ ...lineage, train: remote })).toEqual({ leverage: alone, learning: alone })
    expect(readLineage({ lineage: { train: 'all of them' } })).toBeUndefined()
    expect(readLineage({})).toBeUndefined()
  })

  test('have no learning curve where other people have grown the trees', async () => {
    const { learning } = await told({ ...lineage, trainer: 'xgboost 3.2.0' })
    expect(learning).toEqual({
      unavailable: 'its trees were grown by xgboost 3.2.0, which is not asked again',
    })
  })

  test('are let be when the command is interrupted', async () => {
    const stop = AbortSignal.abort(new Error('interrupted'))
    await expect(told(lineage, stop)).rejects.toThrow('interrupted')
  })
})

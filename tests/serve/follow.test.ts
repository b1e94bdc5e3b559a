import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Documents } from '../../src/artifact.ts'
import { RidecastError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { openRegistry, type Registry } from '../../src/registry.ts'
import { followReference } from '../../src/serve/follow.ts'
import { loadServedModel } from '../../src/serve/served-model.ts'
import { ServiceState } from '../../src/serve/state.ts'
import { LogLines } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

let models: string
let registry: Registry
let first: string
let second: string
let state: ServiceState
let log: LogLines

/** The same model with another lineage, and so another version. */
const another: Documents = {
  ...zonesAndDistance,
  lineage: { ...(zonesAndDistance.lineage as object), note: 'another' },
}

beforeEach(async () => {
  models = mkdtempSync(join(tmpdir(), 'ridecast-follow-'))
  registry = openRegistry(models)
  first = (await registry.save('green-duration', zonesAndDistance)).version
  second = (await registry.save('green-duration', another)).version
  await registry.promote('green-duration', first)
  state = new ServiceState(await loadServedModel(registry, 'green-duration'))
  log = new LogLines()
})
afterEach(() => rmSync(models, { recursive: true, force: true }))

/**
 * Follows the champion; before each question the next of the steps is done.
 *
 * @returns how long it meant to wait before each question, milliseconds
 */
async function follow(
  steps: readonly (() => Promise<unknown> | unknown)[],
  source: Pick<Registry, 'resolve' | 'load'> = registry,
): Promise<number[]> {
  const ending = new AbortController()
  const waited: number[] = []
  const left = [...steps]
  const logger = createLog('serve', 'debug', log)
  const following = {
    registry: source,
    reference: 'models:/green-duration@champion',
    everyMs: 5000,
  }
  await followReference(following, state, logger, ending.signal, async (ms) => {
    waited.push(ms)
    const step = left.shift()
    if (step) await step()
    else ending.abort()
  })
  return waited
}

test('the model stays while its alias stays, and nothing is loaded again', async () => {
  const before = state.model
  await follow([() => {}, () => {}])
  expect(state.model).toBe(before)
  expect(log.lines.map(({ event }) => event)).toEqual([])
})

test('a model whose alias has moved is replaced, and the log says from what to what', async () => {
  await follow([() => registry.promote('green-duration', second)])
  expect(state.model?.version).toBe(second)
  expect(log.lines.map(({ event }) => event)).toEqual(['model changed'])
  expect(log.lines[0]).toMatchObject({ model_version: second, before: first })
})

test('a version that is damaged never answers; it is taken once it is whole', async () => {
  let damaged = true
  const source: Pick<Registry, 'resolve' | 'load'> = {
    resolve: registry.resolve,
    async load(reference) {
      if (damaged) throw new RidecastError('artifact_corrupt', 'model.json does not match')
      return registry.load(reference)
    },
  }
  await registry.promote('green-duration', second)
  await follow(
    [
      () => {},
      () => {
        expect(state.model?.version).toBe(first)
        damaged = false
      },
    ],
    source,
  )
  expect(state.model?.version).toBe(second)
  expect(log.lines.map(({ event }) => event)).toEqual([
    'model kept',
    'model changed',
    'registry answers again',
  ])
})

test('a registry that is down is asked less and less often, at most once a minute', async () => {
  const down: Pick<Registry, 'resolve' | 'load'> = {
    resolve: () => Promise.reject(new RidecastError('tracking_unreachable', 'no answer')),
    load: registry.load,
  }
  const nothing = (): void => {}
  const waited = await follow([nothing, nothing, nothing, nothing, nothing, nothing], down)
  expect(state.model?.version).toBe(first)
  // 5 s, doubled after each fault up to 60 s, give or take a tenth.
  const expected = [5, 10, 20, 40, 60, 60, 60]
  expect(waited).toHaveLength(expected.length)
  for (const [i, seconds] of expected.entries()) {
    expect(Math.abs((waited[i] ?? 0) - seconds * 1000)).toBeLessThanOrEqual(seconds * 100)
  }
  const levels = log.lines.map((line) => line.level)
  expect(levels).toEqual(['warn', 'debug', 'debug', 'debug', 'debug', 'debug'])
})

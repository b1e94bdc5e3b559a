import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Documents } from '../../../src/artifact.ts'
import { isRidecastError } from '../../../src/errors.ts'
import { createLog } from '../../../src/log.ts'
import { openRegistry, type Registry } from '../../../src/registry.ts'
import { createPredictions, type Predictions } from '../../../src/serve/predictions.ts'
import { type Rollout, startRollout } from '../../../src/serve/rollout/controller.ts'
import type { RolloutDocument } from '../../../src/serve/rollout/document.ts'
import {
  type RolloutRequestInput,
  rolloutRequestSchema,
} from '../../../src/serve/rollout/requests.ts'
import { loadServedModel } from '../../../src/serve/served-model.ts'
import { ServiceState } from '../../../src/serve/state.ts'
import { LogLines } from '../listening.ts'
import { zonesAndDistance } from '../small-model.ts'
import { absurd, breaking, demanding, renamed, scaled, unusable } from './versions.ts'

const name = 'green-duration'

/** A process that serves, without HTTP. */
interface Process {
  readonly state: ServiceState
  readonly rollout: Rollout
  readonly predictions: Predictions
  readonly log: LogLines
  ask(request: RolloutRequestInput): Promise<RolloutDocument>
  /** Answers so many rides, from zone 43 and with other distances. */
  answer(rides: number): void
}

let folder: string
let registry: Registry
let first: string
let processes: Process[]
/** Milliseconds that the clock is ahead of the real one. */
let ahead: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-controller-'))
  registry = openRegistry(join(folder, 'models'))
  first = await save(zonesAndDistance)
  await registry.promote(name, first)
  processes = []
  ahead = 0
})
afterEach(async () => {
  for (const { rollout } of processes) await rollout.stop()
  rmSync(folder, { recursive: true, force: true })
})

const save = async (documents: Documents): Promise<string> =>
  (await registry.save(name, documents)).version

async function start(
  process = 'one',
  { reference = name, from = registry }: { reference?: string; from?: Registry } = {},
): Promise<Process> {
  const log = new LogLines()
  const state = new ServiceState(await loadServedModel(from, reference))
  const rollout = await startRollout({
    registry: from,
    state,
    reference,
    folder: join(folder, 'state'),
    process,
    log: createLog('serve', 'debug', log),
    reloadMs: 100,
    pollMs: 20,
    now: () => new Date(Date.now() + ahead),
  })
  let count = 0
  const predictions = createPredictions(state, {
    name: () => ({ id: `${process}-${count}`, prefix: `${process}-`, number: count++ }),
    append: () => {},
    logInputs: false,
    listeners: [rollout.listener],
  })
  const started: Process = {
    state,
    rollout,
    predictions,
    log,
    ask: (request) => rollout.change(rolloutRequestSchema.parse(request)),
    answer(rides) {
      for (let i = 0; i < rides; i++) {
        const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 0.5 + (i % 40) / 4 }
        predictions.answer(state.turn(), ride)
      }
    },
  }
  processes.push(started)
  return started
}

/** Waits until something holds; fails after ten seconds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const eventsOf = ({ rollout }: Process): string[] =>
  rollout.document()?.history.map(({ event }) => event) ?? []

/** True once the last event is this one and has taken effect. */
const ended = (process: Process, event: string): boolean =>
  eventsOf(process).at(-1) === event && process.state.challenger === undefined

const last = ({ rollout }: Process): RolloutDocument['history'][number] | undefined =>
  rollout.document()?.history.at(-1)

const steps = [0.1, 0.5, 1]

describe('a canary', () => {
  test('of a good version goes through all steps by itself, and becomes the champion', async () => {
    const good = await save(renamed('good'))
    const one = await start()
    const shares: number[] = []
    const rules = { min_predictions: 50, min_seconds: 60 }
    const begun = await one.ask({ action: 'start', version: good, steps, rules })
    expect(begun).toMatchObject({ mode: 'canary', status: 'running', share: 0.1, step: 1 })
    for (const share of steps) {
      await until(`share ${share}`, () => one.state.challenger?.share === share)
      shares.push(share)
      one.answer(1500)
      expect(eventsOf(one)).toHaveLength(shares.length)
      ahead += 61_000
    }
    await until('the promotion', () => ended(one, 'promoted'))
    expect(eventsOf(one)).toEqual(['started', 'advanced', 'advanced', 'promoting', 'promoted'])
    expect(one.state.model?.version).toBe(good)
    expect(one.state.challenger).toBeUndefined()
    expect((await registry.resolve(name)).version).toBe(good)
    const change = (await registry.history(name)).at(-1)
    expect(change?.reason).toMatch(/^canary: all steps passed: \d+ predictions in \d+ s, no fault/)
    expect(one.rollout.document()).toMatchObject({ status: 'promoted', champion: first })
  })

  test('of a version that says three times the minutes is rolled back, with the numbers', async () => {
    const bad = await save(scaled(3))
    const one = await start()
    await one.ask({ action: 'start', version: bad, steps: [0.3] })
    one.answer(2000)
    await until('the rollback', () => ended(one, 'rolled_back'))
    const { reason, by, numbers } = last(one) as RolloutDocument['history'][number]
    expect(by).toBe('judge')
    expect(reason).toMatch(/^prediction shift: the challenger's mean is/)
    expect(numbers.challenger_mean_minutes).toBeGreaterThan(
      2 * (numbers.champion_mean_minutes ?? 0),
    )
    expect(one.state.challenger).toBeUndefined()
    expect(one.state.model?.version).toBe(first)
    expect((await registry.resolve(name)).version).toBe(first)
  })

  test('that fails on rides is rolled back, and every ride is answered', async () => {
    const failing = await save(breaking)
    const one = await start()
    await one.ask({ action: 'start', version: failing, steps: [0.5] })
    const ride = { PULocationID: 7, DOLocationID: 7, trip_distance: 1 }
    for (let i = 0; i < 100; i++) {
      const { prediction, model } = one.predictions.answer(one.state.turn(), ride)
      // The champion knows nothing of zone 7: 10 + 3 a mile.
      expect([prediction.duration, model.version]).toEqual([13, first])
    }
    await until('the rollback', () => ended(one, 'rolled_back'))
    expect(last(one)?.reason).toMatch(/^error rate: the challenger failed on \d+ of \d+ rides/)
  })

  test('is rolled back while it is paused too, but does not go on', async () => {
    const bad = await save(scaled(3))
    const one = await start()
    const rules = { min_predictions: 1, min_seconds: 0, min_support: 500 }
    await one.ask({ action: 'start', version: bad, steps: [0.5, 1], rules })
    await one.ask({ action: 'pause', reason: 'lunch' })
    one.answer(500)
    await until('counts', () => {
      return (one.rollout.document()?.numbers?.challenger_predictions ?? 0) > 0
    })
    expect(one.rollout.document()).toMatchObject({ status: 'paused', step: 1 })
    one.answer(2000)
    await until('the rollback', () => ended(one, 'rolled_back'))
    expect(eventsOf(one)).toEqual(['started', 'paused', 'rolled_back'])
  })

  test('can be gone on with, rolled back or promoted by a person', async () => {
    const good = await save(renamed('good'))
    const one = await start()
    await one.ask({ action: 'start', version: good.slice(0, 6), steps })
    expect(await one.ask({ action: 'advance', reason: 'fine' })).toMatchObject({ share: 0.5 })
    await one.ask({ action: 'rollback', reason: 'complaints' })
    expect(last(one)).toMatchObject({ by: 'person', reason: 'complaints', event: 'rolled_back' })
    await one.ask({ action: 'start', version: good })
    await one.ask({ action: 'promote', reason: 'enough' })
    expect(one.state.model?.version).toBe(good)
    expect((await registry.history(name)).at(-1)?.reason).toBe('canary: enough')
  })

  test('that cannot be promoted is paused, and the record says why', async () => {
    const good = await save(renamed('good'))
    const stuck: Registry = {
      ...registry,
      promote: () => Promise.reject(new Error('the folder is read-only')),
    }
    const one = await start('one', { from: stuck })
    await one.ask({ action: 'start', version: good, steps })
    await one.ask({ action: 'promote' })
    expect(last(one)).toMatchObject({
      event: 'promotion_failed',
      reason: 'the folder is read-only',
    })
    expect(one.rollout.document()).toMatchObject({ status: 'paused', share: 0.1 })
    expect(one.state.model?.version).toBe(first)
  })

  test('ends when somebody else moves the champion', async () => {
    const [good, other] = [await save(renamed('good')), await save(renamed('other'))]
    const one = await start()
    await one.ask({ action: 'start', version: good })
    await registry.promote(name, other)
    await until('the end', () => ended(one, 'stopped'))
    expect(last(one)?.reason).toBe(`the champion is ${other} now, no longer ${first}`)
    expect(one.state.challenger).toBeUndefined()
    expect(one.state.model?.version).toBe(other)
  })
})

describe('a version that must not take traffic', () => {
  test.each([
    ['does not answer its golden rides', unusable, /does not answer a usual ride/],
    ['answers them with days', absurd, /minutes for a usual ride/],
    ['needs what nobody says', demanding, /it needs .*passenger_count/],
  ])('because it %s is refused, on record', async (_, documents, why) => {
    const version = await save(documents)
    const one = await start()
    for (const request of [
      { action: 'start', version },
      { action: 'switch', version },
    ] as const) {
      const failure = await one.ask(request).catch((error: unknown) => error)
      expect(isRidecastError(failure, 'version_refused')).toBe(true)
      expect((failure as Error).message).toMatch(why)
      expect(last(one)).toMatchObject({ event: 'refused', version })
      expect(last(one)?.reason).toMatch(why)
    }
    expect(one.rollout.document()).toMatchObject({ status: 'idle', champion: first })
    expect(one.state.challenger).toBeUndefined()
    expect((await registry.resolve(name)).version).toBe(first)
  })

  test('because its files are damaged is refused, in the middle of another trial', async () => {
    const [good, broken] = [await save(renamed('good')), await save(renamed('broken'))]
    const { path } = await registry.resolve(`${name}/${broken}`)
    await writeFile(join(path, 'profile.json'), '{}')
    const one = await start()
    await expect(one.ask({ action: 'start', version: broken })).rejects.toThrow('profile.json')
    await one.ask({ action: 'start', version: good })
    expect(eventsOf(one)).toEqual(['refused', 'started'])
    expect(one.state.challenger?.model.version).toBe(good)
  })

  test('because an alias was moved to it by hand is not taken', async () => {
    const version = await save(unusable)
    const one = await start()
    await registry.promote(name, version)
    await one.log.find(({ event }) => event === 'model kept')
    expect(one.state.model?.version).toBe(first)
  })
})

describe('blue-green', () => {
  test('switches at once, and back', async () => {
    const good = await save(renamed('good'))
    const one = await start()
    const before = one.state.model
    const switched = await one.ask({ action: 'switch', version: good, reason: 'new month' })
    expect(switched).toMatchObject({ mode: 'blue-green', status: 'idle', champion: good })
    expect(one.state.model?.version).toBe(good)
    expect((await registry.history(name)).at(-1)).toMatchObject({ reason: 'new month' })
    await one.ask({ action: 'back', reason: 'too late' })
    // The very model of before: it was kept.
    expect(one.state.model).toBe(before)
    expect((await registry.history(name)).at(-1)).toMatchObject({ kind: 'rollback' })
    expect(eventsOf(one)).toEqual(['switched', 'switched_back'])
    const logged = one.log.lines.filter(({ event }) => event === 'rollout')
    expect(logged.map(({ rollout }) => rollout)).toEqual(['switched', 'switched_back'])
  })

  test('is refused beside a trial, to where it is, and back from nowhere', async () => {
    const [good, other] = [await save(renamed('good')), await save(renamed('other'))]
    const one = await start()
    const refused = async (request: RolloutRequestInput, why: RegExp): Promise<void> => {
      await expect(one.ask(request)).rejects.toThrow(why)
    }
    await refused({ action: 'switch', version: first }, /is the champion already/)
    await refused({ action: 'back' }, /no earlier version/)
    await refused({ action: 'switch', version: 'ffffffff' }, /is not in/)
    await one.ask({ action: 'start', version: good })
    await refused({ action: 'switch', version: other }, /goes on/)
    await refused({ action: 'start', version: other }, /goes on/)
    expect((await registry.resolve(name)).version).toBe(first)
  })

  test('is impossible where one version is served', async () => {
    const good = await save(renamed('good'))
    const pinned = await start('one', { reference: `${name}/${first}` })
    await expect(pinned.ask({ action: 'switch', version: good })).rejects.toThrow('is one version')
    const free = await start('two')
    await free.ask({ action: 'start', version: good })
    await until('the entry', () => eventsOf(pinned).length > 0)
    expect(pinned.state.challenger).toBeUndefined()
  })
})

describe('other trials', () => {
  test('a shadow is asked what the champion answers, and is compared', async () => {
    const bad = await save(scaled(3))
    const one = await start()
    await one.ask({ action: 'start', mode: 'shadow', version: bad })
    for (let i = 0; i < 200; i++) {
      const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1 }
      expect(one.predictions.answer(one.state.turn(), ride).model.version).toBe(first)
    }
    await until('the pairs', () => one.rollout.document()?.pairs?.rides === 200)
    // 10 + 2 - 0.5 + 3 minutes, and three times that.
    expect(one.rollout.document()?.pairs).toMatchObject({
      mean_difference: 29,
      largest_difference: 29,
    })
    expect(one.rollout.document()?.fault).toMatch(/^prediction shift/)
    expect(one.rollout.document()?.status).toBe('running')
  })

  test('arms of an A/B trial are sticky, and compared once feedback has come', async () => {
    const better = await save(scaled(1.1))
    const one = await start()
    await one.ask({ action: 'start', mode: 'ab', version: better, share: 0.5 })
    const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1 }
    const arms = new Map<string, string>()
    for (let i = 0; i < 400; i++) {
      const key = `client ${i % 100}`
      const { arm, model, prediction } = one.predictions.answer(one.state.turn(key), ride, { key })
      expect(arms.get(key) ?? arm).toBe(arm)
      arms.set(key, arm)
      // Truth: 16 minutes, of which the champion says 14.5 and the challenger 15.95.
      const told = { version: model.version, arm, duration: prediction.duration }
      one.rollout.feedback(told, 16 + (i % 3) / 10)
    }
    await until('the comparison', () => one.rollout.document()?.comparison?.better === 'challenger')
    const { mae } = one.rollout.document()?.comparison ?? {}
    expect(mae?.champion).toBeCloseTo(1.6, 1)
    expect(mae?.challenger).toBeCloseTo(0.15, 1)
    const challengers = [...arms.values()].filter((arm) => arm === 'challenger').length
    // 100 keys at one half: 50, give or take four deviations of 5.
    expect(Math.abs(challengers - 50)).toBeLessThan(20)
    await one.ask({ action: 'stop' })
    one.rollout.feedback({ version: first, arm: 'champion', duration: 14.5 }, 16)
    await until('late feedback', () => {
      const { actuals } = one.rollout.document()?.comparison ?? {}
      return actuals !== undefined && actuals.champion + actuals.challenger === 401
    })
  })
})

describe('processes', () => {
  test('agree: what one begins the others try, by the counts of all', async () => {
    const good = await save(renamed('good'))
    const [one, two] = [await start('one'), await start('two')]
    const rules = { min_predictions: 600, min_seconds: 0 }
    await one.ask({ action: 'start', version: good, steps: [0.5], rules })
    await until('the other', () => two.state.challenger?.model.version === good)
    expect(two.state.challenger?.seed).toBe(one.state.challenger?.seed)
    // 400 of the challenger's in each, give or take 15: neither has 600, both together have.
    one.answer(800)
    two.answer(800)
    for (const { state } of [one, two]) {
      await until('the promotion', () => state.model?.version === good && !state.challenger)
    }
    const both = [one, two].map(({ rollout }) => rollout.document()?.history)
    expect(both[0]).toEqual(both[1])
    expect(eventsOf(one)).toEqual(['started', 'promoting', 'promoted'])
    await two.ask({ action: 'back' })
    await until('the way back', () => one.state.model?.version === first)
  })

  test('that start again go on with the trial and with what was counted', async () => {
    const good = await save(renamed('good'))
    const before = await start('one')
    await before.ask({ action: 'start', mode: 'ab', version: good, share: 0.25 })
    before.answer(300)
    await before.rollout.stop()
    const after = await start('another')
    expect(after.state.challenger).toMatchObject({ mode: 'ab', share: 0.25 })
    expect(after.state.challenger?.seed).toBe(before.state.challenger?.seed)
    const { numbers } = after.rollout.document() ?? {}
    expect((numbers?.champion_predictions ?? 0) + (numbers?.challenger_predictions ?? 0)).toBe(300)
  })

  test('finish a promotion whose process has died', async () => {
    const good = await save(renamed('good'))
    let died = false
    const dying: Registry = {
      ...registry,
      promote() {
        died = true
        return new Promise(() => {})
      },
    }
    const one = await start('one', { from: dying })
    await one.ask({ action: 'start', version: good })
    void one.ask({ action: 'promote' })
    await until('the death', () => died)
    const two = await start('two')
    expect(two.rollout.document()?.status).toBe('promoting')
    expect(two.state.challenger).toMatchObject({ share: 1 })
    // Nobody waits for the one that died.
    processes = processes.filter((each) => each !== one)
    ahead += 20_000
    await until('the promotion', () => ended(two, 'promoted'))
    expect(eventsOf(two)).toEqual(['started', 'promoting', 'promoted'])
    expect(two.state.model?.version).toBe(good)
  })

  test('of which one cannot load the version roll it back', async () => {
    const good = await save(renamed('good'))
    const partial: Registry = {
      ...registry,
      async load(reference) {
        if (reference.endsWith(good)) throw new Error('this copy lacks that version')
        return registry.load(reference)
      },
    }
    const two = await start('two', { from: partial })
    const one = await start('one')
    await one.ask({ action: 'start', version: good })
    await until('the rollback', () => ended(one, 'rolled_back'))
    expect(last(one)?.reason).toBe('this copy lacks that version')
    expect(two.state.challenger).toBeUndefined()
    await until('both', () => one.state.challenger === undefined)
  })

  test('answer by the champion alone while the record is damaged, and say so', async () => {
    const good = await save(renamed('good'))
    const one = await start()
    await one.ask({ action: 'start', version: good })
    const path = join(folder, 'state', 'rollout', name, '00000002.json')
    await writeFile(path, 'not JSON')
    await until('the damage', () => one.state.challenger === undefined)
    expect(one.log.lines.map(({ event }) => event)).toContain(
      'rollout damaged: the champion answers alone',
    )
    expect(one.rollout.document()?.damage).toContain('00000002.json')
    const again = await one.ask({ action: 'start', version: good })
    expect(again).toMatchObject({ status: 'running', damage: null, revision: 3 })
  })
})

/** Changing models under load: the built server, 32 connections that never stop asking. */

import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Documents } from '../../src/artifact.ts'
import { openRegistry, type Registry } from '../../src/registry.ts'
import type { RolloutDocument } from '../../src/serve/rollout/document.ts'
import type { RolloutRequestInput } from '../../src/serve/rollout/requests.ts'
import { ridecast, type Serving, serve } from '../command-line.ts'
import { breaking, renamed, scaled, unusable } from '../serve/rollout/versions.ts'
import { zonesAndDistance } from '../serve/small-model.ts'

const name = 'green-duration'
const token = 'for-tests-only'
const connections = 32

let folder: string
let registry: Registry
let first: string
let ending: (() => Promise<unknown>)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-real-rollout-'))
  registry = openRegistry(join(folder, 'models'))
  first = await save(zonesAndDistance)
  await registry.promote(name, first)
  ending = []
})
afterEach(async () => {
  for (const end of ending.reverse()) await end()
  await rm(folder, { recursive: true, force: true })
})

const save = async (documents: Documents): Promise<string> =>
  (await registry.save(name, documents)).version

/** The built server on the folders of this test. */
async function start(): Promise<Serving> {
  const env = {
    RIDECAST_MODELS: join(folder, 'models'),
    RIDECAST_STATE: join(folder, 'state'),
    RIDECAST_LOG_LEVEL: 'info',
    RIDECAST_RELOAD_SECONDS: '1',
    RIDECAST_ADMIN_TOKENS_SHA256: createHash('sha256').update(token).digest('hex'),
  }
  const serving = await serve([], { env })
  let stopped: Promise<number | null> | undefined
  const once = {
    url: serving.url,
    stop: () => {
      stopped ??= serving.stop()
      return stopped
    },
  }
  ending.push(once.stop)
  return once
}

/** Asks the admin API: what goes on, or a change of it. */
async function admin(url: string, request?: RolloutRequestInput): Promise<RolloutDocument> {
  const answer = await fetch(`${url}/admin/rollout`, {
    method: request ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(request && { body: JSON.stringify(request) }),
  })
  const document = (await answer.json()) as { rollout: RolloutDocument; detail?: string }
  if (answer.status !== 200) throw new Error(`${answer.status}: ${document.detail}`)
  return document.rollout
}

/** What a load has seen. */
interface Load {
  /** Answers by model version. */
  readonly versions: Map<string, number>
  /** Everything but status 200 with a duration. */
  readonly failures: string[]
  stop(): Promise<void>
}

/** Rides from zone 43 at many distances, some from a zone that training never saw. */
const rideOf = (i: number): string => {
  const zone = i % 5 === 0 ? 7 : 43
  const ride = { PULocationID: zone, DOLocationID: zone === 7 ? 7 : 151 }
  return JSON.stringify({ ...ride, trip_distance: 0.5 + (i % 40) / 4 })
}

/** Begins to ask on 32 kept connections, each its next when the last is answered. */
function load(url: string): Load {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const versions = new Map<string, number>()
  const failures: string[] = []
  let going = true
  let count = 0
  const client = async (): Promise<void> => {
    while (going) {
      const body = rideOf(count++)
      try {
        const answer = await pool.request({
          path: '/predict',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        const document = (await answer.body.json()) as Record<string, unknown>
        const { duration, model_version: version } = document
        const fine = answer.statusCode === 200 && Number.isFinite(duration)
        if (!fine) failures.push(`${answer.statusCode} ${JSON.stringify(document)}`)
        versions.set(String(version), (versions.get(String(version)) ?? 0) + 1)
      } catch (error) {
        failures.push(String(error))
      }
    }
  }
  const clients = Array.from({ length: connections }, client)
  const loading = {
    versions,
    failures,
    async stop() {
      going = false
      await Promise.all(clients)
      await pool.close()
    },
  }
  ending.push(async () => {
    going = false
    await Promise.all(clients)
    await pool.destroy()
  })
  return loading
}

/** Asks until what goes on is as wanted; fails after a minute. */
async function until(
  url: string,
  wanted: (document: RolloutDocument) => boolean,
): Promise<RolloutDocument> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const document: RolloutDocument | null = await admin(url)
    if (document !== null && wanted(document)) return document
    if (Date.now() > deadline) throw new Error(`did not come about: ${JSON.stringify(document)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const eventsOf = ({ history }: RolloutDocument): string[] => history.map(({ event }) => event)

test('100 switches of the champion under load: no request fails', async () => {
  const second = await save(scaled(2))
  const { url } = await start()
  const loading = load(url)
  const changes = new Set<string>()
  for (let i = 0; i < 50; i++) {
    changes.add((await admin(url, { action: 'switch', version: second })).champion)
    changes.add((await admin(url, { action: 'back' })).champion)
  }
  await loading.stop()
  expect(loading.failures).toEqual([])
  expect([...loading.versions.keys()].sort()).toEqual([first, second].sort())
  expect(changes).toEqual(new Set([first, second]))
  const asked = [...loading.versions.values()].reduce((sum, n) => sum + n, 0)
  process.stdout.write(`100 switches, ${asked} requests, ${loading.failures.length} failed\n`)
  // Each switch is an entry; 100 of them and the first promotion.
  expect(await registry.history(name)).toHaveLength(101)
})

test('switches by the command line on the same folders reach the server too', async () => {
  const second = await save(renamed('second'))
  const { url } = await start()
  const loading = load(url)
  const places = ['--models', join(folder, 'models'), '--state', join(folder, 'state')]
  const switched = await ridecast(['rollout', 'switch', second, ...places])
  expect(switched).toMatchObject({ code: 0, stderr: '' })
  const document = await until(url, ({ champion }) => champion === second)
  expect(eventsOf(document)).toEqual(['switched'])
  const back = await ridecast(['rollout', 'back', '--url', url], { env: { RIDECAST_TOKEN: token } })
  expect(back).toMatchObject({ code: 0, stderr: '' })
  const refused = await ridecast(['rollout', 'back', '--url', url])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('RIDECAST_TOKEN')
  await loading.stop()
  expect(loading.failures).toEqual([])
})

const rules = { min_predictions: 200, min_seconds: 0.2 }

test('a canary of a bad model rolls itself back, and the record says why', async () => {
  const bad = await save(scaled(3))
  const { url } = await start()
  const loading = load(url)
  await admin(url, { action: 'start', version: bad, rules })
  const document = await until(url, ({ status }) => status === 'rolled_back')
  await loading.stop()
  expect(loading.failures).toEqual([])
  const last = document.history.at(-1)
  expect(last).toMatchObject({ event: 'rolled_back', by: 'judge', version: bad })
  expect(last?.reason).toMatch(/^prediction shift: the challenger's mean is/)
  expect(last?.numbers.challenger_mean_minutes).toBeGreaterThan(
    2 * (last?.numbers.champion_mean_minutes ?? 0),
  )
  // At the first step, 1 %: few were answered by it.
  const [good, wrong] = [first, bad].map((version) => loading.versions.get(version) ?? 0)
  expect(wrong).toBeGreaterThan(0)
  expect(wrong).toBeLessThan((good as number) / 10)
  expect((await registry.resolve(name)).version).toBe(first)
})

test('a canary of a model that fails on many rides fails no request, and is rolled back', async () => {
  const failing = await save(breaking)
  const { url } = await start()
  const loading = load(url)
  await admin(url, { action: 'start', version: failing, steps: [0.5, 1], rules })
  const document = await until(url, ({ status }) => status === 'rolled_back')
  await loading.stop()
  expect(loading.failures).toEqual([])
  expect(document.history.at(-1)?.reason).toMatch(/^error rate: the challenger failed on/)
})

test('a version that answers no golden ride never answers anybody', async () => {
  const broken = await save(unusable)
  const { url } = await start()
  const loading = load(url)
  await expect(admin(url, { action: 'start', version: broken })).rejects.toThrow(/^409: /)
  await expect(admin(url, { action: 'switch', version: broken })).rejects.toThrow(
    /takes no traffic/,
  )
  // By hand, past every check of the command line: the server still does not take it.
  await registry.promote(name, broken)
  const asked = (): number => loading.versions.get(first) ?? 0
  const before = asked()
  // Long enough for several looks at the alias, one a second.
  const looked = Date.now() + 3000
  await until(url, () => asked() > before + 2000 && Date.now() > looked)
  await loading.stop()
  expect(loading.failures).toEqual([])
  expect([...loading.versions.keys()]).toEqual([first])
  expect(eventsOf(await admin(url))).toEqual(['refused', 'refused'])
})

test('a good canary goes through all steps by itself and becomes the champion', async () => {
  const good = await save(renamed('good'))
  const { url } = await start()
  const loading = load(url)
  await admin(url, { action: 'start', version: good, rules })
  const document = await until(url, ({ status }) => status === 'promoted')
  expect(eventsOf(document)).toEqual([
    'started',
    ...Array(4).fill('advanced'),
    'promoting',
    'promoted',
  ])
  // 1, 5, 25, 50 and 100 %.
  const shares = document.history.map(({ share }) => share)
  expect(shares).toEqual([0.01, 0.05, 0.25, 0.5, 1, 1, 0])
  const answered = loading.versions.get(first)
  const byGood = (): number => loading.versions.get(good) ?? 0
  const before = byGood()
  await until(url, () => byGood() > before + 500)
  // Whatever was on its way when the alias moved has been answered long ago.
  const after = loading.versions.get(first)
  await until(url, () => byGood() > before + 1000)
  expect(loading.versions.get(first)).toBe(after)
  await loading.stop()
  expect(answered).toBeGreaterThan(0)
  expect(loading.failures).toEqual([])
  expect((await registry.history(name)).at(-1)).toMatchObject({ version: good, kind: 'promote' })
})

/** The arm of each of 60 keys. */
async function armsOf(url: string): Promise<string[]> {
  const arms: string[] = []
  for (let i = 0; i < 60; i++) {
    const headers = { 'content-type': 'application/json', 'ridecast-key': `client ${i}` }
    const answer = await fetch(`${url}/predict`, { method: 'POST', headers, body: rideOf(i) })
    arms.push(answer.headers.get('ridecast-arm') ?? 'none')
  }
  return arms
}

test('a restart in the middle keeps the trial, its arms and its counts', async () => {
  const good = await save(renamed('good'))
  const before = await start()
  await admin(before.url, { action: 'start', mode: 'ab', version: good, share: 0.5 })
  const arms = await armsOf(before.url)
  expect(new Set(arms)).toEqual(new Set(['champion', 'challenger']))
  expect(await before.stop()).toBe(0)
  const after = await start()
  const document = await admin(after.url)
  expect(document).toMatchObject({ mode: 'ab', status: 'running', share: 0.5, challenger: good })
  expect(eventsOf(document)).toEqual(['started'])
  const { champion_predictions: one, challenger_predictions: other } = document.numbers ?? {}
  expect((one ?? 0) + (other ?? 0)).toBe(60)
  expect(await armsOf(after.url)).toEqual(arms)
})

test('two servers on the same folders agree, whichever is told', async () => {
  const [good, bad] = [await save(renamed('good')), await save(scaled(3))]
  const [one, two] = [await start(), await start()]
  const loads = [load(one.url), load(two.url)]
  await admin(one.url, { action: 'switch', version: good })
  await until(two.url, ({ champion }) => champion === good)
  await admin(two.url, { action: 'start', version: bad, steps: [0.2, 1], rules })
  const documents = await Promise.all(
    [one, two].map(({ url }) => until(url, ({ status }) => status === 'rolled_back')),
  )
  expect(documents[0]?.history).toEqual(documents[1]?.history)
  // The arms of both keys are the same: one seed.
  await admin(one.url, { action: 'start', mode: 'ab', version: first })
  await until(two.url, ({ status }) => status === 'running')
  expect(await armsOf(two.url)).toEqual(await armsOf(one.url))
  for (const each of loads) {
    await each.stop()
    expect(each.failures).toEqual([])
  }
})

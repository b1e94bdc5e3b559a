import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileTracker } from '../../src/tracking/files.ts'
import { type MirroredRun, mirrorTracker } from '../../src/tracking/mirror.ts'
import { localRunTag, type PushTarget, runPusher } from '../../src/tracking/push.ts'
import { readRemoteStates } from '../../src/tracking/remote-state.ts'
import type { RunRecord, RunSummary, Tracker } from '../../src/tracking/tracker.ts'
import { type RemoteDouble, remoteDouble } from './remote-double.ts'

const uri = 'http://mlflow.test:5000'
const model = { name: 'green-duration', version: 'baa854c0711e', path: 'models/x' }
const january = {
  name: 'green 2021-01',
  source: 'data/green_tripdata_2021-01.parquet',
  digest: `sha256:${'5a'.repeat(32)}`,
  context: 'training' as const,
  rows: 76518,
}

let folder: string
let local: Tracker
let server: RemoteDouble
let target: PushTarget
let registered: string[]
let notes: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-mirror-'))
  local = fileTracker(join(folder, 'runs'))
  server = remoteDouble(join(folder, 'server'))
  registered = []
  notes = []
  target = {
    uri,
    tracker: server.tracker,
    modelFiles: async () => [{ path: 'MLmodel', content: Buffer.from('flavors: {}') }],
    async register({ name, version }, { modelId }) {
      registered.push(`${name}/${version} ${modelId}`)
      return { registered: 'models/1', champion: version }
    },
  }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const start = { experiment: 'nyc-green', name: 'a run', tags: { developer: 'me' }, user: 'ada' }

/** A whole run with something of everything. */
async function train(tracker: Tracker): Promise<MirroredRun> {
  const run = (await tracker.startRun(start)) as MirroredRun
  await run.logParameters({ recipe: 'standard', l2: 3 })
  for (let step = 0; step < 5; step++) await run.logMetrics({ loss: 5 - step }, { step })
  await run.logDataset(january)
  await run.logArtifact('report/é.txt', 'a report')
  await run.logModel(model)
  await run.finish('finished')
  return run
}

/** All runs of the server, as anybody reads them. */
async function onServer(): Promise<RunRecord[]> {
  const runs = await fileTracker(join(folder, 'server')).listRuns()
  const known = runs.filter((run): run is RunSummary => run.status !== 'unreadable')
  return Promise.all(known.map((run) => fileTracker(join(folder, 'server')).getRun(run.id)))
}

/** What must be the same on both sides. */
function told(record: RunRecord): unknown {
  const points = Object.entries(record.history).map(([name, history]) => {
    // A point that was sent twice is kept once by a server, twice by the double.
    return [name, [...new Set(history.map((point) => JSON.stringify(point)))]] as const
  })
  const { [localRunTag]: _, ...tags } = record.tags
  const { experiment, name, status, startedAt, endedAt, error, user, source } = record
  const { parameters, datasets, model: made, artifacts } = record
  const facts = { experiment, name, status, startedAt, endedAt, error, user, source }
  return { ...facts, tags, parameters, datasets, made, artifacts, points: new Map(points) }
}

describe('a run that is mirrored', () => {
  it('is on the server whole when it has ended, and its model is registered', async () => {
    const run = await train(mirrorTracker(local, target, (text) => notes.push(text)))
    const [record, ...others] = await onServer()
    expect(others).toEqual([])
    expect(told(record as RunRecord)).toEqual(told(await local.getRun(run.id)))
    expect(record?.tags[localRunTag]).toBe(run.id)
    expect(registered).toEqual(['green-duration/baa854c0711e m-baa854c0711e-1'])
    expect(await run.remote()).toMatchObject({
      run: record?.id,
      model: 'm-baa854c0711e-1',
      registered: 'models/1',
      champion: 'baa854c0711e',
      complete: true,
      error: null,
    })
    expect(notes).toEqual([])
  })

  it('sends nothing twice while the server answers', async () => {
    await train(mirrorTracker(local, target, () => {}))
    const once = ['startRun', 'logParameters', 'logDataset', 'logArtifact', 'logModel', 'finish']
    for (const method of once) expect(server.calls.filter((c) => c === method)).toEqual([method])
  })

  it('goes on in its files when the server is gone, and says so once, with what to do', async () => {
    server.failAfter(0)
    const run = await train(mirrorTracker(local, target, (text) => notes.push(text)))
    expect((await local.getRun(run.id)).status).toBe('finished')
    expect(await run.remote()).toMatchObject({ run: null, complete: false })
    expect(notes).toHaveLength(1)
    expect(notes[0]).toMatch(/tracking_unreachable.*nothing is lost.*ridecast runs sync/)
  })

  it('leaves a server that failed alone for a while, then tells it everything', async () => {
    let clock = 0
    server.failAfter(0)
    const tracker = mirrorTracker(
      local,
      target,
      (text) => notes.push(text),
      () => clock,
    )
    const run = await tracker.startRun(start)
    await run.logParameters({ recipe: 'standard' })
    server.failAfter(Number.POSITIVE_INFINITY)
    clock = 31_000
    await run.finish('finished')
    expect(notes).toEqual([])
    expect(told((await onServer())[0] as RunRecord)).toEqual(told(await local.getRun(run.id)))
  })
})

describe('a push that breaks off', () => {
  it('after any number of calls is completed by the next, with one run and one model', async () => {
    const run = await train(local)
    let broken = 0
    for (let calls = 0; ; calls++) {
      await rm(join(folder, 'server'), { recursive: true, force: true })
      await rm(join(folder, 'runs', run.id, 'remote.json'), { force: true })
      registered = []
      server.failAfter(calls)
      const whole = await runPusher(local, run.id, target)
        .push()
        .then(
          () => true,
          () => false,
        )
      if (whole) break
      broken++
      server.failAfter(Number.POSITIVE_INFINITY)
      const state = await runPusher(local, run.id, target).push()
      expect(state).toMatchObject({ complete: true, error: null })
      const runs = await onServer()
      expect(runs).toHaveLength(1)
      expect(told(runs[0] as RunRecord)).toEqual(told(await local.getRun(run.id)))
      expect(registered).toHaveLength(1)
    }
    // startRun, parameters, tags, dataset, points, artifact, model, finish.
    expect(broken).toBe(8)
  })

  it('registers a model whose registration failed, without sending it again', async () => {
    const run = await train(local)
    const refusing = { ...target, register: () => Promise.reject(new Error('registry is down')) }
    await expect(runPusher(local, run.id, refusing).push()).rejects.toThrow('registry is down')
    server.calls.length = 0
    await runPusher(local, run.id, target).push()
    expect(registered).toHaveLength(1)
    expect(server.calls).not.toContain('logModel')
  })
})

describe('a run that is pushed later', () => {
  it('has its parent on the server too, which is sent first', async () => {
    const parent = await local.startRun({ ...start, name: 'sweep' })
    const child = await local.startRun({ ...start, name: 'trial', parent: parent.id })
    await child.finish('failed', { error: 'no rides' })
    await runPusher(local, child.id, target).push()
    const [trial, sweep] = ['trial', 'sweep'].map((name) => async () => {
      return (await onServer()).find((record) => record.name === name)
    })
    expect((await trial?.())?.parent).toBe((await sweep?.())?.id)
    expect(await trial?.()).toMatchObject({ status: 'failed', error: 'no rides' })
  })

  it('goes into the run that was started for it on the server', async () => {
    const prepared = await server.tracker.startRun({ ...start, name: 'prepared' })
    const run = await train(local)
    const state = await runPusher(local, run.id, { ...target, runId: prepared.id }).push()
    expect(state.run).toBe(prepared.id)
    expect(await onServer()).toHaveLength(1)
  })

  it('is kept apart for each server, and a state that is no state is named', async () => {
    const run = await train(local)
    await runPusher(local, run.id, target).push()
    const other = remoteDouble(join(folder, 'other'))
    await runPusher(local, run.id, { ...target, uri: 'http://b', tracker: other.tracker }).push()
    const states = await readRemoteStates(join(folder, 'runs', run.id))
    expect(Object.keys(states).sort()).toEqual(['http://b', uri])
    expect(await readdir(join(folder, 'other'))).toHaveLength(1)
    await writeFile(join(folder, 'runs', run.id, 'remote.json'), '{"format":2}')
    await expect(runPusher(local, run.id, target).push()).rejects.toMatchObject({
      code: 'run_corrupt',
    })
  })
})

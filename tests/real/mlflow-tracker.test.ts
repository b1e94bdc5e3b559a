/** The store of runs on an MLflow server, against a real one and MLflow's own Python client. */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { MlflowClient } from '../../src/tracking/mlflow/client.ts'
import { experimentId } from '../../src/tracking/mlflow/experiments.ts'
import { createLoggedModel, getLoggedModel } from '../../src/tracking/mlflow/logged-model.ts'
import { fetchRun } from '../../src/tracking/mlflow/run.ts'
import { mlflowTracker } from '../../src/tracking/mlflow/tracker.ts'
import type { Dataset, RemoteTracker, RunHandle } from '../../src/tracking/tracker.ts'
import { trackerContract } from '../tracking/tracker-contract.ts'
import { type FaultyProxy, faultyProxy, type SeenRequest } from './faulty-proxy.ts'
import { clientOf, emptyStore } from './mlflow-store.ts'
import { python, type ServerProcess, startMlflow } from './parts.ts'

const api = '/api/2.0/mlflow'
let folder: string
let server: ServerProcess
let client: MlflowClient
let tracker: RemoteTracker

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-mlflow-'))
  server = await startMlflow(folder)
  client = clientOf(server.url)
  tracker = mlflowTracker(client)
})

afterAll(async () => {
  await client?.close()
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})

trackerContract('an MLflow server', () => emptyStore(client))

let count = 0
/** A run in an experiment of its own. */
const startAlone = (name = `alone ${++count}`): Promise<RunHandle> =>
  tracker.startRun({ experiment: name, tags: {} })

const january: Dataset = {
  name: 'green 2021-01',
  source: 'data/green_tripdata_2021-01.parquet',
  digest: `sha256:${'5a'.repeat(32)}`,
  context: 'training',
  rows: 76518,
}
const february: Dataset = {
  name: 'green 2021-02',
  source: 'https://host/green_tripdata_2021-02.parquet',
  digest: `sha256:${'5b'.repeat(32)}`,
  context: 'validation',
  rows: 64572,
}
const modelFiles = [
  { path: 'MLmodel', content: Buffer.from('flavors:\n  nothing: {}\n') },
  { path: 'ridecast/model.json', content: Buffer.from('{"a":"é"}') },
]
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a run that ridecast has logged', () => {
  it('is read back whole by the Python client', async () => {
    const commit = { hash: 'c0ffee'.padEnd(40, '0'), modified: true }
    const parent = await startAlone('python')
    const startedAt = new Date('2021-03-01T08:15:00.250Z')
    const run = await tracker.startRun({
      experiment: 'python',
      name: 'a run',
      tags: { developer: 'me' },
      parent: parent.id,
      commit,
      user: 'ann',
      source: 'ridecast train 2021-01',
      startedAt,
    })
    await run.logParameters({ l2: 0.5, recipe: 'plain' })
    await run.logDataset(january)
    await run.logDataset(february)
    await run.logMetrics({ rmse: 5.75, 'train.rmse': 4.25, 'seconds.solve': 1, gone: Number.NaN })
    await run.logMetrics({ loss: 3 }, { step: 1, at: startedAt })
    await run.logMetrics({ loss: 2 }, { step: 2, at: startedAt })
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256))
    await run.logArtifact('plots/a b +&=é.png', bytes)
    const model = { name: 'green-duration', version: 'v1', path: 'models/x/v1' }
    const modelId = await run.logModel(model, async () => modelFiles)
    await run.logMetrics({ 'validation.mae': 3.5 })
    await run.finish('finished', { at: new Date('2021-03-01T08:16:00.000Z') })

    const script = `
import hashlib, json, sys, mlflow
from pathlib import Path
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
run = client.get_run(sys.argv[2])
model = client.get_logged_model(run.outputs.model_outputs[0].model_id)
def files(uri):
    root = Path(mlflow.artifacts.download_artifacts(uri))
    found = [p for p in root.rglob('*') if p.is_file()]
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}
children = client.search_runs(
    [run.info.experiment_id], f"tags.mlflow.parentRunId = '{sys.argv[3]}'")
print(json.dumps({
    'info': [run.info.run_name, run.info.status, run.info.start_time, run.info.end_time],
    'params': run.data.params,
    'metrics': {k: v for k, v in run.data.metrics.items() if v == v},
    'tags': {k: v for k, v in run.data.tags.items() if k.startswith('mlflow.') or k == 'developer'},
    'history': [[m.value, m.step, m.timestamp] for m in client.get_metric_history(run.info.run_id, 'loss')],
    'inputs': [[i.dataset.name, i.dataset.digest, i.dataset.source_type,
                mlflow.data.get_source(i).to_dict(), json.loads(i.dataset.profile),
                [t.value for t in i.tags if t.key == 'mlflow.data.context']]
               for i in sorted(run.inputs.dataset_inputs, key=lambda i: i.dataset.name)],
    'artifacts': files(run.info.artifact_uri),
    'children': [c.info.run_id for c in children],
    'model': [model.model_id, model.name, str(model.status), model.source_run_id, model.params,
              {k: v for k, v in model.tags.items() if k != 'ridecast.request'}],
    'model metrics': {m.key: [m.value, m.dataset_name, m.dataset_digest] for m in model.metrics},
    'model files': files(f'models:/{model.model_id}'),
    'MLmodel': mlflow.models.Model.load(f'models:/{model.model_id}').model_id,
}))`
    const read = python(script, [server.url, run.id, parent.id]) as Record<string, unknown>
    const digest = (letter: string): string => `5${letter}`.repeat(16)
    expect(read).toMatchObject({
      // Milliseconds since 1970 of the start and end above.
      info: ['a run', 'FINISHED', 1614586500250, 1614586560000],
      params: { l2: '0.5', recipe: 'plain' },
      metrics: {
        rmse: 5.75,
        'train.rmse': 4.25,
        'seconds.solve': 1,
        loss: 2,
        'validation.mae': 3.5,
      },
      tags: {
        developer: 'me',
        'mlflow.user': 'ann',
        'mlflow.source.name': 'ridecast train 2021-01',
        'mlflow.source.type': 'LOCAL',
        'mlflow.source.git.commit': commit.hash,
        'mlflow.source.git.dirty': 'true',
        'mlflow.parentRunId': parent.id,
        'mlflow.runName': 'a run',
      },
      history: [
        [3, 1, 1614586500250],
        [2, 2, 1614586500250],
      ],
      inputs: [
        [
          january.name,
          digest('a'),
          'local',
          { uri: january.source },
          { num_rows: 76518 },
          ['training'],
        ],
        [
          february.name,
          digest('b'),
          'http',
          { url: february.source },
          { num_rows: 64572 },
          ['validation'],
        ],
      ],
      artifacts: { 'plots/a b +&=é.png': sha256(bytes) },
      children: [run.id],
      model: [
        modelId,
        'green-duration',
        'READY',
        run.id,
        { l2: '0.5', recipe: 'plain' },
        { 'ridecast.name': 'green-duration', 'ridecast.version': 'v1' },
      ],
      MLmodel: modelId,
    })
    expect(read['model metrics']).toEqual({
      rmse: [5.75, february.name, digest('b')],
      'train.rmse': [4.25, january.name, digest('a')],
      'validation.mae': [3.5, february.name, digest('b')],
      'seconds.solve': [1, null, null],
      loss: [2, null, null],
    })
    expect(read['model files']).toMatchObject({
      MLmodel: expect.any(String),
      'ridecast/model.json': sha256(modelFiles[1]?.content ?? Buffer.alloc(0)),
    })
    expect(run.location).toMatch(new RegExp(`^${server.url}/#/experiments/\\d+/runs/${run.id}$`))
    expect((await tracker.getRun(run.id)).model).toEqual(model)
  })

  it('may be large: 3,000 metrics and 250 parameters in one call', async () => {
    const run = await startAlone()
    const names = Array.from({ length: 3000 }, (_, i) => `m${i}`)
    const metrics = Object.fromEntries(names.map((name, i) => [name, i / 7]))
    const parameters = Object.fromEntries(names.slice(0, 250).map((name) => [name, name]))
    await run.logMetrics(metrics)
    await run.logParameters(parameters)
    const [listed] = await tracker.listRuns({ filter: `attributes.run_id = '${run.id}'` })
    expect(listed).toMatchObject({ metrics, parameters })
    const record = await tracker.getRun(run.id)
    expect(Object.keys(record.history).length).toBe(3000)
    expect(record.history.m2999).toMatchObject([{ value: 2999 / 7, step: 0 }])
  })

  it('may have more values of a metric than a page of the server', async () => {
    const run = await startAlone()
    const time = '2021-03-01T08:15:00.000Z'
    const points = Array.from({ length: 10_500 }, (_, step) => {
      return { name: 'loss', value: Math.sqrt(step), step, time }
    })
    await run.logPoints(points)
    const { history, metrics } = await tracker.getRun(run.id)
    expect(history.loss).toEqual(points.map(({ name: _, ...point }) => point))
    expect(metrics.loss).toBe(Math.sqrt(10_499))
  })

  it('may have values so long that a request holds few of them', async () => {
    const run = await startAlone()
    // 6,000 characters of three bytes each, 1.8 MB in all: the server takes 1 MB.
    const values = Array.from({ length: 100 }, (_, i) => [`p${i}`, '三'.repeat(6000)] as const)
    await run.logParameters(Object.fromEntries(values))
    expect((await tracker.getRun(run.id)).parameters).toEqual(Object.fromEntries(values))
  })

  it('keeps long texts whole, in parameters, tags and errors, and takes them twice', async () => {
    const text = `é😀${'long '.repeat(4000)}`
    const start = { experiment: 'long', tags: { note: text, 'ridecast.run_id': 'long' } }
    const run = await tracker.startRun(start)
    await run.logParameters({ text })
    await run.logParameters({ text })
    await expect(run.logParameters({ text: `${text}!` })).rejects.toMatchObject({
      code: 'run_write_refused',
    })
    await run.setTags({ note: `${text}2`, nothing: 'a\0b' })
    await run.finish('failed', { error: `${text}3` })
    const expected = {
      parameters: { text },
      tags: { note: `${text}2`, nothing: 'a\0b' },
      error: `${text}3`,
    }
    const record = await tracker.getRun(run.id)
    expect(record).toMatchObject(expected)
    expect(record.artifacts).toEqual([])
    expect(await tracker.listRuns({ experiment: 'long' })).toMatchObject([expected])
    await expect(run.logArtifact('ridecast/texts/a', '')).rejects.toMatchObject({
      code: 'run_write_refused',
    })
  })

  it('is gone once it was deleted there', async () => {
    const run = await startAlone('deleted run')
    await client.send('POST', `${api}/runs/delete`, { run_id: run.id })
    expect(await tracker.listRuns({ experiment: 'deleted run' })).toEqual([])
    const missing = { code: 'run_not_found' }
    await expect(tracker.getRun(run.id)).rejects.toMatchObject(missing)
    await expect(tracker.resumeRun(run.id)).rejects.toMatchObject(missing)
    await expect(run.logMetrics({ late: 1 })).rejects.toMatchObject({ code: 'run_write_refused' })
  })

  it('can be gone on with by another process, and told the same again', async () => {
    const run = await startAlone()
    const tell = async (handle: RunHandle): Promise<string | null> => {
      await handle.logParameters({ l2: 1 })
      await handle.logPoints([{ name: 'a', value: 1, step: 0, time: '2021-03-01T08:15:00.000Z' }])
      await handle.logDataset(january)
      await handle.logDataset({ ...january, context: 'validation' })
      await handle.logArtifact('a.txt', 'a')
      const model = { name: 'm', version: 'v1', path: 'p' }
      const id = await handle.logModel(model, async () => modelFiles)
      await handle.finish('finished', { at: new Date('2021-03-01T08:16:00.000Z') })
      return id
    }
    const modelId = await tell(run)
    const before = await tracker.getRun(run.id)
    const again = await tracker.resumeRun(run.id)
    expect([again.id, again.location]).toEqual([run.id, run.location])
    expect(await tell(again)).toBe(modelId)
    expect(await tracker.getRun(run.id)).toEqual(before)
    expect(before.datasets.map((dataset) => dataset.context)).toEqual(['training', 'validation'])
    const third = await tracker.resumeRun(run.id)
    await expect(third.logParameters({ l2: 2 })).rejects.toMatchObject({
      code: 'run_write_refused',
    })
    await third.finish('failed', { error: 'after all' })
    expect(await tracker.getRun(run.id)).toMatchObject({ status: 'failed', error: 'after all' })
  })

  it('is started once for each ridecast.run_id', async () => {
    const start = { experiment: 'identity', tags: { 'ridecast.run_id': '20210301T081500-3fa2c1' } }
    const first = await tracker.startRun(start)
    const second = await tracker.startRun(start)
    const other = await tracker.startRun({ ...start, tags: { 'ridecast.run_id': 'other' } })
    expect(second.id).toBe(first.id)
    expect(other.id).not.toBe(first.id)
  })
})

describe('runs of other programs', () => {
  it('are read as far as they tell of themselves', async () => {
    const script = `
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment('from python')
with mlflow.start_run(run_name='outer') as outer:
    with mlflow.start_run(run_name='inner', nested=True) as inner:
        data = mlflow.data.from_numpy(__import__('numpy').zeros((3, 2)), source='s3://b/x.npy', name='zeros')
        mlflow.log_input(data, context='test')
        mlflow.log_params({'a': 1})
        for step in range(3):
            mlflow.log_metric('loss', 3 - step, step=step)
        mlflow.log_text('hello', 'notes/a.txt')
print(json.dumps([outer.info.run_id, inner.info.run_id]))`
    const [outer = '', inner = ''] = python(script, [server.url]) as string[]
    const record = await tracker.getRun(inner)
    expect(record).toMatchObject({
      name: 'inner',
      experiment: 'from python',
      parent: outer,
      status: 'finished',
      error: null,
      model: null,
      parameters: { a: '1' },
      metrics: { loss: 1 },
      datasets: [{ name: 'zeros', source: 's3://b/x.npy', context: 'validation' }],
      artifacts: [{ path: 'notes/a.txt', bytes: 5 }],
      tags: {},
    })
    expect(record.history.loss?.map((point) => point.value)).toEqual([3, 2, 1])
    expect(Buffer.from(await tracker.readArtifact(inner, 'notes/a.txt')).toString()).toBe('hello')
  })
})

describe('lists', () => {
  it('are as long as they are, though the server gives a page at a time', async () => {
    const experiment = await experimentId(client, 'many')
    // A page has 1,000.
    const starts = Array.from({ length: 1003 }, (_, i) => i)
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = starts.pop(); i !== undefined; i = starts.pop()) {
          await client.send('POST', `${api}/runs/create`, {
            experiment_id: experiment,
            start_time: i,
          })
        }
      }),
    )
    const runs = await tracker.listRuns({ experiment: 'many' })
    expect(runs.length).toBe(1003)
    const times = runs.map((run) => ('startedAt' in run ? Date.parse(run.startedAt) : Number.NaN))
    expect(times).toEqual(Array.from({ length: 1003 }, (_, i) => 1002 - i))
    expect(await tracker.listRuns({ experiment: 'many', limit: 1002 })).toEqual(runs.slice(0, 1002))
  })

  it('are filtered and ordered by the server', async () => {
    for (const [l2, rmse] of [
      ['1', 3],
      ['2', 1],
      ['2', 2],
    ] as const) {
      const run = await tracker.startRun({ experiment: 'filtered', tags: {} })
      await run.logParameters({ l2 })
      await run.logMetrics({ rmse })
    }
    const runs = await tracker.listRuns({
      experiment: 'filtered',
      filter: "params.l2 = '2' and metrics.rmse < 8",
      orderBy: ['metrics.rmse ASC'],
    })
    expect(runs.map((run) => 'metrics' in run && run.metrics.rmse)).toEqual([1, 2])
    const wrong = tracker.listRuns({ experiment: 'filtered', filter: 'metrics.rmse << 8' })
    await expect(wrong).rejects.toMatchObject({ code: 'filter_invalid' })
  })
})

describe('experiments', () => {
  it('are made once by processes that make them at the same moment', async () => {
    const source = `
      const { mlflowClient } = await import('./src/tracking/mlflow/client.ts')
      const { mlflowSettings } = await import('./src/tracking/mlflow/settings.ts')
      const { experimentId } = await import('./src/tracking/mlflow/experiments.ts')
      const client = mlflowClient(mlflowSettings(${JSON.stringify(server.url)}, {}))
      process.stdout.write('ready\\n')
      process.stdin.once('data', async () => {
        const ids = []
        for (let i = 0; i < 10; i++) ids.push(await experimentId(client, 'race ' + i))
        process.stdout.write(JSON.stringify(ids) + '\\n')
        process.exit(0)
      })`
    const args = ['--import', 'tsx', '--input-type=module', '-e', source]
    const all = Array.from({ length: 3 }, () => {
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.on('data', (data) => {
        said += data
      })
      return { child, said: () => said.trim().split('\n') }
    })
    await expect
      .poll(() => all.every(({ said }) => said()[0] === 'ready'), { timeout: 60_000 })
      .toBe(true)
    const ends = all.map(({ child }) => once(child, 'close'))
    for (const { child } of all) child.stdin.end('go')
    await Promise.all(ends)
    const found = all.map(({ said }) => said()[1])
    expect(found[0]).toMatch(/^\["\d+"/)
    expect(new Set(JSON.parse(found[0] ?? '[]')).size).toBe(10)
    expect(new Set(found).size).toBe(1)
  })

  it('that were deleted say how to get them back', async () => {
    const id = await experimentId(client, 'thrown away')
    await client.send('POST', `${api}/experiments/delete`, { experiment_id: id })
    expect(await tracker.listRuns({ experiment: 'thrown away' })).toEqual([])
    const started = startAlone('thrown away')
    await expect(started).rejects.toMatchObject({ code: 'run_write_refused' })
    await expect(started).rejects.toThrow(`mlflow experiments restore --experiment-id ${id}`)
    await client.send('POST', `${api}/experiments/restore`, { experiment_id: id })
    await startAlone('thrown away')
  })

  it('whose artifacts only the server reaches take everything but files', async () => {
    const body = { name: 'elsewhere', artifact_location: `file://${folder}/elsewhere` }
    await client.send('POST', `${api}/experiments/create`, body)
    const run = await startAlone('elsewhere')
    await run.logParameters({ a: 1 })
    const refusal = {
      code: 'tracking_refused',
      message: expect.stringContaining('--serve-artifacts'),
    }
    await expect(run.logArtifact('a.txt', 'a')).rejects.toMatchObject(refusal)
    await expect(run.logParameters({ b: 'x'.repeat(9000) })).rejects.toMatchObject(refusal)
    const model = { name: 'm', version: 'v1', path: 'p' }
    await expect(run.logModel(model, async () => modelFiles)).rejects.toMatchObject(refusal)
    expect(await run.logModel(model)).toBeNull()
    await run.finish('finished')
    expect(await tracker.getRun(run.id)).toMatchObject({
      status: 'finished',
      parameters: { a: '1' },
      artifacts: [],
      model,
    })
    await expect(tracker.readArtifact(run.id, 'a.txt')).rejects.toMatchObject(refusal)
  })
})

describe('artifacts', () => {
  it('of 50 MB are streamed, both sides in little memory', async () => {
    const run = await startAlone()
    // One piece for all of it: what grows then is what the client holds.
    const piece = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, i) => (i * i) % 251))
    const hash = createHash('sha256')
    const pieces = 50
    let peak = 0
    const before = process.memoryUsage().rss
    await run.logArtifact('large.bin', {
      bytes: pieces * piece.length,
      async *open() {
        for (let i = 0; i < pieces; i++) {
          hash.update(piece)
          peak = Math.max(peak, process.memoryUsage().rss - before)
          yield piece
        }
      },
    })
    const expected = hash.digest('hex')
    const script = `
import hashlib, json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
path = mlflow.artifacts.download_artifacts(f'runs:/{sys.argv[2]}/large.bin')
print(json.dumps(hashlib.sha256(open(path, 'rb').read()).hexdigest()))`
    expect(python(script, [server.url, run.id])).toBe(expected)
    const { artifacts } = await tracker.getRun(run.id)
    expect(artifacts).toEqual([{ path: 'large.bin', bytes: 50 * 1024 * 1024 }])
    expect(sha256(await tracker.readArtifact(run.id, 'large.bin'))).toBe(expected)
    // Well under the 50 MB that holding the file would take.
    expect(peak).toBeLessThan(25 * 1024 * 1024)
  })

  it.each(['a#b.txt', 'a%20b.txt'])(
    'whose path the server would change are refused: %s',
    async (path) => {
      const run = await startAlone()
      await expect(run.logArtifact(path, 'a')).rejects.toMatchObject({ code: 'run_write_refused' })
      expect((await tracker.getRun(run.id)).artifacts).toEqual([])
    },
  )

  it.each(['100%.txt', 'a b/c;d.txt', "ü'+&=@,!()$~.txt", '-/_.txt'])(
    'keep their path: %s',
    async (path) => {
      const run = await startAlone()
      await run.logArtifact(path, path)
      expect((await tracker.getRun(run.id)).artifacts.map((one) => one.path)).toEqual([path])
      expect(Buffer.from(await tracker.readArtifact(run.id, path)).toString()).toBe(path)
    },
  )
})

describe('between us and the server', () => {
  let proxy: FaultyProxy
  let far: MlflowClient
  let remote: RemoteTracker

  beforeAll(async () => {
    proxy = await faultyProxy(server.url)
    far = clientOf(proxy.url, { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0.01' })
    remote = mlflowTracker(far)
  })
  afterEach(() => proxy.decide(() => 'pass'))
  afterAll(async () => {
    await far?.close()
    await proxy?.close()
  })

  /** The first request that fits is lost, the others pass. */
  const once = (fits: (seen: SeenRequest) => boolean, fate: 'lose' | 'lose-answer'): void => {
    let isPast = false
    proxy.decide((seen) => {
      if (isPast || !fits(seen)) return 'pass'
      isPast = true
      return fate
    })
  }

  it.each([
    ['lose', 'runs/create'],
    ['lose-answer', 'runs/create'],
    ['lose-answer', 'experiments/create'],
    ['lose', 'runs/log-batch'],
    ['lose-answer', 'runs/log-batch'],
    ['lose-answer', 'runs/log-inputs'],
    ['lose-answer', 'mlflow-artifacts/artifacts'],
    ['lose', 'logged-models'],
    ['lose-answer', 'logged-models'],
    ['lose-answer', 'logged-models/m-'],
    ['lose', 'runs/outputs'],
    ['lose-answer', 'runs/outputs'],
    ['lose-answer', 'runs/update'],
  ] as const)(
    'what does not come through (%s) of %s is made once all the same',
    async (fate, path) => {
      const isThat = ({ path: seen }: SeenRequest): boolean =>
        path === 'logged-models' ? seen.endsWith(path) : seen.includes(path)
      once((seen) => isThat(seen) && seen.method !== 'GET', fate)
      const experiment = `faulty ${++count}`
      const run = await remote.startRun({ experiment, tags: {} })
      await run.logParameters({ a: 1 })
      await run.logMetrics({ m: 1, n: Number.NaN }, { at: new Date(5) })
      await run.logDataset(january)
      await run.logArtifact('a.txt', 'a')
      const model = { name: 'm', version: 'v1', path: 'p' }
      await run.logModel(model, async () => modelFiles)
      await run.finish('finished')
      expect((await tracker.listRuns({ experiment })).map((one) => one.id)).toEqual([run.id])
      const record = await tracker.getRun(run.id)
      expect(record).toMatchObject({
        status: 'finished',
        parameters: { a: '1' },
        datasets: [january],
        artifacts: [{ path: 'a.txt', bytes: 1 }],
        model,
      })
      expect(record.history.m).toEqual([{ value: 1, step: 0, time: '1970-01-01T00:00:00.005Z' }])
      expect(record.history.n?.length).toBe(1)
      const { outputs, info } = await fetchRun(client, run.id)
      const search = { experiment_ids: [info.experiment_id] }
      const models = await client.send('POST', `${api}/logged-models/search`, search)
      expect(outputs.model_outputs.length).toBe(1)
      expect(models).toMatchObject({
        models: [{ info: { status: 'LOGGED_MODEL_READY' }, data: { metrics: [{ key: 'm' }] } }],
      })
    },
  )

  it('a model whose upload breaks off has failed, and the next attempt goes on with it', async () => {
    const experiment = await experimentId(client, `models ${++count}`)
    const run = await remote.startRun({ experiment: `models ${count}`, tags: {} })
    const model = { name: 'green.duration', version: 'v1', path: 'p' }
    proxy.decide(({ method, path }) =>
      method === 'PUT' && path.includes('model.json') ? { status: 507 } : 'pass',
    )
    const refused = run.logModel(model, async () => modelFiles)
    await expect(refused).rejects.toMatchObject({ code: 'tracking_refused' })
    const search = { experiment_ids: [experiment] }
    const models = async (): Promise<
      { info: { model_id: string; status: string; name: string } }[]
    > =>
      ((await client.send('POST', `${api}/logged-models/search`, search)) as { models: [] }).models
    const [failed] = await models()
    expect(failed?.info).toMatchObject({
      name: 'green-duration',
      status: 'LOGGED_MODEL_UPLOAD_FAILED',
    })
    proxy.decide(() => 'pass')
    const id = await run.logModel(model, async () => modelFiles)
    expect(id).toBe(failed?.info.model_id)
    expect((await models()).map(({ info }) => info.status)).toEqual(['LOGGED_MODEL_READY'])
  })

  it('who is not accepted is told so, and the secret is in no message', async () => {
    const wrong = clientOf(proxy.url, { MLFLOW_TRACKING_TOKEN: 'topsecret' })
    proxy.decide(({ authorization }) =>
      authorization === 'Bearer right' ? 'pass' : { status: 401, body: '{"message":"who?"}' },
    )
    const error = await mlflowTracker(wrong)
      .listRuns()
      .then(
        () => expect.unreachable('the token was accepted'),
        (thrown: Error) => thrown,
      )
    expect(error).toMatchObject({ code: 'tracking_unauthorized' })
    expect(error.message).toContain('who?')
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('topsecret')
    const right = clientOf(proxy.url, { MLFLOW_TRACKING_TOKEN: 'right' })
    await mlflowTracker(right).listRuns({ limit: 1 })
    await Promise.all([wrong.close(), right.close()])
  })
})

describe('a model without a run', () => {
  it('has all its parameters and tags, and is ready', async () => {
    const experiment = await experimentId(client, 'models alone')
    const names = Array.from({ length: 230 }, (_, i) => [`p${i}`, String(i)] as const)
    const made = await createLoggedModel(client, {
      experimentId: experiment,
      name: 'alone',
      tags: { 'ridecast.version': 'v1' },
      parameters: Object.fromEntries(names),
      files: modelFiles,
    })
    expect(made).toMatchObject({ isReady: true, experimentId: experiment, name: 'alone' })
    expect(await getLoggedModel(client, made.modelId)).toEqual(made)
    const script = `
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.MlflowClient().get_logged_model(sys.argv[2])
print(json.dumps([model.params, model.tags['ridecast.version'], model.artifact_location]))`
    const expected = [Object.fromEntries(names), 'v1', made.artifactUri]
    expect(python(script, [server.url, made.modelId])).toEqual(expected)
  })
})

describe('a server that dies', () => {
  it('between two batches ends a call, and nothing hangs', async () => {
    const own = mkdtempSync(join(tmpdir(), 'ridecast-mlflow-dies-'))
    const mortal = await startMlflow(own)
    const near = clientOf(mortal.url, { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1' })
    try {
      const run = await mlflowTracker(near).startRun({ experiment: 'a', tags: {} })
      const time = '2021-03-01T08:15:00.000Z'
      const points = Array.from({ length: 200_000 }, (_, step) => {
        return { name: 'loss', value: step, step, time }
      })
      const logged = run.logPoints(points)
      const after = run.finish('finished')
      const failures = Promise.all(
        [logged, after].map((call) =>
          call.then(
            () => 'done',
            (error) => error.code,
          ),
        ),
      )
      // Once the first batch is there; 199 are to come.
      await expect
        .poll(async () => (await fetchRun(near, run.id)).data.metrics.length, { timeout: 60_000 })
        .toBe(1)
      await mortal.kill()
      expect(await failures).toEqual(['tracking_unreachable', 'tracking_unreachable'])
    } finally {
      await mortal.kill()
      await near.close()
      rmSync(own, { recursive: true, force: true })
    }
  })
})

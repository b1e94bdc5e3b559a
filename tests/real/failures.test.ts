/** What becomes of a training when the tracking server does not play along: nothing is lost. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ridecast } from '../command-line.ts'
import { type FaultyProxy, faultyProxy, type SeenRequest } from './faulty-proxy.ts'
import { freePort, python, type ServerProcess, startMlflow } from './parts.ts'

// The version of the plain recipe on 2021-01; see README.
const plain = 'f8c5cb1d7785'
const standard = 'baa854c0711e'

let folder: string
let server: ServerProcess
let proxy: FaultyProxy
let count = 0
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-failures-'))
  mkdirSync(join(folder, 'mlflow'))
  server = await startMlflow(join(folder, 'mlflow'))
})
afterAll(async () => {
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  proxy = await faultyProxy(server.url)
})
afterEach(() => proxy.close())

/** Folders and a name of one test's own, so that tests share nothing but the server. */
function place(): { name: string; args: string[]; folders: string[] } {
  const own = join(folder, `work-${count++}`)
  const name = `failure-${count}`
  const folders = ['--models', join(own, 'models'), '--runs', join(own, 'runs')]
  return { name, folders, args: [...folders, '--name', name, '--experiment', name] }
}

type Environment = Readonly<Record<string, string>>
const quick: Environment = { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' }

interface Report {
  readonly model_version: string
  readonly run_id: string
  readonly tracked: { readonly complete: boolean; readonly location: string | null }
}

/** Trains the plain recipe; the report, and what was said beside it. */
async function train(
  args: readonly string[],
  env: Environment,
): Promise<{ report: Report; stderr: string }> {
  const { code, stdout, stderr } = await ridecast(
    ['train', '2021-01', '--recipe', 'plain', '--json', ...args],
    { env: { MLFLOW_TRACKING_URI: proxy.url, ...env } },
  )
  expect(code, stderr).toBe(0)
  return { report: JSON.parse(stdout) as Report, stderr }
}

const sync = (folders: readonly string[], env: Environment = {}) =>
  ridecast(['runs', 'sync', '--json', ...folders], {
    env: { MLFLOW_TRACKING_URI: proxy.url, ...env },
  })

interface OnServer {
  readonly runs: {
    readonly status: string
    readonly params: Record<string, string>
    readonly metrics: Record<string, number>
    readonly artifacts: string[]
    readonly models: number
    readonly datasets: number
    readonly local: string
  }[]
  readonly versions: { readonly version: string; readonly content: string; readonly run: boolean }[]
}

/** What MLflow's own client finds of experiments and registered models, one of each a name. */
function onServer(names: readonly string[]): OnServer[] {
  return python(
    `
import json, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
def found(name):
  experiment = client.get_experiment_by_name(name)
  runs = client.search_runs([experiment.experiment_id]) if experiment else []
  versions = client.search_model_versions(f"name = '{name}'")
  return {'runs': [{
    'status': r.info.status, 'params': r.data.params, 'metrics': r.data.metrics,
    'artifacts': sorted(f.path for f in client.list_artifacts(r.info.run_id)),
    'models': len(r.outputs.model_outputs) if r.outputs else 0,
    'datasets': len(r.inputs.dataset_inputs) if r.inputs else 0,
    'local': r.data.tags.get('ridecast.run_id'),
  } for r in runs],
  'versions': [{
    'version': v.version, 'content': v.tags.get('ridecast.version'),
    'run': v.run_id in [r.info.run_id for r in runs],
  } for v in versions]}
print(json.dumps([found(name) for name in sys.argv[2:]]))
`,
    [server.url, ...names],
  ) as OnServer[]
}

/** The server has each of these trainings whole, and once. */
function expectWhole(
  trainings: readonly { readonly name: string; readonly report: Report }[],
): void {
  const found = onServer(trainings.map(({ name }) => name))
  for (const [i, { report }] of trainings.entries()) {
    const { runs, versions } = found[i] as OnServer
    expect(runs).toHaveLength(1)
    expect(runs[0]).toMatchObject({
      status: 'FINISHED',
      local: report.run_id,
      models: 1,
      datasets: 2,
      params: { recipe: 'plain', taxi: 'green', train_months: '2021-01' },
    })
    // Recomputed with scikit-learn's own least squares; see tests/golden.
    expect(runs[0]?.metrics['train.rmse']).toBeCloseTo(9.775258694528304, 9)
    const artifacts = ['lineage.json', 'model-card.html', 'recipe.yaml']
    expect(runs[0]?.artifacts).toEqual(expect.arrayContaining(artifacts))
    expect(versions).toEqual([{ version: '1', content: plain, run: true }])
  }
}

describe('a connection that is lost', () => {
  it('at any place leaves the training whole; a sync sends the rest, and nothing twice', async () => {
    const whole = place()
    const trainings = [{ name: whole.name, report: (await train(whole.args, quick)).report }]
    const requests = proxy.seen.length
    // The run, the model and its files, the registry.
    expect(requests).toBeGreaterThan(30)
    let broken = 0
    for (const [first, loss] of [
      [0, 'lose'],
      [2, 'lose-answer'],
    ] as const) {
      for (let at = first; at < requests; at += 5) {
        const { name, args, folders } = place()
        const from = proxy.seen.length
        // What comes after the loss is lost too, as when a cable is pulled.
        proxy.decide(({ index }) =>
          index - from < at ? 'pass' : index - from === at ? loss : 'lose',
        )
        const { report, stderr } = await train(args, quick)
        expect(report.model_version).toBe(plain)
        proxy.decide(() => 'pass')
        trainings.push({ name, report })
        // How much is sent together depends on the moment: the last places may not be met.
        if (report.tracked.complete) continue
        broken++
        expect(stderr).toMatch(/tracking_unreachable.*nothing is lost.*ridecast runs sync/s)
        const { code, stdout } = await sync(folders)
        expect(code, stdout).toBe(0)
        if (at > first) continue
        // Nothing is sent a second time once all is there.
        const before = proxy.seen.length
        expect(JSON.parse((await sync(folders)).stdout)).toMatchObject({ runs: [], left: 0 })
        expect(proxy.seen.length).toBe(before)
      }
    }
    expect(broken).toBeGreaterThan(10)
    expectWhole(trainings)
  }, 600_000)

  it('and that comes back within the attempts is not even noticed', async () => {
    const { name, args } = place()
    const failed = new Set<string>()
    // The first attempt of every request fails, each in another way.
    proxy.decide(({ method, path, index }: SeenRequest) => {
      const key = `${method} ${path}`
      if (failed.has(key)) return 'pass'
      failed.add(key)
      return (
        (['lose', { status: 503 }, { status: 429 }, { status: 502 }] as const)[index % 4] ?? 'pass'
      )
    })
    const { report, stderr } = await train(args, { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0.01' })
    expect(stderr).toBe('')
    expect(report.tracked.complete).toBe(true)
    expectWhole([{ name, report }])
  })
})

describe('a server', () => {
  it('that is killed mid-run and started again gets the rest from a sync', async () => {
    const { name, args, folders } = place()
    const own = join(folder, 'killed')
    mkdirSync(own)
    const port = await freePort()
    let victim = await startMlflow(own, { port })
    const before = await faultyProxy(victim.url)
    before.decide(({ path }) => {
      if (!path.includes('log-batch')) return 'pass'
      void victim.kill()
      return 'lose'
    })
    const env = { MLFLOW_TRACKING_URI: before.url, ...quick }
    const { report, stderr } = await train(args, env)
    await victim.kill()
    expect(stderr).toMatch(/nothing is lost/)
    expect(report).toMatchObject({ model_version: plain, tracked: { complete: false } })
    before.decide(() => 'pass')
    victim = await startMlflow(own, { port })
    expect((await sync(folders, env)).code).toBe(0)
    const kept = server
    server = victim
    try {
      expectWhole([{ name, report }])
    } finally {
      server = kept
      await before.close()
      await victim.kill()
    }
  })

  it('whose artifact store refuses keeps what it has, and gets the artifacts later', async () => {
    const { name, args, folders } = place()
    proxy.decide(({ path }) =>
      path.includes('/mlflow-artifacts/')
        ? {
            status: 403,
            body: '{"error_code":"PERMISSION_DENIED","message":"bucket is read-only"}',
          }
        : 'pass',
    )
    const { report, stderr } = await train(args, quick)
    expect(stderr).toMatch(/bucket is read-only/)
    expect(report.tracked.complete).toBe(false)
    expect(onServer([name])[0]?.runs[0]?.params.recipe).toBe('plain')
    proxy.decide(() => 'pass')
    expect((await sync(folders)).code).toBe(0)
    expectWhole([{ name, report }])
  })

  it('that does not accept the token says so, and the token is in no message', async () => {
    const { args, folders } = place()
    proxy.decide(({ authorization }) =>
      authorization === 'Bearer right'
        ? 'pass'
        : { status: 401, body: '{"message":"who are you"}' },
    )
    const { report, stderr } = await train(args, { MLFLOW_TRACKING_TOKEN: 'wrong-secret' })
    expect(stderr).toMatch(/tracking_unauthorized/)
    expect(stderr).toMatch(/MLFLOW_TRACKING_TOKEN/)
    expect(stderr).not.toContain('wrong-secret')
    expect(report.model_version).toBe(plain)
    const refused = await sync(folders, { MLFLOW_TRACKING_TOKEN: 'wrong-secret' })
    expect(refused.code).toBe(1)
    expect(refused.stdout + refused.stderr).not.toContain('wrong-secret')
    expect((await sync(folders, { MLFLOW_TRACKING_TOKEN: 'right' })).code).toBe(0)
  })

  it('that is slow delays the end of a training, not its result', async () => {
    const { name, args } = place()
    proxy.decide(() => ({ delayMs: 150 }))
    const { report } = await train(args, {})
    expect(report.tracked.complete).toBe(true)
    expectWhole([{ name, report }])
  })

  it('that never answers is given up after the timeout', async () => {
    const { args } = place()
    proxy.decide(() => ({ delayMs: 3_600_000 }))
    const env = { ...quick, MLFLOW_HTTP_REQUEST_TIMEOUT: '0.5' }
    const { report, stderr } = await train(args, env)
    expect(stderr).toMatch(/tracking_unreachable/)
    expect(report.model_version).toBe(plain)
  })
})

describe('two trainings at once', () => {
  it('of the same content end with one version, of different contents with two', async () => {
    const [a, b, c] = [place(), place(), place()]
    const same = ['--name', a.name, '--experiment', a.name]
    const other = ['train', '2021-01', '--json', ...c.folders, ...same]
    const [first, second, third] = await Promise.all([
      train([...a.folders, ...same], {}),
      train([...b.folders, ...same], {}),
      ridecast(other, { env: { MLFLOW_TRACKING_URI: proxy.url } }),
    ])
    expect(first.report.model_version).toBe(second.report.model_version)
    expect(third.code, third.stderr).toBe(0)
    const { runs, versions } = onServer([a.name])[0] as OnServer
    expect(runs.map(({ status }) => status)).toEqual(['FINISHED', 'FINISHED', 'FINISHED'])
    expect(versions.map(({ content }) => content).sort()).toEqual([standard, plain].sort())
  })
})

/** One training told to a real MLflow server, from the command line to the page and the service. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, ridecast, type Serving, serve } from '../command-line.ts'
import { chromiumPath, python, type ServerProcess, startMlflow } from './parts.ts'

// Versions of the recipes on 2021-01; see README.
const plain = 'f8c5cb1d7785'
const standard = 'baa854c0711e'
const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.01 }

let folder: string
let server: ServerProcess
let env: Record<string, string>
let report: { champion: boolean; tracked: { location: string; registered: string } }
const place = (): string[] => ['--models', join(folder, 'models'), '--runs', join(folder, 'runs')]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-team-'))
  mkdirSync(join(folder, 'mlflow'))
  server = await startMlflow(join(folder, 'mlflow'))
  env = { MLFLOW_TRACKING_URI: server.url }
  const named = ['--experiment', 'nyc-green', '--tag', 'developer=me', '--json']
  for (const recipe of ['plain', 'standard']) {
    const { code, stdout, stderr } = await ridecast(
      ['train', '2021-01', '--recipe', recipe, ...named, ...place()],
      { env },
    )
    expect(code, stderr).toBe(0)
    report = JSON.parse(stdout) as typeof report
  }
})
afterAll(async () => {
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})

describe('a training that is told to a server', () => {
  it('is not champion there when another was first', () => {
    expect(report.champion).toBe(false)
  })

  it('is read back whole by the Python client', () => {
    const run = python(
      `
import json, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name('nyc-green')
run = client.search_runs([experiment.experiment_id], "params.recipe = 'standard'")[0]
model = client.get_logged_model(run.outputs.model_outputs[0].model_id)
version = client.search_model_versions("name = 'green-duration'", order_by=['version_number DESC'])[0]
print(json.dumps({
  'status': run.info.status, 'params': run.data.params, 'rmse': run.data.metrics['rmse'],
  'developer': run.data.tags['developer'], 'source': run.data.tags['mlflow.source.name'],
  'commit': run.data.tags['mlflow.source.git.commit'], 'user': run.data.tags['mlflow.user'],
  'datasets': [[d.dataset.name, d.tags[0].value] for d in run.inputs.dataset_inputs],
  'artifacts': sorted(f.path for f in client.list_artifacts(run.info.run_id)),
  'model': [model.name, str(model.status), model.source_run_id == run.info.run_id],
  'model_metrics': {m.key: m.dataset_name for m in model.metrics},
  'version': [version.version, version.run_id == run.info.run_id, version.tags['ridecast.version']],
  'description': version.description,
}))
`,
      [server.url],
    )
    expect(run).toMatchObject({
      status: 'FINISHED',
      params: { recipe: 'standard', taxi: 'green', train_months: '2021-01' },
      developer: 'me',
      source: 'ridecast train 2021-01',
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      user: expect.stringMatching(/./),
      datasets: [
        ['green 2021-01', 'training'],
        ['green 2021-02', 'validation'],
      ],
      artifacts: ['lineage.json', 'model-card.html', 'recipe.yaml'],
      model: ['green-duration', 'READY', true],
      model_metrics: { rmse: 'green 2021-02', 'train.rmse': 'green 2021-01' },
      version: ['2', true, standard],
      description: 'standard on green 2021-01, validation RMSE 5.822 minutes on 2021-02',
    })
    // The README's number, to its digits.
    expect((run as { rmse: number }).rmse).toBeCloseTo(5.822, 3)
  })

  it("stands on MLflow's own page, run and version alike", async () => {
    const browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    })
    try {
      const page = await browser.newPage()
      await page.goto(report.tracked.location)
      for (const text of ['Finished', 'validation.rmse', 'ridecast train 2021-01', 'developer']) {
        await page.getByText(text).first().waitFor()
      }
      await page.goto(report.tracked.registered)
      for (const text of ['ridecast.recipe', 'Version 2']) {
        await page.getByText(text).first().waitFor()
      }
    } finally {
      await browser.close()
    }
  })
})

describe('a service over the registry of a server', () => {
  let service: Serving | undefined
  afterAll(() => service?.stop())

  const promote = async (version: string): Promise<void> => {
    const { code, stderr } = await ridecast(
      ['models', 'promote', `green-duration/${version}`, ...place().slice(0, 2)],
      { env },
    )
    expect(code, stderr).toBe(0)
  }
  /** The answer of the service once it comes from a version. */
  const answerOf = async (url: string, version: string): Promise<number> => {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
      const answer = (await ask(url, ride)) as { duration: number; model_version: string }
      if (answer.model_version === version) return answer.duration
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`${version} did not come to answer`)
  }
  /** The same ride asked of the version in the local folder. */
  const local = async (version: string): Promise<number> => {
    const where = ['--model', `green-duration/${version}`, ...place().slice(0, 2)]
    const { stdout } = await ridecast([
      ...['predict', '--from', '43', '--to', '151', '--distance', '1.01', '--json'],
      ...where,
    ])
    return (JSON.parse(stdout) as { duration: number }).duration
  }

  it('answers the number of the local folder, and follows the alias wherever it is moved', async () => {
    // plain was the first of its name, and so became champion.
    const reference = ['--model', 'models:/green-duration@champion', '--reload-seconds', '1']
    const kept = ['--models', join(folder, 'served')]
    service = await serve([...reference, ...kept], { env })
    expect(await answerOf(service.url, plain)).toBe(await local(plain))
    await promote(standard)
    expect(await answerOf(service.url, standard)).toBe(await local(standard))
    // By a colleague, in Python.
    python(
      `
import sys, mlflow
mlflow.MlflowClient(sys.argv[1]).set_registered_model_alias('green-duration', 'champion', '1')
print('null')
`,
      [server.url],
    )
    expect(await answerOf(service.url, plain)).toBe(await local(plain))
    // The server goes; what is loaded goes on.
    await server.kill()
    expect(await answerOf(service.url, plain)).toBe(await local(plain))
  })
})

/** A search that is cut and goes on, told to a real MLflow server: every trial a nested run, once. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ridecast } from '../command-line.ts'
import { python, type ServerProcess, startMlflow } from './parts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let server: ServerProcess
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-search-'))
  server = await startMlflow(folder)
  writeFileSync(
    join(folder, 'few.yaml'),
    'name: few\nmodel: trees\ncategorical: [PULocationID, DOLocationID]\nnumeric: [trip_distance]\ntrees: { rounds: 60, leaves: 8 }\n',
  )
})
afterAll(async () => {
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})

const args = (): string[] => [
  ...['search', '2021-01', '--recipe', join(folder, 'few.yaml'), '--trials', '5', '--json'],
  ...['--data', join(root, 'data'), '--study', join(folder, 'study')],
  ...['--runs', join(folder, 'runs'), '--models', join(folder, 'models')],
  ...['--param', 'trees.leaves=4..31:log', '--experiment', 'cut'],
]

/** Starts the search and kills it when it has ended so many trials. */
async function cutAfter(trials: number): Promise<void> {
  const child = spawn('node', [join(root, 'bin/ridecast.mjs'), ...args()], {
    env: { ...process.env, MLFLOW_TRACKING_URI: server.url },
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const deadline = Date.now() + 240_000
  for (;;) {
    const log = ((): string => {
      try {
        return readFileSync(join(folder, 'study', 'search.ndjson'), 'utf8')
      } catch {
        return ''
      }
    })()
    if ((log.match(/"finished"/g) ?? []).length >= trials) break
    if (Date.now() > deadline) throw new Error(`no ${trials} trials in time: ${log.slice(-500)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  await ended
}

describe('a search that is killed and started again', () => {
  test('ends with all trials, and the server knows each as a run within one', async () => {
    await cutAfter(2)
    const { code, stdout, stderr } = await ridecast(args(), {
      env: { MLFLOW_TRACKING_URI: server.url },
    })
    expect(code, stderr).toBe(0)
    const report = JSON.parse(stdout)
    expect(report.trials.map(({ number }: { number: number }) => number)).toEqual([0, 1, 2, 3, 4])
    expect(stderr).toMatch(/going on after [23] trials/)
    const runs = python(
      `
import json, sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name('cut')
runs = client.search_runs([experiment.experiment_id])
print(json.dumps([[r.info.run_name, r.data.tags.get('mlflow.parentRunId'), r.data.params, r.data.metrics.get('rmse'), r.info.run_id] for r in runs]))`,
      [server.url],
    ) as [string, string | null, Record<string, string>, number | null, string][]
    const nested = runs.filter(([name, parent]) => parent !== null && name.startsWith('trial-'))
    // The trial that was being recorded when the process was killed may be known or not.
    const names = new Set(nested.map(([name]) => name))
    expect(names.size).toBeGreaterThanOrEqual(4)
    expect(names.size).toBe(nested.length)
    expect(new Set(nested.map(([, parent]) => parent)).size).toBe(1)
    expect(runs.map(([, , , , id]) => id)).toContain(nested[0]?.[1])
    for (const [name, , parameters, rmse] of nested) {
      const trial = report.trials[Number(name.slice(6)) - 1]
      expect(parameters['trees.leaves']).toBe(String(trial.point['trees.leaves']))
      if (trial.state === 'finished') expect(rmse).toBeCloseTo(trial.rmse, 9)
    }
  })
})

/** MLproject under the real `mlflow run`, dvc.yaml under the real DVC. */

import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../command-line.ts'
import {
  python,
  pythonEnvironment,
  pythonProgram,
  type ServerProcess,
  startMlflow,
} from './parts.ts'

const run = promisify(execFile)
let folder: string
let project: string

/** A copy of the files that git has or would have, as a clone after `npm ci`. */
function checkOut(to: string): void {
  const git = (args: readonly string[], cwd: string): string =>
    execFileSync('git', args, { cwd, encoding: 'utf8' })
  const listed = git(['ls-files', '--cached', '--others', '--exclude-standard'], root)
  for (const path of listed.trimEnd().split('\n')) {
    let content: Buffer
    try {
      content = readFileSync(join(root, path))
    } catch {
      // Removed, and not committed yet.
      continue
    }
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), content)
  }
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'))
  git(['init', '--quiet', '.'], to)
  git(['add', '--all'], to)
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.org']
  git([...author, 'commit', '--quiet', '--message', 'all'], to)
}

async function inProject(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { stdout, stderr } = await run(pythonProgram(program), [...args], {
    cwd: project,
    env: { ...pythonEnvironment(), ...env } as NodeJS.ProcessEnv,
    maxBuffer: 64 * 1024 * 1024,
  })
  return `${stdout}${stderr}`
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-projects-'))
  project = join(folder, 'clone')
  mkdirSync(project)
  checkOut(project)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('dvc.yaml', () => {
  it('is reproduced, does nothing when nothing changed, and follows params.yaml', async () => {
    expect(await inProject('dvc', ['repro'])).toMatch(/Running stage 'evaluate'/)
    expect(await inProject('dvc', ['repro'])).toMatch(/Data and pipelines are up to date/)
    const shown = await inProject('dvc', ['metrics', 'show', '--json'])
    const measured = JSON.parse(
      readFileSync(join(project, 'metrics/evaluate.json'), 'utf8'),
    ) as Record<string, number>
    expect(shown).toContain(`"rmse": ${measured.rmse}`)
    const parameters = readFileSync(join(project, 'params.yaml'), 'utf8')
    writeFileSync(join(project, 'params.yaml'), parameters.replace('standard', 'plain'))
    expect(await inProject('dvc', ['repro'])).toMatch(/Running stage 'train'/)
    const after = JSON.parse(readFileSync(join(project, 'metrics/evaluate.json'), 'utf8')) as {
      rmse: number
    }
    // The plain recipe is worse on any month; ours on 2021-03 is in the README.
    expect(after.rmse).toBeGreaterThan((measured.rmse as number) * 1.3)
  })
})

describe('MLproject', () => {
  let server: ServerProcess
  beforeAll(async () => {
    mkdirSync(join(folder, 'mlflow'))
    server = await startMlflow(join(folder, 'mlflow'))
  })
  afterAll(() => server?.kill())

  it('trains into the run that mlflow has started, and evaluates the model', async () => {
    const env = { MLFLOW_TRACKING_URI: server.url }
    const local = ['--env-manager', 'local', '--experiment-name', 'project']
    const train = ['run', '.', '-e', 'train', '-P', 'month=2021-01', '-P', 'recipe=plain']
    await inProject('mlflow', [...train, ...local], env)
    const runs = python(
      `
import json, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name('project')
runs = client.search_runs([experiment.experiment_id])
print(json.dumps([[r.info.status, r.data.params, r.data.metrics, r.data.tags] for r in runs]))
`,
      [server.url],
    ) as [string, Record<string, string>, Record<string, number>, Record<string, string>][]
    expect(runs).toHaveLength(1)
    const [status, parameters, metrics, tags] = runs[0] as (typeof runs)[number]
    expect(status).toBe('FINISHED')
    // month is a parameter of MLflow's entry point, train_months one of ours.
    expect(parameters).toMatchObject({ month: '2021-01', recipe: 'plain', train_months: '2021-01' })
    // Recomputed with scikit-learn's own least squares: 9.775258694528304.
    expect(metrics['train.rmse']).toBeCloseTo(9.775258694528304, 9)
    expect(tags['mlflow.project.entryPoint']).toBe('train')
    const said = await inProject(
      'mlflow',
      ['run', '.', '-e', 'evaluate', '-P', 'month=2021-03', ...local],
      env,
    )
    expect(said).toMatch(/RMSE/)
  })
})

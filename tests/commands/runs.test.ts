import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runsCommand } from '../../src/commands/runs.ts'
import { fileEffects, fileTracker } from '../../src/tracking/files.ts'
import type { RunHandle, RunStart } from '../../src/tracking/tracker.ts'
import { runCommand } from './run-command.ts'

let folder: string
let out: string
let err: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-runs-command-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Runs `ridecast runs ...`; what it printed is then in `out` and `err`. */
async function runs(...argv: string[]): Promise<void> {
  out = ''
  err = ''
  await runCommand(runsCommand, argv, folder, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
}

/** Starts a run at a second of 2021-03-01T08:15 with a suffix that repeats one digit. */
function startAt(second: number, digit: string, start: Partial<RunStart> = {}): Promise<RunHandle> {
  const tracker = fileTracker(join(folder, 'runs'), {
    ...fileEffects,
    now: () => new Date(Date.UTC(2021, 2, 1, 8, 15, second)),
    suffix: () => digit.repeat(6),
  })
  return tracker.startRun({ experiment: 'nyc-green', tags: {}, ...start })
}

const plainId = '20210301T081501-aaaaaa'
const pairsId = '20210301T081502-bbbbbb'
const failedId = '20210301T081503-cccccc'

/** Three runs: plain, pairs, and one of another experiment that failed before its metrics. */
async function threeRuns(): Promise<void> {
  const commit = { hash: 'c0ffee'.padEnd(40, '0'), modified: true }
  const plain = await startAt(1, 'a', { commit, tags: { developer: 'me' } })
  await plain.logParameters({ recipe: 'plain', taxi: 'green', l2: 0 })
  await plain.logMetrics({ 'train.rmse': 9.775258694528304, 'validation.rmse': 10.5, n: 7 })
  for (const step of [0, 1, 2]) await plain.logMetrics({ loss: 3 - step }, { step })
  await plain.logDataset({
    name: 'green 2021-01',
    source: 'data/green_tripdata_2021-01.parquet',
    digest: `sha256:${'a1'.repeat(32)}`,
    context: 'training',
    rows: 76518,
  })
  await plain.logArtifact('report.html', '<p>hello</p>')
  await plain.logModel({ name: 'green-duration', version: 'v1aaa', path: 'models/g/v1aaa' })
  await plain.finish('finished')

  const pairs = await startAt(2, 'b')
  await pairs.logParameters({ recipe: 'pairs', taxi: 'green' })
  await pairs.logMetrics({ 'train.rmse': 4.640696266933454, 'validation.rmse': Number.NaN, n: 7 })
  await pairs.finish('finished')

  const failed = await startAt(3, 'c', { experiment: 'other', name: 'a try' })
  await failed.finish('failed', { error: 'no row is left' })
}

async function breakRun(id: string): Promise<void> {
  await writeFile(join(folder, 'runs', id, 'run.json'), '{')
}

describe('runs list', () => {
  it('says in a friendly line that there are no runs yet', async () => {
    await runs('list')
    expect(out).toBe('no runs in runs yet; make one with: ridecast train 2021-01\n')
    await runs('list', '--json')
    expect(JSON.parse(out)).toEqual({ total: 0, runs: [] })
  })

  it('prints a line a run, newest first, with what a training logs', async () => {
    await threeRuns()
    await runs('list')
    const lines = out.trimEnd().split('\n')
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      [
        'run',
        'status',
        'started (UTC)',
        'experiment',
        'recipe',
        'train rmse',
        'validation rmse',
        'model version',
      ],
      [failedId, 'failed', '2021-03-01 08:15:03', 'other', 'a try', '-', '-', '-'],
      [pairsId, 'finished', '2021-03-01 08:15:02', 'nyc-green', 'pairs', '4.6407', 'NaN', '-'],
      [
        plainId,
        'finished',
        '2021-03-01 08:15:01',
        'nyc-green',
        'plain',
        '9.7753',
        '10.5000',
        'v1aaa',
      ],
    ])
    expect(err).toBe('')
  })

  it('takes the runs of one experiment, and says when it has none', async () => {
    await threeRuns()
    await runs('list', '--experiment', 'other')
    expect(out).toContain(failedId)
    expect(out).not.toContain(plainId)
    await runs('list', '--experiment', 'else')
    expect(out).toContain('no runs of experiment else')
  })

  it('stops at the limit and says how many there are', async () => {
    await threeRuns()
    await runs('list', '--limit', '2')
    expect(out).not.toContain(plainId)
    expect(err).toContain('2 of 3 runs')
    await runs('list', '--limit', '1', '--json')
    const { total, runs: some } = JSON.parse(out)
    expect(total).toBe(3)
    expect(some.map((run: { id: string }) => run.id)).toEqual([failedId])
    expect(err).toBe('')
  })

  it.each(['0', '-1', '1.5', 'many', ''])('refuses the limit %j', async (limit) => {
    await expect(runs('list', '--limit', limit)).rejects.toMatchObject({ code: 'usage_invalid' })
  })

  it('lists a damaged run by its id, with the reason as a note', async () => {
    await threeRuns()
    await breakRun(pairsId)
    await runs('list')
    expect(out).toMatch(new RegExp(`${pairsId}\\s+unreadable`))
    expect(out).toContain(plainId)
    expect(err).toContain(`note: run ${pairsId} cannot be read`)
    await runs('list', '--json')
    expect(JSON.parse(out).runs[1]).toMatchObject({ id: pairsId, status: 'unreadable' })
  })

  it('prints one line of JSON that holds metrics JSON has no number for', async () => {
    await threeRuns()
    await runs('list', '--json')
    expect(out.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(out).runs[1]).toMatchObject({
      id: pairsId,
      started_at: '2021-03-01T08:15:02.000Z',
      metrics: { 'train.rmse': 4.640696266933454, 'validation.rmse': 'NaN', n: 7 },
    })
  })

  it('reads another folder when told so', async () => {
    await threeRuns()
    await runs('list', '--runs', 'elsewhere')
    expect(out).toContain('no runs in elsewhere yet')
    await runs('list', '--runs', join(folder, 'runs'))
    expect(out).toContain(plainId)
  })
})

describe('runs show', () => {
  it('prints everything about a run', async () => {
    await threeRuns()
    await runs('show', plainId)
    const page = out.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))
    for (const line of [
      `run ${plainId}`,
      'status finished',
      'experiment nyc-green',
      'started 2021-03-01 08:15:01 UTC',
      'ended 2021-03-01 08:15:01 UTC, after 0.0 s',
      `commit ${'c0ffee'.padEnd(40, '0')}, with changes since`,
      'model green-duration v1aaa, models/g/v1aaa',
      `location ${join(folder, 'runs', plainId)}`,
      'recipe plain',
      'train.rmse 9.775258694528304',
      'loss 1 (3 values, steps 0 to 2)',
      'developer me',
      'training green 2021-01, 76518 rows, sha256:a1a1a1a1a1a1, data/green_tripdata_2021-01.parquet',
      'report.html 12 bytes',
    ]) {
      expect(page).toContain(line)
    }
    // It has ended, did not fail and is part of no other run.
    for (const line of page) expect(line).not.toMatch(/^(process|error|parent|name) /)
  })

  it('takes the start of an id, or last', async () => {
    await threeRuns()
    await runs('show', '20210301T081502')
    expect(out).toContain(`run ${pairsId}`)
    await runs('show', 'last')
    expect(out).toContain(`run ${failedId}`)
    expect(out).toContain('no row is left')
  })

  it('says which process writes a run that goes on', async () => {
    const run = await startAt(9, 'd')
    await runs('show', run.id)
    expect(out).toMatch(new RegExp(`process +pid ${process.pid} on `))
  })

  it('prints the same as JSON, with history and artifacts', async () => {
    await threeRuns()
    await runs('show', plainId, '--json')
    expect(JSON.parse(out)).toMatchObject({
      id: plainId,
      status: 'finished',
      parameters: { l2: '0' },
      metrics: { loss: 1 },
      history: { loss: [{ value: 3 }, { value: 2 }, { value: 1, step: 2 }] },
      artifacts: [{ path: 'report.html', bytes: 12 }],
    })
    await runs('show', pairsId, '--json')
    expect(JSON.parse(out).history['validation.rmse'][0].value).toBe('NaN')
  })

  it('names the nearest ids when there is no such run', async () => {
    await threeRuns()
    const missing = runs('show', '20210301T081504-cccccc')
    await expect(missing).rejects.toMatchObject({ code: 'run_not_found' })
    await expect(missing).rejects.toThrow(`the nearest ids are ${failedId}, `)
  })

  it('refuses the start of several ids and names them', async () => {
    await threeRuns()
    const several = runs('show', '20210301')
    await expect(several).rejects.toMatchObject({ code: 'usage_invalid' })
    await expect(several).rejects.toThrow(plainId)
  })

  it('has no last run where there are none', async () => {
    const missing = runs('show', 'last')
    await expect(missing).rejects.toMatchObject({ code: 'run_not_found' })
    await expect(missing).rejects.toThrow('ridecast train')
  })

  it('fails with run_corrupt on a damaged run, and only on that', async () => {
    await threeRuns()
    await breakRun(pairsId)
    await expect(runs('show', pairsId)).rejects.toMatchObject({ code: 'run_corrupt' })
    await runs('show', plainId)
    expect(out).toContain('finished')
  })
})

describe('runs compare', () => {
  it('prints what differs, with a column a run', async () => {
    await threeRuns()
    await runs('compare', plainId, '20210301T081502')
    const rows = out.trimEnd().split('\n')
    expect(rows.map((line) => line.trim().split(/ {2,}/))).toEqual([
      [plainId, pairsId],
      ['parameter', 'l2', '0', '-'],
      ['parameter', 'recipe', 'plain', 'pairs'],
      ['metric', 'loss', '1', '-'],
      ['metric', 'train.rmse', '9.775258694528304', '4.640696266933454'],
      ['metric', 'validation.rmse', '10.5', 'NaN'],
      ['dataset', 'training', 'green 2021-01 (sha256:a1a1a1a1a1a1, 76518 rows)', '-'],
    ])
    // taxi and n
    expect(err).toContain('2 rows are the same')
  })

  it('adds what is the same when asked for all', async () => {
    await threeRuns()
    await runs('compare', plainId, pairsId, '--all')
    const rows = out.trimEnd().split('\n').slice(-2)
    expect(rows.map((line) => line.split(/ {2,}/))).toEqual([
      ['parameter', 'taxi', 'green', 'green'],
      ['metric', 'n', '7', '7'],
    ])
    expect(err).toBe('')
  })

  it('compares more than two, and says when nothing differs', async () => {
    await threeRuns()
    await runs('compare', plainId, pairsId, 'last', '--json')
    const { runs: ids, rows } = JSON.parse(out)
    expect(ids).toEqual([plainId, pairsId, failedId])
    expect(rows).toContainEqual({
      kind: 'metric',
      name: 'validation.rmse',
      values: [10.5, 'NaN', null],
      differs: true,
    })
    await runs('compare', pairsId, pairsId)
    expect(out).toContain('do not differ')
  })

  it('asks for at least two', async () => {
    await threeRuns()
    await expect(runs('compare', plainId)).rejects.toMatchObject({ name: 'CommanderError' })
  })
})

describe('runs --help', () => {
  it.each([[['--help']], [['list', '--help']], [['show', '--help']], [['compare', '--help']]])(
    'shows an example after %j',
    async (argv) => {
      await expect(runs(...argv)).rejects.toMatchObject({ exitCode: 0 })
      expect(out).toMatch(/Examples?:\n {2}ridecast runs /)
    },
  )
})

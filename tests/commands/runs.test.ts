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
        'rmse',
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

describe('runs list and search', () => {
  const ids = (): string[] => JSON.parse(out).runs.map((run: { id: string }) => run.id)

  it('take those that fit a filter', async () => {
    await threeRuns()
    await runs('search', "metrics.train.rmse < 9.8 and params.recipe = 'plain'", '--json')
    expect(ids()).toEqual([plainId])
    await runs('list', '--filter', "status = 'failed'", '--json')
    expect(ids()).toEqual([failedId])
    await runs('search', "status = 'finished'", '--experiment', 'other', '--json')
    expect(JSON.parse(out)).toEqual({ total: 0, runs: [] })
    await runs('search', "params.recipe = 'none'")
    expect(out).toBe('no runs in runs fit the filter; see all with: ridecast runs list\n')
  })

  it('put them in order, and stop at the limit after that', async () => {
    await threeRuns()
    await runs('list', '--order-by', 'metrics.train.rmse desc', '--json')
    expect(ids()).toEqual([plainId, pairsId, failedId])
    const twice = ['--order-by', 'metrics.n', '--order-by', 'start_time asc', '--limit', '1']
    await runs('search', 'metrics.n = 7', ...twice, '--json')
    expect(JSON.parse(out)).toMatchObject({ total: 2, runs: [{ id: plainId }] })
  })

  it('show chosen columns', async () => {
    await threeRuns()
    await runs('search', "status = 'finished'", '--columns', 'params.l2, metrics.train.rmse')
    const lines = out.trimEnd().split('\n')
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['run_id', 'params.l2', 'metrics.train.rmse'],
      [pairsId, '-', '4.6407'],
      [plainId, '0', '9.7753'],
    ])
    await runs(
      'list',
      '--columns',
      'start_time',
      '--columns',
      'experiment,tags.developer',
      '--limit',
      '3',
    )
    expect(out).toMatch(new RegExp(`${plainId} +2021-03-01 08:15:01 +nyc-green +me\n`))
    await runs('list', '--columns', 'dataset.name,metrics.loss,error')
    expect(out).toMatch(new RegExp(`${plainId} +green 2021-01 +1 +-\n`))
  })

  it('show the validation error under its short name, or the long one of an earlier run', async () => {
    const run = await startAt(1, 'a')
    await run.logMetrics({ rmse: 5.123456, 'validation.rmse': 6, tiny: 0.00012345 })
    await runs('list')
    expect(out).toMatch(/ 5\.1235 {2,}-\n/)
    await runs('list', '--columns', 'metrics.tiny,metrics.validation.rmse')
    expect(out).toMatch(/ 0\.000123 +6\n/)
  })

  it.each([
    [['search', 'metrics.rmse < 8 or metrics.n > 1'], 'column 18'],
    [['list', '--filter', 'metrics.rmse'], 'column 13'],
    [['list', '--order-by', 'rmse'], 'order is not understood'],
    [['list', '--columns', 'params.a,,x'], 'column is not understood'],
  ])('refuse %j', async (argv, message) => {
    const refused = runs(...argv)
    await expect(refused).rejects.toMatchObject({ code: 'filter_invalid' })
    await expect(refused).rejects.toThrow(message)
  })

  it('leave a damaged run out where a filter is given, and put it last in an order', async () => {
    await threeRuns()
    await breakRun(pairsId)
    await runs('search', 'start_time > 0', '--json')
    expect(ids()).toEqual([failedId, plainId])
    await runs('list', '--order-by', 'metrics.n', '--json')
    expect(ids()).toEqual([plainId, failedId, pairsId])
  })
})

describe('runs ... --csv', () => {
  /** Rows of simple cells. */
  const rows = (): string[][] => {
    expect(out).toMatch(/\r\n$/)
    return out
      .slice(0, -2)
      .split('\r\n')
      .map((line) => line.split(','))
  }

  it('lists everything that a run has, one column each', async () => {
    await threeRuns()
    await runs('list', '--csv')
    const [header = [], ...lines] = rows()
    const about =
      'run_id,experiment,run_name,status,start_time,end_time,user_id,source,parent,commit,error,model'
    const logged =
      'params.l2,params.recipe,params.taxi,metrics.loss,metrics.n,metrics.train.rmse,metrics.validation.rmse,tags.developer'
    expect(header.join(',')).toBe(`${about},${logged}`)
    expect(lines).toHaveLength(3)
    const plain = Object.fromEntries(header.map((name, i) => [name, lines[2]?.[i]]))
    expect(plain).toMatchObject({
      run_id: plainId,
      start_time: '2021-03-01T08:15:01.000Z',
      user_id: '',
      commit: 'c0ffee'.padEnd(40, '0'),
      model: 'green-duration/v1aaa',
      'params.l2': '0',
      'metrics.train.rmse': '9.775258694528304',
      'tags.developer': 'me',
    })
    expect(lines[1]?.[header.indexOf('metrics.validation.rmse')]).toBe('NaN')
    await runs('list', '--csv', '--columns', 'metrics.n', '--limit', '1')
    expect(out).toBe(`run_id,metrics.n\r\n${failedId},\r\n`)
    await runs('search', "run_id = 'none'", '--csv', '--columns', 'metrics.n')
    expect(out).toBe('run_id,metrics.n\r\n')
  })

  it('quotes what has to be, and disarms what a spreadsheet would run', async () => {
    const run = await startAt(1, 'a')
    const texts = {
      a: 'x, "y"',
      b: 'two\nlines',
      c: '=1+1',
      d: '-1.5e3',
      e: '@SUM(A1)',
      f: '',
      g: '-x',
    }
    await run.logParameters(texts)
    const columns = Object.keys(texts).map((name) => `params.${name}`)
    await runs('list', '--csv', '--columns', `${columns.join(',')},params.gone`)
    expect(out.split('\r\n')[1]).toBe(
      `${run.id},"x, ""y""","two\nlines",'=1+1,-1.5e3,'@SUM(A1),"",'-x,`,
    )
  })

  it('shows a run as rows of a kind, a name and a value', async () => {
    await threeRuns()
    await startAt(4, 'd', { parent: plainId })
    await runs('show', plainId, '--csv')
    expect(rows().slice(0, 4)).toEqual([
      ['kind', 'name', 'value'],
      ['run', 'id', plainId],
      ['run', 'status', 'finished'],
      ['run', 'experiment', 'nyc-green'],
    ])
    for (const row of [
      ['run', 'started', '2021-03-01T08:15:01.000Z'],
      ['metric', 'train.rmse', '9.775258694528304'],
      ['artifact', 'report.html', '12'],
      ['child', '20210301T081504-dddddd', 'running'],
    ]) {
      expect(rows()).toContainEqual(row)
    }
  })

  it('compares runs with a column each', async () => {
    await threeRuns()
    await runs('compare', plainId, pairsId, '--csv')
    expect(rows().slice(0, 3)).toEqual([
      ['kind', 'name', plainId, pairsId],
      ['parameter', 'l2', '0', ''],
      ['parameter', 'recipe', 'plain', 'pairs'],
    ])
    await runs('compare', plainId, pairsId, '--csv', '--all')
    expect(rows()).toContainEqual(['metric', 'n', '7', '7'])
  })

  it('is one form, JSON another', async () => {
    await expect(runs('list', '--csv', '--json')).rejects.toMatchObject({ name: 'CommanderError' })
  })

  it('lists a damaged run with the reason', async () => {
    await threeRuns()
    await breakRun(pairsId)
    await runs('list', '--csv', '--columns', 'status,error,experiment')
    expect(out).toContain(`\r\n${pairsId},unreadable,`)
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

  it('lists the runs that are part of it, the first one first', async () => {
    const sweep = await startAt(1, 'a', { user: 'me', source: 'ridecast train 2021-01' })
    const best = await startAt(3, 'c', { parent: sweep.id, name: 'trial 2' })
    await best.logMetrics({ rmse: 5.25 })
    await startAt(2, 'b', { parent: sweep.id })
    await startAt(4, 'd', { parent: best.id })
    await runs('show', sweep.id)
    const [, children = ''] = out.split('children\n')
    expect(children.trimEnd().split('\n')).toEqual([
      '  20210301T081502-bbbbbb  running',
      '  20210301T081503-cccccc  running, trial 2, rmse 5.2500',
    ])
    expect(out).toMatch(/ user +me\n +source +ridecast train 2021-01\n/)
    await runs('show', sweep.id, '--json')
    const ids = JSON.parse(out).children.map((run: { id: string }) => run.id)
    expect(ids).toEqual(['20210301T081502-bbbbbb', '20210301T081503-cccccc'])
  })

  it('names a hundred of very many, and how to see them all', async () => {
    const sweep = await startAt(1, 'a')
    for (let i = 0; i < 101; i++) {
      const second = new Date(Date.UTC(2021, 2, 1, 9, 0, i))
      await fileTracker(join(folder, 'runs')).startRun({
        experiment: 'x',
        tags: {},
        parent: sweep.id,
        startedAt: second,
      })
    }
    await runs('show', sweep.id)
    expect(out.split('children\n')[1]?.trimEnd().split('\n')).toHaveLength(100)
    expect(err).toContain(`ridecast runs search "tags.mlflow.parentRunId = '${sweep.id}'"`)
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
    for (const text of ['20210301T081504-cccccc', '20210301T081504-cccccc%', "x' or '"]) {
      const missing = runs('show', text)
      await expect(missing).rejects.toMatchObject({ code: 'run_not_found' })
      await expect(missing).rejects.toThrow(`the nearest ids are `)
    }
    await expect(runs('show', failedId.replace('3-', '4-'))).rejects.toThrow(`are ${failedId}, `)
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
    for (const text of [pairsId, pairsId.slice(0, -2)]) {
      await expect(runs('show', text)).rejects.toMatchObject({ code: 'run_corrupt' })
    }
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
  it.each(
    [
      ['--help'],
      ['list', '--help'],
      ['search', '--help'],
      ['show', '--help'],
      ['compare', '--help'],
    ].map((argv) => [argv]),
  )('shows an example after %j', async (argv) => {
    await expect(runs(...argv)).rejects.toMatchObject({ exitCode: 0 })
    expect(out).toMatch(/Examples?:\n {2}ridecast runs /)
  })
})

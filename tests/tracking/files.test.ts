import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FileEffects, fileEffects, fileTracker } from '../../src/tracking/files.ts'
import type { RunRecord } from '../../src/tracking/tracker.ts'
import { trackerContract } from './tracker-contract.ts'

const start = { experiment: 'nyc-green', tags: {} }
const children: ChildProcess[] = []
let folder: string
let root: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-runs-'))
  root = join(folder, 'runs')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

trackerContract('a folder of plain files', async () => {
  const own = await mkdtemp(join(tmpdir(), 'ridecast-contract-'))
  return {
    open: async (now) => fileTracker(join(own, 'runs'), { ...fileEffects, now }),
    close: () => rm(own, { recursive: true, force: true }),
  }
})

/** A process that writes runs; see run-writer.ts. */
function writer(mode: 'steps' | 'open' | 'same-ids', count: number): ChildProcess {
  const script = join(import.meta.dirname, 'run-writer.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, root, mode, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

async function linesOf(child: ChildProcess): Promise<string[]> {
  const lines: string[] = []
  if (child.stdout) for await (const line of createInterface(child.stdout)) lines.push(line)
  return lines
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  expect((await exit)[1]).toBe('SIGKILL')
}

describe('the files of a run', () => {
  it('are those of docs/runs.md', async () => {
    const now = (): Date => new Date('2021-03-01T08:15:00.250Z')
    const tracker = fileTracker(root, { ...fileEffects, now, suffix: () => '3fa2c1' })
    const run = await tracker.startRun(start)
    await run.logMetrics({ 'train.rmse': 4.5, 'train.r2': Number.NaN })
    await run.logArtifact('plots/a.svg', '<svg/>')
    await run.finish('finished')

    expect(run.id).toBe('20210301T081500-3fa2c1')
    expect(await readdir(root)).toEqual([run.id])
    expect((await readdir(run.location)).sort()).toEqual(['artifacts', 'metrics.jsonl', 'run.json'])
    expect(await readFile(join(run.location, 'artifacts/plots/a.svg'), 'utf8')).toBe('<svg/>')
    expect(await readFile(join(run.location, 'metrics.jsonl'), 'utf8')).toBe(
      '{"name":"train.rmse","value":4.5,"step":0,"time":"2021-03-01T08:15:00.250Z"}\n' +
        '{"name":"train.r2","value":"NaN","step":0,"time":"2021-03-01T08:15:00.250Z"}\n',
    )
    const fields = JSON.parse(await readFile(join(run.location, 'run.json'), 'utf8'))
    expect(fields).toMatchObject({
      format: 1,
      status: 'finished',
      metrics: { 'train.rmse': 4.5, 'train.r2': 'NaN' },
    })
    const docs = await readFile(join(import.meta.dirname, '../../docs/runs.md'), 'utf8')
    for (const field of Object.keys(fields)) expect(docs).toContain(`\`${field}\``)
  })

  it('keep infinities exactly', async () => {
    const tracker = fileTracker(root)
    const run = await tracker.startRun(start)
    await run.logMetrics({ up: Infinity, down: -Infinity })
    await run.finish('finished')
    const { metrics, history } = await tracker.getRun(run.id)
    expect(metrics).toEqual({ up: Infinity, down: -Infinity })
    expect(history.up?.[0]?.value).toBe(Infinity)
  })

  it('sort by name as the runs did by time, in any time zone', async () => {
    const times = ['2021-03-14T06:59:59Z', '2021-03-14T07:00:00Z', '2021-11-07T05:59:59.999Z']
    const ids: string[] = []
    for (const time of times) {
      const now = (): Date => new Date(time)
      ids.push((await fileTracker(root, { ...fileEffects, now }).startRun(start)).id)
    }
    expect(ids.map((id) => id.slice(0, 15))).toEqual([
      '20210314T065959',
      '20210314T070000',
      '20211107T055959',
    ])
  })

  it('are never shared: an id that is taken is drawn again', async () => {
    const draws = ['aaaaaa', 'aaaaaa', 'bbbbbb']
    const effects: FileEffects = {
      ...fileEffects,
      now: () => new Date('2021-03-01T08:15:00Z'),
      suffix: () => draws.shift() ?? 'none',
    }
    const first = await fileTracker(root, effects).startRun(start)
    const second = await fileTracker(root, effects).startRun(start)
    expect([first.id, second.id].map((id) => id.slice(-6))).toEqual(['aaaaaa', 'bbbbbb'])
    expect(await readdir(root)).toHaveLength(2)
  })

  it('are refused by name where no folder can be', async () => {
    await writeFile(root, 'a file')
    const refused = fileTracker(root).startRun(start)
    await expect(refused).rejects.toMatchObject({ code: 'run_write_refused' })
    await expect(refused).rejects.toThrow(root)
    await expect(fileTracker(root).listRuns()).rejects.toMatchObject({ code: 'usage_invalid' })
    expect(await readFile(root, 'utf8')).toBe('a file')
  })

  it('never lie outside of the run, by a link either', async () => {
    const tracker = fileTracker(root)
    const run = await tracker.startRun(start)
    await writeFile(join(folder, 'secret.txt'), 'outside')
    await mkdir(join(run.location, 'artifacts'))
    await symlink(folder, join(run.location, 'artifacts', 'link'))
    const refusal = { code: 'run_write_refused' }
    await expect(run.logArtifact('link/a.txt', 'x')).rejects.toMatchObject(refusal)
    await expect(run.logArtifact('link/new/a.txt', 'x')).rejects.toMatchObject(refusal)
    await expect(tracker.readArtifact(run.id, 'link/secret.txt')).rejects.toMatchObject(refusal)
    expect((await readdir(folder)).sort()).toEqual(['runs', 'secret.txt'])
    expect((await tracker.getRun(run.id)).artifacts).toEqual([])
  })

  it('leave a path alone that is a folder already', async () => {
    const tracker = fileTracker(root)
    const run = await tracker.startRun(start)
    await run.logArtifact('a/b', 'x')
    const refusal = { code: 'run_write_refused' }
    await expect(run.logArtifact('a', 'y')).rejects.toMatchObject(refusal)
    await expect(run.logArtifact('a/b/c', 'y')).rejects.toMatchObject(refusal)
    const { artifacts } = await tracker.getRun(run.id)
    expect(artifacts).toEqual([{ path: 'a/b', bytes: 1 }])
  })
})

describe('runs of several processes', () => {
  it('do not disturb each other', async () => {
    const writers = [writer('steps', 100), writer('steps', 100)]
    const printed = await Promise.all(writers.map(linesOf))
    const tracker = fileTracker(root)
    for (const [i, child] of writers.entries()) {
      const own = String(child.pid)
      const record = await tracker.getRun(printed[i]?.[0] ?? '')
      expect(record).toMatchObject({
        status: 'finished',
        tags: { own, step: '99' },
        parameters: { own },
        metrics: { own: child.pid },
      })
      const steps = record.history.own?.map((point) => point.step)
      expect(steps).toEqual(Array.from({ length: 100 }, (_, step) => step))
      expect(record.artifacts).toHaveLength(10)
    }
    expect((await tracker.listRuns()).map((run) => run.status)).toEqual(['finished', 'finished'])
  })

  it('never get the same id, though both try to take every one', async () => {
    const printed = await Promise.all([
      linesOf(writer('same-ids', 30)),
      linesOf(writer('same-ids', 30)),
    ])
    expect(new Set(printed.flat()).size).toBe(60)
    const runs = await fileTracker(root).listRuns()
    expect(runs.map((run) => run.status)).toEqual(Array(60).fill('finished'))
    // Every run still belongs to the process that was told its id.
    const experiments = printed.map((ids) =>
      runs.flatMap((run) => ('experiment' in run && ids.includes(run.id) ? run.experiment : [])),
    )
    expect(experiments.map((names) => new Set(names).size)).toEqual([1, 1])
    expect(await readdir(root)).toHaveLength(60)
  })

  it('are listed as running while they run and as killed once they are killed', async () => {
    const child = writer('open', 3)
    const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
    const id: string = (await lines.next()).value
    expect((await lines.next()).value).toBe('ready')
    const tracker = fileTracker(root)
    expect(await tracker.listRuns()).toMatchObject([{ id, status: 'running' }])

    await killed(child)
    const expected = { id, status: 'killed', endedAt: null, metrics: { own: child.pid } }
    expect(await tracker.listRuns()).toMatchObject([expected])
    const record = await tracker.getRun(id)
    expect(record).toMatchObject({ ...expected, tags: { step: '2' } })
    expect(record.history.own).toHaveLength(3)
  })

  it('can be read whenever they are killed', async () => {
    const instants = [1, 2, 9, 30]
    for (const steps of instants) {
      const child = writer('open', 1_000_000)
      const metrics = join(root, await firstLine(child), 'metrics.jsonl')
      // Not time but progress decides when: at least so many lines are written.
      while ((await readFile(metrics, 'utf8').catch(() => '')).split('\n').length <= steps) {
        await new Promise((resume) => setImmediate(resume))
      }
      await killed(child)
    }
    const tracker = fileTracker(root)
    const runs = await tracker.listRuns()
    expect(runs.map((run) => run.status)).toEqual(instants.map(() => 'killed'))
    for (const [i, { id }] of runs.reverse().entries()) {
      const { history, metrics, artifacts } = await tracker.getRun(id)
      const steps = history.own?.map((point) => point.step) ?? []
      expect(steps).toEqual(steps.map((_, step) => step))
      expect(steps.length).toBeGreaterThanOrEqual(instants[i] ?? 0)
      expect(metrics.own).toBeGreaterThan(0)
      // Every artifact holds a process id: it is whole or not there.
      expect(artifacts.filter((artifact) => artifact.bytes === 0)).toEqual([])
    }
  })

  async function firstLine(child: ChildProcess): Promise<string> {
    const [line] = await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')
    return String(line)
  }
})

describe('whether the process of a run is gone', () => {
  const owner = fileEffects.owner()

  async function statusOf(changed: Partial<typeof owner>): Promise<string | undefined> {
    const effects = { ...fileEffects, owner: () => ({ ...owner, ...changed }) }
    await fileTracker(root, effects).startRun(start)
    return (await fileTracker(root).listRuns())[0]?.status
  }

  it('is no while it is this one', async () => {
    expect(await statusOf({})).toBe('running')
  })

  it.runIf(owner.started !== null)('is yes when its id went to another process', async () => {
    expect(await statusOf({ started: '1' })).toBe('killed')
  })

  it.runIf(owner.boot !== null)('is yes when the machine has booted since', async () => {
    expect(await statusOf({ boot: '00000000-0000-4000-8000-000000000000' })).toBe('killed')
  })

  it('is yes when no process has its id', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    expect(await statusOf({ pid: Number(child.pid), started: null })).toBe('killed')
  })

  it('is no, for want of a better answer, on another machine', async () => {
    expect(await statusOf({ host: `not-${owner.host}`, boot: 'another' })).toBe('running')
  })

  it.runIf(owner.namespace !== null)('is no in another container', async () => {
    expect(await statusOf({ namespace: 'pid:[1]', started: '1' })).toBe('running')
  })

  it('does not hide the end of a run that it wrote just before', async () => {
    const run = await fileTracker(root).startRun(start)
    await run.logMetrics({ loss: 1 })
    const ending: FileEffects = {
      ...fileEffects,
      isGone: async () => {
        await run.finish('finished')
        return true
      },
    }
    const [listed] = await fileTracker(root, ending).listRuns()
    expect(listed).toMatchObject({ status: 'finished', metrics: { loss: 1 } })
  })
})

describe('a damaged record', () => {
  let good: RunRecord
  let bad: string

  beforeEach(async () => {
    const second = (n: number): FileEffects => ({
      ...fileEffects,
      now: () => new Date(Date.UTC(2021, 2, 1, 8, 15, n)),
    })
    const first = await fileTracker(root, second(0)).startRun(start)
    await first.finish('finished')
    good = await fileTracker(root).getRun(first.id)
    const run = await fileTracker(root, second(1)).startRun(start)
    await run.logMetrics({ loss: 2 }, { step: 1 })
    await run.logMetrics({ loss: 1 }, { step: 2 })
    await run.finish('finished')
    bad = run.id
  })

  const change = async (edit: (text: string) => string): Promise<void> => {
    const path = join(root, bad, 'run.json')
    await writeFile(path, edit(await readFile(path, 'utf8')))
  }
  const damages: Record<string, () => Promise<void>> = {
    'an empty run.json': () => change(() => ''),
    'half a run.json': () => change((text) => text.slice(0, text.length / 2)),
    'a run.json that is a list': () => change(() => '[]'),
    'a run.json with a time that is none': () => change((text) => text.replace('T08:15', 'T8:15')),
    'a run.json with a status of its own': () => change((text) => text.replace('finished', 'done')),
    'the run.json of another run': () => change((text) => text.replaceAll(bad, good.id)),
    'a run.json of a later format': () => change((text) => text.replace('t": 1,', 't": 2,')),
    'no run.json': () => rm(join(root, bad, 'run.json')),
    'a folder as run.json': async () => {
      await rm(join(root, bad, 'run.json'))
      await mkdir(join(root, bad, 'run.json'))
    },
  }

  it.each(Object.keys(damages))(
    'with %s is listed by its id and does not hide others',
    async (damage) => {
      await damages[damage]?.()
      const tracker = fileTracker(root)
      const runs = await tracker.listRuns()
      expect(runs.map((run) => [run.id, run.status])).toEqual([
        [bad, 'unreadable'],
        [good.id, 'finished'],
      ])
      expect(runs[0]).toMatchObject({ reason: expect.stringContaining(bad) })
      await expect(tracker.getRun(bad)).rejects.toMatchObject({ code: 'run_corrupt' })
      expect(await tracker.getRun(good.id)).toEqual(good)
    },
  )

  it('is listed with every experiment, for it may belong to it', async () => {
    await damages['half a run.json']?.()
    const runs = await fileTracker(root).listRuns({ experiment: 'another' })
    expect(runs.map((run) => run.id)).toEqual([bad])
  })

  it('says which format it has and which can be read', async () => {
    await damages['a run.json of a later format']?.()
    await expect(fileTracker(root).getRun(bad)).rejects.toThrow('format 2')
  })

  it('keeps its metrics when only their last line is cut off', async () => {
    await appendFile(join(root, bad, 'metrics.jsonl'), '{"name":"loss","val')
    const { history, metrics } = await fileTracker(root).getRun(bad)
    expect(history.loss?.map((point) => point.value)).toEqual([2, 1])
    expect(metrics).toEqual({ loss: 1 })
  })

  it.each(['nonsense', '{}', '{"name":"loss","value":"high","step":1,"time":"now"}', ''])(
    'with %j among its metrics is listed and names the line when asked for',
    async (line) => {
      const path = join(root, bad, 'metrics.jsonl')
      const [first, second] = (await readFile(path, 'utf8')).split('\n')
      await writeFile(path, `${first}\n${line}\n${second}\n`)
      const tracker = fileTracker(root)
      expect((await tracker.listRuns())[0]).toMatchObject({ id: bad, metrics: { loss: 1 } })
      await expect(tracker.getRun(bad)).rejects.toMatchObject({ code: 'run_corrupt' })
      await expect(tracker.getRun(bad)).rejects.toThrow('line 2')
    },
  )

  it('is told from what is no record at all', async () => {
    await mkdir(join(root, 'notes'))
    await mkdir(join(root, '.starting-20210301T081500-abcdef'))
    await writeFile(join(root, 'README.md'), '')
    await writeFile(join(root, '20210301T081500-abcdef'), 'a file')
    const runs = await fileTracker(root).listRuns()
    expect(runs.map((run) => run.id)).toEqual([bad, good.id])
  })
})

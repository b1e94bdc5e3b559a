/**
 * The suite that every Tracker passes. A store's own test file calls {@link trackerContract}
 * and adds what is special to that store.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type {
  Dataset,
  RunHandle,
  RunQuery,
  RunRecord,
  RunStart,
  RunSummary,
  Tracker,
} from '../../src/tracking/tracker.ts'

/** One empty store, made for one test. */
export interface TrackerHarness {
  /** A tracker over the store that takes its time from the given clock. */
  open(now: () => Date): Promise<Tracker>
  /** Removes the store. */
  close(): Promise<void>
}

const start: RunStart = { experiment: 'contract', name: 'a run', tags: { developer: 'me' } }
const january: Dataset = {
  name: 'green 2021-01',
  source: 'data/green_tripdata_2021-01.parquet',
  digest: `sha256:${'5a'.repeat(32)}`,
  context: 'training',
  rows: 76518,
}

/**
 * Runs the suite.
 *
 * @param store its name, for the heading
 * @param prepare makes an empty store
 */
export function trackerContract(store: string, prepare: () => Promise<TrackerHarness>): void {
  describe(`${store} keeps the Tracker contract`, () => {
    let harness: TrackerHarness
    let tracker: Tracker
    let clock: number

    const now = (): Date => new Date(clock)
    // Read through another tracker: what counts is what another process would see.
    const read = async (id: string): Promise<RunRecord> => (await harness.open(now)).getRun(id)
    const listed = async (experiment?: string): Promise<RunSummary[]> => {
      const runs = await (await harness.open(now)).listRuns({ experiment })
      return runs.filter((run) => run.status !== 'unreadable')
    }

    /** Names of the runs that a query finds, in its order. */
    const found = async (
      filter: string,
      query: Omit<RunQuery, 'filter'> = {},
    ): Promise<string[]> => {
      const runs = await (await harness.open(now)).listRuns({ ...query, filter })
      return runs.map((run) => (run.status === 'unreadable' ? run.reason : run.name))
    }

    beforeEach(async () => {
      clock = Date.parse('2021-03-01T08:15:00.250Z')
      harness = await prepare()
      tracker = await harness.open(now)
    })
    afterEach(() => harness.close())

    it('shows a run from its start on, as running', async () => {
      const commit = { hash: 'c0ffee'.padEnd(40, '0'), modified: true }
      const run = await tracker.startRun({ ...start, commit })
      expect(await read(run.id)).toMatchObject({
        id: run.id,
        status: 'running',
        experiment: 'contract',
        name: 'a run',
        tags: { developer: 'me' },
        startedAt: '2021-03-01T08:15:00.250Z',
        endedAt: null,
        error: null,
        parent: null,
        commit,
        parameters: {},
        metrics: {},
        history: {},
        datasets: [],
        artifacts: [],
        model: null,
        location: run.location,
      })
    })

    it('makes up a name for a run that has none', async () => {
      const run = await tracker.startRun({ experiment: 'contract', tags: {} })
      expect((await read(run.id)).name).not.toBe('')
    })

    it('gives back everything that was logged, after the end', async () => {
      const run = await tracker.startRun(start)
      await run.logParameters({ recipe: 'standard', l2: 0.5, engine: 'arrow' })
      await run.logMetrics({ 'train.rmse': 4.25, 'validation.rmse': 5.75 })
      await run.logDataset(january)
      await run.logArtifact('report/index.html', '<p>é</p>')
      await run.logModel({ name: 'green-duration', version: 'v1', path: 'models/x/v1' })
      clock += 1500
      await run.finish('finished')

      const record = await read(run.id)
      expect(record).toMatchObject({
        status: 'finished',
        error: null,
        endedAt: '2021-03-01T08:15:01.750Z',
        parameters: { recipe: 'standard', l2: '0.5', engine: 'arrow' },
        metrics: { 'train.rmse': 4.25, 'validation.rmse': 5.75 },
        datasets: [january],
        // é has two bytes in UTF-8.
        artifacts: [{ path: 'report/index.html', bytes: 9 }],
        model: { name: 'green-duration', version: 'v1', path: 'models/x/v1' },
      })
      expect(record.history['train.rmse']).toEqual([
        { value: 4.25, step: 0, time: '2021-03-01T08:15:00.250Z' },
      ])
    })

    it('lists the same as it gives back for one run', async () => {
      const run = await tracker.startRun(start)
      await run.logParameters({ recipe: 'plain' })
      await run.logMetrics({ loss: 3 }, { step: 1 })
      await run.logMetrics({ loss: 2 }, { step: 2 })
      const { history: _, artifacts: __, ...running } = await read(run.id)
      expect(await listed()).toEqual([running])
      await run.finish('finished')
      const { history: ___, artifacts: ____, ...finished } = await read(run.id)
      expect(await listed()).toEqual([finished])
    })

    it('keeps parameters as text', async () => {
      const run = await tracker.startRun(start)
      await run.logParameters({ a: 1e-7, b: true, c: Number.NaN, d: '', e: ' é\n"', f: 42 })
      const long = 'x'.repeat(20_000)
      await run.logParameters({ long })
      const expected = { a: '1e-7', b: 'true', c: 'NaN', d: '', e: ' é\n"', f: '42', long }
      expect((await read(run.id)).parameters).toEqual(expected)
    })

    it('accepts a parameter again with the same value only', async () => {
      const run = await tracker.startRun(start)
      await run.logParameters({ l2: 1 })
      await run.logParameters({ l2: '1', taxi: 'green' })
      const refused = run.logParameters({ l2: 2, solver: 'svd' })
      await expect(refused).rejects.toMatchObject({ code: 'run_write_refused' })
      expect((await read(run.id)).parameters).toEqual({ l2: '1', taxi: 'green' })
    })

    it('orders the values of a metric by step, then time, and takes the last as its value', async () => {
      const run = await tracker.startRun(start)
      const at = (second: number): Date => new Date(Date.UTC(2021, 2, 1, 9, 0, second))
      await run.logMetrics({ loss: 1 }, { step: 3, at: at(1) })
      await run.logMetrics({ loss: 2 }, { step: 1, at: at(5) })
      await run.logMetrics({ loss: 3 }, { step: 3, at: at(4) })
      await run.logMetrics({ loss: 4 }, { step: 3, at: at(2) })
      await run.logMetrics({ loss: 5 }, { step: -1, at: at(9) })
      const check = async (): Promise<void> => {
        const { metrics, history } = await read(run.id)
        expect(metrics).toEqual({ loss: 3 })
        expect(history.loss?.map(({ value, step }) => [value, step])).toEqual([
          [5, -1],
          [2, 1],
          [1, 3],
          [4, 3],
          [3, 3],
        ])
      }
      await check()
      await run.finish('finished')
      await check()
    })

    it('keeps metrics that are not finite, and the last bit of those that are', async () => {
      const run = await tracker.startRun(start)
      const exact = { third: 1 / 3, tiny: Number.MIN_VALUE, sum: 0.1 + 0.2 }
      await run.logMetrics({ nan: Number.NaN, up: Infinity, down: -Infinity, ...exact })
      const check = async (): Promise<void> => {
        const { metrics } = await read(run.id)
        const { nan, up, down, ...finite } = metrics
        expect(nan).toBeNaN()
        expect([Infinity, Number.MAX_VALUE]).toContain(up)
        expect([-Infinity, -Number.MAX_VALUE]).toContain(down)
        expect(finite).toEqual(exact)
      }
      await check()
      await run.finish('finished')
      await check()
    })

    it('replaces a tag that is set again', async () => {
      const run = await tracker.startRun(start)
      await run.setTags({ developer: 'you', stage: 'try' })
      expect((await read(run.id)).tags).toMatchObject({ developer: 'you', stage: 'try' })
    })

    it('keeps a dataset once for each use', async () => {
      const run = await tracker.startRun(start)
      await run.logDataset(january)
      await run.logDataset({ ...january })
      await run.logDataset({ ...january, context: 'validation' })
      const { datasets } = await read(run.id)
      expect(datasets.map((dataset) => dataset.context)).toEqual(['training', 'validation'])
    })

    it('gives back the bytes of an artifact, and replaces one of the same path', async () => {
      const run = await tracker.startRun(start)
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      await run.logArtifact('plots/a b.png', 'first')
      await run.logArtifact('plots/a b.png', bytes)
      await run.logArtifact('empty.txt', '')
      await run.finish('finished')
      const { artifacts } = await read(run.id)
      expect(artifacts).toEqual([
        { path: 'empty.txt', bytes: 0 },
        { path: 'plots/a b.png', bytes: 256 },
      ])
      expect(Uint8Array.from(await tracker.readArtifact(run.id, 'plots/a b.png'))).toEqual(bytes)
    })

    it.each([
      '',
      '.',
      '..',
      '../run.json',
      'a/../../b',
      '/etc/passwd',
      'a//b',
      'a/',
      './a',
      '..\\a',
      'C:\\a',
      'C:a',
      'a\0b',
      'a\nb',
      'x'.repeat(201),
    ])('refuses the artifact path %j, to write and to read', async (path) => {
      const run = await tracker.startRun(start)
      const refusal = { code: 'run_write_refused' }
      await expect(run.logArtifact(path, 'x')).rejects.toMatchObject(refusal)
      await expect(tracker.readArtifact(run.id, path)).rejects.toMatchObject(refusal)
      expect((await read(run.id)).artifacts).toEqual([])
    })

    it.each([
      '',
      '..',
      '../a',
      'a/../b',
      '/a',
      'a/',
      'a//b',
      '__proto__',
      'a\nb',
      'a:b',
      'é',
      'x'.repeat(251),
    ])('refuses %j as a name of a parameter, metric or tag', async (name) => {
      const run = await tracker.startRun(start)
      const values = Object.fromEntries([[name, 1]])
      const tags = Object.fromEntries([[name, 'x']])
      const refusal = { code: 'run_write_refused' }
      await expect(run.logParameters(values)).rejects.toMatchObject(refusal)
      await expect(run.logMetrics({ fine: 1, ...values })).rejects.toMatchObject(refusal)
      await expect(run.setTags(tags)).rejects.toMatchObject(refusal)
      await expect(tracker.startRun({ ...start, tags })).rejects.toMatchObject(refusal)
      expect(await read(run.id)).toMatchObject({ parameters: {}, metrics: {}, tags: start.tags })
    })

    it('takes names that objects inherit for what they are: names', async () => {
      const run = await tracker.startRun(start)
      await run.logParameters({ constructor: 'a', toString: 'b' })
      await run.logMetrics({ valueOf: 1, 'a.b/c-d e_f': 2 })
      const { parameters, metrics } = await read(run.id)
      expect(Object.entries(parameters).sort()).toEqual([
        ['constructor', 'a'],
        ['toString', 'b'],
      ])
      expect(Object.entries(metrics).sort()).toEqual([
        ['a.b/c-d e_f', 2],
        ['valueOf', 1],
      ])
    })

    it.each(['', ' x', 'a\nb', 'x'.repeat(251)])(
      'refuses the experiment %j',
      async (experiment) => {
        const started = tracker.startRun({ experiment, tags: {} })
        await expect(started).rejects.toMatchObject({ code: 'run_write_refused' })
        expect(await listed()).toEqual([])
      },
    )

    it.each([0.5, Number.NaN, 2 ** 53])('refuses the step %d', async (step) => {
      const run = await tracker.startRun(start)
      const logged = run.logMetrics({ loss: 1 }, { step })
      await expect(logged).rejects.toMatchObject({ code: 'run_write_refused' })
      expect((await read(run.id)).metrics).toEqual({})
    })

    const writes: Record<string, (run: RunHandle) => Promise<unknown>> = {
      logParameters: (run) => run.logParameters({ late: 1 }),
      logMetrics: (run) => run.logMetrics({ late: 1 }),
      setTags: (run) => run.setTags({ late: '1' }),
      logDataset: (run) => run.logDataset(january),
      logArtifact: (run) => run.logArtifact('late.txt', '1'),
      logModel: (run) => run.logModel({ name: 'late', version: '1', path: 'late' }),
      finish: (run) => run.finish('finished'),
    }
    it.each(Object.keys(writes))('refuses %s once the run has ended', async (method) => {
      const run = await tracker.startRun(start)
      await run.finish('killed')
      const before = await read(run.id)
      expect(before.status).toBe('killed')
      await expect(writes[method]?.(run)).rejects.toMatchObject({ code: 'run_write_refused' })
      expect(await read(run.id)).toEqual(before)
    })

    it('keeps why a run failed', async () => {
      const run = await tracker.startRun(start)
      await run.finish('failed', { error: 'source_empty: no row is left\nafter the filters' })
      expect(await read(run.id)).toMatchObject({
        status: 'failed',
        error: 'source_empty: no row is left\nafter the filters',
      })
    })

    it('applies calls in their order without waiting for each', async () => {
      const run = await tracker.startRun(start)
      const metrics = { loss: 0 }
      const calls = Array.from({ length: 20 }, (_, step) => {
        metrics.loss = step
        return run.logMetrics(metrics, { step })
      })
      const tags = Array.from({ length: 20 }, (_, i) => run.setTags({ turn: String(i) }))
      await Promise.all([...calls, ...tags, run.finish('finished')])
      const { history, tags: kept, status } = await read(run.id)
      const steps = Array.from({ length: 20 }, (_, i) => i)
      expect(history.loss?.map((point) => point.value)).toEqual(steps)
      expect(kept.turn).toBe('19')
      expect(status).toBe('finished')
    })

    it('goes on after a call that was refused', async () => {
      const run = await tracker.startRun(start)
      await expect(run.logArtifact('../x', '')).rejects.toThrow()
      await run.logMetrics({ loss: 1 })
      await run.finish('finished')
      expect(await read(run.id)).toMatchObject({ status: 'finished', metrics: { loss: 1 } })
    })

    it('lists runs newest first, of one experiment when asked', async () => {
      const ids: string[] = []
      for (const experiment of ['a', 'b', 'a', 'a']) {
        ids.push((await tracker.startRun({ experiment, tags: {} })).id)
        clock += 1
      }
      expect(new Set(ids).size).toBe(4)
      expect((await listed()).map((run) => run.id)).toEqual([...ids].reverse())
      expect((await listed('a')).map((run) => run.id)).toEqual([ids[3], ids[2], ids[0]])
      expect(await listed('c')).toEqual([])
    })

    it('ties a run to the one that it is a part of, and finds it there', async () => {
      const sweep = await tracker.startRun({ ...start, name: 'sweep' })
      const trial = await tracker.startRun({ ...start, name: 'trial', parent: sweep.id })
      await tracker.startRun({ ...start, name: 'step', parent: trial.id })
      expect((await read(trial.id)).parent).toBe(sweep.id)
      expect((await read(sweep.id)).parent).toBeNull()
      expect(await found(`tags.mlflow.parentRunId = '${sweep.id}'`)).toEqual(['trial'])
      expect(await found('tags.mlflow.parentRunId IS NULL')).toEqual(['sweep'])
    })

    it('keeps who started what, and when', async () => {
      const run = await tracker.startRun({
        ...start,
        user: 'me',
        source: 'ridecast train 2021-01',
        startedAt: new Date('2021-02-01T00:00:00.001Z'),
      })
      await run.finish('finished', { at: new Date('2021-02-01T00:00:02.001Z') })
      expect(await read(run.id)).toMatchObject({
        user: 'me',
        source: 'ridecast train 2021-01',
        startedAt: '2021-02-01T00:00:00.001Z',
        endedAt: '2021-02-01T00:00:02.001Z',
      })
      const other = await tracker.startRun(start)
      expect((await read(other.id)).source).toBeNull()
    })

    it('takes many values of metrics at once, each with its own step and time', async () => {
      const run = await tracker.startRun(start)
      const time = (second: number): string =>
        new Date(Date.UTC(2021, 2, 1, 9, 0, second)).toISOString()
      const points = Array.from({ length: 1200 }, (_, step) => ({
        name: step % 2 ? 'odd' : 'even',
        value: -step,
        step,
        time: time(step),
      }))
      await run.logPoints(points)
      await run.finish('finished')
      const { metrics, history } = await read(run.id)
      expect(metrics).toEqual({ even: -1198, odd: -1199 })
      expect(history.odd).toHaveLength(600)
      expect(history.even?.[1]).toEqual({ value: -2, step: 2, time: time(2) })
    })

    describe('with runs to search', () => {
      beforeEach(async () => {
        const of = (name: string, second: number, more: Partial<RunStart> = {}) =>
          tracker.startRun({
            experiment: 'contract',
            name,
            tags: {},
            startedAt: new Date(Date.UTC(2021, 2, 1, 9, 0, second)),
            ...more,
          })
        const plain = await of('plain', 1, { user: 'me', tags: { developer: 'me' } })
        await plain.logParameters({ recipe: 'plain', taxi: 'green', l2: 0, 'a b/c': 'it\'s "so"' })
        await plain.logMetrics({ rmse: 9.5, 'train.rmse': 9, n: 7 })
        await plain.logDataset(january)
        await plain.logDataset({ ...january, name: 'green 2021-02', context: 'validation' })
        await plain.finish('finished', { at: new Date(Date.UTC(2021, 2, 1, 9, 1)) })
        const pairs = await of('pairs', 2, {
          user: 'you',
          tags: { developer: 'You', stage: 'try' },
        })
        await pairs.logParameters({ recipe: 'pairs', taxi: 'green', l2: 0.5 })
        await pairs.logMetrics({ rmse: 20 }, { step: 1 })
        await pairs.logMetrics({ rmse: 5.5 }, { step: 2 })
        await pairs.logMetrics({ 'train.rmse': 5, n: 7, bias: -0.001 })
        await pairs.finish('finished', { at: new Date(Date.UTC(2021, 2, 1, 9, 2)) })
        const broken = await of('broken', 3, { experiment: 'other' })
        await broken.logParameters({ recipe: 'pairs', taxi: 'yellow' })
        await broken.logMetrics({ rmse: Number.NaN, n: 8 })
        await broken.finish('failed', {
          error: 'none left',
          at: new Date(Date.UTC(2021, 2, 1, 9, 0, 3)),
        })
        const going = await of('going', 4)
        await going.logParameters({ recipe: 'Pairs' })
      })

      const filters: Record<string, string> = {
        '': 'going broken pairs plain',
        'metrics.rmse < 9.5': 'pairs',
        'metrics.rmse<=9.5 and metrics.rmse>=-1e3': 'pairs plain',
        // The last value counts; NaN is unequal to all, and what is not there fits nothing.
        'metrics.rmse = 20': '',
        'metrics.rmse != 9.5': 'broken pairs',
        'metrics.bias > -0.5 AND metrics.bias < -.0005': 'pairs',
        'metrics.`train.rmse` = 9 and metric.train.rmse = 9.0': 'plain',
        "metrics.rmse < 8 and params.taxi = 'green'": 'pairs',
        "params.recipe = 'pairs'": 'broken pairs',
        'params.recipe != "pairs"': 'going plain',
        "param.l2 = '0.5'": 'pairs',
        "params.recipe LIKE 'pa%'": 'broken pairs',
        "params.recipe like '_airs'": 'going broken pairs',
        "params.recipe ILIKE 'PA%'": 'going broken pairs',
        'params.`a b/c` IS NOT NULL': 'plain',
        'params."a b/c" LIKE \'it%\'': 'plain',
        'params.l2 IS NULL': 'going broken',
        "tags.developer ilike 'YOU'": 'pairs',
        "tag.developer = 'me' and tags.stage IS NULL": 'plain',
        "tags.stage != 'done'": 'pairs',
        "attributes.status = 'FINISHED'": 'pairs plain',
        "status = 'finished' and run_name != 'plain'": 'pairs',
        "attr.status = 'RUNNING'": 'going',
        "status != 'Finished'": 'going broken',
        "attributes.run_name LIKE 'p%'": 'pairs plain',
        "user_id = 'me'": 'plain',
        // No user is an empty text.
        "user_id != 'me'": 'going broken pairs',
        "tags.mlflow.user = 'you'": 'pairs',
        // 2021-03-01T09:00:02Z in milliseconds, by `date -d ... +%s000`.
        'attributes.start_time > 1614589202000': 'going broken',
        'start_time <= 1614589202000.5': 'pairs plain',
        'end_time > 1614589260000': 'pairs',
        "dataset.name = 'green 2021-01'": 'plain',
        "dataset.name LIKE 'green%' and dataset.context = 'validation'": 'plain',
        "dataset.name NOT IN ('green 2021-01')": 'plain',
        "dataset.name IN ('green 2021-01', 'green 2021-02',)": 'plain',
        "dataset.context != 'training' and datasets.context = 'training'": 'plain',
        "dataset.name = 'green 2021-03'": '',
      }
      // One test for all: the runs are made once, which takes a server some time.
      it('finds those that fit a filter', async () => {
        const names: Record<string, string> = {}
        for (const filter of Object.keys(filters)) names[filter] = (await found(filter)).join(' ')
        expect(names).toEqual(filters)
      })

      it('finds them by id', async () => {
        const all = await listed()
        const [going, broken, pairs] = all.map((run) => run.id)
        expect(await found(`run_id = '${pairs}'`)).toEqual(['pairs'])
        expect(await found(`run_id IN ('${pairs}', "${going}")`)).toEqual(['going', 'pairs'])
        expect(await found(`attributes.run_id NOT IN ('${broken}')`)).toEqual([
          'going',
          'pairs',
          'plain',
        ])
        expect(await found(`run_id LIKE '${broken}%'`)).toEqual(['broken'])
      })

      const orders: Record<string, string> = {
        'metrics.rmse': 'pairs plain broken going',
        'metrics.rmse desc': 'plain pairs broken going',
        'metrics.n DESC|metrics.rmse ASC': 'broken pairs plain going',
        'metrics.n': 'pairs plain broken going',
        'params.taxi asc': 'pairs plain broken going',
        'params.taxi desc': 'broken pairs plain going',
        'attributes.start_time ASC': 'plain pairs broken going',
        start_time: 'plain pairs broken going',
        'run_name DESC': 'plain pairs going broken',
        'tags.`stage`|attributes.status|created asc': 'pairs broken plain going',
      }
      it('puts them in order', async () => {
        const names: Record<string, string> = {}
        for (const texts of Object.keys(orders)) {
          names[texts] = (await found('', { orderBy: texts.split('|') })).join(' ')
        }
        expect(names).toEqual(orders)
      })

      it('stops at a limit, after filter and order', async () => {
        expect(await found('', { limit: 1 })).toEqual(['going'])
        expect(await found('metrics.n > 0', { orderBy: ['metrics.rmse desc'], limit: 2 })).toEqual([
          'plain',
          'pairs',
        ])
        expect(await found('', { limit: 4 })).toHaveLength(4)
        expect(await found('', { limit: 5000 })).toHaveLength(4)
      })

      it('searches one experiment when asked', async () => {
        expect(await found("params.recipe = 'pairs'", { experiment: 'contract' })).toEqual([
          'pairs',
        ])
        expect(await found("params.recipe = 'pairs'", { experiment: 'none' })).toEqual([])
      })

      it('refuses a filter that has no meaning', async () => {
        const refused = [
          'metrics.rmse < 8 or metrics.n > 1',
          '(metrics.rmse < 8)',
          "metrics.rmse < '8'",
          'params.taxi = green',
          "params.taxi > 'green'",
          "params.taxi IN ('green')",
          "attributes.colour = 'green'",
          "colours.taxi = 'green'",
          'metrics.rmse IS NULL',
          'metrics.rmse',
          ' ',
        ]
        for (const filter of refused) {
          const listed = found(filter)
          await expect(listed, filter).rejects.toMatchObject({ code: 'filter_invalid' })
        }
      })

      it('refuses an order that has no meaning', async () => {
        const refused = ['rmse', 'metrics.rmse down', 'metrics.a, metrics.b', 'dataset.name', '']
        for (const orderBy of [...refused.map((text) => [text]), ['metrics.n', 'metrics.n desc']]) {
          const listed = found('', { orderBy })
          await expect(listed, orderBy[0]).rejects.toMatchObject({ code: 'filter_invalid' })
        }
      })
    })

    it('keeps runs that are written at once apart', async () => {
      const runs = await Promise.all(Array.from({ length: 8 }, () => tracker.startRun(start)))
      expect(new Set(runs.map((run) => run.id)).size).toBe(8)
      await Promise.all(
        runs.flatMap((run, i) => [
          run.logParameters({ own: i }),
          run.logMetrics({ own: i }),
          run.logArtifact('own.txt', String(i)),
          run.finish('finished'),
        ]),
      )
      for (const [i, run] of runs.entries()) {
        const record = await read(run.id)
        expect(record).toMatchObject({ parameters: { own: String(i) }, metrics: { own: i } })
        const bytes = await tracker.readArtifact(run.id, 'own.txt')
        expect(new TextDecoder().decode(bytes)).toBe(String(i))
      }
    })

    it('names what is not there', async () => {
      expect(await listed()).toEqual([])
      for (const id of ['20210301T081500-000000', '0123456789abcdef0123456789abcdef', '..', '']) {
        await expect(tracker.getRun(id)).rejects.toMatchObject({ code: 'run_not_found' })
        await expect(tracker.readArtifact(id, 'a')).rejects.toMatchObject({ code: 'run_not_found' })
      }
      const run = await tracker.startRun(start)
      await run.logArtifact('here.txt', '')
      const missing = tracker.readArtifact(run.id, 'gone.txt')
      await expect(missing).rejects.toMatchObject({ code: 'run_artifact_not_found' })
      await expect(missing).rejects.toThrow('here.txt')
    })
  })
}

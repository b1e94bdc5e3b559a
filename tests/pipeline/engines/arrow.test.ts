import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RidecastError } from '../../../src/errors.ts'
import { compileFeatures } from '../../../src/features.ts'
import { type ArrowOptions, openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { sharesOf } from '../../../src/pipeline/engines/arrow-shares.ts'
import type { Engine } from '../../../src/pipeline/engines/engine.ts'
import { hashMoments, type Moments } from '../../../src/pipeline/moments.ts'
import { columnsOf, type Plan, planOf, type Slice } from '../../../src/pipeline/plan.ts'
import { profilePlan } from '../../../src/pipeline/profile.ts'
import { startWorker } from '../../../src/pipeline/start-worker.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import { randomNumbers } from '../../random-rides.ts'
import { type FileRide, greenColumns, makeParquet } from '../make-parquet.ts'
import { engineConformance } from './conformance.ts'

/** Threads for every file, and a share for every row group. */
const manyShares: ArrowOptions = { threads: 2, threadsFrom: 0, shareRides: 1 }

engineConformance('arrow', openArrowEngine)
describe('with two threads for the smallest file', () => {
  engineConformance('arrow', () => openArrowEngine(manyShares))
})

describe('the columns that plans need', () => {
  const recipe = checkRecipe(
    {
      name: 'x',
      categorical: ['hour', { bin: 'trip_distance', edges: [1] }],
      filters: [{ column: 'passenger_count', above: 0 }],
    },
    'x',
  )
  const plan = planOf(recipe, compileFeatures(recipe))

  test('are required by terms and filters, optional for a profile, each once', () => {
    const { required, optional } = columnsOf([plan, profilePlan(plan), plan])
    expect([...required].sort()).toEqual(['passenger_count', 'trip_distance'])
    expect([...optional].sort()).toEqual(['DOLocationID', 'PULocationID'])
  })

  test('of no plan are none', () => {
    expect(columnsOf([])).toEqual({ required: [], optional: [] })
  })
})

const recipe = checkRecipe(
  {
    name: 'x',
    categorical: ['PULocationID', 'DOLocationID', 'hour'],
    numeric: ['trip_distance', { of: 'trip_distance', steps: [{ clip: [0, 30] }, 'log1p'] }],
  },
  'x',
)
const planFor = (slice?: Slice): Plan => planOf(recipe, compileFeatures(recipe), slice)
const plans = [planFor(), profilePlan(planFor())]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-arrow-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Engines that tests share, since threads take their time to start, and those of one test. */
let alone: Engine
let threaded: Engine
const engines: Engine[] = []
beforeAll(async () => {
  alone = await openArrowEngine({ threads: 1 })
  threaded = await openArrowEngine(manyShares)
})
afterAll(() => Promise.all([alone.close(), threaded.close()]))
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

async function opened(options: ArrowOptions): Promise<Engine> {
  const engine = await openArrowEngine(options)
  engines.push(engine)
  return engine
}

/** Rides with distances in whole hundredths, or in thirds that no unit holds. */
function someRides(length: number, fine = false): FileRide[] {
  const random = randomNumbers(1)
  return Array.from({ length }, () => {
    const pickup = 1_609_459_200_000_000 + Math.floor(random() * 31 * 86_400) * 1e6
    return {
      pickup: random() < 0.02 ? null : pickup,
      dropoff: pickup + Math.floor(random() * 4000) * 1e6,
      from: 1 + Math.floor(random() * 20),
      to: random() < 0.02 ? null : 1 + Math.floor(random() * 20),
      miles: fine ? (random() * 100) / 3 : Math.floor(random() * 3000) / 100,
    }
  })
}

let files = 0
function written(rides: readonly FileRide[], rowGroup: number): string {
  return makeParquet(join(folder, `${files++}.parquet`), greenColumns(rides), rowGroup)
}

const hashes = (moments: readonly Moments[]): string[] => moments.map(hashMoments)
const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => new Error('it was summed'),
    (reason: unknown) => reason,
  )

describe('threads', () => {
  test('of any number give the same bytes as none, whatever the row groups', async () => {
    const rides = someRides(2000)
    const expected = hashes(await alone.sum(written(rides, 5000), 'green', plans))
    const shuffled = rides
      .map((ride, i): [number, FileRide] => [(i * 7919) % rides.length, ride])
      .sort(([a], [b]) => a - b)
      .map(([, ride]) => ride)
    const paths = [written(rides, 300), written(shuffled, 171), written(shuffled, 5000)]
    for (const engine of [alone, threaded, await opened({ ...manyShares, threads: 3 })]) {
      for (const path of paths) {
        expect(hashes(await engine.sum(path, 'green', plans))).toEqual(expected)
      }
    }
  })

  test('of any number round alike where sums are rounded: shares depend on the file alone', async () => {
    const path = written(someRides(3000, true), 100)
    const found = new Set<string>()
    for (const threads of [1, 2, 3]) {
      const engine = await opened({ threads, threadsFrom: 0, shareRides: 250 })
      const [moments] = await engine.sum(path, 'green', plans)
      expect(moments?.inexact).toEqual(['trip_distance'])
      found.add(hashMoments(moments as Moments))
    }
    expect(found.size).toBe(1)
  })

  test('count the rows of a slice in file order', async () => {
    const path = written(someRides(1500), 200)
    const sliced = [planFor({ kind: 'rows', from: 400, to: 1000 }), planFor()]
    const expected = hashes(await alone.sum(path, 'green', sliced))
    const found = hashes(await threaded.sum(path, 'green', sliced))
    expect(found).toEqual(expected)
  })

  test('are shared by files that are summed at once, and not more than allowed', async () => {
    let alive = 0
    let most = 0
    const engine = await opened({
      ...manyShares,
      start: () => {
        const worker = startWorker('arrow-worker')
        most = Math.max(most, ++alive)
        worker.on('exit', () => alive--)
        return worker
      },
    })
    const rides = someRides(1200)
    const path = written(rides, 150)
    const other = written(rides.slice(0, 700), 100)
    const [a, b, c] = await Promise.all(
      [path, other, path].map((p) => engine.sum(p, 'green', plans)),
    )
    expect(hashes(a as Moments[])).toEqual(hashes(c as Moments[]))
    expect(b?.[0]?.rows).toBe(700)
    expect(most).toBe(2)
    await engine.close()
    expect(alive).toBe(0)
  })

  test('are not started for a small file', async () => {
    const engine = await opened({
      threads: 2,
      start: () => {
        throw new Error('a thread was started')
      },
    })
    const [moments] = await engine.sum(written(someRides(500), 100), 'green', plans)
    expect(moments?.rows).toBe(500)
  })

  test('tell progress for each row group, ascending, up to all rides', async () => {
    const path = written(someRides(1000), 300)
    for (const engine of [alone, threaded]) {
      const told: [number, number, string][] = []
      await engine.sum(path, 'green', plans, (...progress) => told.push(progress))
      const done = told.map(([rides]) => rides)
      expect(done).toHaveLength(4)
      expect(done).toEqual([...done].sort((a, b) => a - b))
      expect(told.at(-1)).toEqual([1000, 1000, path])
    }
  })

  test('refuse what a file lacks with the same words', async () => {
    const path = written(someRides(10), 10)
    const both = [alone, threaded].map((engine) => faultOf(engine.sum(path, 'yellow', plans)))
    const [here, there] = (await Promise.all(both)) as [RidecastError, RidecastError]
    expect(here).toMatchObject({ code: 'source_columns' })
    expect(there).toBeInstanceOf(RidecastError)
    expect([there.code, there.message]).toEqual([here.code, here.message])
    const missing = join(folder, 'nowhere.parquet')
    for (const engine of [alone, threaded]) {
      expect(await faultOf(engine.sum(missing, 'green', plans))).toMatchObject({
        code: expect.stringMatching(/^source_/),
      })
    }
  })
})

/** A thread that runs a few lines of JavaScript. */
const scripted = (lines: string) => (): Worker =>
  new Worker(`const { parentPort } = require('node:worker_threads')\n${lines}`, { eval: true })

const sizeAnswer = `{ kind: 'size', size: { rows: 4, groups: [2, 2] } }`

describe('a thread that dies', () => {
  test.each([
    ['throws', `parentPort.on('message', () => { throw new Error('out of luck') })`, /out of luck/],
    ['ends', `parentPort.on('message', () => process.exit(7))`, /exit code 7/],
    [
      'runs out of memory',
      `parentPort.on('message', () => { const all = []; for (;;) all.push(new Array(1e6).fill({})) })`,
      /memory|heap/,
    ],
    [
      'ends in the middle of a share',
      `parentPort.on('message', ({ share }) => share ? process.exit(3) : parentPort.postMessage(${sizeAnswer}))`,
      /exit code 3/,
    ],
  ])('because it %s is an error that names the file, never a hang', async (_, lines, reason) => {
    const path = written(someRides(10), 10)
    const start = (): Worker =>
      new Worker(`const { parentPort } = require('node:worker_threads')\n${lines}`, {
        eval: true,
        resourceLimits: { maxOldGenerationSizeMb: 32 },
      })
    const engine = await opened({ ...manyShares, start })
    const fault = (await faultOf(engine.sum(path, 'green', plans))) as RidecastError
    expect(fault).toMatchObject({ code: 'internal' })
    expect(fault.message).toMatch(reason)
    expect(fault.message).toContain(path)
  })

  test('is replaced: the next file is summed', async () => {
    let started = 0
    const engine = await opened({
      ...manyShares,
      threads: 2,
      start: () =>
        started++ === 0
          ? scripted(`parentPort.on('message', () => process.exit(1))`)()
          : startWorker('arrow-worker'),
    })
    const path = written(someRides(300), 100)
    expect(await faultOf(engine.sum(path, 'green', plans))).toMatchObject({ code: 'internal' })
    const [moments] = await engine.sum(path, 'green', plans)
    expect(moments?.rows).toBe(300)
  })
})

describe('a file with damaged pages', () => {
  /** Noise over the pages of the second half, magic and footer left as they are. */
  function damagedFile(): string {
    const path = written(someRides(60_000), 15_000)
    const bytes = readFileSync(path)
    const footer = bytes.readUInt32LE(bytes.length - 8)
    const random = randomNumbers(2)
    const to = bytes.length - 8 - footer
    for (let i = Math.floor(to / 2); i < to; i++) bytes[i] = Math.floor(random() * 256)
    writeFileSync(path, bytes)
    return path
  }

  test('is refused as truncated by a thread, and the engine goes on', async () => {
    const path = damagedFile()
    const good = written(someRides(900), 300)
    const [bad, fine] = await Promise.all([
      faultOf(threaded.sum(path, 'green', plans)),
      threaded.sum(good, 'green', plans),
    ])
    expect(bad).toMatchObject({ code: 'source_truncated' })
    expect((bad as RidecastError).message).toContain(`${path} is a damaged Parquet file (`)
    expect(fine[0]?.rows).toBe(900)
    expect((await threaded.sum(good, 'green', plans))[0]?.rows).toBe(900)
  })
})

describe('a signal', () => {
  const reason = new Error('enough')

  test.each([
    ['before the file', () => alone, 0],
    ['before the file, with threads', () => threaded, 0],
    ['in the middle', () => alone, 1],
    ['in the middle, with threads', () => threaded, 1],
  ])('that comes %s ends the work with its reason', async (_, engineOf, after) => {
    const path = written(someRides(4000), 100)
    const engine = engineOf()
    const stop = new AbortController()
    let told = 0
    if (after === 0) stop.abort(reason)
    const work = engine.sum(
      path,
      'green',
      plans,
      () => {
        if (++told === after) stop.abort(reason)
      },
      stop.signal,
    )
    expect(await faultOf(work)).toBe(reason)
    expect(told).toBeLessThan(40)
    // The engine is still of use.
    expect((await engine.sum(path, 'green', plans))[0]?.rows).toBe(4000)
  })

  test('stops a thread that does not listen', async () => {
    let exits = 0
    let starts = 0
    const engine = await opened({
      ...manyShares,
      start: () => {
        starts++
        const worker = scripted(`parentPort.on('message', () => { for (;;) {} })`)()
        worker.on('exit', () => exits++)
        return worker
      },
    })
    const stop = new AbortController()
    const work = engine.sum(written(someRides(10), 10), 'green', plans, undefined, stop.signal)
    const fault = faultOf(work)
    await expect.poll(() => starts).toBe(1)
    stop.abort(reason)
    expect(await fault).toBe(reason)
    await expect.poll(() => exits, { timeout: 10_000 }).toBe(1)
  })

  test('of one file leaves others alone', async () => {
    const path = written(someRides(3000), 100)
    const stop = new AbortController()
    const [stopped, other] = await Promise.all([
      faultOf(threaded.sum(path, 'green', plans, () => stop.abort(reason), stop.signal)),
      threaded.sum(path, 'green', plans),
    ])
    expect(stopped).toBe(reason)
    expect(other[0]?.rows).toBe(3000)
  })
})

describe('closing', () => {
  test('ends what is under way with an error, and may be done twice', async () => {
    let started = 0
    const engine = await opened({
      ...manyShares,
      start: () => {
        started++
        return scripted(`parentPort.on('message', () => {})`)()
      },
    })
    const path = written(someRides(10), 10)
    const work = [1, 2, 3].map(() => faultOf(engine.sum(path, 'green', plans)))
    await expect.poll(() => started).toBe(2)
    await engine.close()
    await engine.close()
    for (const fault of await Promise.all(work)) {
      expect(fault).toMatchObject({ code: 'internal', message: expect.stringContaining(path) })
    }
    expect(await faultOf(engine.sum(path, 'green', plans))).toMatchObject({ code: 'internal' })
  })
})

describe('shares of row groups', () => {
  test('are neighbours with rides enough, the last may have fewer', () => {
    expect(sharesOf([4, 4, 4, 4, 4], [planFor()], 8)).toEqual([[0, 1], [2, 3], [4]])
    expect(sharesOf([9, 1, 7, 8], [planFor()], 8)).toEqual([[0], [1, 2], [3]])
    expect(sharesOf([1, 1, 1], [planFor()], 8)).toEqual([[0, 1, 2]])
    expect(sharesOf([], [planFor()], 8)).toEqual([[]])
  })

  test('are all of them where a plan counts rows in file order', () => {
    const sliced = planFor({ kind: 'rows', from: 0, to: 5 })
    expect(sharesOf([9, 9, 9], [planFor(), sliced], 8)).toEqual([[0, 1, 2]])
  })
})

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RidecastError } from '../../../src/errors.ts'
import { compileFeatures } from '../../../src/features.ts'
import { openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { openDuckdbEngine } from '../../../src/pipeline/engines/duckdb.ts'
import type { Engine } from '../../../src/pipeline/engines/engine.ts'
import { hashMoments, type Moments } from '../../../src/pipeline/moments.ts'
import { planOf } from '../../../src/pipeline/plan.ts'
import { startWorker } from '../../../src/pipeline/start-worker.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import { randomNumbers } from '../../random-rides.ts'
import { type FileRide, greenColumns, makeParquet } from '../make-parquet.ts'
import { engineConformance } from './conformance.ts'

engineConformance('duckdb', openDuckdbEngine)

describe('with threads for every file', () => {
  engineConformance('duckdb', () => openDuckdbEngine({ threads: 3, threadsFrom: 0 }))
})

const recipe = checkRecipe(
  { name: 'x', categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] },
  'x',
)
const plan = planOf(recipe, compileFeatures(recipe))
const monday = Date.UTC(2021, 0, 4) * 1000

/** Rides between a few zones, ten minutes long. */
function someRides(length: number, from = 1): FileRide[] {
  return Array.from({ length }, (_, i) => ({
    pickup: monday + i * 60e6,
    dropoff: monday + i * 60e6 + 600e6,
    from: from + (i % 5),
    to: 1 + (i % 7),
    miles: (i % 300) / 100,
  }))
}

describe('the DuckDB engine', () => {
  let folder = ''
  let engine: Engine
  let arrow: Engine
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ridecast-duckdb-test-'))
    engine = await openDuckdbEngine()
    arrow = await openArrowEngine()
  })
  afterAll(async () => {
    await Promise.all([engine.close(), arrow.close()])
    rmSync(folder, { recursive: true, force: true })
  })

  const write = (name: string, rides: readonly FileRide[], rowGroup?: number): string => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    return makeParquet(path, greenColumns(rides), rowGroup)
  }
  const sum = async (path: string, by: Engine = engine): Promise<Moments> => {
    const [moments] = await by.sum(path, 'green', [plan])
    return moments as Moments
  }
  const codeOf = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (error instanceof RidecastError) return `${error.code}: ${error.message}`
    return String(error)
  }

  test.each([
    'a*.parquet',
    'a?.parquet',
    'a[bc].parquet',
    'a[!b].parquet',
    "it's.parquet",
    'say "hi".parquet',
    'zwölf 🚕 ; -- x.parquet',
    'back\\slash.parquet',
    '{a,b}.parquet',
    'year=2021/month=01/x.parquet',
    'https:/host/x.parquet',
  ])('reads the file %s and no other one', async (name) => {
    // What a pattern would find besides.
    for (const [k, other] of ['ab.parquet', 'ac.parquet', 'a.parquet'].entries()) {
      write(other, someRides(10 + k, 50))
    }
    const path = write(name, someRides(21))
    const { n, blocks } = await sum(path)
    expect(n).toBe(21)
    expect(Array.from(blocks[0]?.codes ?? [])).toEqual([1, 2, 3, 4, 5])
  })

  test('sums nothing by no plan', async () => {
    expect(await engine.sum(write('none.parquet', someRides(1)), 'green', [])).toEqual([])
  })

  test('damage anywhere is named, or makes no difference, and no other file suffers', async () => {
    const whole = write('whole.parquet', someRides(2000), 500)
    const bytes = readFileSync(whole)
    const good = hashMoments(await sum(whole))
    const random = randomNumbers(5)
    let named = 0
    for (let k = 0; k < 30; k++) {
      const path = join(folder, `damaged-${k}.parquet`)
      const broken = Buffer.from(bytes)
      const at = 4 + Math.floor(random() * (bytes.length - 12))
      for (let i = at; i < Math.min(at + 1 + 20 * (k % 3), bytes.length - 8); i++) {
        broken[i] = (broken[i] as number) ^ (1 + Math.floor(random() * 255))
      }
      writeFileSync(path, broken)
      const [found, other] = await Promise.all([codeOf(sum(path)), sum(whole)])
      expect(hashMoments(other)).toBe(good)
      // Values may change unseen, since pages carry no checksums: what must not happen is a crash.
      if (found === 'undefined') continue
      named++
      expect(found).toMatch(/^(source_\w+|sums_overflow|engine_failed): /)
      // A value too large to be summed is about a column.
      if (!found.startsWith('sums_overflow')) expect(found).toContain(path)
    }
    expect(named).toBeGreaterThan(5)
    expect(hashMoments(await sum(whole))).toBe(good)
  })

  test('a file that is cut off, none at all or not there is refused by its path', async () => {
    const bytes = readFileSync(write('long.parquet', someRides(3000)))
    for (const [name, content] of [
      ['cut.parquet', bytes.subarray(0, bytes.length / 2)],
      ['empty.parquet', Buffer.alloc(0)],
      ['page.parquet', Buffer.from('<html><body>no such month</body></html>')],
    ] as const) {
      const path = join(folder, name)
      writeFileSync(path, content)
      const found = await codeOf(sum(path))
      expect(found).toMatch(/^source_truncated: .* is a damaged Parquet file/)
      expect(found).toContain(path)
    }
    const gone = join(folder, 'gone.parquet')
    expect(await codeOf(sum(gone))).toContain(gone)
  })

  test('a name that cannot be told from a pattern is refused, not guessed', async () => {
    const path = write('back\\slash*.parquet', someRides(3))
    expect(await codeOf(sum(path))).toMatch(/^engine_unsupported: .*rename the file/)
  })

  test('stops by signal, with its reason, before and while it reads', async () => {
    const path = write('signal.parquet', someRides(200_000))
    const before = new AbortController()
    before.abort(new Error('too late'))
    await expect(engine.sum(path, 'green', [plan], undefined, before.signal)).rejects.toThrow(
      'too late',
    )
    const during = new AbortController()
    const work = engine.sum(path, 'green', [plan], undefined, during.signal)
    setImmediate(() => during.abort(new Error('enough')))
    await expect(work).rejects.toThrow('enough')
    // The engine is none the worse for it.
    expect((await sum(path)).n).toBe(200_000)
  })

  test('files side by side do not disturb each other', async () => {
    const paths = [3, 5, 8, 13].map((zones) =>
      write(`side-${zones}.parquet`, someRides(500, zones)),
    )
    const alone: string[] = []
    for (const path of paths) alone.push(hashMoments(await sum(path)))
    const together = await Promise.all(paths.map((path) => sum(path)))
    expect(together.map(hashMoments)).toEqual(alone)
    expect(new Set(alone).size).toBe(4)
  })

  test('a process that has closed it ends by itself', async () => {
    const path = write('exit.parquet', someRides(100))
    const module = (name: string): string =>
      JSON.stringify(new URL(`../../../src/${name}`, import.meta.url).href)
    const script = `
      import { openDuckdbEngine } from ${module('pipeline/engines/duckdb.ts')}
      const engine = await openDuckdbEngine()
      const plan = { target: { min: 1, max: 60 }, filters: [], slice: { kind: 'all' }, required: [],
        features: { categorical: [], numeric: [], inputs: [] }, crosses: false }
      const [moments] = await engine.sum(${JSON.stringify(path)}, 'green', [plan])
      await engine.close()
      console.log(moments.n)`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      { timeout: 60_000, cwd: new URL('../../../', import.meta.url) },
    )
    expect(stdout.trim()).toBe('100')
  }, 60_000)

  test('any number of threads gives the same bytes, also where sums are rounded', async () => {
    const rides = someRides(70_000).map((ride, i) => ({ ...ride, miles: i / 7 }))
    const path = write('rounded.parquet', rides)
    const found = new Set<string>()
    for (const threads of [1, 3, 4]) {
      const own = await openDuckdbEngine({ threads, threadsFrom: 0 })
      try {
        const moments = await sum(path, own)
        expect(moments.inexact).toEqual(['trip_distance'])
        found.add(hashMoments(moments))
      } finally {
        await own.close()
      }
    }
    expect(found.size).toBe(1)
  })

  test('a thread that dies is an error, and is replaced', async () => {
    let started = 0
    const own = await openDuckdbEngine({
      threads: 3,
      threadsFrom: 0,
      start: () => {
        const isFirst = started++ === 0
        return isFirst
          ? new Worker(
              `require('node:worker_threads').parentPort.on('message', () => process.exit(1))`,
              {
                eval: true,
              },
            )
          : startWorker('lane-worker')
      },
    })
    const path = write('dies.parquet', someRides(50_000))
    expect(await codeOf(sum(path, own))).toMatch(/^internal: a thread that sums rides has died/)
    expect(hashMoments(await sum(path, own))).toBe(hashMoments(await sum(path)))
    await own.close()
  })

  test('threads stop by signal, and with them the reading', async () => {
    const own = await openDuckdbEngine({ threads: 3, threadsFrom: 0 })
    const path = write('threads-signal.parquet', someRides(200_000))
    const stop = new AbortController()
    const work = own.sum(path, 'green', [plan], () => stop.abort(new Error('enough')), stop.signal)
    await expect(work).rejects.toThrow('enough')
    expect((await sum(path, own)).n).toBe(200_000)
    await own.close()
  })
})

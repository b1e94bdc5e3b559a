import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashMoments, type Moments } from '../../src/pipeline/moments.ts'
import { cacheEntries, openMomentsCache, prune } from '../../src/pipeline/moments-cache.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { momentsOf, planFor, recipeOf } from './small-rides.ts'

const plan = planFor(recipeOf({ categorical: ['PULocationID'], numeric: ['trip_distance'] }))
const ride = (miles: number) => ({
  hour: 1,
  seconds: 600,
  columns: { PULocationID: 7, trip_distance: miles },
})
const source = { path: '/somewhere/green_tripdata_2021-01.parquet', sha256: 'a1'.repeat(32) }

let folder = ''
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'ridecast-cache-')), 'moments')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

const files = (): string[] => (existsSync(folder) ? readdirSync(folder) : [])
const kept = async (some: Plan = plan, sha256 = source.sha256): Promise<string | undefined> => {
  const moments = await openMomentsCache(folder).get({ ...source, sha256 }, 'green', some)
  return moments && hashMoments(moments)
}
const moments: Moments = momentsOf(plan, [ride(1), ride(2)])

describe('sums that are kept', () => {
  test('come back to the bit', async () => {
    expect(await kept()).toBeUndefined()
    await openMomentsCache(folder).put(source, 'green', plan, moments)
    expect(await kept()).toBe(hashMoments(moments))
  })

  test('are those of one file, fleet and plan, whatever the file is called', async () => {
    await openMomentsCache(folder).put(source, 'green', plan, moments)
    const cache = openMomentsCache(folder)
    expect(await cache.get({ ...source, path: '/else/where.parquet' }, 'green', plan)).toBeDefined()
    expect(await cache.get(source, 'yellow', plan)).toBeUndefined()
    expect(await kept(plan, 'b2'.repeat(32))).toBeUndefined()
    for (const other of [
      { ...plan, crosses: false },
      { ...plan, target: { min: 2, max: 600 } },
      { ...plan, filters: [{ column: 'passenger_count', above: 0 } as const] },
      { ...plan, slice: { kind: 'rows', from: 0, to: 5 } as const },
      planFor(recipeOf({ categorical: ['DOLocationID'], numeric: ['trip_distance'] })),
    ]) {
      expect(await kept(other)).toBeUndefined()
    }
  })

  test('a recipe that differs in its penalty has the same ones', async () => {
    await openMomentsCache(folder).put(source, 'green', plan, moments)
    const ridge = recipeOf({ categorical: ['PULocationID'], numeric: ['trip_distance'], l2: 9 })
    expect(await kept(planFor(ridge))).toBe(hashMoments(moments))
  })

  test('are not taken when they are damaged, cut or of another file', async () => {
    await openMomentsCache(folder).put(source, 'green', plan, moments)
    const path = join(folder, files()[0] as string)
    const bytes = readFileSync(path)
    for (const bad of [bytes.subarray(0, 100), Buffer.alloc(0), Buffer.from('hello')]) {
      writeFileSync(path, bad)
      expect(await kept()).toBeUndefined()
    }
    await openMomentsCache(folder).put(source, 'green', plan, moments)
    expect(await kept()).toBe(hashMoments(moments))
  })

  test('leave no half-written file behind for a reader', async () => {
    await openMomentsCache(folder).put(source, 'green', plan, moments)
    expect(files()).toHaveLength(1)
    writeFileSync(join(folder, '.tmp-1-abc'), 'half')
    expect(await cacheEntries(folder)).toHaveLength(1)
  })

  test('are not needed: a folder that cannot be made is noted once', async () => {
    writeFileSync(join(folder, '..', 'file'), '')
    const notes: string[] = []
    const cache = openMomentsCache(join(folder, '..', 'file', 'moments'), 1e9, (text) =>
      notes.push(text),
    )
    await cache.put(source, 'green', plan, moments)
    await cache.put(source, 'green', plan, moments)
    expect(notes).toHaveLength(1)
    expect(notes[0]).toMatch(/^sums are not kept in .*file/)
    expect(await cache.get(source, 'green', plan)).toBeUndefined()
  })
})

describe('the size of a cache', () => {
  const put = async (n: number, daysAgo: number): Promise<string> => {
    const before = new Set(files())
    const sha256 = n.toString(16).padStart(64, '0')
    await openMomentsCache(folder).put({ ...source, sha256 }, 'green', plan, moments)
    const name = files().find((one) => !before.has(one)) as string
    const then = new Date(Date.now() - daysAgo * 86_400_000)
    utimesSync(join(folder, name), then, then)
    return name
  }

  test('is bounded: what was used longest ago goes first', async () => {
    const [old, newer, newest] = [await put(1, 30), await put(2, 10), await put(3, 1)]
    const { bytes } = (await cacheEntries(folder))[0] as { bytes: number }
    expect(await prune(folder, { maxBytes: 2 * bytes })).toEqual({
      removed: 1,
      removedBytes: bytes,
      left: 2,
      leftBytes: 2 * bytes,
    })
    expect(files().sort()).toEqual([newer, newest].sort())
    expect(files()).not.toContain(old)
  })

  test('is bounded while it is written', async () => {
    await put(1, 30)
    const { bytes } = (await cacheEntries(folder))[0] as { bytes: number }
    await openMomentsCache(folder, bytes * 1.5).put(source, 'green', plan, moments)
    expect(await kept()).toBe(hashMoments(moments))
    expect(files()).toHaveLength(1)
  })

  test('is bounded by the time of the last use, which reading is', async () => {
    await put(1, 30)
    await put(2, 30)
    expect(await kept(plan, '1'.padStart(64, '0'))).toBeDefined()
    const usedSince = new Date(Date.now() - 7 * 86_400_000)
    expect(await prune(folder, { usedSince })).toMatchObject({ removed: 1, left: 1 })
    expect(await kept(plan, '1'.padStart(64, '0'))).toBeDefined()
  })

  test('counts only what is its own', async () => {
    await put(1, 1)
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    await prune(folder, { maxBytes: 0 })
    expect(files()).toEqual(['notes.txt'])
    expect(await prune(join(folder, 'nowhere'), { maxBytes: 0 })).toMatchObject({ removed: 0 })
  })

  test('entries say what they hold, the one used last first', async () => {
    await put(1, 5)
    await put(2, 1)
    const entries = await cacheEntries(folder)
    expect(entries.map(({ header }) => header?.source.sha256?.at(-1))).toEqual(['2', '1'])
    expect(entries[0]?.header).toMatchObject({ n: 2, rows: 2, source: { taxi: 'green' } })
  })
})

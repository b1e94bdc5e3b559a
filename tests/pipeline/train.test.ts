import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadModel } from '../../src/model.ts'
import { fit } from '../../src/pipeline/fit.ts'
import { hashMoments, type Moments } from '../../src/pipeline/moments.ts'
import { mergeMoments, subtractMoments } from '../../src/pipeline/moments-algebra.ts'
import { type MomentsCache, openMomentsCache } from '../../src/pipeline/moments-cache.ts'
import { type Training, type TrainOptions, train } from '../../src/pipeline/train.ts'
import { profileSchema } from '../../src/profile.ts'
import { checkRecipe, parseRecipe } from '../../src/recipe.ts'
import { type FileRide, greenColumns, makeParquet } from './make-parquet.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const plain = parseRecipe(readFileSync(join(repository, 'recipes/plain.yaml'), 'utf8'), 'plain')
const names = ['green_tripdata_2021-01.parquet', 'green_tripdata_2021-02.parquet'] as const

const options: TrainOptions = {
  sources: ['2021-01'],
  taxis: undefined,
  dataFolder: 'data',
  cwd: repository,
  today: new Date('2024-05-17T12:00:00Z'),
  validate: undefined,
  recipe: plain,
  comparison: undefined,
  engine: 'arrow',
  solver: 'auto',
  residuals: false,
}

let folder = ''
let january: Training
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-train-'))
  january = await train(options)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The documents of a model version, each as the bytes of its file. */
function documents({ model, metrics, profile, lineage }: Training): Record<string, string> {
  return {
    'model.json': JSON.stringify(model.toJSON()),
    'metrics.json': JSON.stringify(metrics),
    'profile.json': JSON.stringify(profile),
    'lineage.json': JSON.stringify(lineage),
  }
}

describe('training the plain recipe on January 2021', () => {
  test('gives the published digits', () => {
    const { moments, metrics, model, split, taxi } = january
    // truth.md: the exact minimum-norm solution, recomputed by independent code.
    expect([taxi, split.kind, moments.rows, moments.n]).toEqual(['green', 'month', 76_518, 73_908])
    expect([metrics.columns, metrics.rank, metrics.validation.n]).toEqual([507, 505, 61_921])
    expect(metrics.train.rmse / 9.775258694528304 - 1).toBeCloseTo(0, 9)
    expect(model.intercept / 24.044519211856 - 1).toBeCloseTo(0, 9)
  })

  test('accounts for every row', () => {
    const { rows, n, outside, refused } = january.moments
    const out = Object.values(refused).reduce((sum, count) => sum + count, 0)
    expect(n + outside + out).toBe(rows)
    expect(january.profile.rides).toBe(n)
  })

  test('gives documents that are read back', () => {
    const written = documents(january)
    const model = loadModel(JSON.parse(written['model.json'] as string))
    expect(JSON.stringify(model.toJSON())).toBe(written['model.json'])
    expect(profileSchema.parse(JSON.parse(written['profile.json'] as string))).toEqual(
      january.profile,
    )
  })

  test('gives documents without a path, a time or an engine', () => {
    const texts = Object.values(documents(january)).flatMap((text) => textsIn(JSON.parse(text)))
    expect(texts).toContain(names[0])
    expect(texts.filter((text) => /[\\/]/.test(text))).toEqual([])
    expect(texts.filter((text) => text.includes(process.cwd()))).toEqual([])
    expect(texts.filter((text) => /\d{4}-\d\d-\d\d|\d\d:\d\d/.test(text))).toEqual([])
    const machine = /engine|arrow|solver|direct|second|memory|rss|thread|host|user|node|commit/i
    expect(texts.filter((text) => machine.test(text))).toEqual([])
  })

  test('from copies in another folder, named by path, gives the same documents', async () => {
    for (const name of names) copyFileSync(join(repository, 'data', name), join(folder, name))
    const copy = await train({ ...options, sources: [join(folder, names[0])], cwd: folder })
    expect(copy.files.validation[0]?.file.source.path).toBe(join(folder, names[1]))
    expect(documents(copy)).toEqual(documents(january))
  })

  test('beside another recipe gives the same documents, and compares', async () => {
    const small = checkRecipe({ name: 'small', numeric: ['trip_distance'] }, 'small')
    const both = await train({ ...options, comparison: small, residuals: true })
    expect(documents(both)).toEqual(documents(january))
    expect(both.comparison).toMatchObject({ recipe: 'small', validation: { n: 61_921 } })
    const { train: own, validation } = both.residuals ?? {}
    // The same errors, once from the sums and once ride by ride.
    expect(own?.rmse).toBeCloseTo(january.metrics.train.rmse, 9)
    expect(validation?.rmse).toBeCloseTo(january.metrics.validation.rmse, 9)
  })

  test('tells its stages in order, and how long each took', async () => {
    const stages: string[] = []
    const tiny = write('tiny.parquet', 50)
    const { seconds } = await train(
      { ...options, sources: [tiny] },
      { stage: (name) => stages.push(name) },
    )
    expect(stages.slice(0, 5)).toEqual(['source', 'split', 'sum', 'check', 'compare'])
    expect(Object.keys(seconds)).toEqual(expect.arrayContaining(stages))
  })
})

/** Every text in a value, the names of its properties included. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  const own = Array.isArray(value) ? [] : Object.keys(value)
  return [...own, ...Object.values(value).flatMap(textsIn)]
}

/** A file of rides of 10 minutes, one in each minute. */
function write(name: string, length: number, change: Partial<FileRide> = {}): string {
  const rides = Array.from({ length }, (_, minute) => ({
    pickup: minute * 60e6,
    dropoff: (minute + 10) * 60e6 + minute * 1e6,
    from: 1 + (minute % 3),
    to: 1 + (minute % 2),
    miles: minute / 100,
    ...change,
  }))
  return makeParquet(join(folder, name), greenColumns(rides))
}

describe('training on files that leave nothing', () => {
  test('a file without rides is an empty source', async () => {
    await expect(train({ ...options, sources: [write('none.parquet', 0)] })).rejects.toThrow(
      expect.objectContaining({
        code: 'source_empty',
        message: 'no ride of none.parquet is left, expected at least one: found 0 rows',
      }),
    )
  })

  test('a file whose rides are all refused says why', async () => {
    await expect(
      train({ ...options, sources: [write('short.parquet', 5, { dropoff: 0 })] }),
    ).rejects.toThrow(/found 5 rows, refused: 5 below_min$/)
    await expect(
      train({ ...options, sources: [write('lost.parquet', 5, { from: null })] }),
    ).rejects.toThrow(/found 5 rows, refused: 5 null_value$/)
  })

  test('a holdout without rides is an empty source of validation', async () => {
    const one = write('one.parquet', 1)
    await expect(train({ ...options, sources: [one], validate: 'holdout' })).rejects.toThrow(
      expect.objectContaining({
        code: 'source_empty',
        message: expect.stringContaining('one.parquet for validation is left'),
      }),
    )
  })

  test('a single ride that trains gives documents that are read back', async () => {
    const sources = [write('single.parquet', 1)]
    const validate = write('others.parquet', 20)
    const { profile, model } = await train({ ...options, sources, validate })
    expect(profileSchema.parse(JSON.parse(JSON.stringify(profile)))).toEqual(profile)
    expect(loadModel(JSON.parse(JSON.stringify(model))).intercept).toBe(model.intercept)
  })
})

describe('training on several months', () => {
  const months = (sources: readonly string[], cache?: MomentsCache): Promise<Training> =>
    train({ ...options, sources, validate: '2021-03' }, cache ? { cache } : {})

  test('gives the same documents however the months are named', async () => {
    const both = await months(['2021-01..2021-02'])
    expect(both.moments.rows).toBe(76_518 + 64_572)
    expect(both.lineage.train.map(({ month }) => month)).toEqual(['2021-01', '2021-02'])
    for (const sources of [
      ['2021-02', '2021-01'],
      [`data/${names[1]}`, '2021-01'],
      ['2021-02,2021-01'],
    ]) {
      expect(documents(await months(sources))).toEqual(documents(both))
    }
  })

  test('reads no ride twice: with its sums kept, only a new month', async () => {
    const cache = openMomentsCache(join(folder, 'cache'))
    const cold = await months(['2021-01'], cache)
    expect(cold.reading).toMatchObject({
      engine: 'arrow',
      read: { files: 2 },
      cached: { files: 0 },
    })
    const warm = await months(['2021-01'], cache)
    expect(warm.reading).toEqual({
      engine: undefined,
      read: { files: 0, rows: 0 },
      cached: { files: 2 },
    })
    expect(documents(warm)).toEqual(documents(cold))
    const more = await months(['2021-01,2021-02'], cache)
    expect(more.reading).toMatchObject({ read: { files: 1, rows: 64_572 }, cached: { files: 2 } })
    expect(documents(more)).toEqual(documents(await months(['2021-01..2021-02'])))
  })

  test('another penalty or solver needs no ride', async () => {
    const cache = openMomentsCache(join(folder, 'cache'))
    await months(['2021-01'], cache)
    const ridge = {
      ...options,
      recipe: { ...plain, l2: 7 },
      validate: '2021-03',
      solver: 'svd',
    } as const
    expect((await train(ridge, { cache })).reading.read.files).toBe(0)
  })

  test('a month that was added and taken away again leaves no trace', async () => {
    const [january, february] = await Promise.all(names.map((_, k) => months([`2021-0${k + 1}`])))
    const [a, b] = [january?.moments as Moments, february?.moments as Moments]
    const back = subtractMoments(mergeMoments([b, a]), b)
    expect(hashMoments(back)).toBe(hashMoments(a))
    const { model } = await fit(back, plain, 'green', 'auto')
    expect(JSON.stringify(model.toJSON())).toBe(JSON.stringify(january?.model.toJSON()))
  })
})

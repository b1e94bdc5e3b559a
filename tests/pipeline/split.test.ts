import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RidecastError } from '../../src/errors.ts'
import { compileFeatures } from '../../src/features.ts'
import type { DownloadEffects } from '../../src/pipeline/download.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import type { Moments } from '../../src/pipeline/moments.ts'
import { noCache } from '../../src/pipeline/moments-cache.ts'
import { type Plan, planOf, type Slice } from '../../src/pipeline/plan.ts'
import { obtain, planSource } from '../../src/pipeline/source.ts'
import { obtainFiles, planSources } from '../../src/pipeline/sources.ts'
import { cutByPickup, type Split, type SplitOptions, splitRides } from '../../src/pipeline/split.ts'
import { Summing } from '../../src/pipeline/summing.ts'
import { checkRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { randomNumbers } from '../random-rides.ts'
import { type FileRide, greenColumns, makeParquet } from './make-parquet.ts'

const recipe = checkRecipe(
  { name: 'x', categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] },
  'x',
)
const plan = planOf(recipe, compileFeatures(recipe))
const whole: Slice = { kind: 'all' }

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-split-'))
  mkdirSync(join(cwd, 'data'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

/** Rides with pickups at random within some minutes, some of them not kept. */
function randomFile(seed: number, length: number, minutes: number): FileRide[] {
  const random = randomNumbers(seed)
  return Array.from({ length }, () => {
    const pickup = Math.floor(random() * minutes * 60) * 1e6
    return {
      pickup: random() < 0.05 ? null : pickup,
      dropoff: pickup + Math.floor(random() * 4000) * 1e6,
      from: random() < 0.2 ? 70_000 : 1,
      to: random() < 0.05 ? null : 2,
      miles: 1,
    }
  })
}

const write = (name: string, rides: readonly FileRide[]): string =>
  makeParquet(join(cwd, 'data', name), greenColumns(rides))

async function counted(path: string, slice: Slice): Promise<number> {
  const [moments] = (await (await openArrowEngine()).sum(path, 'green', [{ ...plan, slice }])) as [
    Moments,
  ]
  return moments.n
}

const summing = (): Summing => new Summing(openArrowEngine, noCache)

async function cut(...paths: readonly string[]): Promise<{ train: Slice; validation: Slice }> {
  const options = { taxi: 'green', dataFolder: 'data', cwd, today: new Date() } as const
  const files = paths.map(async (path) => {
    return { source: await obtain(planSource(path, options)), taxi: 'green' } as const
  })
  return cutByPickup(summing(), await Promise.all(files), plan)
}

describe('the cut by pickup', () => {
  test.each([
    [1, 1000, 600],
    [2, 1000, 20_000],
    [3, 2000, 7],
    [4, 37, 60],
    [5, 15, 1],
    [6, 8, 100],
  ])(
    'of random rides (seed %i) is the first whole minute with four fifths before it',
    async (seed, length, minutes) => {
      const path = write('random.parquet', randomFile(seed, length, minutes))
      const { train, validation } = await cut(path)
      const end = 'to' in train ? train.to : Number.NaN
      expect(train).toEqual({ kind: 'pickup', from: Number.NEGATIVE_INFINITY, to: end })
      expect(validation).toEqual({ kind: 'pickup', from: end, to: Number.POSITIVE_INFINITY })
      expect(end % 60e6).toBe(0)
      const all = await counted(path, whole)
      const before = await counted(path, train)
      expect(all).toBeGreaterThan(0)
      expect(before).toBeGreaterThanOrEqual(0.8 * all)
      expect(before + (await counted(path, validation))).toBe(all)
      const sooner: Slice = { kind: 'pickup', from: Number.NEGATIVE_INFINITY, to: end - 60e6 }
      expect(await counted(path, sooner)).toBeLessThan(0.8 * all)
    },
  )

  test('counts the rides that the recipe takes, not those it cannot', async () => {
    // Ten rides, one a minute; the last five go from no zone. Four fifths of five are four.
    const rides = Array.from({ length: 10 }, (_, minute) => ({
      pickup: minute * 60e6,
      dropoff: (minute + 10) * 60e6,
      from: minute < 5 ? 1 : 70_000,
      to: 2,
      miles: 1,
    }))
    const { train } = await cut(write('few.parquet', rides))
    expect(train).toMatchObject({ to: 4 * 60e6 })
  })

  test('of no rides at all leaves none to train on', async () => {
    const path = write('empty.parquet', [])
    const { train, validation } = await cut(path)
    expect(await counted(path, train)).toBe(0)
    expect(await counted(path, validation)).toBe(0)
  })
})

const pathOf = ([file]: Split['validation']): string | undefined => file?.source.path

/** An address that nobody listens at. */
async function closedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}/trips`
}

const january = 'green_tripdata_2021-01.parquet'
const february = 'green_tripdata_2021-02.parquet'

async function split(
  source: string,
  changes: Partial<SplitOptions> = {},
  effects: DownloadEffects = {},
): Promise<Split> {
  const options: SplitOptions = {
    taxis: undefined,
    dataFolder: 'data',
    cwd,
    today: new Date('2024-05-17T12:00:00Z'),
    baseUrl: await closedAddress(),
    validate: undefined,
    recipe,
    ...changes,
  }
  const plans = planSources(source.split(' '), options)
  return splitRides({ plans, files: await obtainFiles(plans) }, options, summing(), effects)
}

async function refusal(source: string, changes: Partial<SplitOptions>): Promise<string> {
  const error = await split(source, changes).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof RidecastError) return `${error.code}: ${error.message}`
  throw error ?? new Error('it was split')
}

describe('the rides that validate', () => {
  beforeEach(() => {
    write(january, randomFile(1, 200, 600))
  })

  test('are the next month, where it is there', async () => {
    const path = write(february, randomFile(2, 50, 600))
    expect(await split('2021-01')).toMatchObject({
      kind: 'month',
      validation: [{ source: { path, downloaded: false } }],
      slices: { train: whole, validation: whole },
      note: undefined,
    })
  })

  test('are the next month beside the file, for a path', async () => {
    const path = write(february, randomFile(2, 50, 600))
    const { kind, validation } = await split(`data/${january}`, { dataFolder: 'elsewhere' })
    expect([kind, pathOf(validation)]).toEqual(['month', path])
  })

  test('are the next month downloaded, where the publisher has it', async () => {
    const away = join(cwd, 'away.parquet')
    makeParquet(away, greenColumns(randomFile(2, 50, 600)))
    const fetch: typeof globalThis.fetch = async (input) => {
      expect(String(input)).toMatch(new RegExp(`/trips/${february}$`))
      return new Response(new Uint8Array(readFileSync(away)))
    }
    const { kind, validation, note } = await split('2021-01', {}, { fetch })
    expect({ kind, note, downloaded: validation[0]?.source.downloaded }).toEqual({
      kind: 'month',
      note: undefined,
      downloaded: true,
    })
    expect(existsSync(join(cwd, 'data', february))).toBe(true)
  })

  test('are the last fifth where the next month cannot be had, and the note says why', async () => {
    const baseUrl = await closedAddress()
    const { kind, validation, slices, note } = await split('2021-01', { baseUrl })
    expect([kind, pathOf(validation)]).toEqual(['holdout', join(cwd, 'data', january)])
    const path = join(cwd, 'data', january)
    expect(slices).toEqual(await cut(path))
    expect(note).toContain(`${baseUrl}/${february}`)
    expect(note).toContain(join(cwd, 'data'))
    expect(existsSync(join(cwd, 'data', february))).toBe(false)
  })

  test.each([
    ['a page instead of a file', 200, '<html><title>Welcome</title></html>'],
    ['no such file', 404, 'gone'],
    ['no entrance', 403, 'no'],
  ])('are the last fifth where the publisher answers: %s', async (_, status, body) => {
    const fetch: typeof globalThis.fetch = async () => new Response(body, { status })
    const { kind, note } = await split('2021-01', {}, { fetch })
    expect(kind).toBe('holdout')
    expect(note).toContain(february)
    expect(existsSync(join(cwd, 'data', february))).toBe(false)
  })

  test('are the last fifth where the next month is not over or not known', async () => {
    const fetch: typeof globalThis.fetch = async () => {
      throw new Error('nothing should be asked for')
    }
    const soon = await split('2021-01', { today: new Date('2021-01-20T12:00:00Z') }, { fetch })
    expect(soon).toMatchObject({
      kind: 'holdout',
      note: 'the month after it is not known or not over yet',
    })
    copyFileSync(join(cwd, 'data', january), join(cwd, 'mine.parquet'))
    const mine = await split('./mine.parquet', {}, { fetch })
    expect(mine).toMatchObject({ kind: 'holdout', note: soon.note })
  })

  test('are the last fifth where a person says so, next month or not', async () => {
    write(february, randomFile(2, 50, 600))
    expect(await split('2021-01', { validate: 'holdout' })).toMatchObject({
      kind: 'holdout',
      note: undefined,
    })
  })

  test('are what a person names', async () => {
    const path = write('green_tripdata_2021-03.parquet', randomFile(3, 50, 600))
    for (const validate of ['2021-03', 'data/green_tripdata_2021-03.parquet']) {
      expect(await split('2021-01', { validate })).toMatchObject({
        kind: 'month',
        validation: [{ source: { path } }],
        slices: { train: whole, validation: whole },
      })
    }
  })

  test.each([
    ['2021-13', 'month_invalid'],
    ['2031-01', 'month_invalid'],
    ['tomorrow', 'usage_invalid'],
    ['./nowhere.parquet', 'source_not_found'],
    ['2021-02', 'source_unreachable'],
    ['http://127.0.0.1:1/x.parquet', 'source_unreachable'],
  ])('%s, when a person names it, is %s and no reason to hold out', async (validate, code) => {
    expect(await refusal('2021-01', { validate })).toMatch(new RegExp(`^${code}: `))
  })

  test.each([
    ['a page', '<html></html>', 'source_html'],
    ['a part of a file', 'PAR1 and no more', 'source_truncated'],
    ['nothing', '', 'source_truncated'],
  ])('that are there as %s are an error, though nobody named them', async (_, content, code) => {
    writeFileSync(join(cwd, 'data', february), content)
    expect(await refusal('2021-01', {})).toMatch(new RegExp(`^${code}: .*${february}`))
  })
})

describe('several files', () => {
  const march = 'green_tripdata_2021-03.parquet'

  test('are validated on the month after the last of them, however they are named', async () => {
    write(january, randomFile(1, 50, 600))
    write(february, randomFile(2, 50, 600))
    const path = write(march, randomFile(3, 50, 600))
    const { validation } = await split('2021-02,2021-01')
    expect(validation.map(({ source }) => source.path)).toEqual([path])
  })

  test('of two fleets are validated on the next month of each', async () => {
    write(january, randomFile(1, 50, 600))
    const next = [write(february, randomFile(2, 50, 600))]
    write('yellow_tripdata_2021-01.parquet', randomFile(3, 50, 600))
    next.push(write('yellow_tripdata_2021-02.parquet', randomFile(4, 50, 600)))
    const { kind, validation } = await split('2021-01', { taxis: ['green', 'yellow'] })
    expect([kind, validation.map(({ source }) => source.path)]).toEqual(['month', next])
    expect(validation.map(({ taxi }) => taxi)).toEqual(['green', 'yellow'])
  })

  test('are cut at one minute of them all, where nothing else is left', async () => {
    const first = write(january, randomFile(1, 400, 600))
    const second = write('green_tripdata_2021-02.parquet', randomFile(2, 100, 6000))
    const { slices } = await split('2021-01,2021-02', { validate: 'holdout' })
    expect(slices).toEqual(await cut(second, first))
    expect(slices).not.toEqual(await cut(first))
  })

  test('that validate what they train on get a note', async () => {
    write(january, randomFile(1, 50, 600))
    const { note } = await split('2021-01', { validate: '2021-01' })
    expect(note).toBe('green 2021-01 is trained on and validated on: the measures flatter')
  })

  test('cannot be split by rows', async () => {
    write(january, randomFile(1, 50, 600))
    write(february, randomFile(2, 50, 600))
    const splitting: Recipe = { ...recipe, split: { first_rows: 30 } }
    expect(await refusal('2021-01..2021-02', { recipe: splitting })).toMatch(
      /^usage_invalid: .*train on one file/,
    )
  })
})

describe('a recipe that splits the file itself', () => {
  const splitting: Recipe = { ...recipe, split: { first_rows: 30 } }

  test('trains on its first rides and validates on the rest', async () => {
    const path = write(january, randomFile(1, 200, 600))
    write(february, randomFile(2, 50, 600))
    const { kind, validation, slices, note } = await split('2021-01', { recipe: splitting })
    expect([kind, pathOf(validation), note]).toEqual(['rest', path, undefined])
    expect(slices.train).toEqual({ kind: 'rows', from: 0, to: 30 })
    const sum = (slice: Slice): Plan => ({ ...plan, slice })
    const [train, rest, all] = await (await openArrowEngine()).sum(path, 'green', [
      sum(slices.train),
      sum(slices.validation),
      plan,
    ])
    expect(train?.n).toBe(30)
    expect(rest?.n).toBe((all?.n ?? 0) - 30)
  })

  test.each(['2021-02', 'holdout', 'nonsense'])(
    'does not go with --validate %s',
    async (validate) => {
      write(january, randomFile(1, 200, 600))
      expect(await refusal('2021-01', { recipe: splitting, validate })).toBe(
        'usage_invalid: recipe x splits the file itself after 30 rides: leave --validate away, or --set split=null',
      )
    },
  )
})

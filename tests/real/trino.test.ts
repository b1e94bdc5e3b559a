/**
 * Trino as an engine, on a real coordinator and a real worker: it keeps the Engine contract, sums
 * the official files as the other engines do, spreads the work, and outlives a worker.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import pLimit from 'p-limit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRecipe } from '../../src/commands/recipes.ts'
import { isRidecastError } from '../../src/errors.ts'
import { compileFeatures } from '../../src/features.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import type { Engine } from '../../src/pipeline/engines/engine.ts'
import { openTrinoEngine } from '../../src/pipeline/engines/trino.ts'
import { type TrinoSettings, trinoSettings } from '../../src/pipeline/engines/trino-settings.ts'
import { hashMoments, type Moments } from '../../src/pipeline/moments.ts'
import { type Plan, planOf } from '../../src/pipeline/plan.ts'
import { profilePlan } from '../../src/pipeline/profile.ts'
import { ridecast, root } from '../command-line.ts'
import { engineConformance } from '../pipeline/engines/conformance.ts'
import { makeParquet, numbers, texts, timestamps } from '../pipeline/make-parquet.ts'
import { hasShared, sharedPath } from '../pipeline/shared.ts'
import {
  eventually,
  greenColumns,
  startTrino,
  type TrinoCluster,
  yellowColumns,
} from './trino-cluster.ts'

let cluster: TrinoCluster
let notes: string[] = []

/** Settings for the tables of the cluster. */
function settings(change: Partial<TrinoSettings> = {}): TrinoSettings {
  const flags = { trinoAddress: cluster.url, trinoSchema: 'rides' }
  return { ...trinoSettings(flags, {}, (text) => notes.push(text)), ...change }
}

/** Official files: those beside the repository where they are there, else the ones in it. */
const officialFolder = hasShared ? sharedPath('tlc') : join(root, 'data')
const officialFiles = (taxi: string): string[] =>
  readdirSync(officialFolder)
    // Its times are text, which no table can declare beside timestamps.
    .filter((name) => name.startsWith(`${taxi}_`) && name.endsWith('.parquet') && !/csv/.test(name))
    .map((name) => join(officialFolder, name))

beforeAll(async () => {
  cluster = await startTrino()
  for (const taxi of ['green', 'yellow']) {
    mkdirSync(join(cluster.folder, taxi))
    for (const path of officialFiles(taxi)) {
      copyFileSync(path, join(cluster.folder, taxi, basename(path)))
    }
  }
  await cluster.table('green', 'green', greenColumns)
  await cluster.table('yellow', 'yellow', yellowColumns)
  // Ids are doubles here: files of the suite have them as integers and as floating-point numbers.
  await cluster.table(
    'conformance',
    'conformance',
    `lpep_pickup_datetime timestamp(6), lpep_dropoff_datetime timestamp(6), pulocationid double,
     dolocationid double, trip_distance double, passenger_count double, store_and_fwd_flag varchar,
     ehail_fee double`,
  )
})
afterAll(() => cluster?.stop())

engineConformance('trino', () => openTrinoEngine(settings({ table: 'conformance' })), {
  folder: () => join(cluster.folder, 'conformance'),
  rowSlices: false,
  smallFiles: 6,
  without: {
    'times that are text are read, and refused where they are none':
      'a table declares times as timestamps or as text, not both',
    'slices by row count the kept rides in file order, through all row groups':
      'rows of a table have no order',
    'a file without rides adds nothing, alone it gives empty moments':
      'a table does not tell of a file that gives no row',
    'a column that a plan requires, for terms or filters, must be there':
      'a column that a file lacks reads as NULL: the table has it',
    'a column of another kind is refused by name':
      'times with a zone are read as the catalog says; text is refused, see below',
    'decimals, booleans and dates are refused by name, whichever column they are':
      'columns are spelled as the table does, and a date is a timestamp',
    'the types and the spelling of columns change nothing, file by file':
      'its times in seconds are written as mere integers; all else of it is below',
    'a column that no plan requires may be missing: its rides are missing it':
      'its column of nulls is written as zeros; a missing one is below',
  },
})

/** What a training sums of a file: three recipes, and the profile. */
const officialPlans: Plan[] = ['plain', 'pairs', 'standard'].map((name) => {
  const recipe = findRecipe(name, [], root)
  return planOf(recipe, compileFeatures(recipe))
})
officialPlans.push(profilePlan(officialPlans[2] as Plan))
const [plain] = officialPlans as [Plan]

/** What an engine sums of files, as fingerprints, by file and plan. */
async function fingerprints(engine: Engine, taxi: 'green' | 'yellow', paths: readonly string[]) {
  const limit = pLimit(2)
  const all = await Promise.all(
    paths.map((path) => limit(() => engine.sum(path, taxi, officialPlans))),
  )
  return Object.fromEntries(paths.map((path, i) => [basename(path), all[i]?.map(hashMoments)]))
}

describe('official files', () => {
  test.each(['green', 'yellow'] as const)(
    'of %s taxis are summed as Arrow sums them',
    async (taxi) => {
      const paths = officialFiles(taxi)
      const [trino, arrow] = await Promise.all([openTrinoEngine(settings()), openArrowEngine()])
      const found = await fingerprints(trino, taxi, paths)
      expect(found).toEqual(await fingerprints(arrow, taxi, paths))
      if (taxi === 'green') expect(paths.length).toBeGreaterThanOrEqual(3)
      await Promise.all([trino.close(), arrow.close()])
    },
  )

  test('were read by both nodes', async () => {
    const rows = await cluster.query(
      `SELECT t.node_id, sum(t.processed_input_rows) FROM system.runtime.tasks t
       JOIN system.runtime.queries q ON q.query_id = t.query_id
       WHERE q.source = 'ridecast' AND q.query LIKE '%trip_distance%' AND t.raw_input_bytes > 0
       GROUP BY 1 ORDER BY 1`,
    )
    expect(rows.map(([node]) => node)).toEqual(['coordinator', 'worker'])
    for (const [, read] of rows) expect(read).toBeGreaterThan(10_000)
  })

  test('are found by their name, with what Trino knows of them', async () => {
    const engine = await openTrinoEngine(settings())
    const [path = ''] = officialFiles('green')
    const name = basename(path)
    const there = await engine.locate?.(name, 'green')
    expect(there).toMatchObject({
      path: `local:///green/${name}`,
      bytes: expect.any(Number),
      modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      rows: expect.any(Number),
    })
    expect(there?.columns.map(({ name }) => name)).toContain('pulocationid')
    expect([...(there?.others.keys() ?? [])].sort()).toEqual(
      officialFiles('green')
        .slice(1)
        .map((path) => basename(path))
        .sort(),
    )
    expect(await engine.locate?.('green_tripdata_1999-01.parquet', 'green')).toBeUndefined()
    // Without a local file of that name it is read all the same.
    const [moments] = await engine.sum(`/nowhere/${name}`, 'green', [plain])
    expect(moments?.n).toBeGreaterThan(10_000)
    await engine.close()
  })
})

describe('files of a folder', () => {
  let folder: string
  let engine: Engine
  type Columns = Parameters<typeof makeParquet>[1]
  const micros = (...seconds: number[]): number[] => seconds.map((second) => second * 1e6)
  const write = (name: string, changes: Partial<Columns> = {}): void => {
    const columns: Partial<Columns> = {
      lpep_pickup_datetime: timestamps.us(micros(0, -1, 1e9, 2e9)),
      lpep_dropoff_datetime: timestamps.us(micros(600, 600, 1e9 + 61, 2e9 + 3600)),
      PULocationID: numbers.int64([1, 2, 2, 265]),
      DOLocationID: numbers.int64([1, 2, 3, 4]),
      trip_distance: numbers.float64([1, 2.5, 0, 3.01]),
      ...changes,
    }
    const there = Object.entries(columns).filter(([, column]) => column !== undefined)
    makeParquet(join(folder, `${name}.parquet`), Object.fromEntries(there) as Columns)
  }
  const sumOf = async (name: string, from = engine): Promise<Moments> =>
    (await from.sum(join(folder, `${name}.parquet`), 'green', [plain]))[0] as Moments
  const refusal = async (name: string): Promise<string> => {
    const reason = await sumOf(name).catch((error: unknown) => error)
    if (!isRidecastError(reason)) throw reason
    return `${reason.code}: ${reason.message}`
  }

  beforeAll(async () => {
    folder = join(cluster.folder, 'odd')
    mkdirSync(folder)
    write('usual')
    write('narrow', {
      PULocationID: numbers.int32([1, 2, 2, 265]),
      DOLocationID: numbers.uint8([1, 2, 3, 4]),
    })
    write('spelled', {
      PULocationID: undefined,
      pulocationid: numbers.uint32([1, 2, 2, 265]),
      trip_distance: undefined,
      Trip_Distance: numbers.float64([1, 2.5, 0, 3.01]),
    })
    const nanos = (...seconds: number[]) =>
      timestamps.ns(seconds.map((second) => BigInt(second) * 1_000_000_000n))
    write('times', {
      lpep_pickup_datetime: nanos(0, -1, 1e9, 2e9),
      lpep_dropoff_datetime: timestamps.ms([600e3, 600e3, 1e12 + 61e3, 2e12 + 3600e3]),
    })
    write('lacking', { DOLocationID: undefined })
    write('far', { trip_distance: texts(['far', 'near', 'far', 'near']) })
    write('half', { PULocationID: numbers.float64([1.5, 2, 2, 3]) })
    await cluster.table(
      'odd',
      'odd',
      `lpep_pickup_datetime timestamp(6), lpep_dropoff_datetime timestamp(6), pulocationid bigint,
       dolocationid bigint, trip_distance double`,
    )
    engine = await openTrinoEngine(settings({ table: 'odd' }))
  })
  afterAll(() => engine.close())

  test.each(['narrow', 'spelled', 'times'])(
    'of other types are read the same: %s',
    async (name) => {
      const usual = await sumOf('usual')
      // Ten minutes and a second, and both bounds of the duration: all four rides are kept.
      expect([usual.n, usual.target.hi[0]]).toEqual([4, 600 + 601 + 61 + 3600])
      expect(hashMoments(await sumOf(name))).toBe(hashMoments(usual))
    },
  )

  test('that lack a column of the table have no ride with it', async () => {
    const { n, refused } = await sumOf('lacking')
    expect([n, refused.null_value]).toEqual([0, 4])
  })

  test('of types that the table does not take are named, others are read', async () => {
    expect(await refusal('far')).toMatch(
      /^source_column_type: column trip_distance of .*far\.parquet cannot be read: expected double,/,
    )
    expect(await refusal('half')).toMatch(
      /^source_column_type: column pulocationid of .*half\.parquet cannot be read: expected bigint,/,
    )
    expect((await sumOf('usual')).n).toBe(4)
  })

  test('in a table of another fleet are refused', async () => {
    const sum = engine.sum(join(folder, 'usual.parquet'), 'yellow', [plain])
    await expect(sum).rejects.toMatchObject({
      code: 'source_columns',
      message: expect.stringMatching(/lacks tpep_pickup_datetime.* it looks like a green file/),
    })
  })

  test('that are damaged are named, whichever is asked for', async () => {
    const path = join(folder, 'cut.parquet')
    writeFileSync(path, 'PAR1, and then nothing')
    const fresh = await openTrinoEngine(settings({ table: 'odd' }))
    await expect(sumOf('usual', fresh)).rejects.toMatchObject({
      code: 'source_truncated',
      message: expect.stringContaining('cut.parquet'),
    })
    await fresh.close()
    rmSync(path)
  })

  test('without a table are told', async () => {
    const lost = await openTrinoEngine(settings({ table: 'lost_{fleet}' }))
    await expect(sumOf('usual', lost)).rejects.toMatchObject({
      code: 'engine_failed',
      message: expect.stringMatching(/TABLE_NOT_FOUND: .*lost_green.* --trino-table/),
    })
    await lost.close()
  })
})

/** A view of the months of early 2021, each ride so many times: work for as long as a test wants. */
const month = 'green_tripdata_2021-01.parquet'
async function repeated(name: string, times: number): Promise<void> {
  await cluster.query(
    `CREATE VIEW hive.rides.${name} AS
     SELECT lpep_pickup_datetime, lpep_dropoff_datetime, pulocationid, dolocationid,
       trip_distance, "$path" AS "$path", "$file_size" AS "$file_size",
       "$file_modified_time" AS "$file_modified_time"
     FROM hive.rides.green CROSS JOIN UNNEST(sequence(1, ${times}))
     WHERE "$path" LIKE '%/green_tripdata_2021-0_.parquet'`,
  )
}

/** State, and error if it failed, of the engine's queries of a table that hold a text. */
const queriesOf = async (table: string, text: string): Promise<string[]> => {
  const rows = await cluster.query(
    `SELECT state, error_code FROM system.runtime.queries
     WHERE source = 'ridecast' AND query LIKE '%"${table}"%' AND query LIKE '%${text}%'`,
  )
  return rows.map((row) => row.filter(Boolean).join(' '))
}

/** Once a query that sums rides runs. */
const summing = (table: string): Promise<true> =>
  eventually('a running query', async () => {
    const states = await queriesOf(table, 'trip_distance')
    return states.includes('RUNNING') ? true : undefined
  })

/** Nothing of a table goes on, and what was cut short was cancelled. */
async function expectCancelled(table: string): Promise<void> {
  const states = await queriesOf(table, '')
  expect(states).toContain('FAILED USER_CANCELED')
  expect([...new Set(states)].sort()).toEqual(['FAILED USER_CANCELED', 'FINISHED'])
}

describe('long reads', () => {
  test('are cancelled in Trino when a signal says so', async () => {
    await repeated('slow_a', 200)
    const engine = await openTrinoEngine(settings({ table: 'slow_a' }))
    const stop = new AbortController()
    const sum = engine.sum(`/x/${month}`, 'green', [plain], () => {}, stop.signal)
    await Promise.all([
      expect(sum).rejects.toThrow('enough'),
      summing('slow_a').then(() => stop.abort(new Error('enough'))),
    ])
    await expectCancelled('slow_a')
    await engine.close()
  })

  test('are cancelled at the deadline', async () => {
    await repeated('slow_b', 200)
    const engine = await openTrinoEngine(settings({ table: 'slow_b', deadlineSeconds: 8 }))
    await expect(engine.sum(`/x/${month}`, 'green', [plain])).rejects.toMatchObject({
      code: 'engine_timeout',
    })
    await expectCancelled('slow_b')
    await engine.close()
  })

  test('are cancelled by Ctrl-C', async () => {
    await repeated('slow_c', 200)
    const folder = mkdtempSync(join(tmpdir(), 'ridecast-trino-'))
    const place = ['--models', join(folder, 'models'), '--runs', join(folder, 'runs'), '--no-cache']
    const args = ['train', '2021-01', '--recipe', 'plain', '--engine', 'trino', ...place]
    const env = { TRINO_ADDRESS: cluster.url, TRINO_SCHEMA: 'rides', TRINO_TABLE: 'slow_c' }
    const child = spawn(process.execPath, [join(root, 'bin/ridecast.mjs'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    const end = once(child, 'exit')
    await summing('slow_c')
    child.kill('SIGINT')
    const [code] = await end
    expect(code).not.toBe(0)
    await expectCancelled('slow_c')
    rmSync(folder, { recursive: true, force: true })
  })
})

describe('the command line', () => {
  const months = hasShared ? '2023-01..2023-03' : '2021-01..2021-02'
  const validate = hasShared ? '2023-04' : '2021-03'
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ridecast-trino-models-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const train = async (engine: string, env: Readonly<Record<string, string>> = {}) => {
    const place = ['--models', join(folder, engine), '--runs', join(folder, 'runs'), '--no-cache']
    const args = ['train', months, '--validate', validate, '--data', officialFolder, ...place]
    return ridecast([...args, '--engine', engine, '--json'], { env })
  }
  const trino = () => ({ TRINO_ADDRESS: cluster.url, TRINO_SCHEMA: 'rides' })

  test('makes the same model to the byte with every engine', async () => {
    const said = await Promise.all([train('arrow'), train('duckdb'), train('trino', trino())])
    for (const { code, stderr } of said) expect([code, stderr]).toEqual([0, expect.any(String)])
    const made = said.map(({ stdout }) => JSON.parse(stdout))
    expect(made.map(({ engine }) => engine)).toEqual(['arrow', 'duckdb', 'trino'])
    expect(new Set(made.map(({ model_version: version }) => version)).size).toBe(1)
  })

  test('trains on months that only Trino has: the same model, known by its sums', async () => {
    const empty = join(folder, 'empty')
    const cache = join(folder, 'cache')
    const place = [
      '--data',
      empty,
      '--models',
      join(folder, 'apart'),
      '--runs',
      join(folder, 'runs'),
    ]
    const run = (...args: string[]) =>
      ridecast(['train', months, '--validate', validate, ...place, '--engine', 'trino', ...args], {
        env: trino(),
      })
    const first = await run('--cache', cache, '--json')
    expect([first.code, first.stderr]).toEqual([0, expect.any(String)])
    const made = JSON.parse(first.stdout)
    const [local] = readdirSync(join(folder, 'arrow', 'green-duration')).filter((name) =>
      /^[0-9a-f]{12}$/.test(name),
    )
    const document = (registry: string, version: string, name: string): string =>
      readFileSync(join(folder, registry, 'green-duration', version, name), 'utf8')
    for (const name of ['model.json', 'metrics.json', 'profile.json']) {
      expect(document('apart', made.model_version, name)).toBe(document('arrow', local ?? '', name))
    }
    const lineage = JSON.parse(document('apart', made.model_version, 'lineage.json'))
    const known = JSON.parse(document('arrow', local ?? '', 'lineage.json'))
    expect(lineage.moments_sha256).toEqual(known.moments_sha256)
    expect(lineage.train.map(({ sha256 }: { sha256: unknown }) => sha256)).toEqual(
      lineage.train.map(() => null),
    )
    // Nothing was downloaded, and what was summed is kept.
    expect(existsSync(empty)).toBe(false)
    const again = await run('--cache', cache, '--json')
    const { model_version: version, read } = JSON.parse(again.stdout)
    expect([version, read.rows]).toEqual([made.model_version, 0])
    const trees = await run('--recipe', 'trees')
    expect([trees.code, trees.stderr]).toEqual([
      1,
      expect.stringMatching(/known to the engine alone.*\[engine_unsupported\]/),
    ])
  })

  test('says no secret, neither on the screen nor in a record', async () => {
    const secret = 'open sesame'
    // Trino itself takes no password over http.
    const { code, stdout, stderr } = await train('trino', {
      ...trino(),
      TRINO_USER: 'ali',
      TRINO_PASSWORD: secret,
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/does not accept user ali and the password.*\[engine_unauthorized\]/)
    const records = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    expect(records.length).toBeGreaterThan(0)
    for (const text of [stdout, stderr, ...records]) expect(text).not.toContain(secret)
  })
})

describe('a worker that is lost', () => {
  test('in the middle of a read costs one attempt, and nothing hangs', async () => {
    notes = []
    await repeated('slower', 40)
    const engine = await openTrinoEngine(settings({ table: 'slower', deadlineSeconds: 150 }))
    const sum = engine.sum(`/x/${month}`, 'green', [plain])
    await eventually('a query on the worker', async () => {
      const rows = await cluster.query(
        `SELECT 1 FROM system.runtime.tasks t JOIN system.runtime.queries q
         ON q.query_id = t.query_id WHERE q.source = 'ridecast' AND q.state = 'RUNNING'
         AND t.state = 'RUNNING' AND q.query LIKE '%trip_distance%' AND t.node_id = 'worker'`,
      )
      return rows.length > 0 ? true : undefined
    })
    await cluster.killWorker()
    const [moments] = await sum
    // 73,908 rides of the month are kept by the plain recipe; see README.
    expect(moments?.n).toBe(40 * 73_908)
    expect(notes.join()).toMatch(/REMOTE_HOST_GONE.* again, attempt 2/)
    await engine.close()
  })
})

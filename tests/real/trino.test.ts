/**
 * Trino as an engine, on a real coordinator and a real worker: it keeps the Engine contract, sums
 * the official files as the other engines do, spreads the work, and outlives a worker.
 */

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRecipe } from '../../src/commands/recipes.ts'
import { isRidecastError } from '../../src/errors.ts'
import { compileFeatures } from '../../src/features.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import type { Engine } from '../../src/pipeline/engines/engine.ts'
import { openTrinoEngine } from '../../src/pipeline/engines/trino.ts'
import { type TrinoSettings, trinoSettings } from '../../src/pipeline/engines/trino-settings.ts'
import { hashMoments } from '../../src/pipeline/moments.ts'
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
  },
})

/** What a training sums of a file: three recipes, and the profile. */
const officialPlans: Plan[] = ['plain', 'pairs', 'standard'].map((name) => {
  const recipe = findRecipe(name, [], root)
  return planOf(recipe, compileFeatures(recipe))
})
officialPlans.push(profilePlan(officialPlans[2] as Plan))
const [plain, , standard] = officialPlans as [Plan, Plan, Plan]

/** What an engine sums of files, as fingerprints, by file and plan. */
async function fingerprints(engine: Engine, taxi: 'green' | 'yellow', paths: readonly string[]) {
  const all = await Promise.all(paths.map((path) => engine.sum(path, taxi, officialPlans)))
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
    expect(there).toEqual({
      path: `local:///green/${name}`,
      bytes: expect.any(Number),
      modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    expect(await engine.locate?.('green_tripdata_1999-01.parquet', 'green')).toBeUndefined()
    // Without a local file of that name it is read all the same.
    const [moments] = await engine.sum(`/nowhere/${name}`, 'green', [plain])
    expect(moments?.n).toBeGreaterThan(10_000)
    await engine.close()
  })
})

describe('what cannot be read', () => {
  let folder: string
  let engine: Engine
  const rides = (changes: Readonly<Record<string, Parameters<typeof makeParquet>[1][string]>>) => ({
    lpep_pickup_datetime: timestamps.us([0, 0]),
    lpep_dropoff_datetime: timestamps.us([600e6, 600e6]),
    pulocationid: numbers.int64([1, 2]),
    dolocationid: numbers.int64([1, 2]),
    trip_distance: numbers.float64([1, 2]),
    ...changes,
  })
  const refusal = async (name: string): Promise<string> => {
    const reason = await engine.sum(join(folder, name), 'green', [plain]).catch((e: unknown) => e)
    if (!isRidecastError(reason)) throw reason
    return `${reason.code}: ${reason.message}`
  }
  beforeAll(async () => {
    folder = join(cluster.folder, 'odd')
    mkdirSync(folder)
    makeParquet(join(folder, 'good.parquet'), rides({}))
    makeParquet(join(folder, 'far.parquet'), rides({ trip_distance: texts(['far', 'near']) }))
    makeParquet(join(folder, 'half.parquet'), rides({ pulocationid: numbers.float64([1.5, 2]) }))
    await cluster.table(
      'odd',
      'odd',
      `lpep_pickup_datetime timestamp(6), lpep_dropoff_datetime timestamp(6), pulocationid bigint,
       dolocationid bigint, trip_distance double`,
    )
    engine = await openTrinoEngine(settings({ table: 'odd' }))
  })
  afterAll(() => engine.close())

  test('is named, and does not keep other files of the folder from being read', async () => {
    expect(await refusal('far.parquet')).toMatch(
      /^source_column_type: column trip_distance of .*far\.parquet cannot be read as double/,
    )
    expect(await refusal('half.parquet')).toMatch(
      /^source_column_type: column pulocationid of .*half\.parquet cannot be read as bigint/,
    )
    const [moments] = await engine.sum(join(folder, 'good.parquet'), 'green', [plain])
    expect(moments?.n).toBe(2)
  })

  test('is a column that the table does not have', async () => {
    const reason = await engine
      .sum(join(folder, 'good.parquet'), 'green', [standard, plain])
      .catch((error: unknown) => error)
    const other = await engine
      .sum(join(folder, 'good.parquet'), 'yellow', [plain])
      .catch((error: unknown) => error)
    expect(isRidecastError(other, 'source_columns')).toBe(true)
    // The default recipe asks for more columns than this table has, or for none: both are told.
    if (reason instanceof Error) expect(isRidecastError(reason, 'source_columns')).toBe(true)
  })

  test('is a damaged file, which is named whatever is asked for', async () => {
    writeFileSync(join(folder, 'cut.parquet'), 'PAR1, and then nothing')
    engine = await openTrinoEngine(settings({ table: 'odd' }))
    expect(await refusal('good.parquet')).toMatch(/^source_truncated: .*cut\.parquet/)
    rmSync(join(folder, 'cut.parquet'))
  })

  test('is a table that is not there', async () => {
    const lost = await openTrinoEngine(settings({ table: 'lost_{fleet}' }))
    const reason = await lost.sum('x.parquet', 'green', [plain]).catch((error: unknown) => error)
    expect(isRidecastError(reason, 'engine_failed')).toBe(true)
    expect(String(reason)).toMatch(/TABLE_NOT_FOUND: .*lost_green.* --trino-table/)
    await lost.close()
  })
})

describe('long reads', () => {
  const copies = 400
  const name = 'green_tripdata_2021-01.parquet'

  /** The state of the newest query that sums rides, with its error if it failed. */
  const newest = async (): Promise<string | undefined> => {
    const rows = await cluster.query(
      `SELECT state, error_code FROM system.runtime.queries
       WHERE source = 'ridecast' AND query LIKE '%trip_distance%' AND query LIKE '%slow%'
       ORDER BY created DESC LIMIT 1`,
    )
    return rows[0]?.filter(Boolean).join(' ')
  }
  const running = () =>
    eventually('a running query', async () => ((await newest()) === 'RUNNING' ? true : undefined))

  beforeAll(async () => {
    // Each ride of a month many times over: minutes of work where the month itself takes a second.
    await cluster.query(
      `CREATE VIEW hive.rides.slow AS
       SELECT lpep_pickup_datetime, lpep_dropoff_datetime, pulocationid, dolocationid,
         trip_distance, "$path" AS "$path", "$file_size" AS "$file_size",
         "$file_modified_time" AS "$file_modified_time"
       FROM hive.rides.green CROSS JOIN UNNEST(sequence(1, ${copies}))
       WHERE "$path" = 'local:///green/${name}'`,
    )
  })

  test('are cancelled in Trino when a signal says so', async () => {
    const engine = await openTrinoEngine(settings({ table: 'slow' }))
    const stop = new AbortController()
    const sum = engine.sum(`/x/${name}`, 'green', [plain], () => {}, stop.signal)
    await Promise.all([
      expect(sum).rejects.toThrow('enough'),
      running().then(() => stop.abort(new Error('enough'))),
    ])
    expect(await newest()).toBe('FAILED USER_CANCELED')
    await engine.close()
  })

  test('are cancelled at the deadline', async () => {
    const engine = await openTrinoEngine(settings({ table: 'slow', deadlineSeconds: 10 }))
    const reason = await engine.sum(`/x/${name}`, 'green', [plain]).catch((error: unknown) => error)
    expect(isRidecastError(reason, 'engine_timeout')).toBe(true)
    expect(await newest()).toBe('FAILED USER_CANCELED')
    await engine.close()
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

  test('refuses an address that does not answer, and says no secret', async () => {
    const secret = 'open sesame'
    const env = { TRINO_ADDRESS: 'http://127.0.0.1:9', TRINO_USER: 'ali', TRINO_PASSWORD: secret }
    const { code, stdout, stderr } = await train('trino', env)
    expect(code).toBe(1)
    expect(stderr).toContain('[engine_unreachable]')
    expect(stdout + stderr).not.toContain(secret)
  })
})

describe('a worker that is lost', () => {
  test('in the middle of a read costs one attempt, and nothing hangs', async () => {
    notes = []
    const name = 'green_tripdata_2021-01.parquet'
    await cluster.query('DROP VIEW hive.rides.slow')
    await cluster.query(
      `CREATE VIEW hive.rides.slow AS
       SELECT lpep_pickup_datetime, lpep_dropoff_datetime, pulocationid, dolocationid,
         trip_distance, "$path" AS "$path", "$file_size" AS "$file_size",
         "$file_modified_time" AS "$file_modified_time"
       FROM hive.rides.green CROSS JOIN UNNEST(sequence(1, 40))
       WHERE "$path" = 'local:///green/${name}'`,
    )
    const engine = await openTrinoEngine(settings({ table: 'slow', deadlineSeconds: 150 }))
    const sum = engine.sum(`/x/${name}`, 'green', [plain])
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

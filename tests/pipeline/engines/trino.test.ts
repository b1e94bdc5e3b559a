/** Trino's client, retries, deadline and errors, against a server that speaks its protocol. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RidecastError } from '../../../src/errors.ts'
import { compileFeatures } from '../../../src/features.ts'
import type { Engine } from '../../../src/pipeline/engines/engine.ts'
import { trinoClient } from '../../../src/pipeline/engines/trino/client.ts'
import { openTrinoEngine } from '../../../src/pipeline/engines/trino.ts'
import { type TrinoSettings, trinoSettings } from '../../../src/pipeline/engines/trino-settings.ts'
import { type Plan, planOf } from '../../../src/pipeline/plan.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import { makeCertificate } from '../../tracking/mlflow/certificate.ts'
import {
  type DoubleOptions,
  type Fate,
  type Reply,
  type SeenRequest,
  type TrinoDouble,
  trinoDouble,
} from './trino-double.ts'

/** What no error, note or header but one may hold. */
const secret = 'open sesame'

const january = 's3://rides/green/green_tripdata_2023-01.parquet'
const file = (path: string, bytes = 1000): unknown[] => [
  path,
  bytes,
  '2023-04-01T02:00:00+02:00',
  7,
]

/** The columns of the table, and the files behind it. */
const table =
  (files: readonly unknown[][], otherwise: Reply = 'queued for ever') =>
  (sql: string): Reply => {
    if (sql.startsWith('DESCRIBE')) {
      const rows = [
        ['lpep_pickup_datetime', 'timestamp(6)', '', ''],
        ['lpep_dropoff_datetime', 'timestamp(6)', '', ''],
        ['pulocationid', 'bigint', '', ''],
        ['dolocationid', 'bigint', '', ''],
        ['trip_distance', 'double', '', ''],
      ]
      return { columns: ['Column', 'Type', 'Extra', 'Comment'], rows }
    }
    if (sql.includes('"$file_size"')) {
      return { columns: ['path', 'bytes', 'modified', 'rows'], rows: files, page: 2 }
    }
    return otherwise
  }

let server: TrinoDouble
let engine: Engine
let notes: string[] = []
let folder = ''

/** A server, and an engine that knows it. */
async function start(
  options: DoubleOptions,
  change: (settings: TrinoSettings) => Partial<TrinoSettings> = () => ({}),
): Promise<void> {
  server = await trinoDouble(options)
  const environment = { TRINO_ADDRESS: server.url, TRINO_USER: 'ali', TRINO_PASSWORD: secret }
  const settings = trinoSettings({}, environment, (text) => notes.push(text))
  engine = await openTrinoEngine({ ...settings, ...change(settings) })
}

beforeEach(() => {
  notes = []
  folder = mkdtempSync(join(tmpdir(), 'ridecast-trino-'))
})
afterEach(async () => {
  await engine?.close()
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The error of something that must fail; no secret is anywhere in it. */
async function fault(attempt: Promise<unknown>): Promise<RidecastError> {
  const error = await attempt.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  const everything = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })
  for (const text of [everything, ...notes]) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(Buffer.from(`ali:${secret}`).toString('base64'))
  }
  if (error instanceof RidecastError) return error
  throw error
}

const locate = (name = 'green_tripdata_2023-01.parquet') => engine.locate?.(name, 'green')

const plain = checkRecipe(
  { name: 'plain', categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] },
  'plain',
)
const plan: Plan = planOf(plain, compileFeatures(plain))

/** A condition that comes true, before the test's own deadline. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('what is asked', () => {
  test('goes to the table of the fleet, in catalog and schema, signed in', async () => {
    await start({ answer: table([file(january)]) }, () => ({
      catalog: 'lake',
      schema: 'tlc',
      table: '{fleet}"rides',
    }))
    const there = await locate()
    expect(there).toMatchObject({
      path: january,
      bytes: 1000,
      modified: '2023-04-01T00:00:00.000Z',
      rows: 7,
    })
    expect(there?.columns).toHaveLength(5)
    expect([...(there?.others ?? [])]).toEqual([])
    const [first] = server.seen
    expect(first?.sql).toBe('DESCRIBE "lake"."tlc"."green""rides"')
    expect(first?.path).toBe('/v1/statement')
    for (const { headers } of server.seen) {
      expect(headers['x-trino-user']).toBe('ali')
      expect(headers['x-trino-source']).toBe('ridecast')
      expect(headers['x-trino-catalog']).toBe('lake')
      expect(headers['x-trino-schema']).toBe('tlc')
      expect(headers.authorization).toBe(`Basic ${Buffer.from(`ali:${secret}`).toString('base64')}`)
    }
  })

  test.each([
    [undefined, undefined],
    ['ali', 'ali'],
  ])('with a token and the user %s says who it is only if told', async (user, sent) => {
    await start({ answer: table([file(january)]) }, () => ({
      user,
      password: undefined,
      token: secret,
    }))
    await locate()
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${secret}`)
    expect(server.seen[0]?.headers['x-trino-user']).toBe(sent)
  })

  test('goes by the proxy that the environment names', async () => {
    server = await trinoDouble({ answer: table([]), fate: () => ({ status: 403 }) })
    const environment = { TRINO_ADDRESS: 'http://trino.example:8080', HTTP_PROXY: server.url }
    engine = await openTrinoEngine(trinoSettings({}, environment))
    expect((await fault(Promise.resolve(locate()))).code).toBe('engine_unauthorized')
    expect(server.seen[0]?.path).toBe('http://trino.example:8080/v1/statement')
  })

  test('is asked once of a table, and again for a file that was not there', async () => {
    const files = [file(january)]
    await start({ answer: table(files) })
    await Promise.all([locate(), locate(), locate()])
    const queries = (): string[] => server.seen.flatMap(({ sql }) => (sql === '' ? [] : [sql]))
    expect(queries()).toHaveLength(2)
    files.push(file('s3://rides/green/green_tripdata_2023-02.parquet', 22))
    expect((await locate('green_tripdata_2023-02.parquet'))?.bytes).toBe(22)
    expect(queries()).toHaveLength(4)
  })

  test('is read page by page: a reader that stops cancels the query', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => [i])
    await start({ answer: () => ({ columns: ['i'], rows, page: 1 }) })
    const settings = trinoSettings({}, { TRINO_ADDRESS: server.url })
    let read = 0
    const never = new AbortController().signal
    for await (const page of trinoClient(settings).pages('SELECT', 'x', never)) {
      expect(page.data).toEqual([[read++]])
      if (read === 3) break
    }
    expect(server.seen.length).toBeLessThan(8)
    expect(server.cancelled).toEqual(['query_1'])
  })
})

describe('files', () => {
  test('that are not there are told with what lies near', async () => {
    const names = ['2022-01', '2023-02', '2023-11', '2024-01']
    await start({ answer: table(names.map((m) => file(`s3://r/x/green_tripdata_${m}.parquet`))) })
    expect(await locate()).toBeUndefined()
    const { code, message } = await fault(
      engine.sum('/data/green_tripdata_2023-01.parquet', 'green', [plan]),
    )
    expect(code).toBe('source_not_found')
    expect(message).toMatch(/^green_tripdata_2023-01.parquet is not behind the table /)
    expect(message).toMatch(/holds green_tripdata_.*, .* and 1 more$/)
  })

  test('of one name in several folders are refused', async () => {
    await start({ answer: table([file(january), file(january.replace('green/', 'old/'))]) })
    const { code, message } = await fault(Promise.resolve(locate()))
    expect(code).toBe('source_mismatch')
    expect(message).toContain('s3://rides/old/green_tripdata_2023-01.parquet')
  })

  test('whose name only ends so are other files', async () => {
    await start({ answer: table([file(january.replace('green_t', 'my_green_t'))]) })
    expect(await locate()).toBeUndefined()
  })

  test('that have another size here are refused, with both', async () => {
    await start({ answer: table([file(january)]) })
    const path = join(folder, 'green_tripdata_2023-01.parquet')
    writeFileSync(path, 'a few bytes')
    const { code, message } = await fault(engine.sum(path, 'green', [plan]))
    expect(code).toBe('source_mismatch')
    expect(message).toMatch(/has 11 bytes, and s3:.* has 1000: /)
  })

  test('cannot be cut by rows', async () => {
    await start({ answer: table([file(january)]) })
    const slice = { kind: 'rows', from: 0, to: 9 } as const
    const { code, message } = await fault(engine.sum('x.parquet', 'green', [{ ...plan, slice }]))
    expect(code).toBe('engine_unsupported')
    expect(message).toContain('--engine arrow')
    expect(server.seen).toEqual([])
  })
})

describe('faults', () => {
  /** A fate for every request of a kind, or for the first so many of them. */
  const always = (fate: Fate) => (): Fate => fate
  const first = (count: number, fate: Fate) => (_: SeenRequest, index: number) =>
    index < count ? fate : undefined

  test.each([
    [{ status: 401 }, 'engine_unauthorized', 1],
    [{ status: 403 }, 'engine_unauthorized', 1],
    [{ status: 404 }, 'engine_failed', 1],
    [{ status: 200, body: '<html>hello</html>' }, 'engine_failed', 1],
    [{ status: 200, body: '{"hello": 1}' }, 'engine_failed', 1],
    [{ status: 200, body: 'null' }, 'engine_failed', 1],
    [{ status: 200, body: '{"id": "x", "nextUri": "elsewhere"}' }, 'engine_failed', 1],
    [{ status: 302 }, 'engine_failed', 1],
    [{ status: 500 }, 'engine_failed', 1],
    // Four questions in each of three attempts.
    [{ status: 503 }, 'engine_unreachable', 12],
    ['reset', 'engine_unreachable', 3],
  ] as const)('the answer %j is %s', async (fate, code, requests) => {
    await start({ answer: table([file(january)]), fate: always(fate) })
    const error = await fault(Promise.resolve(locate()))
    expect(error.code).toBe(code)
    expect(error.message).toContain(server.url)
    expect(server.seen).toHaveLength(requests)
  })

  test.each([{ status: 502 }, { status: 429 }, 'reset'] as const)(
    'the answer %j passes, and the file is read',
    async (fate) => {
      await start({ answer: table([file(january)]), fate: first(1, fate) })
      expect((await locate())?.path).toBe(january)
      expect(notes).toHaveLength(fate === 'reset' ? 1 : 0)
    },
  )

  test('a query that the coordinator forgot is asked anew, and told', async () => {
    let forgotten = 0
    await start({
      answer: table([file(january)]),
      fate: ({ method }) => (method === 'GET' && forgotten++ === 0 ? { status: 404 } : undefined),
    })
    expect((await locate())?.path).toBe(january)
    expect(notes).toEqual([
      expect.stringMatching(/does not know the query any more.*; reading .* again, attempt 2$/),
    ])
  })

  test.each([
    ['TABLE_NOT_FOUND', 'engine_failed', 1],
    ['SYNTAX_ERROR', 'engine_failed', 1],
    ['GENERIC_INTERNAL_ERROR', 'engine_failed', 1],
    ['COLUMN_NOT_FOUND', 'source_columns', 1],
    ['PERMISSION_DENIED', 'engine_unauthorized', 1],
    ['EXCEEDED_TIME_LIMIT', 'engine_timeout', 1],
    ['HIVE_BAD_DATA', 'source_column_type', 1],
    ['REMOTE_HOST_GONE', 'engine_failed', 3],
    ['NO_NODES_AVAILABLE', 'engine_failed', 3],
  ])('a query that fails by %s is %s', async (errorName, code, attempts) => {
    const message = `it failed on ${'x'.repeat(1000)}\nat some.java.Class`
    await start({ answer: () => ({ errorName, message }) })
    const error = await fault(Promise.resolve(locate()))
    expect(error.code).toBe(code)
    expect(error.message).toContain(`${errorName}: it failed on xxx`)
    expect(error.message.length).toBeLessThan(500)
    expect(error.message).not.toContain('java')
    expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(attempts)
    expect(notes).toHaveLength(attempts - 1)
    expect(server.cancelled).toEqual([])
  })

  test('a column of another type in the file is named, with both types', async () => {
    const message =
      'Unsupported Trino column type (double) for Parquet column ([trip_distance] optional binary trip_distance (STRING))'
    const failing = table([file(january)], { errorName: 'NOT_SUPPORTED', message })
    await start({ answer: failing })
    const error = await fault(engine.sum('/data/green_tripdata_2023-01.parquet', 'green', [plan]))
    expect(error.code).toBe('source_column_type')
    expect(error.message).toMatch(
      /^column trip_distance of \/data\/green_.* expected double.*binary/,
    )
  })

  test('a column whose type the statistics of a file betray is named', async () => {
    const message =
      'Malformed Parquet file. Corrupted statistics for column "[pulocationid] optional double pulocationid": [min: 1.5, max: 3.0, num_nulls: 0] [s3://rides/x]'
    await start({
      answer: table([file(january)], { errorName: 'HIVE_BAD_DATA', message }),
    })
    const error = await fault(engine.sum('/data/green_tripdata_2023-01.parquet', 'green', [plan]))
    expect(error.code).toBe('source_column_type')
    expect(error.message).toMatch(/^column pulocationid of \/data\/green_.* found optional double/)
  })

  test('a damaged file is named', async () => {
    const message = 'Malformed Parquet file. Expected magic number: PAR1 got: x [s3://rides/bad]'
    await start({ answer: () => ({ errorName: 'HIVE_BAD_DATA', message }) })
    const error = await fault(Promise.resolve(locate()))
    expect(error.code).toBe('source_truncated')
    expect(error.message).toContain('[s3://rides/bad]')
  })

  test('a query that fails takes the others of its file with it', async () => {
    const failure = { errorName: 'GENERIC_INTERNAL_ERROR', message: 'no' }
    const asked = (): number => new Set(server.seen.map(({ path }) => path.split('/')[3])).size
    let sums = 0
    const answer = (sql: string) => {
      // The first sum fails once a second one is under way too.
      const fails = (): Reply => (asked() > 4 ? failure : 'queued for ever')
      if (sql.includes('trip_distance" * ') && sums++ === 0) return fails
      return table([file(january)])(sql)
    }
    await start({ answer })
    const recipe = [plan, { ...plan, target: { min: 2, max: 30 } }]
    const error = await fault(engine.sum('/x/green_tripdata_2023-01.parquet', 'green', recipe))
    expect(error.message).toContain('GENERIC_INTERNAL_ERROR')
    expect(server.cancelled.length).toBeGreaterThan(0)
    expect(server.cancelled.length).toBeLessThan(sums)
  })

  test('an address where nobody listens is unreachable, at once', async () => {
    await start({ answer: table([]) })
    server.close()
    const error = await fault(Promise.resolve(locate()))
    expect(error.code).toBe('engine_unreachable')
    expect(error.message).toContain('ECONNREFUSED')
    expect(notes).toEqual([])
  })
})

describe('the end of patience', () => {
  test('a query that stays in the queue is cancelled at the deadline', async () => {
    await start({ answer: () => 'queued for ever' }, () => ({ deadlineSeconds: 0.3 }))
    const { code, message } = await fault(Promise.resolve(locate()))
    expect(code).toBe('engine_timeout')
    expect(message).toContain('within 0.3 s')
    expect(server.cancelled).toEqual(['query_1'])
  })

  test('a coordinator that does not answer ends at the deadline', async () => {
    await start({ answer: table([]), fate: () => 'no answer' }, () => ({ deadlineSeconds: 0.3 }))
    expect((await fault(Promise.resolve(locate()))).code).toBe('engine_timeout')
  })

  test('the deadline holds for all attempts together', async () => {
    await start({ answer: () => ({ errorName: 'REMOTE_HOST_GONE', message: 'gone' }) }, () => ({
      deadlineSeconds: 0.3,
      retries: 1000,
    }))
    expect((await fault(Promise.resolve(locate()))).code).toBe('engine_timeout')
  })

  test('a signal cancels the query, and its reason is thrown', async () => {
    await start({ answer: table([file(january)]) })
    const stop = new AbortController()
    const sum = engine.sum(
      `/x/green_tripdata_2023-01.parquet`,
      'green',
      [plan],
      () => {},
      stop.signal,
    )
    await Promise.all([
      expect(sum).rejects.toThrow('enough'),
      until(() => server.seen.some(({ path }) => path.includes('query_3'))).then(() => {
        stop.abort(new Error('enough'))
      }),
    ])
    expect(server.cancelled).toContain('query_3')
  })

  test('a signal that came before asks nothing', async () => {
    await start({ answer: table([file(january)]) })
    const sum = engine.sum(
      'x.parquet',
      'green',
      [plan],
      () => {},
      AbortSignal.abort(new Error('no')),
    )
    await expect(sum).rejects.toThrow('no')
    expect(server.seen).toEqual([])
  })

  test('closing the engine cancels what is under way', async () => {
    await start({ answer: () => 'queued for ever' })
    const located = expect(locate()).rejects.toThrow()
    await until(() => server.seen.length > 1)
    await engine.close()
    expect(server.cancelled).toEqual(['query_1'])
    await located
  })
})

describe('TLS', () => {
  const certificate = makeCertificate('trino')
  const other = makeCertificate('another')

  test('the authority that is named is trusted, another is not', async () => {
    await start({ answer: table([file(january)]), certificate }, () => ({
      tls: { verify: true, ca: certificate.cert },
    }))
    expect((await locate())?.path).toBe(january)
    for (const ca of [undefined, other.cert]) {
      const stranger = trinoSettings({}, { TRINO_ADDRESS: server.url })
      const suspicious = await openTrinoEngine({ ...stranger, tls: { verify: true, ca } })
      const { code, message } = await fault(
        Promise.resolve(suspicious.locate?.('x.parquet', 'green')),
      )
      expect(code).toBe('engine_unreachable')
      expect(message).toContain('--trino-ca')
    }
  })

  test('any certificate will do when that is said', async () => {
    await start({ answer: table([file(january)]), certificate }, () => ({
      tls: { verify: false, ca: undefined },
    }))
    expect((await locate())?.path).toBe(january)
  })

  test('a coordinator that goes on over http is not followed: the password would be read', async () => {
    const options = { answer: table([]), certificate, believed: 'http://127.0.0.1:1' }
    await start(options, () => ({ tls: { verify: false, ca: undefined } }))
    const { code, message } = await fault(Promise.resolve(locate()))
    expect(code).toBe('engine_failed')
    expect(message).toContain('http-server.process-forwarded=true')
    expect(server.seen).toHaveLength(1)
  })
})

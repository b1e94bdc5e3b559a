/** MLflow's scoring protocol: the shapes that its scoring server takes, and its failures. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { version } from '../../../src/package.ts'
import { zonesAndDistance } from '../small-model.ts'
import { type Mounted, mounted } from './mounted.ts'

let app: Mounted
beforeAll(async () => {
  app = await mounted(zonesAndDistance)
})
afterAll(() => app.close())

async function invoke(
  body: unknown,
  type = 'application/json',
): Promise<{ status: number; type: string | null; text: string; id: string | null }> {
  const answer = await fetch(`${app.url}/invocations`, {
    method: 'POST',
    headers: { 'Content-Type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    text: await answer.text(),
    id: answer.headers.get('ridecast-prediction-id'),
  }
}

const columns = ['PULocationID', 'DOLocationID', 'trip_distance']
const first = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 }
const second = { PULocationID: 43, DOLocationID: 151, trip_distance: 2 }
const byColumn = { PULocationID: [43, 43], DOLocationID: [151, 151], trip_distance: [1.5, 2] }
const nested = { ...byColumn, trip_distance: [[1.5], [2]] }
const data = [
  [43, 151, 1.5],
  [43, 151, 2],
]

test.each([
  ['dataframe_split', { dataframe_split: { columns, data } }],
  ['dataframe_split with an index', { dataframe_split: { columns, index: [7, 9], data } }],
  ['dataframe_records', { dataframe_records: [first, second] }],
  ['instances as rows', { instances: [first, second] }],
  ['instances as columns', { instances: byColumn }],
  ['inputs as columns', { inputs: byColumn }],
  ['inputs as columns of shape (n, 1)', { inputs: nested }],
  ['inputs as rows', { inputs: [first, second] }],
  ['parameters, which the model does not have', { inputs: [first, second], params: { a: 1 } }],
])('%s', async (_what, body) => {
  const answer = await invoke(body)
  expect(answer).toMatchObject({ status: 200, type: 'application/json; charset=utf-8' })
  // 10 + 2 - 0.5 + 3 a mile
  expect(JSON.parse(answer.text)).toEqual({ predictions: [16, 17.5] })
})

test('CSV, as pandas writes it with its index', async () => {
  const csv = `,${columns.join(',')}\n0,43,151,1.5\n1,43.0,151,2.0\n`
  const { text } = await invoke(csv, 'text/csv; charset=utf-8')
  expect(JSON.parse(text)).toEqual({ predictions: [16, 17.5] })
})

test('one ride as a dictionary of values, with the name of its prediction in a header', async () => {
  const answer = await invoke({ inputs: first })
  expect(JSON.parse(answer.text)).toEqual({ predictions: [16] })
  expect(answer.id).toMatch(/^\d{8}-/)
})

const distanceless = { PULocationID: 43, DOLocationID: 151 }

test.each([
  ['is not there', { instances: [distanceless, first] }],
  ['is null', { dataframe_records: [{ ...first, trip_distance: null }, first] }],
])('a distance that %s is assumed, as for a single ride', async (_what, body) => {
  const single = await fetch(`${app.url}/predict`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(distanceless),
  })
  const { duration, warnings } = (await single.json()) as Record<string, unknown>
  expect(warnings).toMatchObject([{ code: 'distance_assumed' }])
  const answer = await invoke(body)
  expect(JSON.parse(answer.text)).toEqual({ predictions: [duration, 16] })
})

test.each([
  ['is predicted no more once its client has stopped waiting', first, 504],
  ['that is faulty is told so, whoever waits', { ...first, PULocationID: 999 }, 400],
])('a ride %s', async (_what, ride, status) => {
  const answer = await fetch(`${app.url}/invocations`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Ridecast-Timeout-Ms': '0' },
    body: JSON.stringify({ instances: [ride] }),
  })
  expect(answer.status).toBe(status)
})

test('no rows give no predictions', async () => {
  expect((await invoke({ dataframe_split: { columns, data: [] } })).text).toBe('{"predictions":[]}')
})

test.each([
  ['no JSON', 'oops', /valid JSON/],
  ['a list', [first], /must be a JSON dictionary/],
  ['none of the fields', { data: [first] }, /exactly one of the input fields/],
  ['two of the fields', { inputs: [first], instances: [first] }, /exactly one/],
  ['records that are no list', { dataframe_records: first }, /must be a list of records/],
  ['a split without data', { dataframe_split: { columns } }, /must have 'data'/],
  ['a split with more', { dataframe_split: { columns, data, rows: 2 } }, /must have 'data'/],
  ['a split whose row is short', { dataframe_split: { columns, data: [[43]] } }, /row 0/],
  ['columns of two lengths', { inputs: { ...byColumn, trip_distance: [1] } }, /not the same/],
  ['rows without names', { instances: data }, /named columns/],
  ['a faulty ride', { dataframe_records: [first, { PULocationID: 0 }] }, /row 1: PULocationID/],
  ['a record that is none', { dataframe_records: [null] }, /row 0: body must be a JSON object/],
])('%s is a bad request in the form of MLflow', async (_what, body, message) => {
  const answer = await invoke(body)
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.text)).toEqual({
    error_code: 'BAD_REQUEST',
    message: expect.stringMatching(message),
  })
})

test.each([
  ['application/parquet', 'only supports the following content types'],
  ['application/json; charset=latin-1', 'The scoring server only supports UTF-8'],
  ['application/json; format=pandas-split', 'Unrecognized content type parameters: format'],
])('%s is refused as text, as MLflow does', async (type, message) => {
  const answer = await invoke('{}', type)
  expect(answer).toMatchObject({ status: 415, type: 'text/plain; charset=utf-8' })
  expect(answer.text).toContain(message)
})

test('no ride of a request is predicted when one is faulty', async () => {
  const own = await mounted(zonesAndDistance)
  try {
    const ask = async (records: object[]): Promise<number> => {
      const headers = { 'Content-Type': 'application/json' }
      const body = JSON.stringify({ dataframe_records: records })
      return (await fetch(`${own.url}/invocations`, { method: 'POST', headers, body })).status
    }
    expect(await ask([first, {}])).toBe(400)
    expect(await ask([first, second])).toBe(200)
    expect(await own.logged()).toHaveLength(2)
  } finally {
    await own.close()
  }
})

test.each(['/ping', '/health'])('%s is 200 with a model and 404 without', async (path) => {
  const answer = await fetch(app.url + path)
  expect([answer.status, await answer.text()]).toEqual([200, '\n'])
  const empty = await mounted()
  try {
    expect((await fetch(empty.url + path)).status).toBe(404)
    const invoked = await fetch(`${empty.url}/invocations`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ inputs: first }),
    })
    expect(invoked.status).toBe(503)
    expect(await invoked.json()).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' })
  } finally {
    await empty.close()
  }
})

test('/version is that of ridecast', async () => {
  expect(await (await fetch(`${app.url}/version`)).text()).toBe(version)
})

/** `POST /predict/batch` in every format: row by row the answers of `POST /predict`. */

import { request } from 'node:http'
import {
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hoursAndPassengers, zonesAndDistance } from '../small-model.ts'
import { type Mounted, mounted } from './mounted.ts'

let app: Mounted
beforeAll(async () => {
  app = await mounted(zonesAndDistance, { RIDECAST_BATCH_LIMIT_BYTES: '100000' })
})
afterAll(() => app.close())

interface Answer {
  status: number
  type: string | null
  arm: string | null
  bytes: Uint8Array
  text: string
}

async function post(
  body: string | Uint8Array,
  type: string,
  { query = '', accept = '*/*' } = {},
): Promise<Answer> {
  const headers = { 'Content-Type': type, Accept: accept }
  const init = { method: 'POST', headers, body: body as string }
  const answer = await fetch(`${app.url}/predict/batch${query}`, init)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    arm: answer.headers.get('ridecast-arm'),
    bytes,
    text: Buffer.from(bytes).toString(),
  }
}

const rides = [
  { PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 },
  { PULocationID: 999, trip_distance: 2 },
  { PULocationID: '43', DOLocationID: 7, trip_distance: 25 },
  null,
  { PULocationID: 43, DOLocationID: 151, trip_distance: 1e308 },
]

/** Of the rides above: 10 + 2 - 0.5 + 3 * 1.5, and 10 + 2 + 3 * 25 with two warnings. */
const expected = [
  { row: 0, duration: 16, model_version: '0123456789ab' },
  {
    row: 1,
    error: {
      code: 'input_invalid',
      errors: [
        { code: 'out_of_range', pointer: '#/PULocationID' },
        { code: 'missing', pointer: '#/DOLocationID' },
      ],
    },
  },
  { row: 2, duration: 87, warnings: [{ code: 'distance_unusual' }, { code: 'category_unseen' }] },
  { row: 3, error: { errors: [{ code: 'wrong_type', pointer: '#' }] } },
  { row: 4, error: { code: 'input_invalid', errors: [{ code: 'out_of_range' }] } },
]

const lines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('JSON', () => {
  test('a fault of one row does not fail the others', async () => {
    const answer = await post(JSON.stringify(rides), 'application/json')
    expect(answer).toMatchObject({ status: 200, type: 'application/json; charset=utf-8' })
    expect(answer.arm).toBe('champion')
    const rows = JSON.parse(answer.text) as { prediction_id?: string }[]
    expect(rows).toMatchObject(expected)
    expect(rows[0]?.prediction_id).toMatch(/^\d{8}-[0-9a-z]{8}-[0-9a-z]+$/)
  })

  test('no row is an empty array, and many rows keep their order', async () => {
    expect((await post('[]', 'application/json')).text).toBe('[]')
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...rides[0], trip_distance: i / 100 }))
    const { text } = await post(JSON.stringify(many), 'application/json')
    const rows = JSON.parse(text) as { row: number; duration: number }[]
    expect(rows.map(({ row }) => row)).toEqual(many.map((_, i) => i))
    // 10 + 2 - 0.5 + 3 a mile
    expect(rows.map(({ duration }) => duration.toFixed(6))).toEqual(
      many.map(({ trip_distance }) => (11.5 + 3 * trip_distance).toFixed(6)),
    )
  })

  test('reasons are given for every row', async () => {
    const { text } = await post(JSON.stringify(rides), 'application/json', { query: '?explain' })
    const [first] = JSON.parse(text) as { explanation: { total: number } }[]
    expect(first?.explanation.total).toBe(16)
  })

  test('an array beyond the limit is refused', async () => {
    const answer = await post(`[${' '.repeat(100_000)}]`, 'application/json')
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'body_too_large' })
  })

  test.each([
    ['{"a":1}', 'application/json', '', 422, 'input_invalid'],
    ['[{]', 'application/json', '', 400, 'body_not_json'],
    ['', 'application/json', '', 400, 'body_missing'],
    ['[]', 'text/html', '', 415, 'media_type_unsupported'],
    ['[]', 'application/json; charset=utf-16', '', 415, 'media_type_unsupported'],
    ['[]', 'application/json', '?explain=perhaps', 422, 'input_invalid'],
    ['[]', 'application/json', '?interval=0.9', 422, 'input_invalid'],
    ['a,"b', 'text/csv', '', 400, 'request_malformed'],
    ['no arrow', 'application/vnd.apache.arrow.stream', '', 400, 'request_malformed'],
  ])('%j as %s%s is refused as a whole', async (body, type, query, status, code) => {
    const answer = await post(body, type, { query })
    expect(answer).toMatchObject({ status, type: 'application/problem+json' })
    expect(JSON.parse(answer.text)).toMatchObject({ code })
  })
})

describe('lines of JSON', () => {
  test('answer line by line; blank ones are passed over', async () => {
    const body = `\ufeff${rides.map((ride) => JSON.stringify(ride)).join('\r\n\n')}`
    const answer = await post(body, 'application/x-ndjson')
    expect(answer).toMatchObject({ status: 200, type: 'application/x-ndjson' })
    expect(lines(answer.text)).toMatchObject(expected)
  })

  test('a line that is no JSON, no UTF-8 or too long is a row with a fault', async () => {
    const good = Buffer.from(`${JSON.stringify(rides[0])}\n`)
    const bad = [Buffer.from('{oops\n'), Buffer.from([0x22, 0xff, 0x22, 0x0a])]
    const long = Buffer.from(`"${'x'.repeat(70_000)}"\n`)
    const body = Buffer.concat([good, ...bad, long, good])
    expect(lines((await post(body, 'application/jsonl')).text)).toMatchObject([
      { row: 0, duration: 16 },
      { row: 1, error: { code: 'body_not_json' } },
      { row: 2, error: { code: 'body_not_json' } },
      { row: 3, error: { code: 'body_too_large' } },
      { row: 4, duration: 16 },
    ])
  })

  test('rows are answered while later ones are still to come', async () => {
    const answered = await new Promise<string>((resolve, reject) => {
      const headers = { 'Content-Type': 'application/x-ndjson' }
      const asked = request(`${app.url}/predict/batch`, { method: 'POST', headers })
      asked.on('error', reject).on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => {
          if (text === '') asked.end(`${JSON.stringify(rides[1])}\n`)
          text += piece
        })
        response.on('end', () => resolve(text))
      })
      // The second row is sent once the first is answered.
      asked.write(`${JSON.stringify(rides[0])}\n`)
    })
    expect(lines(answered)).toMatchObject(expected.slice(0, 2))
  })
})

describe('CSV', () => {
  const csv = [
    'DOLocationID,trip_distance,PULocationID,note',
    '151,1.5,43,"quoted, with comma"',
    ',2,999,',
    '151.0,1.5,43.0,pandas writes ids so where some are missing',
    '151,1.5',
    '151,near,43,',
  ].join('\n')

  test('answers as CSV, columns by the header', async () => {
    const answer = await post(csv, 'text/csv')
    expect(answer).toMatchObject({ status: 200, type: 'text/csv; charset=utf-8' })
    const [header, first, second, third, fourth, fifth] = answer.text.split('\n')
    expect(header).toBe('row,duration,model_version,prediction_id,warnings,error_code,error')
    expect(first).toMatch(/^0,16,0123456789ab,\d{8}-[^,]+,,,$/)
    expect(second).toMatch(/^1,,,,,input_invalid,"PULocationID must be .*; DOLocationID is missing/)
    expect(third).toMatch(/^2,16,/)
    expect(fourth).toBe('3,,,,,request_malformed,"record has 2 cells: expected 4, as the header"')
    expect(fifth).toMatch(/^4,,,,,input_invalid,"trip_distance must be .*the text ""near"""$/)
  })

  test('goes in one format and comes out in another', async () => {
    const { type, text } = await post(csv, 'text/csv', {
      accept: 'text/html;q=0.9, application/x-ndjson;q=0.8, application/json;q=0.1',
    })
    expect(type).toBe('application/x-ndjson')
    expect(lines(text)).toMatchObject([{ duration: 16 }, { error: {} }, { duration: 16 }, {}, {}])
  })

  test('a fault that hides where the next record begins ends the answer with an error row', async () => {
    const endless = `"${'x'.repeat(70_000)}`
    const body = `PULocationID,DOLocationID,trip_distance\n43,151,1.5\n${endless}`
    const { status, text } = await post(body, 'text/csv', { accept: 'application/json' })
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject([
      { row: 0, duration: 16 },
      { row: 1, error: { code: 'request_malformed' } },
    ])
  })

  test('a header without records is answered by a header', async () => {
    const { text } = await post('PULocationID,DOLocationID\n', 'text/csv')
    expect(text).toBe('row,duration,model_version,prediction_id,warnings,error_code,error\n')
  })
})

describe('Arrow', () => {
  const mime = 'application/vnd.apache.arrow.stream'
  const ids = (values: (number | null)[]) => vectorFromArray(values, new Int32())
  const table = new Table({
    PULocationID: ids([43, 999, 43]),
    DOLocationID: ids([151, null, 151]),
    trip_distance: vectorFromArray([1.5, 2, Number.NaN], new Float64()),
    note: vectorFromArray(['a', 'b', 'a'], new Utf8()),
  })

  test('a stream is answered by a stream, a fault in its row', async () => {
    const answer = await post(tableToIPC(table, 'stream'), mime)
    expect(answer).toMatchObject({ status: 200, type: mime })
    const rows = tableFromIPC(answer.bytes).toArray() as Record<string, unknown>[]
    expect(rows.map(({ row, duration }) => [row, duration])).toEqual([
      [0, 16],
      [1, null],
      // 10 + 2 - 0.5 + 3 * 1.25: without a distance, that of the pair.
      [2, 15.25],
    ])
    expect(rows.map(({ error_code }) => error_code)).toEqual([null, 'input_invalid', null])
  })

  test('a stream cut off ends the answer with an error row', async () => {
    const bytes = tableToIPC(new Table([...table.batches, ...table.batches]), 'stream')
    const { text } = await post(bytes.subarray(0, bytes.length - 60), mime, {
      accept: 'application/json',
    })
    const rows = JSON.parse(text) as { error?: { code: string; detail: string } }[]
    expect(rows).toHaveLength(4)
    expect(rows[3]?.error).toMatchObject({ code: 'request_malformed' })
  })

  test('times are taken in any unit, and with a zone refused as in JSON', async () => {
    const other = await mounted(hoursAndPassengers)
    try {
      const at = Date.UTC(2021, 1, 3, 8, 15)
      const columns = {
        PULocationID: ids([43]),
        DOLocationID: ids([151]),
        VendorID: ids([2]),
        passenger_count: vectorFromArray([2], new Float64()),
      }
      const ask = async (type: TimestampMicrosecond): Promise<string> => {
        const children = [
          ...Object.values(columns).map((vector) => vector.data[0] as NonNullable<unknown>),
          makeData({ type, data: new BigInt64Array([BigInt(at) * 1000n]), length: 1 }),
        ]
        const names = [...Object.keys(columns), 'pickup_datetime']
        const schema = new Schema(
          children.map((data, k) => {
            return new Field(names[k] as string, (data as { type: Int32 }).type, true)
          }),
        )
        const struct = makeData({
          type: new Struct(schema.fields),
          length: 1,
          children: children as never[],
        })
        const stream = tableToIPC(new Table([new RecordBatch(schema, struct)]), 'stream')
        const answer = await fetch(`${other.url}/predict/batch`, {
          method: 'POST',
          headers: { 'Content-Type': mime, Accept: 'application/json' },
          body: stream as unknown as string,
        })
        return answer.text()
      }
      // 20 + 4 (at 8) - 1 (vendor 2) + 0.25 * 2, as in predict.test.ts
      expect(JSON.parse(await ask(new TimestampMicrosecond()))).toMatchObject([{ duration: 23.5 }])
      expect(await ask(new TimestampMicrosecond('UTC'))).toContain('leave the zone out')
    } finally {
      await other.close()
    }
  })

  test('2,000 damaged streams are answered, never with a 5xx', async () => {
    const whole = Buffer.from(tableToIPC(table, 'stream'))
    let state = 20210101
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const seen = new Set<number>()
    for (let round = 0; round < 20; round++) {
      const asked = Array.from({ length: 100 }, async () => {
        const bytes = Buffer.from(whole)
        for (let k = 0; k <= random(3); k++) bytes[random(bytes.length)] = random(256)
        const { status } = await post(bytes, mime, { accept: 'application/json' })
        seen.add(status)
      })
      await Promise.all(asked)
    }
    // 413: lengths that were made larger than the limit.
    expect([...seen].sort()).toEqual([200, 400, 413])
  }, 120_000)
})

test('every row is in the log of predictions, under the client key', async () => {
  const own = await mounted(zonesAndDistance)
  try {
    const answer = await fetch(`${own.url}/predict/batch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Ridecast-Key': 'k1' },
      body: JSON.stringify(rides),
    })
    const rows = (await answer.json()) as { prediction_id?: string }[]
    const logged = await own.logged()
    expect(logged.map(({ id }) => id)).toEqual([rows[0]?.prediction_id, rows[2]?.prediction_id])
    expect(logged[0]).toMatchObject({ key: 'k1', duration: 16, arm: 'champion' })
  } finally {
    await own.close()
  }
})

test('a server without a model says so', async () => {
  const empty = await mounted()
  try {
    const answer = await fetch(`${empty.url}/predict/batch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '[]',
    })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ code: 'not_ready' })
  } finally {
    await empty.close()
  }
})

test('a server reads on only as its client does, and has answered every row in the end', async () => {
  const line = `${JSON.stringify(rides[0])}\n`
  const piece = line.repeat(1000)
  const pieces = 200
  const received = await new Promise<number>((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const asked = request(`${app.url}/predict/batch`, { method: 'POST', headers })
    let left = pieces
    let stalls = 0
    const more = (): void => {
      while (left > 0) {
        left--
        if (!asked.write(piece)) {
          asked.once('drain', more)
          return
        }
      }
      asked.end()
    }
    asked.on('error', reject).on('response', (response) => {
      let count = 0
      response.pause()
      response.on('data', (data: Buffer) => {
        for (const byte of data) if (byte === 10) count++
      })
      response.on('end', () => resolve(stalls > 0 ? count : -1))
      // Reads only once the server has stopped reading: what it sent fills every buffer.
      let before = -1
      const stalled = setInterval(() => {
        if (before === left || left === 0) {
          if (left > 0) stalls++
          clearInterval(stalled)
          response.resume()
        }
        before = left
      }, 100)
    })
    more()
  })
  expect(received).toBe(pieces * 1000)
}, 60_000)

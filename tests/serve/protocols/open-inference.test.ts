/** The Open Inference Protocol, every answer held against the protocol's published OpenAPI file. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { servedModel } from '../../../src/serve/served-model.ts'
import { hoursAndPassengers, zonesAndDistance } from '../small-model.ts'
import { type Mounted, mounted } from './mounted.ts'

let app: Mounted
beforeAll(async () => {
  app = await mounted(zonesAndDistance)
})
afterAll(() => app.close())

interface Published {
  paths: Record<string, Record<string, { responses: Record<string, PublishedResponse> }>>
  components: { schemas: Record<string, object> }
}
interface PublishedResponse {
  content?: Record<string, { schema: { $ref: string } }>
}
const golden = join(import.meta.dirname, '../../golden/open-inference/open_inference_rest.yaml')
const published = parse(readFileSync(golden, 'utf8')) as Published

/** A schema of the published file, as zod reads JSON Schema. */
function publishedSchema(ref: string): z.ZodType {
  const text = JSON.stringify(published.components.schemas).replaceAll(
    '#/components/schemas/',
    '#/$defs/',
  )
  const name = ref.split('/').at(-1)
  return z.fromJSONSchema({ $ref: `#/$defs/${name}`, $defs: JSON.parse(text) } as never)
}

/** Asks, and holds the answer against what the published file says of that address. */
async function ask(
  path: string,
  address: string,
  init: RequestInit & { method?: 'GET' | 'POST' } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(app.url + address, init)
  const known = published.paths[path]?.[(init.method ?? 'GET').toLowerCase()]?.responses
  expect(Object.keys(known ?? {})).toContain(String(answer.status))
  const body = (await answer.json()) as Record<string, unknown>
  const schema = known?.[answer.status]?.content?.['application/json']?.schema
  if (schema) {
    const checked = publishedSchema(schema.$ref).safeParse(body)
    expect(checked.error).toBe(undefined)
  }
  return { status: answer.status, body }
}

const inferPath = '/v2/models/{MODEL_NAME}/infer'
const infer = (request: object, address = '/v2/models/small/infer') =>
  ask(address.includes('versions') ? inferVersioned : inferPath, address, {
    method: 'POST',
    body: JSON.stringify(request),
  })
const inferVersioned = '/v2/models/{MODEL_NAME}/versions/{MODEL_VERSION}/infer'

const ids = (name: string, data: unknown[], datatype = 'INT64') => ({
  name,
  shape: [data.length],
  datatype,
  data,
})
const inputs = [
  ids('PULocationID', [43, 1]),
  ids('DOLocationID', [151, 151], 'INT32'),
  ids('trip_distance', [1.5, 2], 'FP64'),
]

test('the published file is read: a wrong answer does not pass', () => {
  const schema = publishedSchema('#/components/schemas/inference_response')
  expect(schema.safeParse({ model_name: 'a', outputs: [] }).success).toBe(true)
  expect(schema.safeParse({ model_name: 'a' }).success).toBe(false)
  const output = { name: 'a', shape: ['x'], datatype: 'FP64', data: [] }
  expect(schema.safeParse({ model_name: 'a', outputs: [output] }).success).toBe(false)
  // Every path of the file is asked for below.
  expect(Object.keys(published.paths)).toHaveLength(9)
})

describe('health and metadata', () => {
  test('the server', async () => {
    const { body } = await ask('/v2', '/v2')
    expect(body).toMatchObject({ name: 'ridecast', extensions: ['binary_tensor_data'] })
    expect((await ask('/v2/health/live', '/v2/health/live')).status).toBe(200)
    expect((await ask('/v2/health/ready', '/v2/health/ready')).status).toBe(200)
  })

  test.each([
    ['/v2/models/{MODEL_NAME}', ''],
    ['/v2/models/{MODEL_NAME}/versions/{MODEL_VERSION}', '/versions/0123456789ab'],
  ])('%s', async (path, version) => {
    const { body } = await ask(path, `/v2/models/small${version}`)
    expect(body).toMatchObject({
      name: 'small',
      versions: ['0123456789ab'],
      platform: 'ridecast_linear',
      properties: { optional_inputs: 'trip_distance,pickup_datetime' },
    })
    expect(body.inputs).toContainEqual({ name: 'PULocationID', datatype: 'INT64', shape: [-1] })
    expect(body.inputs).toContainEqual({ name: 'pickup_datetime', datatype: 'BYTES', shape: [-1] })
    const ready = await ask(`${path}/ready`, `/v2/models/small${version}/ready`)
    expect(ready).toMatchObject({ status: 200, body: { name: 'small', ready: true } })
  })

  test.each(['/v2/models/large', '/v2/models/small/versions/0', '/v2/models/large/versions/0'])(
    '%s is not there',
    async (address) => {
      const path = address.includes('versions')
        ? '/v2/models/{MODEL_NAME}/versions/{MODEL_VERSION}'
        : '/v2/models/{MODEL_NAME}'
      const { status, body } = await ask(path, address)
      expect(status).toBe(400)
      expect(body.error).toMatch(/is not served here/)
      expect((await ask(`${path}/ready`, `${address}/ready`)).status).toBe(404)
      expect((await infer({ inputs }, `${address}/infer`)).status).toBe(400)
    },
  )

  test('a server that is shutting down, or has no model, is not ready', async () => {
    app.state.draining = true
    expect((await ask('/v2/health/ready', '/v2/health/ready')).status).toBe(503)
    const path = '/v2/models/{MODEL_NAME}/ready'
    expect((await ask(path, '/v2/models/small/ready')).status).toBe(503)
    app.state.draining = false
  })
})

describe('inference', () => {
  test('columns in, columns out, the id comes back', async () => {
    const { status, body } = await infer({ id: '42', inputs })
    expect(status).toBe(200)
    expect(body).toMatchObject({ model_name: 'small', model_version: '0123456789ab', id: '42' })
    const [duration, ids] = body.outputs as { data: unknown[] }[]
    // 10 + 2 - 0.5 + 3 * 1.5; and 10 - 40 - 0.5 + 6, raised to 1
    expect(duration).toEqual({ name: 'duration', datatype: 'FP64', shape: [2], data: [16, 1] })
    expect(ids).toMatchObject({ name: 'prediction_id', datatype: 'BYTES', shape: [2] })
    expect(ids?.data[0]).toMatch(/^\d{8}-/)
  })

  test('by version, in the shape [n, 1], text for ids, an empty text for none', async () => {
    const column = (name: string, datatype: string, data: unknown[]) => {
      return { name, datatype, shape: [data.length, 1], data }
    }
    const request = {
      inputs: [
        column('PULocationID', 'BYTES', [['43'], ['43']]),
        column('DOLocationID', 'UINT16', [151, 151]),
        column('trip_distance', 'FP32', [1.5, 2]),
        column('pickup_datetime', 'BYTES', ['', '2021-02-03T08:15']),
        column('surplus', 'INT64', [1, 2]),
      ],
      outputs: [{ name: 'duration' }],
    }
    const { body } = await infer(request, '/v2/models/small/versions/0123456789ab/infer')
    expect(body.outputs).toMatchObject([{ name: 'duration', data: [16, 17.5] }])
  })

  test('a version that is tried can be asked by its name', async () => {
    const model = servedModel('small', 'ba9876543210', zonesAndDistance)
    app.state.challenger = { model, mode: 'canary', share: 0, seed: 's' }
    try {
      const { body } = await infer({ inputs }, '/v2/models/small/versions/ba9876543210/infer')
      expect(body.model_version).toBe('ba9876543210')
      expect((await infer({ inputs })).body.model_version).toBe('0123456789ab')
    } finally {
      app.state.challenger = undefined
    }
  })

  test('reasons are an output where they are asked for', async () => {
    const { body } = await infer({ inputs }, '/v2/models/small/infer?explain=true')
    const output = (body.outputs as { name: string; data: string[] }[]).at(-1)
    expect(output?.name).toBe('explanation')
    expect(JSON.parse(output?.data[0] ?? '')).toMatchObject({ intercept: 10, total: 16 })
  })

  test.each([
    ['no inputs', { inputs: [] }, /inputs/],
    ['an array', [], /malformed/],
    ['two lengths', { inputs: [...inputs.slice(1), ids('PULocationID', [43])] }, /must have 2/],
    ['a matrix', { inputs: [{ ...ids('PULocationID', [1, 2]), shape: [1, 2] }] }, /\[n, 1\]/],
    ['fewer data', { inputs: [{ ...ids('PULocationID', [1]), shape: [2] }] }, /must have 2 values/],
    ['text as a number', { inputs: [ids('PULocationID', ['43'])] }, /numbers only/],
    ['a type that is none', { inputs: [ids('PULocationID', [1], 'BOOL')] }, /one of the types/],
    ['an input twice', { inputs: [...inputs, ids('PULocationID', [1, 2])] }, /given twice/],
    ['binary data without any', { inputs: [binaryOnly()] }, /binary_data_size/],
    ['a missing input', { inputs: inputs.slice(1) }, /row 0: PULocationID is missing/],
    ['an output that is none', { inputs, outputs: [{ name: 'x' }] }, /output "x" is not there/],
  ])('%s is a bad request in the form of the protocol', async (_what, request, message) => {
    const { status, body } = await infer(request)
    expect(status).toBe(400)
    expect(body).toEqual({ error: expect.stringMatching(message) })
  })
})

function binaryOnly(): object {
  return {
    name: 'PULocationID',
    shape: [1],
    datatype: 'INT64',
    parameters: { binary_data_size: 8 },
  }
}

describe('the binary extension', () => {
  const int64 = (...values: number[]) => Buffer.from(new BigInt64Array(values.map(BigInt)).buffer)
  const texts = (...values: string[]) =>
    Buffer.concat(
      values.flatMap((value) => {
        const size = Buffer.alloc(4)
        size.writeUInt32LE(Buffer.byteLength(value))
        return [size, Buffer.from(value)]
      }),
    )
  const fp64 = (...values: number[]) => Buffer.from(new Float64Array(values).buffer)

  async function inferBinary(
    columns: [name: string, datatype: string, bytes: Buffer][],
    { outputs = undefined as object[] | undefined, headerLength = 0, extra = '' } = {},
  ): Promise<Response> {
    const inputs = columns.map(([name, datatype, bytes]) => {
      return { name, datatype, shape: [2], parameters: { binary_data_size: bytes.length } }
    })
    const parameters = { binary_data_output: true }
    const json = Buffer.from(JSON.stringify({ inputs, parameters, ...(outputs && { outputs }) }))
    const length = json.length + headerLength
    return fetch(`${app.url}/v2/models/small/infer`, {
      method: 'POST',
      headers: { 'Inference-Header-Content-Length': String(length) },
      body: Buffer.concat([json, ...columns.map(([, , bytes]) => bytes), Buffer.from(extra)]),
    })
  }

  const columns: [string, string, Buffer][] = [
    ['PULocationID', 'INT64', int64(43, 43)],
    ['DOLocationID', 'BYTES', texts('151', '151')],
    ['trip_distance', 'FP64', fp64(1.5, 2)],
  ]

  test('goes both ways', async () => {
    const answer = await inferBinary(columns)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    const bytes = Buffer.from(await answer.arrayBuffer())
    const length = Number(answer.headers.get('inference-header-content-length'))
    const head = JSON.parse(bytes.toString('utf8', 0, length)) as {
      outputs: { name: string; parameters: { binary_data_size: number } }[]
    }
    expect(head.outputs.map(({ name }) => name)).toEqual(['duration', 'prediction_id'])
    expect(head.outputs[0]?.parameters.binary_data_size).toBe(16)
    expect([bytes.readDoubleLE(length), bytes.readDoubleLE(length + 8)]).toEqual([16, 17.5])
    expect(bytes.length - length).toBe(16 + (head.outputs[1]?.parameters.binary_data_size ?? 0))
  })

  test('an output may say that it wants to be JSON', async () => {
    const outputs = [{ name: 'duration', parameters: { binary_data: false } }]
    const answer = await inferBinary(columns, { outputs })
    expect(answer.headers.get('inference-header-content-length')).toBe(null)
    expect(await answer.json()).toMatchObject({ outputs: [{ data: [16, 17.5] }] })
  })

  test('a NaN is a missing value', async () => {
    const [from, to] = columns as [(typeof columns)[0], (typeof columns)[0]]
    const outputs = [{ name: 'duration', parameters: { binary_data: false } }]
    const some: typeof columns = [from, to, ['trip_distance', 'FP64', fp64(1, Number.NaN)]]
    // 10 + 2 - 0.5 + 3 a mile; without a distance the 1.25 miles of the pair are assumed.
    const answer = await inferBinary(some, { outputs })
    expect(await answer.json()).toMatchObject({ outputs: [{ data: [14.5, 15.25] }] })
  })

  test.each([
    ['bytes of another number of values', [['PULocationID', 'INT64', int64(1)]], {}],
    ['texts that end too early', [['PULocationID', 'BYTES', texts('43')]], {}],
    ['a text that is longer than the rest', [['PULocationID', 'BYTES', Buffer.alloc(8, 1)]], {}],
    ['bytes left over', columns, { extra: 'more' }],
    ['a header that is longer than the body', columns, { headerLength: 10_000 }],
    ['a header that ends within the bytes', columns, { headerLength: 3 }],
  ] as [string, typeof columns, object][])('%s is a bad request', async (_what, some, more) => {
    const answer = await inferBinary(some, more)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ error: expect.any(String) })
  })
})

test('inputs of another model are those that it needs', async () => {
  const other = await mounted(hoursAndPassengers)
  try {
    const body = (await (await fetch(`${other.url}/v2/models/small`)).json()) as {
      inputs: { name: string; datatype: string }[]
    }
    expect(body.inputs.map(({ name, datatype }) => `${name} ${datatype}`)).toEqual([
      'PULocationID INT64',
      'DOLocationID INT64',
      'trip_distance FP64',
      'pickup_datetime BYTES',
      'VendorID INT64',
      'passenger_count FP64',
    ])
  } finally {
    await other.close()
  }
})

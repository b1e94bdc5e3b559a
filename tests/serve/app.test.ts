import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ServedModel } from '../../src/serve/state.ts'
import { type Listening, listening, predictHead, Wire } from './listening.ts'
import { hoursAndPassengers, zonesAndDistance } from './small-model.ts'

const ride = JSON.stringify({ PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 })
const json = { 'Content-Type': 'application/json' }

let app: Listening
beforeAll(async () => {
  app = await listening(zonesAndDistance)
})
afterAll(() => app.close())

/** Checks that an answer is a problem of this status and code, and gives its body. */
async function problemIn(
  response: Response,
  status: number,
  code: string,
): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.status).toBe(status)
  const body = (await response.json()) as Record<string, unknown>
  expect(body).toMatchObject({ type: 'about:blank', status, code })
  expect(body.title).toMatch(/^[A-Z]/)
  expect(body.detail).toMatch(/^[a-z].*[^.]$/)
  expect(JSON.stringify(body)).not.toMatch(/\.(ts|mjs|js):\d|node_modules|at \w+ \(/)
  return body
}

const post = (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = json) =>
  fetch(`${app.url}/predict`, { method: 'POST', headers, body })

describe('bodies', () => {
  test.each(['{', '{"a":1,}', "{'a':1}", 'PULocationID=43', 'NaN', '{"a":Infinity}', ' ', '\0'])(
    '%j is no JSON: 400',
    async (body) => {
      await problemIn(await post(body), 400, 'body_not_json')
    },
  )

  test('bytes that are no UTF-8 are no JSON: 400', async () => {
    const body = Buffer.from('{"PULocationID":"\xff"}', 'latin1')
    await problemIn(await post(body), 400, 'body_not_json')
  })

  test('arrays in arrays as deep as the limit allows do no harm', async () => {
    const deep = `${'['.repeat(490)}${']'.repeat(490)}`
    await problemIn(await post(deep), 422, 'input_invalid')
    await problemIn(await post(`{"PULocationID":${deep}}`), 422, 'input_invalid')
  })

  test.each([
    ['application/json'],
    ['application/json; charset=utf-8'],
    ['application/json;charset=UTF-8'],
    ['Application/JSON; charset="utf-8"; v=1'],
  ])('%s is taken', async (type) => {
    const response = await post(ride, { 'Content-Type': type })
    expect(response.status).toBe(200)
  })

  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/json; charset=utf-16'],
    ['application/json; charset=latin1'],
    ['application/jsonp'],
    ['application/problem+json'],
    ['json'],
    ['application/json, text/plain'],
  ])('%s is not: 415', async (type) => {
    const response = await post(ride, { 'Content-Type': type })
    expect(response.headers.get('accept')).toBe('application/json')
    await problemIn(response, 415, 'media_type_unsupported')
  })

  test('no media type at all is 415 too', async () => {
    const response = await post(Buffer.from(ride), {})
    await problemIn(response, 415, 'media_type_unsupported')
  })

  test.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip'])(
    'a body in the encoding %s is 415, so that no small body unpacks into a large one',
    async (encoding) => {
      const bomb = gzipSync(Buffer.alloc(10_000_000))
      const response = await post(bomb.subarray(0, 900), { ...json, 'Content-Encoding': encoding })
      expect(response.headers.get('accept-encoding')).toBe('identity')
      await problemIn(response, 415, 'media_type_unsupported')
    },
  )

  test('the encoding identity is none', async () => {
    expect((await post(ride, { ...json, 'Content-Encoding': 'identity' })).status).toBe(200)
  })

  test.each([{}, json])('no body is 400, with headers %j', async (headers) => {
    const response = await fetch(`${app.url}/predict`, { method: 'POST', headers })
    await problemIn(response, 400, 'body_missing')
  })

  test('an empty body in chunks is 400', async () => {
    const wire = new Wire(app.port)
    const head = predictHead(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked')
    wire.send(`${head}0\r\n\r\n`)
    expect(await wire.until('body_missing')).toMatch(/^HTTP\/1.1 400 /)
    wire.socket.destroy()
  })

  test('a body as large as the limit is read, one byte more is 413', async () => {
    const fitting = ride.padEnd(1000)
    expect((await post(fitting)).status).toBe(200)
    const body = await problemIn(await post(`${fitting} `), 413, 'body_too_large')
    expect(body.detail).toContain('1000 bytes')
  })

  test('a body announced as too large is refused before it comes, and the connection stays', async () => {
    const wire = new Wire(app.port)
    wire.send(predictHead(5_000_000))
    expect(await wire.until('body_too_large')).toMatch(/^HTTP\/1.1 413 /)
    // The client may go on sending it, and ask again.
    wire.send(' '.repeat(5_000_000))
    wire.send(`${predictHead(ride.length)}${ride}`)
    expect(await wire.until('"duration":16')).toContain('HTTP/1.1 200 OK')
    wire.socket.destroy()
  })

  test('a body in chunks is refused at the first that is too many', async () => {
    const wire = new Wire(app.port)
    wire.send(predictHead(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked'))
    wire.send(`3e8\r\n${' '.repeat(1000)}\r\n`)
    wire.send('1\r\n \r\n')
    // No last chunk was sent: the answer does not wait for it.
    expect(await wire.until('body_too_large')).toMatch(/^HTTP\/1.1 413 /)
    wire.socket.destroy()
  })

  test('a body that comes byte by byte is put together', async () => {
    const text = ride.replace('{', '{"note":"Zürich",')
    const bytes = Buffer.from(text)
    const answer = await new Promise<string>((resolve, reject) => {
      const asked = httpRequest(`${app.url}/predict`, { method: 'POST', headers: json })
      asked.on('error', reject).on('response', (response) => {
        let body = ''
        response.on('data', (data) => {
          body += data
        })
        response.on('end', () => resolve(body))
      })
      for (const byte of bytes) asked.write(Buffer.of(byte))
      asked.end()
    })
    expect(JSON.parse(answer)).toMatchObject({ duration: 16 })
  })
})

describe('addresses and methods', () => {
  test.each(['/nowhere', '/predict/1', '/model/../x', '/%2Fmodel', '/modelé'])(
    '%s is not there: 404',
    async (path) => {
      await problemIn(await fetch(`${app.url}${path}`), 404, 'route_unknown')
    },
  )

  test.each(['/%zz', '/predict%', '/model?name=%ff', '/%c3%28'])(
    '%s has broken percent-encoding: 400',
    async (path) => {
      await problemIn(await fetch(`${app.url}${path}`), 400, 'request_malformed')
    },
  )

  test.each([
    ['GET', '/predict', 'POST, OPTIONS'],
    ['PUT', '/predict', 'POST, OPTIONS'],
    ['DELETE', '/model', 'GET, HEAD, OPTIONS'],
    ['POST', '/health/live', 'GET, HEAD, OPTIONS'],
    ['POST', '/health/ready', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/', 'GET, HEAD, OPTIONS'],
  ])('%s %s is 405 and names %s', async (method, path, allow) => {
    const response = await fetch(`${app.url}${path}`, { method })
    expect(response.headers.get('allow')).toBe(allow)
    await problemIn(response, 405, 'method_not_allowed')
  })

  test('OPTIONS names the methods, HEAD answers like GET without a body', async () => {
    const options = await fetch(`${app.url}/predict`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, OPTIONS'])
    const head = await fetch(`${app.url}/model`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each(['http://[', '*', '//', 'http://a/model', '?', '/a\\b', 'nothing'])(
    'the odd target %s gets no 5xx',
    async (target) => {
      const wire = new Wire(app.port)
      wire.send(`GET ${target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`)
      expect(await wire.closed()).toMatch(/^HTTP\/1.1 [24]\d\d /)
    },
  )
})

describe('what is told about the service', () => {
  test('GET / lists the addresses, and each of them answers', async () => {
    const body = (await (await fetch(app.url)).json()) as {
      links: Record<string, { method: string; href: string }>
    }
    const links = Object.values(body.links)
    expect(links.map(({ href }) => href)).toContain('/predict')
    expect(links.length).toBeGreaterThan(5)
    for (const { method, href } of links) {
      const response = await fetch(`${app.url}${href}`, { method })
      expect([200, 400, 415, 422]).toContain(response.status)
    }
  })

  test('GET /model tells name, version, recipe, inputs, measures and training files', async () => {
    const body = (await (await fetch(`${app.url}/model`)).json()) as Record<string, unknown>
    expect(body).toMatchObject({
      name: 'small',
      version: '0123456789ab',
      kind: 'linear',
      taxi: 'green',
      recipe: { name: 'plain', target: { min: 1, max: 60 }, l2: 0 },
      metrics: { train: { rmse: 3.5 }, validation: { rmse: 3.5 }, baseline: { rmse: 12 } },
      trained_on: [{ month: '2021-01', file: 'green_tripdata_2021-01.parquet', kept: 1000 }],
    })
    expect(body.inputs).toEqual([
      {
        name: 'PULocationID',
        type: 'integer',
        unit: 'taxi zone of the pickup, 1 to 265',
        required: true,
        assumable: false,
      },
      expect.objectContaining({ name: 'DOLocationID', required: true }),
      expect.objectContaining({
        name: 'trip_distance',
        type: 'number',
        unit: 'miles',
        required: false,
        assumable: true,
      }),
      expect.objectContaining({ name: 'pickup_datetime', required: false, assumable: false }),
    ])
  })

  test('GET /model tells what another model needs', async () => {
    const other = await listening(hoursAndPassengers)
    const { inputs } = (await (await fetch(`${other.url}/model`)).json()) as {
      inputs: { name: string; required: boolean; assumable: boolean }[]
    }
    expect(inputs.filter((field) => field.required).map(({ name }) => name)).toEqual([
      'PULocationID',
      'DOLocationID',
      'VendorID',
      'passenger_count',
    ])
    expect(inputs.filter((field) => field.assumable).map(({ name }) => name)).toEqual([
      'pickup_datetime',
    ])
    await other.close()
  })

  test('live and ready answer 200', async () => {
    const live = await fetch(`${app.url}/health/live`)
    expect([live.status, await live.json()]).toEqual([200, { status: 'live' }])
    const ready = await fetch(`${app.url}/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 'ready', model: 'small', model_version: '0123456789ab' },
    ])
  })

  test('no answer says what it runs on, may be stored, or be taken for something else', async () => {
    for (const response of [await post(ride), await post('{'), await fetch(app.url)]) {
      expect(response.headers.get('x-powered-by')).toBeNull()
      expect(response.headers.get('etag')).toBeNull()
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
})

describe('without a model', () => {
  let empty: Listening
  beforeEach(async () => {
    empty = await listening()
  })
  afterEach(() => empty.close())

  test('it lives, but is not ready, and says 503 to rides, right or wrong', async () => {
    expect((await fetch(`${empty.url}/health/live`)).status).toBe(200)
    await problemIn(await fetch(`${empty.url}/health/ready`), 503, 'not_ready')
    await problemIn(await fetch(`${empty.url}/model`), 503, 'not_ready')
    for (const body of [ride, '{']) {
      const asked = { method: 'POST', headers: json, body }
      await problemIn(await fetch(`${empty.url}/predict`, asked), 503, 'not_ready')
    }
  })

  test('it is ready once a model has come, and not any more when it drains', async () => {
    empty.state.model = app.state.model
    expect((await fetch(`${empty.url}/health/ready`)).status).toBe(200)
    empty.state.draining = true
    await problemIn(await fetch(`${empty.url}/health/ready`), 503, 'not_ready')
    expect((await fetch(`${empty.url}/health/live`)).status).toBe(200)
    const asked = { method: 'POST', headers: json, body: ride }
    expect((await fetch(`${empty.url}/predict`, asked)).status).toBe(200)
  })

  test('what nobody has foreseen is a 500 without details, and its stack is in the log', async () => {
    const model = app.state.model as ServedModel
    const predict = (): never => {
      throw new TypeError('secret of the house')
    }
    empty.state.model = { ...model, predictor: { ...model.predictor, predict } }
    const asked = { method: 'POST', headers: json, body: ride }
    const body = await problemIn(await fetch(`${empty.url}/predict`, asked), 500, 'internal')
    expect(JSON.stringify(body)).not.toContain('secret')
    const line = await empty.log.find(({ event }) => event === 'request failed')
    expect(line).toMatchObject({ level: 'error', error: { message: 'secret of the house' } })
    expect((line.error as { stack: string }).stack).toContain('app.test.ts')
  })
})

describe('the log', () => {
  let own: Listening
  beforeEach(async () => {
    own = await listening(zonesAndDistance)
  })
  afterEach(() => own.close())

  test('has one line a request, without bodies and values of the query', async () => {
    const asked = { method: 'POST', headers: json, body: ride }
    await fetch(`${own.url}/predict?explain=true&key=geheim`, asked)
    const line = await own.log.find(({ event }) => event === 'request')
    expect(line).toEqual({
      level: 'debug',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      name: 'serve',
      event: 'request',
      method: 'POST',
      path: '/predict',
      status: 200,
      ms: expect.any(Number),
      model_version: '0123456789ab',
    })
    await fetch(`${own.url}/${'x'.repeat(3000)}`)
    const second = await own.log.find(({ status }) => status === 404)
    expect(second.path).toBe(`/${'x'.repeat(199)}`)
    expect(own.log.lines.length).toBe(2)
    expect(JSON.stringify(own.log.lines)).not.toContain('geheim')
  })

  test('tells a client that went away from an error', async () => {
    const wire = new Wire(own.port)
    wire.send(predictHead(100, ['Expect: 100-continue']))
    await wire.until('100 Continue')
    wire.socket.destroy()
    const line = await own.log.find(({ event }) => event === 'request')
    expect(line).toMatchObject({ level: 'info', method: 'POST', path: '/predict', aborted: true })
    expect(own.log.lines.length).toBe(1)
  })
})

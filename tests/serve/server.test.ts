import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
} from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { isRidecastError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { openRegistry } from '../../src/registry.ts'
import { parsePredictionName } from '../../src/serve/prediction-id.ts'
import { type Patience, type RunningServer, startServer } from '../../src/serve/server.ts'
import { LogLines, predictHead, Wire } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const ride = JSON.stringify({ PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 })
let models: string
let version: string

beforeAll(async () => {
  models = mkdtempSync(join(tmpdir(), 'ridecast-serve-'))
  const registry = openRegistry(models)
  ;({ version } = await registry.save('green-duration', zonesAndDistance))
  await registry.promote('green-duration', version)
})
afterAll(() => rmSync(models, { recursive: true, force: true }))

async function start(
  patience: Partial<Patience> = {},
  settings: Record<string, string> = {},
): Promise<RunningServer & { port: number; log: LogLines }> {
  const log = new LogLines()
  const config = readConfig({ RIDECAST_PORT: '0', RIDECAST_MODELS: models, ...settings })
  const registry = openRegistry(config.models)
  const server = await startServer(config, registry, createLog('serve', 'debug', log), patience)
  return { ...server, port: Number(new URL(server.url).port), log }
}

/** The code of the error that starting with these settings ends in, and its message. */
async function failure(settings: Record<string, string>): Promise<[string, string]> {
  try {
    await (await start({}, settings)).stop()
  } catch (error) {
    if (isRidecastError(error)) return [error.code, error.message]
    throw error
  }
  throw new Error('expected the server not to start')
}

/** A connection with a request in flight: its head has been read, its body is still to come. */
async function inFlight(port: number): Promise<Wire> {
  const wire = new Wire(port)
  wire.send(predictHead(ride.length, ['Expect: 100-continue']))
  await wire.until('100 Continue\r\n\r\n')
  wire.received = ''
  return wire
}

/** A connection that has had an answer and is kept. */
async function kept(port: number): Promise<Wire> {
  const wire = new Wire(port)
  wire.send('GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n')
  expect(await wire.until('"ready"')).toMatch(/^HTTP\/1.1 200 /)
  wire.received = ''
  return wire
}

describe('starting', () => {
  test('loads the champion, says where it is, and is ready', async () => {
    const server = await start()
    expect(server.log.lines[0]).toMatchObject({
      event: 'listening',
      url: server.url,
      model: 'green-duration',
      after_ms: expect.any(Number),
      model_version: version,
    })
    const ready = await fetch(`${server.url}/health/ready`)
    expect(await ready.json()).toMatchObject({ status: 'ready', model_version: version })
    const answer = await fetch(`${server.url}/predict`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: ride,
    })
    expect(await answer.json()).toEqual({ duration: 16, model_version: version })
    expect(await server.stop()).toBe(0)
  })

  test('says which port is taken', async () => {
    const server = await start()
    const [code, message] = await failure({ RIDECAST_PORT: String(server.port) })
    expect(code).toBe('server_port_busy')
    expect(message).toContain(`port ${server.port} of 127.0.0.1`)
    await server.stop()
  })

  test('says that a host is not one of this machine', async () => {
    // 192.0.2.1 is set aside for documentation: no machine has it.
    const [code, message] = await failure({ RIDECAST_HOST: '192.0.2.1' })
    expect(code).toBe('config_invalid')
    expect(message).toContain('192.0.2.1')
  })

  test('says what to run when there is no model', async () => {
    const empty = join(models, 'nothing', 'here')
    const [code, message] = await failure({ RIDECAST_MODELS: empty })
    expect(code).toBe('model_not_found')
    expect(message).toContain('npm run train -- 2021-01')
  })

  test('refuses a damaged version', async () => {
    const registry = openRegistry(models)
    const { path } = await registry.save('damaged', { ...zonesAndDistance, metrics: { own: 1 } })
    appendFileSync(join(path, 'profile.json'), ' ')
    const [code] = await failure({ RIDECAST_MODEL: path })
    expect(code).toBe('artifact_corrupt')
  })

  test.each([
    ['profile', { ...zonesAndDistance, profile: { rides: 'many' } }],
    ['model', { ...zonesAndDistance, model: { format_version: 1, kind: 'oracle' } }],
  ])('refuses a version whose %s has another shape', async (name, documents) => {
    const { path } = await openRegistry(models).save('misshapen', documents)
    const [code, message] = await failure({ RIDECAST_MODEL: path })
    expect(code).toBe('artifact_corrupt')
    expect(message).toContain(`${name}.json`)
  })
})

describe('stopping', () => {
  test('finishes the request in flight, and its connection closes after the answer', async () => {
    const server = await start()
    const wire = await inFlight(server.port)
    const stopped = server.stop()
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow()
    wire.send(ride)
    const answer = await wire.closed()
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(answer).toMatch(/\r\nConnection: close\r\n/i)
    expect(answer).toContain('"duration":16')
    expect(await stopped).toBe(0)
    expect(await server.stop()).toBe(0)
  })

  test('is not ready at once, and answers what is on its way on an idle connection', async () => {
    const server = await start({ graceMs: 60_000 })
    const [asking, predicting] = [await kept(server.port), await kept(server.port)]
    const stopped = server.stop()
    asking.send('GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n')
    const ready = await asking.closed()
    expect(ready).toMatch(/^HTTP\/1.1 503 /)
    expect(ready).toMatch(/\r\nConnection: close\r\n/i)
    predicting.send(`${predictHead(ride.length)}${ride}`)
    expect(await predicting.closed()).toContain('"duration":16')
    expect(await stopped).toBe(0)
  })

  test('closes connections on which nothing comes', async () => {
    const server = await start({ graceMs: 10 })
    const idle = await kept(server.port)
    const fresh = new Wire(server.port)
    const half = new Wire(server.port)
    half.send('POST /predict HTTP/1.1\r\nHost: te')
    // The three are there for the server once it has answered another.
    await (await kept(server.port)).socket.destroy()
    expect(await server.stop()).toBe(0)
    for (const wire of [idle, fresh, half]) expect(await wire.closed()).toBe('')
  })

  test('cuts off at the deadline what is still in flight, and says how much', async () => {
    const server = await start({}, { RIDECAST_SHUTDOWN_SECONDS: '0' })
    const wires = [await inFlight(server.port), await inFlight(server.port)]
    expect(await server.stop()).toBe(2)
    for (const wire of wires) expect(await wire.closed()).toBe('')
  })

  test('does not wait for ever for a disk that takes no line', async () => {
    const state = mkdtempSync(join(tmpdir(), 'ridecast-state-'))
    const server = await start({ closeMs: 100 }, { RIDECAST_STATE: state })
    const asked = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: ride }
    const { headers } = await fetch(`${server.url}/predict`, asked)
    const name = parsePredictionName(headers.get('ridecast-prediction-id') as string)
    // Who opens a pipe to write waits until somebody reads.
    const folder = join(state, 'predictions', name?.day as string)
    mkdirSync(folder, { recursive: true })
    const pipe = join(folder, `${name?.process}.ndjson`)
    execFileSync('mkfifo', [pipe])
    expect(await server.stop()).toBe(0)
    expect(server.log.lines.at(-1)).toMatchObject({ level: 'error', folder: state })
    const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
    await setTimeout(100)
    closeSync(reader)
    rmSync(state, { recursive: true })
  })

  test('drops no request of clients that keep asking', async () => {
    const server = await start()
    let answered = 0
    let stopped: Promise<number> | undefined
    const failures: string[] = []
    const client = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (;;) {
        try {
          const response = await new Promise<IncomingMessage>((resolve, reject) => {
            const asked = request(`${server.url}/predict`, {
              method: 'POST',
              headers: { 'Content-Type': 'application/json' },
              agent,
            })
            asked.on('error', reject).on('response', resolve).end(ride)
          })
          for await (const _ of response);
          if (response.statusCode !== 200) failures.push(String(response.statusCode))
          answered++
          if (answered === 500) stopped = server.stop()
        } catch (error) {
          // A new connection is refused: the client knows that nothing was begun.
          const { code, message } = error as NodeJS.ErrnoException
          if (code !== 'ECONNREFUSED') failures.push(`${code} ${message}`)
          agent.destroy()
          return
        }
      }
    }
    await Promise.all(Array.from({ length: 16 }, client))
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThanOrEqual(500)
    expect(await stopped).toBe(0)
  })
})

describe('slow and broken clients', () => {
  const impatient = { headersMs: 40, requestMs: 80, checkMs: 10 }

  test('headers that do not end are 408', async () => {
    const server = await start(impatient)
    const wire = new Wire(server.port)
    wire.send('POST /predict HTTP/1.1\r\nHost: te')
    const answer = await wire.closed()
    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
    expect(answer).toContain('Content-Type: application/problem+json')
    expect(answer).toContain('"code":"request_timeout"')
    await server.stop()
  })

  test('a body that does not end is 408, in the log too', async () => {
    const server = await start(impatient)
    const wire = new Wire(server.port)
    wire.send(predictHead(ride.length) + ride.slice(0, 10))
    const answer = await wire.closed()
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer).toContain('"code":"request_timeout"')
    const line = await server.log.find(({ event }) => event === 'request')
    expect(line).toMatchObject({ status: 408, path: '/predict' })
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
    await server.stop()
  })

  test('arrays in arrays as deep as the default limit allows are a fault of the body', async () => {
    const server = await start()
    const deep = `${'['.repeat(32_000)}${']'.repeat(32_000)}`
    for (const body of [deep, `{"PULocationID":${deep}}`]) {
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`${server.url}/predict`, { method: 'POST', headers, body })
      expect(answer.status).toBe(422)
    }
    await server.stop()
  })

  const chunked = predictHead(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked')
  test.each([
    { what: 'no HTTP', text: 'hello\r\n\r\n', status: 400, code: 'request_malformed' },
    {
      what: 'headers beyond 16 KiB',
      text: `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      status: 431,
      code: 'headers_too_large',
    },
    {
      what: 'a chunk of no length',
      text: `${chunked}zz\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      what: 'two lengths',
      text: predictHead(5, ['Content-Length: 6']),
      status: 400,
      code: 'request_malformed',
    },
  ])('$what: $status', async ({ text, status, code }) => {
    const server = await start()
    const wire = new Wire(server.port)
    wire.send(text)
    const answer = await wire.closed()
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain(`"code":"${code}"`)
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    await server.stop()
  })
})

/** POST /predict has two ways: straight, and by way of Express. Nobody may be able to tell them apart. */

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, listening, predictHead, Wire } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const token = 'a token'
const digest = '4ff8e8bfb99a5bcdd0bdbc60abbd9ff92a41cf51e3ed32c5b9ae6d9e5a0d6a4e'
let app: Listening
let byExpress: Server

beforeAll(async () => {
  app = await listening(zonesAndDistance, {
    RIDECAST_CORS_ORIGINS: 'https://rides.example',
    RIDECAST_RATE_LIMIT: '100000',
  })
  byExpress = createServer(app.service.express).listen(0, '127.0.0.1')
  await once(byExpress, 'listening')
})
afterAll(async () => {
  byExpress.close()
  byExpress.closeAllConnections()
  await app.close()
})

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  text: string
}

function ask(port: number, query: string, headers: object, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: `/predict${query}`,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
    })
    asked.on('error', reject).on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data) => {
        text += data
      })
      const { statusCode: status, headers: told } = response
      response.on('end', () => resolve({ status, headers: told, text }))
    })
    asked.end(body)
  })
}

/** What may differ between two answers to the same request. */
function comparable({ status, headers, text }: Answer): object {
  const { date: _date, ratelimit: _ratelimit, ...rest } = headers
  const id = rest['ridecast-prediction-id']
  return { status, headers: { ...rest, 'ridecast-prediction-id': typeof id }, text }
}

const ride = '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.5}'

test.each([
  ['a ride', '', {}, ride, 200],
  ['a ride with a charset', '', { 'Content-Type': 'application/json; charset=utf-8' }, ride, 200],
  ['a ride with reasons', '?explain=true', {}, ride, 200],
  ['a ride with a key', '', { 'Ridecast-Key': 'k' }, ride, 200],
  ['a page of another origin', '', { Origin: 'https://rides.example' }, ride, 200],
  ['a stranger’s page', '', { Origin: 'https://other.example' }, ride, 200],
  ['faults of the body', '', {}, '{"PULocationID":999}', 422],
  ['faults of body and query', '?explain=maybe&interval=2', {}, '{}', 422],
  ['no JSON', '', {}, '{', 400],
  ['no body', '', {}, '', 400],
  ['another type', '', { 'Content-Type': 'text/plain' }, ride, 415],
  ['a compressed body', '', { 'Content-Encoding': 'gzip' }, ride, 415],
  ['a body that is too large', '', {}, `${ride}${' '.repeat(1000)}`, 413],
  ['broken percent-encoding', '?explain=%zz', {}, ride, 400],
  ['a client that has stopped waiting', '', { 'Ridecast-Timeout-Ms': '0' }, ride, 504],
  ['faults of a client that has stopped waiting', '', { 'Ridecast-Timeout-Ms': '0' }, '{}', 422],
  ['a deadline that is none', '', { 'Ridecast-Timeout-Ms': 'soon' }, ride, 400],
])('%s is answered the same both ways', async (_what, query, headers, body, status) => {
  const straight = await ask(app.port, query, headers, body)
  const { port } = byExpress.address() as AddressInfo
  expect(comparable(straight)).toEqual(comparable(await ask(port, query, headers, body)))
  expect(straight.status).toBe(status)
})

// A body that comes with its head is read at once; one that does not is waited for.
const head = predictHead(ride.length, ['Connection: close'])
test.each([
  ['with its head', [head + ride]],
  ['after its head', [head, ride]],
  ['in part with its head', [head + ride.slice(0, 12), ride.slice(12)]],
  ['byte by byte', [head, ...ride]],
])('a body that comes %s is answered both ways', async (_when, parts) => {
  for (const port of [app.port, (byExpress.address() as AddressInfo).port]) {
    const wire = new Wire(port)
    await once(wire.socket, 'connect')
    for (const part of parts) {
      wire.send(part)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await wire.closed()).toMatch(/^HTTP\/1\.1 200 .*"model_version":"0123456789ab"\}$/s)
  }
})

test('requests that come together are answered one by one, whatever comes after them', async () => {
  const next = predictHead(ride.length)
  const wire = new Wire(app.port)
  await once(wire.socket, 'connect')
  wire.send(`${next}${ride}${next}${ride}${next}{"no":"ride"}${' '.repeat(ride.length - 13)}`)
  wire.send(`${head}${ride}`)
  const statuses = [...(await wire.closed()).matchAll(/HTTP\/1\.1 (\d+)/g)].map(
    ([, found]) => found,
  )
  expect(statuses).toEqual(['200', '200', '422', '200'])
})

test('with tokens, both ways ask for one', async () => {
  const guarded = await listening(zonesAndDistance, { RIDECAST_TOKENS_SHA256: digest })
  const other = createServer(guarded.service.express).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const ports = [guarded.port, (other.address() as AddressInfo).port]
  for (const port of ports) {
    expect((await ask(port, '', {}, ride)).status).toBe(401)
    expect((await ask(port, '', { Authorization: `Bearer ${token}x` }, ride)).status).toBe(401)
  }
  other.close()
  other.closeAllConnections()
  await guarded.close()
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { isRidecastError, messageOf } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { openRegistry } from '../../src/registry.ts'
import { type RunningServer, startServer } from '../../src/serve/server.ts'
import { root } from '../command-line.ts'
import { LogLines } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const golden = join(root, 'tests', 'golden', 'tls')
const ride = '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.5}'
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-tls-'))
  const registry = openRegistry(join(folder, 'models'))
  const { version } = await registry.save('small', zonesAndDistance)
  await registry.promote('small', version)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (cert: string, key: string): Promise<RunningServer> =>
  startServer(
    readConfig({
      RIDECAST_PORT: '0',
      RIDECAST_MODEL: 'small',
      RIDECAST_STATE: join(folder, 'state'),
      RIDECAST_TLS_CERT: cert,
      RIDECAST_TLS_KEY: key,
    }),
    openRegistry(join(folder, 'models')),
    createLog('serve', 'info', new LogLines()),
    { graceMs: 50 },
  )

function predict(
  url: string,
): Promise<{ status: number | undefined; hsts: unknown; text: string }> {
  const ca = readFileSync(join(golden, 'cert.pem'))
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' }
    const asked = request(`${url}/predict`, { method: 'POST', ca, headers, agent: false })
    asked.on('error', reject).on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data) => {
        text += data
      })
      const hsts = response.headers['strict-transport-security']
      response.on('end', () => resolve({ status: response.statusCode, hsts, text }))
    })
    asked.end(ride)
  })
}

describe('with a certificate', () => {
  test('answers over TLS, drains a request in flight, and closes', async () => {
    const server = await start(join(golden, 'cert.pem'), join(golden, 'key.pem'))
    expect(server.url).toMatch(/^https:/)
    expect(await predict(server.url)).toMatchObject({
      status: 200,
      text: expect.stringContaining('"duration":16'),
    })
    const { hostname, port } = new URL(server.url)
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
    let received = ''
    const ended = new Promise<void>((done) => socket.once('close', () => done()))
    socket.on('data', (data) => {
      received += data.toString('latin1')
    })
    const head = `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${ride.length}\r\nExpect: 100-continue\r\n\r\n`
    socket.write(head)
    await expect.poll(() => received).toContain('100 Continue')
    const stopped = server.stop()
    socket.write(ride)
    expect(await stopped).toBe(0)
    await ended
    expect(received).toContain('"duration":16')
  })

  test.each([
    [
      'a certificate that is not there',
      'nowhere.pem',
      'key.pem',
      /TLS certificate .*nowhere\.pem cannot be read/,
    ],
    ['a key that is a certificate', 'cert.pem', 'cert.pem', /do not fit together or are no PEM/],
  ])('%s is named', async (_what, cert, key, message) => {
    const failure = await start(join(golden, cert), join(golden, key)).catch((error) => error)
    expect(isRidecastError(failure, 'config_invalid')).toBe(true)
    expect(messageOf(failure)).toMatch(message)
  })

  test('a certificate without its key is refused by the settings', () => {
    expect(() => readConfig({ RIDECAST_TLS_CERT: 'a.pem' })).toThrow(/needs --tls-key/)
  })
})

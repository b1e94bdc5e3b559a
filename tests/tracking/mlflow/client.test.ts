/** Requests to a server that answers as it likes. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect as connectTo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  type ClientEffects,
  type MlflowClient,
  mlflowClient,
} from '../../../src/tracking/mlflow/client.ts'
import { type MlflowEnvironment, mlflowSettings } from '../../../src/tracking/mlflow/settings.ts'
import { makeCertificate } from './certificate.ts'

type Answer = (incoming: IncomingMessage, outgoing: ServerResponse, index: number) => void

interface Local {
  url: string
  seen: IncomingMessage[]
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function serve(answer: Answer): Promise<Local> {
  const seen: IncomingMessage[] = []
  const port = await listen(
    createServer((incoming, outgoing) => {
      answer(incoming, outgoing, seen.push(incoming) - 1)
    }),
  )
  return { url: `http://127.0.0.1:${port}`, seen }
}

/** A client that waits for nothing, and how long it would have waited. */
function connect(
  url: string,
  environment: MlflowEnvironment = {},
): { client: MlflowClient; waits: number[] } {
  const waits: number[] = []
  const effects: ClientEffects = { wait: async (ms) => waits.push(ms), random: () => 0.5 }
  const client = mlflowClient(mlflowSettings(url, environment), effects)
  closing.push(() => client.close())
  return { client, waits }
}

const ok = (outgoing: ServerResponse, body = '{}'): void => {
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(body)
}

/** What a request is rejected with. */
async function errorOf(request: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return request.then(
    () => expect.unreachable('the request was answered'),
    (error) => error,
  )
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

describe('what is sent', () => {
  it('names its user, its workspace and itself, and repeats a value of a query', async () => {
    const { url, seen } = await serve((_, outgoing) => ok(outgoing, '{"a":1}'))
    const { client } = connect(url.replace('//', '//ann:p%40ss@'), { MLFLOW_WORKSPACE: 'team' })
    const query = { path: 'a b/ü', many: ['1', '2'], none: undefined }
    expect(await client.get('/api/x', query)).toEqual({ a: 1 })
    expect(seen[0]?.url).toBe('/api/x?path=a+b%2F%C3%BC&many=1&many=2')
    expect(seen[0]?.headers).toMatchObject({
      // RFC 7617: base64 of "ann:p@ss".
      authorization: 'Basic YW5uOnBAc3M=',
      'x-mlflow-workspace': 'team',
      'user-agent': expect.stringMatching(/^ridecast\/\d/),
    })
  })

  it('keeps the path that the address of the server has', async () => {
    const { url, seen } = await serve((_, outgoing) => ok(outgoing))
    const { client } = connect(`${url}/mlflow/`)
    await client.get('/api/x')
    expect(seen[0]?.url).toBe('/mlflow/api/x')
  })

  it.each([
    ['bytes', Buffer.alloc(700_000, 'x')],
    ['nothing', Buffer.alloc(0)],
  ])('streams %s with their length, the same after an attempt that failed', async (_, content) => {
    const received: Buffer[] = []
    const { url, seen } = await serve(async (incoming, outgoing, index) => {
      received.push(await bodyOf(incoming))
      outgoing.writeHead(index === 0 ? 503 : 200).end()
    })
    const { client } = connect(url)
    await client.upload('/a', content)
    expect(received.map((bytes) => bytes.equals(content))).toEqual([true, true])
    expect(seen[1]?.headers['content-length']).toBe(String(content.byteLength))
  })

  it('reads an upload no faster than the server takes it', async () => {
    let free: () => void = () => {}
    const isFree = new Promise<void>((resolve) => {
      free = resolve
    })
    const { url } = await serve(async (incoming, outgoing) => {
      await isFree
      await bodyOf(incoming)
      ok(outgoing)
    })
    const { client } = connect(url)
    const piece = Buffer.alloc(1024 * 1024)
    let read = 0
    const uploading = client.upload('/a', {
      bytes: 200 * piece.length,
      async *open() {
        for (; read < 200; read++) yield piece
      },
    })
    // Buffers of sockets hold a few megabytes; the source must stop soon after they are full.
    let before = -1
    while (before !== read) {
      before = read
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(read).toBeLessThan(100)
    free()
    await uploading
    expect(read).toBe(200)
  })
})

describe('attempts', () => {
  it.each([408, 429, 500, 502, 503, 504])(
    'repeats a request that was answered %d, after longer and longer waits',
    async (status) => {
      const { url, seen } = await serve((_, outgoing, index) => {
        if (index < 3) outgoing.writeHead(status).end()
        else ok(outgoing)
      })
      const { client, waits } = connect(url)
      await client.send('POST', '/a', {})
      expect(seen.length).toBe(4)
      // The default first wait is 250 ms, doubled each time.
      expect(waits).toEqual([250, 500, 1000])
    },
  )

  it.each([400, 404, 409, 413, 501])('does not repeat one that was answered %d', async (status) => {
    const { url, seen } = await serve((_, outgoing) => outgoing.writeHead(status).end('no'))
    const error = await errorOf(connect(url).client.get('/a'))
    expect(error).toMatchObject({ code: 'tracking_refused', outcomeUnknown: false })
    expect(seen.length).toBe(1)
  })

  it('waits as long as the server asks, within a minute', async () => {
    const asked = ['7', '0', '86400', 'Wed, 21 Oct 2015 07:28:00 GMT', '-1']
    const { url } = await serve((_, outgoing, index) => {
      const after = asked[index]
      if (after === undefined) ok(outgoing)
      else outgoing.writeHead(429, { 'retry-after': after }).end()
    })
    const { client, waits } = connect(url)
    await client.get('/a')
    // What is no number of seconds is passed over: the usual waits of the 4th and 5th attempt.
    expect(waits).toEqual([7000, 0, 60_000, 2000, 4000])
  })

  it('gives up after as many attempts as it was told, with the words of the server', async () => {
    const body = JSON.stringify({ error_code: 'INTERNAL_ERROR', message: 'database\n is locked' })
    const { url, seen } = await serve((_, outgoing) => outgoing.writeHead(500).end(body))
    const { client } = connect(url, { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '2' })
    expect(await errorOf(client.get('/a/b'))).toMatchObject({
      code: 'tracking_failed',
      reason: 'INTERNAL_ERROR',
      message: `MLflow server ${url} answered 500 to GET /a/b: database is locked, 3 times in a row`,
    })
    expect(seen.length).toBe(3)
  })

  it.each([
    ['lost', 'tracking_unreachable'],
    ['500', 'tracking_failed'],
  ])('does not make a thing twice whose answer was %s', async (fate, code) => {
    const { url, seen } = await serve((incoming, outgoing) => {
      if (fate === 'lost') incoming.destroy()
      else outgoing.writeHead(500).end()
    })
    const sent = connect(url).client.send('POST', '/a', {}, { repeatable: false })
    expect(await errorOf(sent)).toMatchObject({ code, outcomeUnknown: true })
    expect(seen.length).toBe(1)
  })

  it('repeats even the making of a thing where nothing can have been made', async () => {
    const { url, seen } = await serve((_, outgoing, index) => {
      if (index === 0) outgoing.writeHead(503).end()
      else ok(outgoing)
    })
    await connect(url).client.send('POST', '/a', {}, { repeatable: false })
    expect(seen.length).toBe(2)
  })

  it('goes on after connections that broke', async () => {
    const { url, seen } = await serve((incoming, outgoing, index) => {
      if (index < 2) incoming.destroy()
      else ok(outgoing, '{"done":true}')
    })
    expect(await connect(url).client.get('/a')).toEqual({ done: true })
    expect(seen.length).toBe(3)
  })

  it('says that nobody is there', async () => {
    const server = createServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    const { client, waits } = connect(`http://127.0.0.1:${port}`)
    const error = await errorOf(client.send('POST', '/a', {}, { repeatable: false }))
    expect(error).toMatchObject({ code: 'tracking_unreachable', outcomeUnknown: false })
    expect(error.message).toContain('did not answer POST /a, 6 times: connect ECONNREFUSED')
    expect(waits.length).toBe(5)
  })

  it('ends with its signal, without another attempt', async () => {
    const abort = new AbortController()
    const { url, seen } = await serve(() => abort.abort())
    const sent = connect(url).client.send('POST', '/a', {}, { signal: abort.signal })
    expect(await errorOf(sent)).toMatchObject({ code: 'tracking_unreachable' })
    expect(seen.length).toBe(1)
  })
})

describe('uploads that break', () => {
  it('sends everything again when the connection is lost in the middle', async () => {
    const content = Buffer.alloc(3_000_000, 'abc')
    let received: Buffer | undefined
    const { url } = await serve(async (incoming, outgoing, index) => {
      if (index === 0) {
        incoming.once('data', () => incoming.destroy())
        return
      }
      received = await bodyOf(incoming)
      ok(outgoing)
    })
    await connect(url).client.upload('/a', content)
    expect(received?.equals(content)).toBe(true)
  })

  it.each([
    [401, 'tracking_unauthorized'],
    [413, 'tracking_refused'],
  ])('tells of a refusal with %d that comes before the end', async (status, code) => {
    const { url } = await serve((incoming, outgoing) => {
      outgoing.writeHead(status).end('not that')
      incoming.resume()
    })
    const error = await errorOf(connect(url).client.upload('/a', Buffer.alloc(20_000_000)))
    expect(error).toMatchObject({ code, message: expect.stringContaining('not that') })
  })

  it.each([
    ['grew', 10, 11],
    ['shrank', 10, 9],
    ['vanished', 10, -1],
  ])('blames a file that %s, not the server', async (_, bytes, found) => {
    const { url, seen } = await serve(async (incoming, outgoing) => {
      incoming.on('error', () => {})
      await bodyOf(incoming).catch(() => {})
      ok(outgoing)
    })
    const sent = connect(url).client.upload('/a.txt', {
      bytes,
      async *open() {
        if (found < 0) throw new Error('ENOENT: no such file')
        yield Buffer.alloc(found)
      },
    })
    expect(await errorOf(sent)).toMatchObject({
      code: 'run_write_refused',
      message: expect.stringContaining(found < 0 ? 'ENOENT' : 'expected 10 bytes'),
    })
    expect(seen.length).toBeLessThan(2)
  })
})

describe('answers', () => {
  it('says what to set when the user is not accepted, and keeps secrets', async () => {
    const { url } = await serve((_, outgoing) => outgoing.writeHead(401).end('who?'))
    const { client } = connect(url, { MLFLOW_TRACKING_TOKEN: 'topsecret' })
    const error = await errorOf(client.get('/a'))
    expect(error.code).toBe('tracking_unauthorized')
    expect(error.message).toContain('MLFLOW_TRACKING_TOKEN')
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('topsecret')
  })

  it('never tells the password of an address', async () => {
    const { url } = await serve((incoming) => incoming.destroy())
    const { client } = connect(url.replace('//', '//ann:topsecret@'))
    expect(client.uri).toBe(url)
    const error = await errorOf(client.get('/a'))
    expect(error.code).toBe('tracking_unreachable')
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('topsecret')
  })

  it('does not follow a redirect, which could lead a password elsewhere', async () => {
    const { url, seen } = await serve((_, outgoing) => {
      outgoing.writeHead(302, { location: 'https://mlflow.example/login' }).end()
    })
    expect(await errorOf(connect(url).client.get('/a'))).toMatchObject({
      code: 'tracking_refused',
      message: expect.stringContaining('redirect to https://mlflow.example/login'),
    })
    expect(seen.length).toBe(1)
  })

  it.each(['<!doctype html><p>hello', '{"a":', '\u0000'])(
    'does not take %j for an answer',
    async (body) => {
      const { url } = await serve((_, outgoing) => ok(outgoing, body))
      expect(await errorOf(connect(url).client.get('/a'))).toMatchObject({
        code: 'tracking_answer',
        message: expect.stringContaining('not JSON'),
      })
    },
  )

  it('takes no answer for an empty one', async () => {
    const { url } = await serve((_, outgoing) => outgoing.writeHead(204).end())
    expect(await connect(url).client.send('DELETE', '/a', {})).toEqual({})
  })

  it('stops reading what is larger than it should be', async () => {
    let isOpen = true
    const { url } = await serve((_, outgoing) => {
      outgoing.on('close', () => {
        isOpen = false
      })
      const more = (): void => {
        while (isOpen && outgoing.write(Buffer.alloc(65_536)));
        if (isOpen) outgoing.once('drain', more)
      }
      more()
    })
    expect(await errorOf(connect(url).client.download('/a', 1_000_000))).toMatchObject({
      code: 'tracking_answer',
      message: expect.stringContaining('larger than 1000000 bytes'),
    })
    await expect.poll(() => isOpen).toBe(false)
  })

  it('takes the beginning of a refusal that does not end', async () => {
    const { url } = await serve((_, outgoing) => {
      outgoing.writeHead(400).write(`no, ${'because '.repeat(100_000)}`)
    })
    const error = await errorOf(connect(url).client.get('/a'))
    expect(error).toMatchObject({ code: 'tracking_refused' })
    expect(error.message.length).toBeLessThan(1000)
  })

  it.each([
    ['never begins', () => {}],
    ['stops in the middle', (outgoing: ServerResponse) => outgoing.write('{"a":')],
  ])('gives up on an answer that %s', async (_, begin) => {
    const { url, seen } = await serve((__, outgoing) => void begin(outgoing))
    const { client } = connect(url, {
      MLFLOW_HTTP_REQUEST_TIMEOUT: '0.2',
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    })
    expect(await errorOf(client.get('/a'))).toMatchObject({ code: 'tracking_unreachable' })
    expect(seen.length).toBe(2)
  })

  it('gives up on a server that does not take an upload', async () => {
    const { url } = await serve((incoming) => incoming.pause())
    const { client } = connect(url, {
      MLFLOW_HTTP_REQUEST_TIMEOUT: '0.3',
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    })
    const sent = client.upload('/a', Buffer.alloc(50_000_000))
    expect(await errorOf(sent)).toMatchObject({ code: 'tracking_unreachable' })
  })
})

describe('TLS', () => {
  const own = makeCertificate('server')
  const folder = mkdtempSync(join(tmpdir(), 'ridecast-tls-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const save = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  async function serveSecurely(answer: RequestListener, ca?: string): Promise<string> {
    const mutual = ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }
    return `https://127.0.0.1:${await listen(createSecureServer({ ...own, ...mutual }, answer))}`
  }

  it('trusts a certificate that it was given, and none that it was not', async () => {
    const url = await serveSecurely((_, outgoing) => ok(outgoing, '{"safe":true}'))
    const { client: stranger, waits } = connect(url)
    const error = await errorOf(stranger.get('/a'))
    expect(error).toMatchObject({ code: 'tracking_unreachable', outcomeUnknown: false })
    expect(error.message).toContain('MLFLOW_TRACKING_SERVER_CERT_PATH')
    expect(waits).toEqual([])
    const ca = save('ca.pem', own.cert)
    const { client } = connect(url, { MLFLOW_TRACKING_SERVER_CERT_PATH: ca })
    expect(await client.get('/a')).toEqual({ safe: true })
    const other = save('other.pem', makeCertificate('other').cert)
    const { client: misled } = connect(url, { REQUESTS_CA_BUNDLE: other })
    expect(await errorOf(misled.get('/a'))).toMatchObject({ code: 'tracking_unreachable' })
  })

  it('trusts anybody when told so', async () => {
    const url = await serveSecurely((_, outgoing) => ok(outgoing))
    const { client } = connect(url, { MLFLOW_TRACKING_INSECURE_TLS: 'true' })
    expect(await client.get('/a')).toEqual({})
  })

  it('shows its own certificate to a server that asks for one', async () => {
    const mine = makeCertificate('me')
    const url = await serveSecurely((incoming, outgoing) => {
      const { subject } = (incoming.socket as TLSSocket).getPeerCertificate()
      ok(outgoing, JSON.stringify({ name: subject.CN }))
    }, mine.cert)
    const { client } = connect(url, {
      MLFLOW_TRACKING_SERVER_CERT_PATH: save('ca.pem', own.cert),
      MLFLOW_TRACKING_CLIENT_CERT_PATH: save('me.pem', `${mine.cert}${mine.key}`),
    })
    expect(await client.get('/a')).toEqual({ name: 'me' })
  })

  it('says so when the server speaks no TLS', async () => {
    const { url } = await serve((_, outgoing) => ok(outgoing))
    const error = await errorOf(connect(url.replace('http:', 'https:')).client.get('/a'))
    expect(error).toMatchObject({ code: 'tracking_unreachable' })
    expect(error.message).toContain('check the address')
  })
})

describe('proxies', () => {
  it('asks the proxy for hosts elsewhere, and this machine itself', async () => {
    const proxy = await serve((_, outgoing) => ok(outgoing, '{"via":"proxy"}'))
    const environment = { HTTP_PROXY: proxy.url.replace('//', '//ann:pw@') }
    const { client: far } = connect('http://mlflow.example:5000', environment)
    expect(await far.get('/a')).toEqual({ via: 'proxy' })
    expect(proxy.seen[0]?.url).toBe('http://mlflow.example:5000/a')
    // RFC 7617: base64 of "ann:pw".
    expect(proxy.seen[0]?.headers['proxy-authorization']).toBe('Basic YW5uOnB3')
    const direct = await serve((_, outgoing) => ok(outgoing, '{"via":"nothing"}'))
    const { client: near } = connect(direct.url, environment)
    expect(await near.get('/a')).toEqual({ via: 'nothing' })
  })

  it.each([
    ['mlflow.example', true],
    ['.example', true],
    ['*.example', true],
    ['example', true],
    ['*', true],
    ['other, mlflow.example:5000', true],
    ['mlflow.example:5001', false],
    ['low.example', false],
    ['mlflow.example.org', false],
    ['', false],
  ])('with the exceptions %j mlflow.example:5000 is asked by itself: %s', async (none, direct) => {
    const proxy = await serve((_, outgoing) => ok(outgoing))
    const environment = { HTTP_PROXY: proxy.url, NO_PROXY: none }
    const { client } = connect('http://mlflow.example:5000', {
      ...environment,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    })
    await client.get('/a').catch(() => {})
    expect(proxy.seen.length).toBe(direct ? 0 : 1)
  })

  /** A proxy that answers CONNECT as it is told. */
  async function tunnel(connected: (socket: Duplex) => void): Promise<string> {
    const server = createServer()
    server.on('connect', (_, socket) => {
      socket.on('error', () => {})
      closing.push(() => socket.destroy())
      connected(socket)
    })
    return `http://127.0.0.1:${await listen(server)}`
  }

  it('asks for https through a tunnel, and trusts what it was told to trust', async () => {
    const own = makeCertificate('server')
    const port = await listen(createSecureServer(own, (_, outgoing) => ok(outgoing, '{"a":1}')))
    const proxy = await tunnel((socket) => {
      const onwards = connectTo(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        socket.pipe(onwards).pipe(socket)
      })
      onwards.on('error', () => {})
    })
    // Any address that is not excepted; the proxy leads to ours whatever it is asked for.
    const settings = mlflowSettings('https://127.0.0.2', { HTTPS_PROXY: proxy })
    const tls = { ...settings.tls, ca: own.cert }
    const client = mlflowClient({ ...settings, retries: 0, tls })
    closing.push(() => client.close())
    // The certificate is that of 127.0.0.1: the name is held to as well.
    expect(await errorOf(client.get('/a'))).toMatchObject({
      code: 'tracking_unreachable',
      message: expect.stringContaining('127.0.0.1'),
    })
    const trusting = mlflowClient({ ...settings, tls: { ...tls, verify: false } })
    closing.push(() => trusting.close())
    expect(await trusting.get('/a')).toEqual({ a: 1 })
  })

  it.each([
    ['refuses', (socket: Duplex) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')],
    ['hangs up on', (socket: Duplex) => socket.destroy()],
    ['never answers', () => {}],
  ])('gives up where a proxy %s the tunnel', async (_, connected) => {
    const { client } = connect('https://mlflow.example', {
      HTTPS_PROXY: await tunnel((socket) => void connected(socket)),
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      MLFLOW_HTTP_REQUEST_TIMEOUT: '0.5',
    })
    expect(await errorOf(client.get('/a'))).toMatchObject({ code: 'tracking_unreachable' })
  })
})

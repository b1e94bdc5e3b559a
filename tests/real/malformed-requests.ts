/** Requests that no client should send, as bytes, and a way to send them. */

import { connect } from 'node:net'
import fc from 'fast-check'
import { rideOf } from './built-server.ts'

/** How long a connection that was sent half a request is given to say something, milliseconds. */
const patienceMs = 300

/** Sends bytes; every status that came back until the connection closed or fell silent. */
export function sendRaw(port: number, bytes: Buffer): Promise<number[]> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(patienceMs, () => socket.destroy())
    socket.on('data', (data) => {
      said += data.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      const lines = said.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)
      resolve([...lines].map(([, status]) => Number(status)))
    })
    socket.write(bytes)
  })
}

const goodRide = JSON.stringify(rideOf(1.5))

/**
 * Requests made to be wrong, in head, headers, encoding or body; some turn out right.
 *
 * @param routes where they go, paths without parameters
 */
export function malformed(
  routes: readonly { method: string; path: string }[],
): fc.Arbitrary<Buffer> {
  const token = fc.string({ unit: 'grapheme-ascii', maxLength: 12 })
  const route = fc.constantFrom(...routes)
  const target = fc.oneof(
    { weight: 6, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.webQueryParameters().map((query) => `?${query}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('%', '%zz', '%00', '/..', '//', '?interval=2', '?explain=7', '#a'),
    },
  )
  const method = fc.oneof(
    { weight: 8, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE') },
    { weight: 1, arbitrary: fc.constantFrom('get', 'POSTT', 'CONNECT', 'PRI', '\u0000', '') },
  )
  const version = fc.oneof(
    { weight: 20, arbitrary: fc.constant('HTTP/1.1') },
    { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/9', 'ICY', '') },
  )
  const type = fc.constantFrom(
    ...['application/json', 'application/json; charset=utf-8', 'application/json; charset=latin1'],
    ...['text/csv', 'application/x-ndjson', 'application/vnd.apache.arrow.stream'],
    ...['application/octet-stream', 'multipart/form-data', '', ';;=', 'text/csv; header=absent'],
  )
  const header = fc.oneof(
    { weight: 4, arbitrary: type.map((value) => `Content-Type: ${value}`) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        ...['Content-Encoding: gzip', 'Content-Encoding: br', 'Content-Encoding: none'],
        ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Content-Length: -1'],
        ...['Content-Length: 99999999999999999999', 'Content-Length: 1e3', 'Expect: 100-continue'],
        ...['Expect: magic', 'Connection: upgrade', 'Upgrade: websocket', 'Host: a', 'Accept: x/y'],
        ...['Ridecast-Timeout-Ms: -1', 'Ridecast-Timeout-Ms: 1e999', 'Ridecast-Timeout-Ms: 0.5'],
        ...['Inference-Header-Content-Length: 7', 'Inference-Header-Content-Length: x'],
        ...[
          'Authorization: Bearer',
          'Authorization: Basic \u00ff',
          'Origin: null',
          'Range: bytes=9-',
        ],
        ...[`Ridecast-Key: ${'k'.repeat(5000)}`, `Cookie: ${'c'.repeat(17_000)}`, ' folded', ': a'],
      ),
    },
    { weight: 1, arbitrary: fc.tuple(token, token).map(([name, value]) => `${name}: ${value}`) },
  )
  const body = fc.oneof(
    { weight: 2, arbitrary: fc.constant(Buffer.from(goodRide)) },
    { weight: 3, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(
          ...['[', '{"inputs":', '{"__proto__":{}}', '"', '[[[[[[', 'null', '{}', '[{}]'],
          ...[
            'PULocationID,DOLocationID\n43,151,1\n"',
            '{"a":1}\n{',
            '\ufeff{}',
            '{"inputs":[{}]}',
          ],
          ...['{"dataframe_split":{"columns":["a"],"data":[[1,2]]}}', '{"instances":[null]}'],
          ...['{"inputs":[{"name":"PULocationID","shape":[-1],"datatype":"INT64","data":[1]}]}'],
          ...[`[${'['.repeat(5000)}`, `{"PULocationID":${'9'.repeat(400)}}`],
        )
        .map((text) => Buffer.from(text)),
    },
    { weight: 1, arbitrary: fc.nat(3).map((more) => Buffer.alloc(65_535 + more, '[')) },
  )
  const length = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -20, max: 20 }) },
  )
  const message = fc
    .record({
      ...{ route, target, method, version, body, length, type },
      headers: fc.array(header, { maxLength: 4 }),
      host: fc.integer({ min: 0, max: 19 }),
    })
    .map((one) => {
      const head = [
        `${one.method || one.route.method} ${one.route.path}${one.target} ${one.version}`.trimEnd(),
        ...(one.host === 0 ? [] : ['Host: test']),
        `Content-Type: ${one.type}`,
        `Content-Length: ${Math.max(0, one.body.length + one.length)}`,
        'Connection: close',
        ...one.headers,
      ]
      return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), one.body])
    })
  // One in five is damaged besides: a byte changed, or the end missing.
  const damage = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat(), fc.nat(255))
  return fc.tuple(message, damage).map(([bytes, [kind, at, byte]]) => {
    if (kind === 0) bytes[at % bytes.length] = byte
    return kind === 1 ? bytes.subarray(0, at % bytes.length) : bytes
  })
}

import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ErrorCode, RidecastError } from '../../src/errors.ts'
import { type DownloadEffects, download } from '../../src/pipeline/download.ts'

const name = 'green_tripdata_2021-01.parquet'
const accessDenied =
  '<?xml version="1.0" encoding="UTF-8"?>\n' +
  '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'

let folder = ''
let target = ''
let servers: Server[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-download-'))
  target = join(folder, name)
})
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  servers = []
  rmSync(folder, { recursive: true, force: true })
})

/** A file framed as Parquet around `size` bytes. */
function parquet(size: number): Buffer {
  const tail = Buffer.from('footer\x06\0\0\0PAR1', 'latin1')
  return Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(size, 'ride'), tail])
}

/** Starts a server on a free port; gives the address of the file there. */
async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/trips/${name}`
}

/** Answers the n-th request by the n-th handler, later ones by the last. */
function inTurn(...handlers: RequestListener[]): RequestListener & { asked: () => number } {
  let count = 0
  const handler: RequestListener = (request, response) =>
    handlers[Math.min(count++, handlers.length - 1)]?.(request, response)
  return Object.assign(handler, { asked: () => count })
}

const answers =
  (status: number, body: string | Uint8Array, headers = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
    response.end(body)
  }

/** Announces 1,000 bytes, sends 100 and then does `next`. */
const cutAfter100 =
  (next: (destroy: () => void) => void): RequestListener =>
  (_, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write(parquet(100).subarray(0, 100), () => next(() => response.destroy()))
  }

const instant: DownloadEffects = { wait: async () => {}, random: () => 0 }

/** The error of a download that has to fail and leave the folder as it was. */
async function failure(
  url: string,
  effects: DownloadEffects = instant,
): Promise<{ code: ErrorCode; message: string }> {
  const before = readdirSync(folder)
  const error = await download(url, target, effects).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(readdirSync(folder)).toEqual(before)
  if (error instanceof RidecastError) return error
  throw error ?? new Error('the download succeeded')
}

describe('a download that succeeds', () => {
  test('leaves the bytes that were sent under the target name and nothing else', async () => {
    const sent = parquet(3_000_000)
    const url = await serve(answers(200, sent))
    await download(url, target)
    expect(readdirSync(folder)).toEqual([name])
    expect(readFileSync(target).equals(sent)).toBe(true)
  })

  test('makes the folder, and takes a body of unannounced length', async () => {
    const url = await serve((_, response) => {
      response.write(parquet(10).subarray(0, 5))
      response.end(parquet(10).subarray(5))
    })
    const deep = join(folder, 'a', 'b', name)
    const seen: (number | undefined)[] = []
    await download(url, deep, { progress: (_, total) => seen.push(total) })
    expect(readFileSync(deep).equals(parquet(10))).toBe(true)
    expect(new Set(seen)).toEqual(new Set([undefined]))
  })

  test('tells progress from nothing to all', async () => {
    const sent = parquet(500_000)
    const url = await serve(answers(200, sent))
    const received: number[] = []
    await download(url, target, {
      progress: (bytes, total) => {
        expect(total).toBe(sent.length)
        received.push(bytes)
      },
    })
    expect(received[0]).toBe(0)
    expect(received.at(-1)).toBe(sent.length)
    expect(received).toEqual([...received].sort((a, b) => a - b))
  })

  test('shows the target only once all is there', async () => {
    const url = await serve(answers(200, parquet(2_000_000)))
    const seen = new Set<string>()
    await download(url, target, {
      progress: () => {
        for (const file of readdirSync(folder)) seen.add(file)
      },
    })
    expect([...seen].every((file) => file.startsWith(`${name}.${process.pid}.`))).toBe(true)
    expect([...seen].every((file) => file.endsWith('.part'))).toBe(true)
  })

  test('replaces a file of that name', async () => {
    writeFileSync(target, 'old')
    await download(await serve(answers(200, parquet(1))), target)
    expect(readFileSync(target).equals(parquet(1))).toBe(true)
  })

  test('asks for bytes that are not coded, and says who asks', async () => {
    let headers: Record<string, unknown> = {}
    const url = await serve((request, response) => {
      headers = request.headers
      answers(200, parquet(1))(request, response)
    })
    await download(url, target)
    expect(headers['accept-encoding']).toBe('identity')
    expect(headers['user-agent']).toMatch(/^ridecast\/\d/)
  })
})

describe('redirects', () => {
  test('are followed, relative ones too', async () => {
    const elsewhere = await serve(answers(200, parquet(7)))
    const url = await serve((request, response) => {
      const first = request.url?.startsWith('/trips/') ?? false
      response.writeHead(first ? 301 : 307, { location: first ? '../moved' : elsewhere }).end()
    })
    await download(url, target)
    expect(readFileSync(target).equals(parquet(7))).toBe(true)
  })

  test('are followed five times and no further', async () => {
    const hops = (count: number): RequestListener => {
      const redirect: RequestListener = (_, response) =>
        void response.writeHead(302, { location: 'again' }).end()
      return inTurn(...Array(count).fill(redirect), answers(200, parquet(1)))
    }
    await download(await serve(hops(5)), target)
    rmSync(target)
    const error = await failure(await serve(hops(6)))
    expect(error.code).toBe('source_refused')
    expect(error.message).toMatch(/redirects more than 5 times/)
  })

  test('to anything but http and https are refused', async () => {
    const error = await failure(await serve(answers(302, '', { location: 'file:///etc/passwd' })))
    expect(error.code).toBe('source_refused')
    expect(error.message).toMatch(/redirects to an address of file:, expected http: or https:/)
  })

  test('from https to http are refused', async () => {
    const fetch = async (): Promise<Response> =>
      new Response(null, { status: 302, headers: { location: 'http://127.0.0.1/' } })
    const error = await failure(`https://127.0.0.1/${name}`, { fetch })
    expect(error.code).toBe('source_refused')
    expect(error.message).toMatch(/redirects to an address of http:, expected https:/)
  })
})

describe('refusals', () => {
  test('a 403 in the XML of the store means not published, and is not tried again', async () => {
    const handler = inTurn(answers(403, accessDenied, { 'content-type': 'application/xml' }))
    const url = await serve(handler)
    const error = await failure(url)
    expect(error.code).toBe('source_not_published')
    expect(error.message).toContain('answered 403 "AccessDenied Access Denied"')
    expect(handler.asked()).toBe(1)
  })

  test('a 404 means not published, with any body or none', async () => {
    expect((await failure(await serve(answers(404, '')))).code).toBe('source_not_published')
    expect((await failure(await serve(answers(404, 'nope')))).code).toBe('source_not_published')
  })

  test('a 403 page of the CDN is a refusal, and the page is quoted', async () => {
    const page = '<HTML><HEAD><TITLE>ERROR</TITLE></HEAD><BODY><H1>403 ERROR</H1>blocked</BODY>'
    const error = await failure(await serve(answers(403, page)))
    expect(error.code).toBe('source_refused')
    expect(error.message).toContain('answered 403 "ERROR 403 ERROR blocked", expected 200')
  })

  test.each([400, 401, 418, 204, 304])('status %i is a refusal', async (status) => {
    const handler = inTurn((_, response) => void response.writeHead(status).end())
    const error = await failure(await serve(handler))
    expect(error.code).toBe('source_refused')
    expect(error.message).toContain(`answered ${status}`)
    expect(handler.asked()).toBe(1)
  })

  test('every message names the address, the folder and what to do', async () => {
    const url = await serve(answers(404, ''))
    const { message } = await failure(`${url}?token=secret`)
    expect(message).toContain(`${url}?... answered 404`)
    expect(message).not.toContain('secret')
    expect(message).toContain(
      `nothing was saved in ${folder}: put the file there by hand as ${name}, ` +
        'pass --data DIR of a folder that has it, or --base-url URL of another publisher',
    )
  })

  test('a body that never ends its refusal does not hold it up', async () => {
    const url = await serve((_, response) => {
      response.writeHead(403, { 'content-length': 1000 })
      response.write('<Error><Code>AccessDenied</Code>')
    })
    const error = await failure(url, { ...instant, limits: { stallMs: 300 } })
    expect(error.code).toBe('source_not_published')
  })
})

describe('failures that may pass', () => {
  test('a 500, a 429 and a cut are tried again, with longer and longer waits', async () => {
    const handler = inTurn(
      answers(500, 'oops'),
      answers(429, ''),
      cutAfter100((destroy) => destroy()),
      answers(200, parquet(9)),
    )
    const waits: number[] = []
    const notes: string[] = []
    await download(await serve(handler), target, {
      wait: async (ms) => void waits.push(ms),
      random: () => 0,
      note: (text) => notes.push(text.replace(/^http:\/\/127\.0\.0\.1:\d+\/trips\//, '')),
    })
    expect(readFileSync(target).equals(parquet(9))).toBe(true)
    expect(readdirSync(folder)).toEqual([name])
    expect(waits).toEqual([1000, 2000, 4000])
    expect(notes).toEqual([
      `${name} answered 500 "oops": trying again in 1 s (1 of 3)`,
      `${name} answered 429: trying again in 2 s (2 of 3)`,
      `${name} closed the connection before the end of the file: trying again in 4 s (3 of 3)`,
    ])
  })

  test('end as a refusal after four attempts', async () => {
    const handler = inTurn(answers(503, ''))
    const error = await failure(await serve(handler))
    expect(error.code).toBe('source_refused')
    expect(error.message).toContain('answered 503')
    expect(handler.asked()).toBe(4)
  })

  test('wait as long as the server asks, within reason', async () => {
    const handler = inTurn(
      answers(429, '', { 'retry-after': '7' }),
      answers(503, '', { 'retry-after': '86400' }),
      answers(503, '', { 'retry-after': 'Fri, 31 Dec 2021 23:59:59 GMT' }),
      answers(200, parquet(1)),
    )
    const waits: number[] = []
    const wait = async (ms: number): Promise<void> => void waits.push(ms)
    await download(await serve(handler), target, { wait, random: () => 0 })
    expect(waits).toEqual([7000, 30_000, 4000])
  })

  test('a body cut short is interrupted, never a file', async () => {
    const handler = inTurn(cutAfter100((destroy) => destroy()))
    const error = await failure(await serve(handler))
    expect(error.code).toBe('source_interrupted')
    expect(error.message).toMatch(/closed the connection before the end of the file/)
    expect(handler.asked()).toBe(4)
  })

  test('a client that hides the cut is found out by the count', async () => {
    const fetch = async (): Promise<Response> =>
      new Response(parquet(10), { headers: { 'content-length': '1000' } })
    const error = await failure('http://127.0.0.1/file', { ...instant, fetch })
    expect(error.code).toBe('source_interrupted')
    // 4 bytes of magic, 10 of data, 6 of footer, 4 of its length, 4 of magic.
    expect(error.message).toContain('sent 28 bytes of 1000')
  })

  test('a body that stalls is interrupted', async () => {
    const url = await serve(cutAfter100(() => {}))
    const error = await failure(url, { ...instant, limits: { stallMs: 50, retries: 1 } })
    expect(error.code).toBe('source_interrupted')
    expect(error.message).toContain('sent nothing for 0.05 s')
  })

  test('a connection closed before any answer is tried again, then unreachable', async () => {
    const handler = inTurn((request) => void request.socket.destroy())
    const error = await failure(await serve(handler))
    expect(error.code).toBe('source_unreachable')
    expect(error.message).toMatch(/cannot be reached: the connection was closed before an answer/)
    expect(handler.asked()).toBe(4)
  })
})

describe('a host that cannot be reached', () => {
  test('is told at once when nothing listens at the port', async () => {
    const url = await serve(() => {})
    const closed = servers.pop()
    closed?.close()
    if (closed) await once(closed, 'close')
    const waits: number[] = []
    const error = await failure(url, { wait: async (ms) => void waits.push(ms) })
    expect(error.code).toBe('source_unreachable')
    expect(error.message).toContain('the connection was refused (ECONNREFUSED)')
    expect(waits).toEqual([])
  })

  test('is told at once when its name is not known', async () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND host'), { code: 'ENOTFOUND' })
    const fetch = async (): Promise<Response> => {
      throw new TypeError('fetch failed', { cause })
    }
    const error = await failure('https://host/file', { fetch })
    expect(error.code).toBe('source_unreachable')
    expect(error.message).toContain(
      'https://host/file cannot be reached: the host name is not known (ENOTFOUND)',
    )
  })

  test('is given up when it never answers', async () => {
    const error = await failure(await serve(() => {}), { limits: { answerMs: 50 } })
    expect(error.code).toBe('source_unreachable')
    expect(error.message).toContain('gave no answer within 0.05 s')
  })
})

describe('an answer of 200 that is not a whole Parquet file', () => {
  test.each([
    ['source_html', '<html><title>Please sign in</title></html>', 'says "Please sign in"'],
    ['source_truncated', parquet(100).subarray(0, 80), 'cut off after 80 bytes'],
    ['source_truncated', '', 'an empty file'],
    ['source_lfs_pointer', 'version https://git-lfs.github.com/spec/v1\nsize 5\n', '5 bytes'],
    ['source_not_parquet', 'a,b,c\n1,2,3\n', 'CSV-like'],
  ] as const)('is refused as %s', async (code, body, found) => {
    const handler = inTurn(answers(200, body))
    const error = await failure(await serve(handler))
    expect(error.code).toBe(code)
    expect(error.message).toContain(found)
    expect(error.message).toContain('expected a Parquet file; nothing was saved')
    expect(handler.asked()).toBe(1)
  })

  test('is cut to the length announced when that is too small, and found truncated', async () => {
    const fetch = async (): Promise<Response> =>
      new Response(parquet(100).subarray(0, 50), { headers: { 'content-length': '50' } })
    expect((await failure('http://127.0.0.1/f', { fetch })).code).toBe('source_truncated')
  })

  test('leaves an older file of that name alone', async () => {
    writeFileSync(target, 'old')
    await failure(await serve(answers(200, '<html>')))
    expect(readFileSync(target, 'utf8')).toBe('old')
  })
})

describe('bounds and leftovers', () => {
  test('a file announced larger than the bound is refused before it is read', async () => {
    const url = await serve(answers(200, parquet(1000)))
    const error = await failure(url, { limits: { maxBytes: 1000 } })
    expect(error.code).toBe('source_too_large')
    expect(error.message).toContain('sends 1018 bytes or more, expected at most 1000')
  })

  test('a file of unannounced length is refused once it passes the bound', async () => {
    const url = await serve((_, response) => {
      response.write(parquet(1000))
      response.end()
    })
    const error = await failure(url, { limits: { maxBytes: 1000 } })
    expect(error.code).toBe('source_too_large')
  })

  test('an abort removes the part file and throws its reason', async () => {
    const stop = new AbortController()
    const url = await serve(cutAfter100(() => {}))
    const reason = new Error('enough')
    const during: string[] = []
    const running = download(url, target, {
      signal: stop.signal,
      progress: (received) => {
        if (received < 100) return
        during.push(...readdirSync(folder))
        stop.abort(reason)
      },
    })
    await expect(running).rejects.toBe(reason)
    expect(during).toHaveLength(1)
    expect(readdirSync(folder)).toEqual([])
  })

  test('an abort ends the wait between two attempts', async () => {
    const stop = new AbortController()
    const handler = inTurn(answers(503, ''))
    const reason = new Error('enough')
    const running = download(await serve(handler), target, {
      signal: stop.signal,
      note: () => queueMicrotask(() => stop.abort(reason)),
    })
    await expect(running).rejects.toBe(reason)
    expect(handler.asked()).toBe(1)
  })

  test('an abort before the start asks nobody', async () => {
    const handler = inTurn(answers(200, parquet(1)))
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(download(await serve(handler), target, { signal })).rejects.toThrow('enough')
    expect(handler.asked()).toBe(0)
  })

  test('parts that earlier processes left and that cannot be gone on with are removed', async () => {
    const leave = (file: string): string => {
      writeFileSync(join(folder, file), '')
      return file
    }
    leave(`${name}.123.0123456789ab.part`)
    leave(`${name}.124.0123456789ab.part.json`)
    const stay = [
      leave('green_tripdata_2021-02.parquet.123.0123456789ab.part'),
      leave(`${name}.notes.part`),
    ]
    await download(await serve(answers(200, parquet(1))), target)
    expect(readdirSync(folder).sort()).toEqual([name, ...stay].sort())
  })

  test('a target that cannot be written is an error with a remedy', async () => {
    writeFileSync(join(folder, 'file'), '')
    target = join(folder, 'file', name)
    const error = await failure(await serve(answers(200, parquet(1))))
    expect(error.code).toBe('source_io')
    expect(error.message).toMatch(/cannot be saved as .*pass --data DIR/)
  })
})

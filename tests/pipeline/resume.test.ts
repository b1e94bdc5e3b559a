/** Downloads that break off, and what the next attempt makes of what is left. */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRidecastError } from '../../src/errors.ts'
import { type DownloadEffects, download } from '../../src/pipeline/download.ts'
import { addressHash } from '../../src/pipeline/download-part.ts'
import { haltBefore, patchCalls } from '../halting-calls.ts'
import { type Answer, file, type Publisher, page, parquet, publish } from './faulty-publisher.ts'

const name = 'green_tripdata_2021-01.parquet'
const whole = parquet(100_000)
const other = parquet(100_000, 'changed')

let folder = ''
let target = ''
let publisher: Publisher
let notes: string[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-resume-'))
  target = join(folder, name)
  notes = []
})
afterEach(() => {
  publisher?.close()
  rmSync(folder, { recursive: true, force: true })
})

const patient: DownloadEffects = {
  wait: async () => {},
  progress: (received) => publisher.received(received),
  note: (text) => notes.push(text.replace(/^http:\/\/127\.0\.0\.1:\d+\//, '')),
}
const once: DownloadEffects = { ...patient, limits: { retries: 0 } }

/** Publishes what the answers say, and gives the address. */
async function at(...answers: Answer[]): Promise<string> {
  publisher = await publish(...answers)
  return `${publisher.url}/${name}`
}

const ranges = (): (string | undefined)[] => publisher.asked.map(({ range }) => range)

/** The one part that is there, as a path; its note lies beside it. */
function partPath(): string {
  const parts = readdirSync(folder).filter((one) => one.endsWith('.part'))
  expect(parts).toHaveLength(1)
  return join(folder, parts[0] ?? '')
}

/** Where the part ends, so that the next request must begin there. */
const partSize = (): number => readFileSync(partPath()).length

function expectFile(bytes: Buffer): void {
  expect(readdirSync(folder)).toEqual([name])
  expect(readFileSync(target).equals(bytes)).toBe(true)
}

async function codeOf(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isRidecastError(error)) return error.code
  throw error ?? new Error('it succeeded')
}

/** Leaves a part as a killed process does. */
function leavePart(url: string, bytes: Uint8Array, note: object = {}): string {
  const path = `${target}.999999.0123456789ab.part`
  const facts = { validator: '"one"', etag: '"one"', last_modified: null, total: whole.length }
  const all = { url_sha256: addressHash(url), ...facts, flushed: 0, ...note }
  writeFileSync(path, bytes)
  writeFileSync(`${path}.json`, JSON.stringify(all))
  return path
}

describe('a download that is cut', () => {
  test('asks for the rest, in the same call, and gives size, hash and ETag of the whole', async () => {
    const url = await at(
      file(whole, { cutAfter: 30_000 }),
      file(whole, { cutAfter: 50_000 }),
      file(whole),
    )
    const got = await download(url, target, patient)
    expectFile(whole)
    expect(got).toEqual({
      bytes: whole.length,
      sha256: createHash('sha256').update(whole).digest('hex'),
      etag: '"one"',
      lastModified: null,
    })
    // 30,000 and then 50,000 more.
    expect(ranges()).toEqual([undefined, 'bytes=30000-', 'bytes=80000-'])
  })

  test('keeps what came for the next call, and says so', async () => {
    const url = await at(file(whole, { cutAfter: 40_000 }), file(whole))
    expect(await codeOf(download(url, target, once))).toBe('source_interrupted')
    expect(existsSync(target)).toBe(false)
    expect(partSize()).toBe(40_000)
    expect(notes).toEqual([`${name}: 0.0 MB are kept, the rest comes next time`])
    const { sha256 } = await download(url, target, once)
    expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'))
    expect(ranges()).toEqual([undefined, 'bytes=40000-'])
    expectFile(whole)
  })

  test('is tried as long as it gets on, and three times more when it does not', async () => {
    const cut = file(whole, { cutAfter: 10_000 })
    const url = await at(cut)
    await download(url, target, patient)
    expectFile(whole)
    // 100,018 bytes by 10,000 at a time.
    expect(publisher.asked).toHaveLength(11)
    publisher.close()
    const stuck = await at(cut, page(503, ''))
    expect(await codeOf(download(stuck, join(folder, 'b.parquet'), patient))).toBe('source_refused')
    // One that brought something, and three that did not.
    expect(publisher.asked).toHaveLength(1 + 3)
  })

  test('is given up after so many attempts in all, even while it gets on', async () => {
    const url = await at(file(whole, { cutAfter: 1000 }))
    const bounded = { ...patient, limits: { attempts: 7 } }
    expect(await codeOf(download(url, target, bounded))).toBe('source_interrupted')
    expect(publisher.asked).toHaveLength(7)
    expect(partSize()).toBe(7000)
  })

  test('goes on after a stall', async () => {
    const url = await at(file(whole, { stallAfter: 60_000 }), file(whole))
    await download(url, target, { ...patient, limits: { stallMs: 100 } })
    expectFile(whole)
    expect(ranges()).toEqual([undefined, 'bytes=60000-'])
    expect(notes[0]).toContain('sent nothing for 0.1 s: trying again in')
  })

  test('goes on when the connection cannot be made for a while', async () => {
    const url = await at(file(whole, { cutAfter: 60_000 }), file(whole))
    let asked = 0
    const cause = Object.assign(new Error('no way'), { code: 'ENETUNREACH' })
    const fetch: typeof globalThis.fetch = async (...args) => {
      if (++asked === 2) throw new TypeError('fetch failed', { cause })
      return globalThis.fetch(...args)
    }
    await download(url, target, { ...patient, fetch })
    expectFile(whole)
    expect(asked).toBe(3)
  })

  test('keeps what came when it is aborted', async () => {
    const url = await at(file(whole, { stallAfter: 50_000 }), file(whole))
    const stop = new AbortController()
    const progress = (received: number): void => {
      if (received === 50_000) stop.abort(new Error('enough'))
    }
    await expect(
      download(url, target, { ...patient, progress, signal: stop.signal }),
    ).rejects.toThrow('enough')
    expect(notes).toEqual([`${name}: 0.1 MB are kept, the rest comes next time`])
    await download(url, target, patient)
    expect(ranges()).toEqual([undefined, 'bytes=50000-'])
    expectFile(whole)
  })

  test('of unannounced length is gone on with too', async () => {
    const url = await at(
      file(whole, { cutAfter: 30_000, chunked: true }),
      file(whole, { chunked: true }),
    )
    await download(url, target, patient)
    expect(ranges()).toEqual([undefined, 'bytes=30000-'])
    expectFile(whole)
  })
})

describe('two versions are never glued together', () => {
  test('a file that changed meanwhile is fetched from its beginning', async () => {
    const url = await at(file(whole, { cutAfter: 30_000 }), file(other, { etag: '"two"' }))
    const got = await download(url, target, patient)
    expectFile(other)
    expect(got.etag).toBe('"two"')
    expect(ranges()).toEqual([undefined, 'bytes=30000-'])
    expect(notes).toContain(`${name} has another file by now: starting anew`)
  })

  test('a 206 of another version is refused, whatever its range says', async () => {
    const wrong: Answer = (_, response) => {
      const range = `bytes 30000-${other.length - 1}/${other.length}`
      response.writeHead(206, { etag: '"two"', 'content-range': range }).end(other.subarray(30_000))
    }
    const url = await at(file(whole, { cutAfter: 30_000 }), wrong, file(other, { etag: '"two"' }))
    await download(url, target, patient)
    expectFile(other)
    expect(ranges()).toEqual([undefined, 'bytes=30000-', undefined])
  })

  test.each([
    ['that begins elsewhere', 'bytes 29999-100016/100018'],
    ['that begins elsewhere, and is longer', 'bytes 29999-100017/100018'],
    ['of another length in all', 'bytes 30000-100016/100017'],
    ['longer than what comes', 'bytes 30000-100018/100019'],
    ['that is none', 'rides 30000-'],
    ['of a 416', 'bytes */100018'],
  ])('a range %s is refused', async (_, range) => {
    const url = await at(file(whole, { cutAfter: 30_000 }), file(whole, { range }), file(whole))
    await download(url, target, patient)
    expectFile(whole)
    expect(ranges()).toEqual([undefined, 'bytes=30000-', undefined])
    expect(notes.at(-1)).toMatch(/: starting anew$/)
  })

  test('a server that knows no ranges sends everything again', async () => {
    const url = await at(file(whole, { cutAfter: 30_000 }), file(whole, { ignoresRange: true }))
    await download(url, target, patient)
    expectFile(whole)
    expect(notes.at(-1)).toBe(`${name} sends no parts of files: starting anew`)
  })

  test.each([
    ['without ETag or date', {}],
    ['with a weak ETag', { etag: 'W/"one"' }],
    [
      'with a weak ETag and an old date',
      { etag: 'W/"one"', 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' },
    ],
    ['with a date of just now', { 'last-modified': new Date().toUTCString() }],
    ['with coded bytes', { etag: '"one"', 'content-encoding': 'br' }],
  ])('a file %s is not gone on with, and nothing of it is kept', async (_, headers) => {
    const cut: Answer = (_request, response, { cutAt }) => {
      response.writeHead(200, { 'content-length': whole.length, ...headers })
      response.write(whole.subarray(0, 30_000))
      cutAt(30_000, response)
    }
    const url = await at(cut)
    await codeOf(download(url, target, { ...patient, limits: { retries: 1 } }))
    expect(ranges()).toEqual([undefined, undefined])
    expect(readdirSync(folder)).toEqual([])
  })

  test('a date that is old enough stands for the bytes where there is no ETag', async () => {
    const date = 'Wed, 01 Jan 2020 00:00:00 GMT'
    const seen: (string | undefined)[] = []
    const cut: Answer = (request, response, { cutAt }) => {
      seen.push(request.headers['if-range'] as string | undefined)
      const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
      const range = `bytes ${from}-${whole.length - 1}/${whole.length}`
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': whole.length - from,
        'last-modified': date,
        ...(from > 0 ? { 'content-range': range } : {}),
      })
      response.write(whole.subarray(from, from + 60_000))
      if (from === 0) cutAt(60_000, response)
      else response.end()
    }
    const url = await at(cut)
    const { lastModified } = await download(url, target, patient)
    expect(lastModified).toBe(date)
    expect(seen).toEqual([undefined, date])
    expectFile(whole)
  })
})

describe('a server that lies', () => {
  test('about more than it has leaves no file', async () => {
    const url = await at(file(whole, { lie: 1000 }))
    expect(await codeOf(download(url, target, patient))).toBe('source_interrupted')
    expect(existsSync(target)).toBe(false)
  })

  test('about less than it has leaves no file', async () => {
    const url = await at(file(whole, { lie: -1000 }))
    expect(await codeOf(download(url, target, patient))).toBe('source_truncated')
    expect(readdirSync(folder)).toEqual([])
  })

  test('by sending more than it announced leaves no file', async () => {
    const fetch = async (): Promise<Response> =>
      new Response(whole, { headers: { 'content-length': '1000', etag: '"one"' } })
    const running = download('http://127.0.0.1/file', target, { ...patient, fetch })
    expect(await codeOf(running)).toBe('source_interrupted')
    expect(readdirSync(folder)).toEqual([])
  })

  test('by answering a page with an ETag leaves neither file nor part', async () => {
    const html = Buffer.from('<!DOCTYPE html><title>Please sign in</title>')
    const url = await at(file(html))
    expect(await codeOf(download(url, target, patient))).toBe('source_html')
    expect(readdirSync(folder)).toEqual([])
  })

  test('by answering a page in place of the rest leaves neither file nor part', async () => {
    const html = '<!DOCTYPE html><title>Please sign in</title>'
    const url = await at(file(whole, { cutAfter: 30_000 }), page(200, html))
    expect(await codeOf(download(url, target, patient))).toBe('source_html')
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a part that another process left', () => {
  test('is gone on with', async () => {
    const url = await at(file(whole))
    leavePart(url, whole.subarray(0, 70_000))
    await download(url, target, patient)
    expect(ranges()).toEqual(['bytes=70000-'])
    expectFile(whole)
  })

  test('is not touched while it is copied, so that a process that still writes harms nobody', async () => {
    const url = await at(file(whole, { cutAfter: 10_000 }))
    const path = leavePart(url, whole.subarray(0, 70_000))
    await codeOf(download(url, target, once))
    expect(partPath()).not.toBe(path)
    expect(partSize()).toBe(80_000)
  })

  test('that is whole is checked and named without asking anybody', async () => {
    const url = await at(page(500, ''))
    leavePart(url, whole)
    await download(url, target, patient)
    expect(publisher.asked).toEqual([])
    expectFile(whole)
  })

  test('that is whole but of unknown length is named once the server says that it is', async () => {
    const url = await at(file(whole))
    leavePart(url, whole, { total: null })
    await download(url, target, patient)
    expect(ranges()).toEqual([`bytes=${whole.length}-`])
    expectFile(whole)
  })

  test('that is longer than the file by now is thrown away', async () => {
    const url = await at(file(whole))
    leavePart(url, Buffer.concat([whole, whole]), { total: null })
    await download(url, target, patient)
    expect(ranges()).toEqual([`bytes=${2 * whole.length}-`, undefined])
    expectFile(whole)
  })

  test('that holds other bytes than it should is found out by its framing, and thrown away', async () => {
    const url = await at(file(whole))
    leavePart(url, Buffer.alloc(70_000, 'x'))
    await download(url, target, patient)
    expect(ranges()).toEqual(['bytes=70000-', undefined])
    expectFile(whole)
  })

  test.each([
    ['of another address', { url_sha256: addressHash('http://elsewhere/') }],
    ['longer than it can be', { total: 50_000 }],
    ['that nothing stands for', { validator: null }],
    ['with a note that is none', { total: 'many' }],
  ])('%s is thrown away', async (_, note) => {
    const url = await at(file(whole))
    leavePart(url, whole.subarray(0, 70_000), note)
    await download(url, target, patient)
    expect(ranges()).toEqual([undefined])
    expectFile(whole)
  })

  test('before the machine was started counts only as far as it was flushed', async () => {
    const url = await at(file(whole))
    for (const [flushed, range] of [
      [0, undefined],
      [25_000, 'bytes=25000-'],
    ] as const) {
      const path = leavePart(url, whole.subarray(0, 70_000), { flushed })
      utimesSync(path, new Date('2001-01-01'), new Date('2001-01-01'))
      await download(url, target, patient)
      expect(ranges().at(-1)).toBe(range)
      expectFile(whole)
    }
  })
})

describe('a download that ends before any one of its file-system calls', () => {
  test('leaves no file or the right one, and the next download makes it', async () => {
    const unpatch = await patchCalls()
    let stops = 0
    try {
      const url = await at(file(whole))
      for (let call = 1; ; call++) {
        const own = join(folder, String(call), name)
        const stopped = await haltBefore(call, async () => {
          // The first attempt is cut, so that a part is kept, inherited and gone on with.
          publisher.answers = [file(whole, { cutAfter: 30_000 }), file(whole)]
          await download(url, own, once).catch(() => {})
          await download(url, own, once)
        })
        if (existsSync(own)) expect(readFileSync(own).equals(whole)).toBe(true)
        if (!stopped) break
        stops++
        publisher.answers = [file(whole)]
        await download(url, own, once)
        expect(readFileSync(own).equals(whole)).toBe(true)
        const left = readdirSync(join(folder, String(call))).filter(
          (one) => !one.startsWith('.tmp-'),
        )
        expect(left).toEqual([name])
      }
    } finally {
      unpatch()
    }
    // Fewer calls cannot have been all of two downloads.
    expect(stops).toBeGreaterThan(15)
  })
})

/** How the page's files are served, and that the build makes them small and complete. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sendJson } from '../../src/serve/answer.ts'
import { contentSecurityPolicy, pageRoutes, prefersHtml } from '../../src/serve/page-files.ts'
import { root } from '../command-line.ts'
import { type Routed, routed } from './routed.ts'

let folder: string
let server: Routed | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-page-files-'))
  const script = 'let a = 1\n'.repeat(100)
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(join(folder, 'main-ABCDEFGH.js'), script)
  await writeFile(join(folder, 'main-ABCDEFGH.js.gz'), gzipSync(script))
  await writeFile(join(folder, 'notes.txt'), 'not of the page')
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(async () => {
  await server?.close()
  server = undefined
})

const start = async (from = folder): Promise<string> => {
  server = await routed(() =>
    pageRoutes((_request, response) => sendJson(response, 200, { index: true }), from),
  )
  return server.url
}

/** What node:http gets, which does not undo compression. */
function raw(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, method, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks),
        })
      })
    })
    asked.on('error', reject).end()
  })
}

describe('the address /', () => {
  // As Chromium 140, Firefox 140, curl and node's fetch send it.
  test.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', true],
    ['text/html, application/json;q=0.9', true],
    ['*/*', false],
    [undefined, false],
    ['application/json', false],
    ['text/html;q=0.5, application/json', false],
    ['text/html;q=0, */*', false],
    ['application/json, text/*', false],
  ])('of Accept %s is a page: %s', (accept, isPage) => {
    expect(prefersHtml(accept)).toBe(isPage)
  })

  test('is the page for a browser, with a policy that lets nothing in from elsewhere', async () => {
    const answer = await raw(`${await start()}/`, { Accept: 'text/html' })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      'cache-control': 'no-cache',
      vary: 'Accept, Accept-Encoding',
    })
    expect(contentSecurityPolicy).not.toContain('unsafe')
    expect(answer.body.toString()).toContain('<title>page</title>')
  })

  test('is the index for other clients, told apart for caches', async () => {
    const answer = await raw(`${await start()}/`)
    expect(JSON.parse(answer.body.toString())).toEqual({ index: true })
    expect(answer.headers.vary).toBe('Accept, Accept-Encoding')
  })

  test('is the index for browsers too where no page was built', async () => {
    const answer = await raw(`${await start(join(folder, 'none'))}/`, { Accept: 'text/html' })
    expect(JSON.parse(answer.body.toString())).toEqual({ index: true })
  })
})

describe('a file of the page', () => {
  const file = '/page/main-ABCDEFGH.js'

  test('is kept by browsers for good, and not sent again', async () => {
    const url = (await start()) + file
    const first = await raw(url)
    expect(first.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const again = await raw(url, { 'If-None-Match': `W/${first.headers.etag}, "other"` })
    expect([again.status, again.body.length]).toEqual([304, 0])
    const other = await raw(url, { 'If-None-Match': '"other"' })
    expect(other.status).toBe(200)
  })

  test('comes compressed to those who can read it so', async () => {
    const url = (await start()) + file
    const plain = await raw(url)
    expect(plain.headers['content-encoding']).toBeUndefined()
    for (const encodings of ['gzip, deflate, br', '*', 'br, gzip;q=0.1']) {
      const answer = await raw(url, { 'Accept-Encoding': encodings })
      expect(answer.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(answer.body)).toEqual(plain.body)
    }
    const refused = await raw(url, { 'Accept-Encoding': 'br, gzip;q=0' })
    expect(refused.body).toEqual(plain.body)
  })

  test('has a head without a body', async () => {
    const answer = await raw((await start()) + file, {}, 'HEAD')
    // 100 lines of 10 characters.
    expect([answer.status, answer.headers['content-length'], answer.body.length]).toEqual([
      200,
      '1000',
      0,
    ])
  })

  test.each([
    'none.js',
    'notes.txt',
    'index.html',
    'main-ABCDEFGH.js.gz',
    '..%2Findex.html',
    '%2Fetc%2Fpasswd',
  ])('that is none of the page is not there: %s', async (name) => {
    const answer = await raw(`${await start()}/page/${name}`)
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'route_unknown' })
  })
})

describe('the build', () => {
  test('makes all that the page names, small, and nothing that needs Node', async () => {
    const { buildServePage } = (await import(join(root, 'scripts/build.mjs'))) as {
      buildServePage: (bundle: typeof build, folder: string) => Promise<void>
    }
    const built = await mkdtemp(join(tmpdir(), 'ridecast-page-built-'))
    try {
      await buildServePage(build, built)
      const names = await readdir(built)
      const html = await readFile(join(built, 'index.html'), 'utf8')
      const first = [...html.matchAll(/"\/page\/([^"]+)"/g)].map(([, name = '']) => name)
      expect(first.length).toBeGreaterThanOrEqual(4)
      expect(first.filter((name) => !names.includes(name))).toEqual([])
      expect(html).not.toMatch(/\{\{|<style|style=|<script(?![^>]*src=)/)
      // What is named by its content may be kept for good.
      expect(first.filter((name) => !/-[0-9A-Z]{8}\.(js|css|svg|json)$/.test(name))).toEqual([])
      const compressed = async (some: readonly string[]): Promise<number> => {
        const all = await Promise.all(some.map((name) => readFile(join(built, name))))
        return all.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0)
      }
      // 57 kB when this was written, of which 25 are the outlines of the zones.
      expect(await compressed([...first, 'index.html'])).toBeLessThan(70_000)
      const scripts = names.filter((name) => name.endsWith('.js'))
      expect(scripts.length).toBeGreaterThan(2)
      // 130 kB with what the offline switch loads.
      expect(await compressed(scripts)).toBeLessThan(130_000)
    } finally {
      await rm(built, { recursive: true, force: true })
    }
  })
})

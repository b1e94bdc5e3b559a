/**
 * The page's files, as the build has made them: `GET /` for browsers and `GET /page/<file>`. All of
 * them lie in memory from the first request on, compressed by the build. Knows nothing about what
 * they show.
 */

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { packageFolder } from '../package.ts'
import { Problem } from './problem.ts'
import type { Route, RouteHandler } from './routes.ts'

/** A file in memory. */
interface PageFile {
  readonly type: string
  readonly bytes: Buffer
  /** What the build has made of it with gzip, if that is smaller. */
  readonly gzip: Buffer | undefined
  readonly etag: string
}

type PageFiles = ReadonlyMap<string, PageFile>

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
}

/** The page is its own files and asks its own server, nothing else: no script or style in HTML. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A year: the name of a file changes with what is in it. */
const forever = 'public, max-age=31536000, immutable'

/**
 * `GET /` and the files that the page loads.
 *
 * @param index answers `GET /` of those who do not prefer HTML, and of all where no page was built
 * @param folder the built page, default that of this package
 */
export function pageRoutes(
  index: RouteHandler,
  folder = join(packageFolder(), 'dist', 'page', 'serve'),
): Route[] {
  let reading: Promise<PageFiles> | undefined
  const files = (): Promise<PageFiles> => {
    reading ??= readFiles(folder)
    return reading
  }
  const front: RouteHandler = async (request, response) => {
    response.setHeader('Vary', 'Accept, Accept-Encoding')
    const page = prefersHtml(request.headers.accept) ? (await files()).get('index.html') : undefined
    if (page === undefined) return index(request, response, {})
    send(request, response, page, 'no-cache')
  }
  const asset: RouteHandler = async (request, response, { file = '' }) => {
    const found = file === 'index.html' ? undefined : (await files()).get(file)
    if (found === undefined) {
      throw new Problem(
        'route_unknown',
        `file ${file.slice(0, 100)} of the page is not there: the page is at /`,
      )
    }
    response.setHeader('Vary', 'Accept-Encoding')
    send(request, response, found, forever)
  }
  return [
    { path: '/', method: 'GET', access: 'open', handler: front },
    { path: '/page/:file', method: 'GET', access: 'open', handler: asset },
  ]
}

/** Everything that was built, by name; nothing where there is no such folder. */
async function readFiles(folder: string): Promise<PageFiles> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const all = new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name))] as const),
    ),
  )
  const files = new Map<string, PageFile>()
  for (const [name, bytes] of all) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 20)
    files.set(name, { type, bytes, gzip: all.get(`${name}.gz`), etag: `"${digest}"` })
  }
  return files
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: PageFile,
  caching: string,
): void {
  const { type, bytes, etag } = file
  const gzip = qualityOf(request.headers['accept-encoding'] ?? '', ['gzip', '*']) > 0
  const body = gzip ? (file.gzip ?? bytes) : bytes
  response.setHeader('ETag', etag)
  response.setHeader('Cache-Control', caching)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (isKnown(request.headers['if-none-match'], etag)) {
    response.writeHead(304).end()
    return
  }
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', body.length)
  if (body !== bytes) response.setHeader('Content-Encoding', 'gzip')
  if (type.startsWith('text/html')) {
    response.setHeader('Content-Security-Policy', contentSecurityPolicy)
    response.setHeader('Referrer-Policy', 'no-referrer')
  }
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : body)
}

/** True when the client has it already. A proxy that compressed it may have made the tag weak. */
function isKnown(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

/** True for browsers; a client that takes anything gets JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false
  const html = qualityOf(accept, ['text/html', 'text/*', '*/*'])
  return html > qualityOf(accept, ['application/json', 'application/*', '*/*'])
}

/**
 * How much a header such as Accept wants something, 0 to 1.
 *
 * @param names what it may be called, the most exact name first: that one counts
 */
function qualityOf(header: string, names: readonly string[]): number {
  const wishes = new Map<string, number>()
  for (const part of header.toLowerCase().split(',').slice(0, 50)) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    const quality = parameters.find((text) => text.startsWith('q='))?.slice(2)
    wishes.set(name, quality === undefined ? 1 : Number(quality) || 0)
  }
  for (const name of names) {
    const wish = wishes.get(name)
    if (wish !== undefined) return wish
  }
  return 0
}

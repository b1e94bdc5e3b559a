/**
 * `GET /model/documents`: the champion's documents, for those who compute with the model themselves,
 * as the page does when it scores without a server.
 */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { exactJson } from '../exact-json.ts'
import type { Route, Service } from './routes.ts'
import type { ServedModel } from './state.ts'

const compress = promisify(gzip)

/** The text of a model, plain and compressed. */
interface Text {
  readonly plain: Buffer
  readonly gzip: Buffer
}

/** Made when a model is first asked for, and kept as long as the model is. */
const texts = new WeakMap<ServedModel, Promise<Text>>()

/** The route of the champion's documents: its `name`, its `version` and the `documents`. */
export function modelDocumentsRoutes({ state }: Pick<Service, 'state'>): Route[] {
  return [
    {
      path: '/model/documents',
      method: 'GET',
      access: 'clients',
      async handler(request, response) {
        const model = state.requireModel()
        const etag = `"${model.version}"`
        // The version is derived from the content, but which one is the champion changes.
        const headers = {
          ETag: etag,
          'Cache-Control': 'private, no-cache',
          Vary: 'Accept-Encoding',
          'X-Content-Type-Options': 'nosniff',
        }
        if (request.headers['if-none-match'] === etag) {
          response.writeHead(304, headers).end()
          return
        }
        const text = await textOf(model)
        const compressed = /\bgzip\b(?!\s*;\s*q=0)/.test(
          String(request.headers['accept-encoding'] ?? ''),
        )
        const body = compressed ? text.gzip : text.plain
        response.writeHead(200, {
          ...headers,
          'Content-Type': 'application/json; charset=utf-8',
          'Content-Length': body.length,
          ...(compressed && { 'Content-Encoding': 'gzip' }),
        })
        response.end(request.method === 'HEAD' ? undefined : body)
      },
    },
  ]
}

function textOf(model: ServedModel): Promise<Text> {
  const known = texts.get(model)
  if (known) return known
  const { name, version, documents } = model
  // To the bit, which JSON.stringify is not: it makes 0 of -0.
  const plain = Buffer.from(exactJson('documents', { name, version, documents }))
  const made = compress(plain).then((gzip) => ({ plain, gzip }))
  texts.set(model, made)
  return made
}

/**
 * A server that speaks Trino's protocol, answers what a test wants, and does to chosen requests
 * what coordinators and networks do.
 */

import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from '../../tracking/mlflow/certificate.ts'

/** What becomes of a query: rows, a failure, or a state that never ends. */
export type Reply =
  | {
      readonly columns: readonly string[]
      readonly rows: readonly (readonly unknown[])[]
      /** Rows of a page, default all. */
      readonly page?: number
    }
  | { readonly errorName: string; readonly errorType?: string; readonly message: string }
  | 'queued for ever'

/** A request, as far as tests look at it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The query, for the first request of one. */
  readonly sql: string
}

/** What is done to a request instead of answering it. */
export type Fate = 'reset' | 'no answer' | { readonly status: number; readonly body?: string }

/** A server that listens. */
export interface TrinoDouble {
  readonly url: string
  /** All requests so far. */
  readonly seen: readonly SeenRequest[]
  /** Ids of the queries that were cancelled. */
  readonly cancelled: readonly string[]
  close(): void
}

/** What a server is to do. */
export interface DoubleOptions {
  /** What becomes of a query; a function is asked again whenever the query is. */
  readonly answer: (sql: string) => Reply | (() => Reply)
  /** Undefined lets the request be answered. */
  readonly fate?: (seen: SeenRequest, index: number) => Fate | undefined
  /** Serves by TLS with this certificate. */
  readonly certificate?: Certificate
  /** The address that the server believes to have, default the true one. */
  readonly believed?: string
}

/** A query and how far it was read. */
interface Query {
  readonly id: string
  readonly reply: Reply | (() => Reply)
  at: number
}

/** Starts a server on a free port of the loopback address. */
export async function trinoDouble(options: DoubleOptions): Promise<TrinoDouble> {
  const seen: SeenRequest[] = []
  const cancelled: string[] = []
  const queries = new Map<string, Query>()
  let base = ''

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let sql = ''
    for await (const piece of request) sql += piece
    const { method = '', url: path = '', headers } = request
    const one: SeenRequest = { method, path, headers, sql }
    const fate = options.fate?.(one, seen.length)
    seen.push(one)
    if (fate === 'no answer') return
    if (fate === 'reset') {
      request.socket.destroy()
      return
    }
    if (fate) {
      response.writeHead(fate.status).end(fate.body ?? '')
      return
    }
    const id = /^\/v1\/statement\/([^/]+)/.exec(path)?.[1] ?? `query_${queries.size + 1}`
    const query = queries.get(id) ?? { id, reply: options.answer(sql), at: -1 }
    queries.set(id, query)
    if (method === 'DELETE') {
      cancelled.push(id)
      response.writeHead(204).end()
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(pageOf(query, `${options.believed ?? base}/v1/statement/${id}`)))
  }

  const listener: RequestListener = (request, response) => void answer(request, response)
  const { certificate } = options
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http${certificate ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: base,
    seen,
    cancelled,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The next answer about a query: queued once, then running with a page each, then finished. */
function pageOf(query: Query, address: string): Record<string, unknown> {
  const { id } = query
  const reply = typeof query.reply === 'function' ? query.reply() : query.reply
  const [at, size] = [query.at, typeof reply === 'object' && 'rows' in reply ? reply.page : 0]
  const next = { id, nextUri: `${address}/${at + 1}` }
  if (at < 0 || reply === 'queued for ever') {
    query.at = Math.max(at, 0)
    return { ...next, stats: { state: 'QUEUED', processedRows: 0 } }
  }
  if ('errorName' in reply) {
    return { id, stats: { state: 'FAILED' }, error: { errorCode: 1, ...reply } }
  }
  const columns = reply.columns.map((name) => ({ name, type: 'varchar' }))
  const end = at + (size ?? reply.rows.length)
  query.at = end
  const data = reply.rows.slice(at, end)
  const page = { columns, data, stats: { state: 'RUNNING', processedRows: end } }
  return end < reply.rows.length ? { ...next, ...page } : { id, ...page }
}

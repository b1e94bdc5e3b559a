/**
 * Queries to a Trino coordinator, page by page, by its client protocol:
 * https://trino.io/docs/current/develop/client-protocol.html. Queries only read, so that what the
 * protocol has for sessions, transactions and prepared statements is not needed.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { dispatcherOf } from '../../../dispatcher.ts'
import { RidecastError } from '../../../errors.ts'
import { version } from '../../../package.ts'
import type { SqlValue } from '../sql/runner.ts'
import type { TrinoSettings } from '../trino-settings.ts'
import {
  answerFault,
  connectionFault,
  type FailedRequest,
  isBusy,
  type QueryError,
  queryFault,
} from './faults.ts'

/** Milliseconds before a busy coordinator is asked again, doubled each time. */
const busyMs = 100
/** How often a busy coordinator is asked in all. */
const busyAttempts = 4
/** Milliseconds that the coordinator has to confirm the end of a query that is not wanted. */
const cancelMs = 5000

/** An answer about a query, as far as it is looked at. */
export interface QueryPage {
  /** Where the next answer is; undefined when this is the last. */
  readonly nextUri?: string
  readonly columns?: readonly { readonly name: string; readonly type: string }[]
  readonly data?: readonly (readonly SqlValue[])[]
  readonly stats?: { readonly processedRows?: number }
  readonly error?: QueryError
}

/** A coordinator. */
export interface TrinoClient {
  /**
   * Runs a query; its pages with rows, as they come. A query that is not read to its end is
   * cancelled on the coordinator.
   *
   * @param about what is read, for errors: a file or a table
   * @param told called with every page, those without rows too
   * @throws engine_* codes, source_columns, source_column_type, source_truncated; the signal's
   *   reason; a PassingFault where another attempt may help
   */
  pages(
    sql: string,
    about: string,
    signal: AbortSignal,
    told?: (page: QueryPage) => void,
  ): AsyncGenerator<QueryPage>
}

/** A request of the protocol. */
interface Request {
  readonly method: 'POST' | 'GET' | 'DELETE'
  /** Of the coordinator, or what it gave. */
  readonly url: string
  readonly body?: string
  readonly signal: AbortSignal
}

/** A client for a coordinator; asks nothing by itself. */
export function trinoClient(settings: TrinoSettings): TrinoClient {
  const { address, user, password, token, deadlineSeconds } = settings
  const dispatcher = dispatcherOf({ ...settings, uri: address, timeoutMs: deadlineSeconds * 1000 })
  const headers = headersOf(settings)
  const who = token ? 'the token' : `user ${user}${password ? ' and the password' : ''}`

  /** Status and text of an answer; what goes wrong with the connection is thrown as it is. */
  const once = async ({ url, ...rest }: Request): Promise<{ status: number; text: string }> => {
    const { statusCode, body } = await request(new URL(url, address), {
      dispatcher,
      headers,
      ...rest,
    })
    return { status: statusCode, text: await body.text() }
  }

  const ask = async (asked: Request): Promise<QueryPage> => {
    const { signal } = asked
    const failed: FailedRequest = { address, user: who, later: asked.method !== 'POST' }
    for (let attempt = 1; ; attempt++) {
      const answer = await once(asked).catch((error: NodeJS.ErrnoException) => error)
      signal.throwIfAborted()
      if (answer instanceof Error) throw connectionFault(answer.code ?? '', failed)
      const { status, text } = answer
      if (status === 200) return pageOf(text, failed)
      if (!isBusy(status) || attempt === busyAttempts) throw answerFault(status, failed)
      await wait(busyMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }

  return {
    async *pages(sql, about, signal, told = () => {}) {
      signal.throwIfAborted()
      let page = await ask({ method: 'POST', url: '/v1/statement', body: sql, signal })
      try {
        for (;;) {
          told(page)
          if (page.error) throw queryFault(page.error, about)
          if (page.data && page.data.length > 0) yield page
          if (!page.nextUri) return
          page = await ask({ method: 'GET', url: page.nextUri, signal })
        }
      } finally {
        // Left before its end: by an error, by the signal, or because nobody wants more of it.
        if (page.nextUri) {
          const signal = AbortSignal.timeout(cancelMs)
          await once({ method: 'DELETE', url: page.nextUri, signal }).catch(() => {})
        }
      }
    },
  }
}

function authorizationOf({ user, password, token }: TrinoSettings): string | undefined {
  if (token) return `Bearer ${token}`
  return password && `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function headersOf(settings: TrinoSettings): Record<string, string> {
  const { catalog, schema, user } = settings
  const authorization = authorizationOf(settings)
  return {
    accept: 'application/json',
    'user-agent': `ridecast/${version}`,
    'x-trino-source': 'ridecast',
    'x-trino-catalog': catalog,
    'x-trino-schema': schema,
    // Without a user the token says who it is.
    ...(user && { 'x-trino-user': user }),
    ...(authorization && { authorization }),
  }
}

/** An answer of the protocol that may be followed. */
function pageOf(text: string, failed: FailedRequest): QueryPage {
  const page = parsed(text)
  if (typeof page?.id !== 'string') throw answerFault(200, failed)
  const { nextUri } = page
  if (nextUri !== undefined && !URL.canParse(nextUri)) throw answerFault(200, failed)
  if (/^https:/.test(failed.address) && /^http:/.test(nextUri ?? '')) {
    throw new RidecastError(
      'engine_failed',
      `trino at ${failed.address} wants to go on over http, where anyone reads the password: set http-server.process-forwarded=true on it`,
    )
  }
  return page
}

function parsed(text: string): (QueryPage & { readonly id?: unknown }) | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

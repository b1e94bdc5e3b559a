/**
 * Queries to a Trino coordinator, page by page, by the official client: it knows the protocol's
 * headers, sessions, how to sign in and TLS. Its iterator takes no signal and hides the query until
 * the first rows, so that a query in the queue could not be cancelled: pages are asked for here.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { BasicAuth, type QueryResult, Trino } from 'trino-client'
import { RidecastError } from '../../../errors.ts'
import type { TrinoSettings } from '../trino-settings.ts'
import { answerFault, connectionFault, type FailedRequest, isBusy, queryFault } from './faults.ts'

/** Milliseconds before a busy coordinator is asked again, doubled each time. */
const busyMs = 100
/** How often a busy coordinator is asked in all. */
const busyAttempts = 4
/** Milliseconds that the coordinator has to confirm the end of a query that is not wanted. */
const cancelMs = 5000

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
    told?: (page: QueryResult) => void,
  ): AsyncGenerator<QueryResult>
}

/** A request as the official client takes it. */
interface Request {
  readonly method?: 'POST' | 'DELETE'
  /** A path below the address, or an address that the coordinator gave. */
  readonly url: string
  readonly data?: string
  readonly signal?: AbortSignal
  /** Milliseconds. */
  readonly timeout?: number
}

/** The part of the official client that asks: public in its class, but not by its type. */
interface Requests {
  request<T>(request: Request): Promise<T>
}

/** A client for a coordinator; asks nothing by itself. */
export function trinoClient(settings: TrinoSettings): TrinoClient {
  const { address, user, password, token } = settings
  const requests = requestsOf(settings)
  const who = token ? 'the token' : `user ${user}${password ? ' and the password' : ''}`

  const ask = async (request: Request, signal: AbortSignal): Promise<QueryResult> => {
    const failed: FailedRequest = { address, user: who, later: request.method !== 'POST' }
    for (let attempt = 1; ; attempt++) {
      const answer = await requests
        .request<Partial<QueryResult>>({ ...request, signal })
        .catch((error: FailedAnswer) => error)
      signal.throwIfAborted()
      if (!(answer instanceof Error)) return checked(answer, failed)
      // The error itself holds the request, and with it the password: nothing else of it is kept.
      const status = answer.response?.status
      if (status === undefined) throw connectionFault(answer.code ?? '', failed)
      if (!isBusy(status) || attempt === busyAttempts) throw answerFault(status, failed)
      await wait(busyMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }

  return {
    async *pages(sql, about, signal, told = () => {}) {
      signal.throwIfAborted()
      let page = await ask({ method: 'POST', url: '/v1/statement', data: sql }, signal)
      try {
        for (;;) {
          told(page)
          if (page.error) throw queryFault(page.error, about)
          if (page.data && page.data.length > 0) yield page
          if (!page.nextUri) return
          page = await ask({ url: page.nextUri }, signal)
        }
      } finally {
        // Left before its end: by an error, by the signal, or because nobody wants more of it.
        if (page.nextUri) {
          await requests
            .request({ method: 'DELETE', url: page.nextUri, timeout: cancelMs })
            .catch(() => {})
        }
      }
    },
  }
}

/** What the official client throws, as far as it is looked at. */
interface FailedAnswer extends Error {
  readonly code?: string
  readonly response?: { readonly status: number }
}

function requestsOf({ address, catalog, schema, tls, ...settings }: TrinoSettings): Requests {
  const { user, password, token } = settings
  const trino = Trino.create({
    server: address,
    source: 'ridecast',
    catalog,
    schema,
    ssl: { rejectUnauthorized: tls.verify, ...(tls.ca !== undefined && { ca: tls.ca }) },
    ...(password && { auth: new BasicAuth(user ?? '', password) }),
    extraHeaders: {
      // An empty one is not sent: without a user the token says who it is.
      'X-Trino-User': user ?? '',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
  })
  return (trino as unknown as { client: Requests }).client
}

/** An answer of the protocol that may be followed. */
function checked(answer: Partial<QueryResult>, failed: FailedRequest): QueryResult {
  if (typeof answer !== 'object' || answer === null || !answer.id) throw answerFault(200, failed)
  if (/^https:/.test(failed.address) && /^http:/.test(answer.nextUri ?? '')) {
    throw new RidecastError(
      'engine_failed',
      `trino at ${failed.address} wants to go on over http, where anyone reads the password: set http-server.process-forwarded=true on it`,
    )
  }
  return answer as QueryResult
}

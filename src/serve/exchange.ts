/**
 * What is known of a request while it is answered: when it came, which route took it, who answered.
 * Metrics, the log and deadlines read it. Knows nothing about rides.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request and what became of it so far. */
export interface Exchange {
  /** When its head was there, milliseconds of a clock that only goes forward. */
  readonly began: number
  /** The route that took it, such as `/predict`; undefined until one has. */
  route: string | undefined
  /** The model version that answered, where one did. */
  version: string | undefined
  /** The parsed body, once the step that reads it is through. */
  body: unknown
}

const key = Symbol('exchange')

type Observed = ServerResponse & { [key]?: Exchange }

/** Begins an exchange; called once a request. */
export function beginExchange(response: ServerResponse, began: number): Exchange {
  const exchange: Exchange = { began, route: undefined, version: undefined, body: undefined }
  ;(response as Observed)[key] = exchange
  return exchange
}

/** The exchange of a response. */
export function exchangeOf(response: ServerResponse): Exchange {
  return (response as Observed)[key] ?? beginExchange(response, performance.now())
}

/** A header that may be there once, shortened; undefined without one. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  const text = Array.isArray(value) ? value[0] : value
  return text === undefined || text === '' ? undefined : text.slice(0, 200)
}

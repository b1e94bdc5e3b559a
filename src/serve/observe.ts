/**
 * The first step of every request: counts it, times it, and says a line about it when it is over.
 * Refuses it when too many are in flight. Never logs a body or the value of a query parameter.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Step } from './chain.ts'
import { beginExchange, type Exchange, exchangeOf } from './exchange.ts'
import type { Metrics } from './metrics.ts'
import { Problem } from './problem.ts'

/** What the observer needs. */
export interface Observer {
  readonly log: Logger
  readonly metrics: Metrics
  /** Requests that may be in flight at once. */
  readonly maxRequests: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}

/** The path of a request as it was sent: unlike that of Express, it may be no valid one. */
export function pathOf(request: IncomingMessage): string {
  const { url = '' } = request
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** Longer paths are cut: they come from outside. */
const longestPath = 200

/** The step; every request passes it once. */
export function observe({ log, metrics, maxRequests, now }: Observer): Step {
  // One listener for all answers: one for each would be made anew with every request.
  function onClose(this: ServerResponse): void {
    const exchange = exchangeOf(this)
    metrics.inFlight--
    const ms = now() - exchange.began
    const finished = this.writableFinished
    const status = finished ? this.statusCode : 'aborted'
    metrics.ended(exchange, status, ms)
    const level = isRoutine(exchange, status) ? 'debug' : 'info'
    if (!log.isLevelEnabled(level)) return
    const fields = {
      method: this.req.method,
      path: pathOf(this.req).slice(0, longestPath),
      ms: Math.round(ms * 1e3) / 1e3,
      ...(finished ? { status } : { aborted: true }),
      ...(exchange.version !== undefined && { model_version: exchange.version }),
    }
    log[level](fields, 'request')
  }
  return (request, response, next) => {
    beginExchange(response, now())
    metrics.inFlight++
    response.on('close', onClose)
    if (metrics.inFlight > maxRequests && !isProbe(pathOf(request))) {
      throw new Problem('overloaded', `server has ${maxRequests} requests in flight: ask again`, {
        headers: { 'Retry-After': '1' },
      })
    }
    next()
  }
}

/**
 * What would cost more as a line than as an answer: predictions, which are in their own log, and faults
 * of a client's ride, which it was told. Both are counted.
 */
function isRoutine({ version }: Exchange, status: number | 'aborted'): boolean {
  return (status === 200 && version !== undefined) || status === 422
}

/** Whoever watches the server is answered when it is busiest. */
function isProbe(path: string): boolean {
  return path.startsWith('/health/') || path === '/metrics'
}

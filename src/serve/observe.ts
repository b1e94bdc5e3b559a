/**
 * The first step of every request: counts it, times it, and says a line about it when it is over.
 * Refuses it when too many are in flight. Never logs a body or the value of a query parameter.
 */

import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { Step } from './chain.ts'
import { beginExchange } from './exchange.ts'
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
  return (request, response, next) => {
    const exchange = beginExchange(response, now())
    metrics.inFlight++
    response.on('close', () => {
      metrics.inFlight--
      const ms = now() - exchange.began
      const finished = response.writableFinished
      const status = finished ? response.statusCode : 'aborted'
      metrics.ended(exchange, status, ms)
      // An answer that was given is in the prediction log; here it would cost more than itself.
      const level = exchange.version !== undefined && status === 200 ? 'debug' : 'info'
      if (!log.isLevelEnabled(level)) return
      const fields = {
        method: request.method,
        path: pathOf(request).slice(0, longestPath),
        ms: Math.round(ms * 1e3) / 1e3,
        ...(finished ? { status } : { aborted: true }),
        ...(exchange.version !== undefined && { model_version: exchange.version }),
      }
      log[level](fields, 'request')
    })
    if (metrics.inFlight > maxRequests && !isProbe(pathOf(request))) {
      throw new Problem('overloaded', `server has ${maxRequests} requests in flight: ask again`, {
        headers: { 'Retry-After': '1' },
      })
    }
    next()
  }
}

/** Whoever watches the server is answered when it is busiest. */
function isProbe(path: string): boolean {
  return path.startsWith('/health/') || path === '/metrics'
}

/**
 * What a client may take of the server's time: its own deadline is kept, and where there is a limit
 * on requests a minute, each client has its own. Knows nothing about rides.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Step } from './chain.ts'
import { exchangeOf, headerOf } from './exchange.ts'
import { Problem } from './problem.ts'

/** Milliseconds that a client waits for its answer, by our header or Envoy's. */
const deadlineHeaders = ['ridecast-timeout-ms', 'x-envoy-expected-rq-timeout-ms'] as const

/**
 * Gives up on a request whose client has stopped waiting.
 *
 * @param now milliseconds, the clock by which the exchange began
 * @throws Problem: deadline_exceeded; input_invalid when the header is no number
 */
export function checkDeadline(
  request: IncomingMessage,
  response: ServerResponse,
  now: () => number,
): void {
  for (const name of deadlineHeaders) {
    const text = headerOf(request, name)
    if (text === undefined) continue
    const ms = Number(text)
    if (!/^\d{1,9}$/.test(text.trim())) {
      throw new Problem(
        'request_malformed',
        `header ${name} must be whole milliseconds, found ${JSON.stringify(text.slice(0, 40))}`,
      )
    }
    const waited = now() - exchangeOf(response).began
    if (waited > ms) {
      throw new Problem(
        'deadline_exceeded',
        `client waits ${ms} ms and ${Math.ceil(waited)} have passed: the ride was not predicted`,
      )
    }
  }
}

/**
 * A limit on the requests of each client, by the address of its connection.
 *
 * @param perMinute requests in any one minute
 */
export function rateLimit(perMinute: number): Step {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return (request, response, next) => {
    if (request.url?.startsWith('/health/') || request.url === '/metrics') return next()
    limiter.consume(request.socket.remoteAddress ?? '').then(
      ({ remainingPoints }) => {
        response.setHeader('RateLimit', `limit=${perMinute}, remaining=${remainingPoints}`)
        next()
      },
      (error: unknown) => {
        if (!(error instanceof RateLimiterRes)) return next(error)
        const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000))
        next(
          new Problem(
            'rate_limited',
            `client sends more than ${perMinute} requests a minute: ask again in ${seconds} s`,
            { headers: { 'Retry-After': String(seconds) } },
          ),
        )
      },
    )
  }
}

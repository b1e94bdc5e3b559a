/**
 * The application: which handler answers what, and how its failures are told. Never listens, reads
 * the environment or ends the process; `server.ts` does the first, `main.ts` the others.
 */

import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Logger } from 'pino'
import { index, modelHandler } from './about.ts'
import { type Handler, sendProblem } from './answer.ts'
import { live, readyHandler } from './health.ts'
import { predictHandler } from './predict.ts'
import { Problem, problemOf } from './problem.ts'
import { logRequest, pathOf } from './request-log.ts'
import type { ServiceState } from './state.ts'

/** What an application is made of. */
export interface AppOptions {
  readonly state: ServiceState
  readonly log: Logger
  /** The largest body that is read. */
  readonly bodyLimitBytes: number
  /** Milliseconds of a clock that only goes forward, default that of the process. */
  readonly now?: () => number
}

/** The application over a state; a model may come, go and change behind it. */
export function createApp(options: AppOptions): Express {
  const { state, log, bodyLimitBytes, now = () => performance.now() } = options
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')

  app.use((request, response, next) => {
    logRequest(log, state, now, request, response)
    checkUrl(request.url)
    next()
  })
  route(app, '/', 'GET', index)
  route(app, '/predict', 'POST', predictHandler(state, bodyLimitBytes))
  route(app, '/model', 'GET', modelHandler(state))
  route(app, '/health/live', 'GET', live)
  route(app, '/health/ready', 'GET', readyHandler(state))
  app.use((request) => {
    throw new Problem(
      'route_unknown',
      `address ${pathOf(request).slice(0, 100)} is not there: GET / lists those that are`,
    )
  })

  // Express tells an error handler from others by its four parameters.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    if (problemOf(error).code === 'internal') log.error({ error }, 'request failed')
    sendProblem(response, error)
  }
  app.use(onError)
  return app
}

/** Mounts a handler under one method; GET answers HEAD too. */
function route(app: Express, path: string, method: 'GET' | 'POST', handler: Handler): void {
  const allow = method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS'
  const at = app.route(path)
  if (method === 'GET') at.get(handler)
  else at.post(handler)
  at.options((_request, response) => {
    response.writeHead(204, { Allow: allow }).end()
  })
  at.all((request) => {
    throw new Problem(
      'method_not_allowed',
      `address ${path} does not take ${request.method}: expected ${allow}`,
      { headers: { Allow: allow } },
    )
  })
}

function checkUrl(url: string): void {
  if (!url.includes('%')) return
  try {
    decodeURIComponent(url)
  } catch {
    throw new Problem('request_malformed', 'address has broken percent-encoding')
  }
}

/**
 * The application: which handler answers what, and how its failures are told. Never listens, reads
 * the environment or ends the process; `server.ts` does the first, entry files the others.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import cors from 'cors'
import express, { type ErrorRequestHandler, type Express, type Request } from 'express'
import helmet from 'helmet'
import type { Logger } from 'pino'
import { requireAccess } from './access.ts'
import { isAnswered, sendProblem } from './answer.ts'
import { chain, last, type Step } from './chain.ts'
import { exchangeOf } from './exchange.ts'
import { rateLimit } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { observe, pathOf } from './observe.ts'
import { Problem, problemOf } from './problem.ts'
import type { Route, Service } from './routes.ts'

/** What an application is made of. */
export interface AppOptions {
  readonly service: Service
  readonly metrics: Metrics
  /** `POST /predict`, which is asked more than all others together. */
  readonly predict: Route
  /** All routes, that one too. */
  readonly routes: readonly Route[]
}

/** An application, ready to be handed requests. */
export interface App {
  /** Answers a request: `POST /predict` straight, all else by way of Express. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Answers every request by way of Express, the same. */
  readonly express: Express
}

/** The application over a service; a model may come, go and change behind it. */
export function createApp({ service, metrics, predict, routes }: AppOptions): App {
  const { log, config, now } = service
  const fail = failure(log)
  const first: Step[] = [
    observe({ log, metrics, maxRequests: config.maxRequests, now }),
    checkUrl,
    ...(config.corsOrigins.length > 0 ? [crossOrigin(config.corsOrigins)] : []),
    ...(config.rateLimit > 0 ? [rateLimit(config.rateLimit)] : []),
  ]
  const stepsOf = ({ path, access, steps = [] }: Route): Step[] => {
    return [named(path), ...requireAccess(access, config), ...steps]
  }

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  for (const step of first) app.use(step)
  mount(app, [predict], stepsOf)
  app.use(securityHeaders(config.tlsCert !== ''))
  const others = routes.filter((route) => route !== predict)
  for (const same of groupByPath(others)) mount(app, same, stepsOf)
  app.use((request) => {
    throw new Problem(
      'route_unknown',
      `address ${pathOf(request).slice(0, 100)} is not there: GET / lists those that are`,
    )
  })
  // Express tells an error handler from others by its four parameters.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    fail(response, error)
  }
  app.use(onError)

  const straight = chain([
    ...first,
    ...stepsOf(predict),
    last((request, response) => predict.handler(request, response, {})),
  ])
  return {
    express: app,
    handler(request, response) {
      if (request.method !== 'POST' || !isAt(predict.path, request.url ?? '')) {
        app(request, response)
        return
      }
      straight(request, response, (error) => fail(response, error))
    },
  }
}

function isAt(path: string, url: string): boolean {
  return url === path || (url.startsWith(path) && url.charCodeAt(path.length) === 0x3f)
}

/** Answers errors; what was not foreseen is logged. */
function failure(log: Logger): (response: ServerResponse, error: unknown) => void {
  return (response, error) => {
    // The rest of the request was no HTTP, and that has been answered while this was being made.
    if (isAnswered(response)) return
    if (problemOf(error).code === 'internal') log.error({ error }, 'request failed')
    sendProblem(response, error)
  }
}

/** Says which route has taken the request. */
function named(path: string): Step {
  return (_request, response, next) => {
    exchangeOf(response).route = path
    next()
  }
}

/** Mounts the methods of one address; GET answers HEAD too. */
function mount(app: Express, routes: readonly Route[], stepsOf: (route: Route) => Step[]): void {
  const [{ path }] = routes as [Route]
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const allow = [...methods, 'OPTIONS'].join(', ')
  const at = app.route(path)
  for (const route of routes) {
    const answer = last((request, response) =>
      route.handler(request, response, (request as Request).params as Record<string, string>),
    )
    at[methodName(route)](...stepsOf(route), answer)
  }
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

function methodName({ method }: Route): 'get' | 'post' | 'put' | 'delete' {
  return method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'
}

function groupByPath(routes: readonly Route[]): Route[][] {
  const groups = new Map<string, Route[]>()
  for (const route of routes) groups.set(route.path, [...(groups.get(route.path) ?? []), route])
  return [...groups.values()]
}

/** Pages of these origins may ask, and read who answered. */
function crossOrigin(origins: readonly string[]): Step {
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    exposedHeaders: ['Ridecast-Prediction-Id', 'Ridecast-Arm', 'Retry-After'],
    maxAge: 3600,
  }) as Step
}

/** Headers for whoever shows an answer as a page: nothing from elsewhere, in no frame. */
function securityHeaders(tls: boolean): Step {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        // Swagger UI sets styles of its own.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: tls,
    // A page of another origin that may ask at all (CORS) may read the answer too.
    crossOriginResourcePolicy: false,
  }) as Step
}

const checkUrl: Step = (request, _response, next) => {
  const { url = '' } = request
  if (url.includes('%')) {
    try {
      decodeURIComponent(url)
    } catch {
      throw new Problem('request_malformed', 'address has broken percent-encoding')
    }
  }
  next()
}

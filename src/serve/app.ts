/**
 * The HTTP application: routes over one predictor. Never listens, reads no environment, does not
 * exit; `server.ts` does all three.
 */

import express, { type Express, type RequestHandler } from 'express'
import type { Logger } from 'pino'
import { version } from '../package.ts'
import { predictHandler, requireJson } from './predict.ts'
import { onlyMethods, Problem, problemHandler, sendProblem } from './problem.ts'
import type { ServedModel } from './served-model.ts'

/** What changes while the server runs. */
export interface ServerState {
  /** The model that answers; undefined until one is loaded and verified. */
  model: ServedModel | undefined
  /** True once the server was asked to stop. */
  draining: boolean
}

/** What the application is made from. */
export interface AppOptions {
  readonly state: ServerState
  readonly log: Logger
  /** Largest body that is read, bytes. */
  readonly bodyLimitBytes: number
}

/** One line a request, without its body or query: those may hold what must not be kept. */
function requestLog(log: Logger, state: ServerState): RequestHandler {
  return (request, response, next): void => {
    const start = performance.now()
    response.on('finish', () => {
      const ms = Math.round((performance.now() - start) * 1000) / 1000
      const { method, path } = request
      log.info(
        { method, path, status: response.statusCode, ms, version: state.model?.version },
        'request',
      )
    })
    next()
  }
}

/** The application. */
export function createApp({ state, log, bodyLimitBytes }: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Only the first of several equal query parameters could be meant: none is taken.
  app.set('query parser', 'simple')
  app.use(requestLog(log, state))
  app.use((_request, response, next) => {
    // A client that keeps its connection open would hold up a server that is to stop.
    if (state.draining) response.set('Connection', 'close')
    response.set('X-Content-Type-Options', 'nosniff').set('Cache-Control', 'no-store')
    next()
  })

  const current = (): ServedModel => {
    if (state.model) return state.model
    throw new Problem('not_ready', 'no model is loaded yet: ask again in a moment')
  }
  const json = express.json({ limit: bodyLimitBytes, strict: false })
  app.route('/predict').post(requireJson, json, predictHandler(current)).all(onlyMethods('POST'))
  app
    .route('/model')
    .get((_request, response) => {
      response.json(describe(current()))
    })
    .all(onlyMethods('GET', 'HEAD'))
  app
    .route('/health/live')
    .get((_request, response) => {
      response.json({ status: 'live' })
    })
    .all(onlyMethods('GET', 'HEAD'))
  app
    .route('/health/ready')
    .get((_request, response) => {
      if (state.draining) throw new Problem('not_ready', 'the server is stopping')
      const { name, version: model } = current()
      response.json({ status: 'ready', model: name, model_version: model })
    })
    .all(onlyMethods('GET', 'HEAD'))
  app
    .route('/')
    .get((_request, response) => {
      response.json({
        name: 'ridecast',
        version,
        routes: ['POST /predict', 'GET /model', 'GET /health/live', 'GET /health/ready'],
      })
    })
    .all(onlyMethods('GET', 'HEAD'))
  app.use((request, response) => {
    sendProblem(
      response,
      new Problem(
        'route_unknown',
        `there is nothing at ${request.path.slice(0, 100)}: GET / lists the routes`,
      ),
    )
  })
  app.use(problemHandler(log))
  return app
}

function describe({
  name,
  version: model,
  predictor,
  fields,
  metrics,
  lineage,
}: ServedModel): object {
  const { recipe, kind, columns, intercept } = predictor.model
  return {
    name,
    version: model,
    kind,
    columns,
    intercept,
    inputs: fields.descriptions,
    recipe,
    metrics,
    lineage,
  }
}

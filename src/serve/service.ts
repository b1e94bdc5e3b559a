/**
 * Everything that one process serves with, put together: the answers with their log and counts, the
 * rollout, and the routes over them. Knows nothing about ports or the environment.
 */

import type { Logger } from 'pino'
import type { ServerConfig } from '../config.ts'
import { indexHandler, modelHandler } from './about.ts'
import { type App, createApp } from './app.ts'
import { docsRoutes } from './docs-page.ts'
import { feedbackHandler, RecentPredictions } from './feedback.ts'
import { live, readyHandler } from './health.ts'
import { Metrics } from './metrics.ts'
import { modelDocumentsRoutes } from './model-documents.ts'
import { pageRoutes } from './page-files.ts'
import { predictRoute } from './predict.ts'
import { predictionNames, processName } from './prediction-id.ts'
import { type Loggable, openPredictionLog, type PredictionLog } from './prediction-log.ts'
import { predictionFolder } from './prediction-search.ts'
import { createPredictions } from './predictions.ts'
import { batchRoutes } from './protocols/batch.ts'
import { mlflowRoutes } from './protocols/mlflow.ts'
import { openInferenceRoutes } from './protocols/open-inference.ts'
import { adminRoutes } from './rollout/admin.ts'
import type { Rollout } from './rollout/controller.ts'
import type { Route, Service } from './routes.ts'
import type { ServiceState } from './state.ts'
import { statusHandler } from './status.ts'
import { typicalRoutes } from './typical.ts'
import { metricsPrinter } from './workers.ts'

/** A service, ready to be listened for. */
export interface AssembledService extends App {
  readonly service: Service
  readonly metrics: Metrics
  /** Every route. */
  readonly routes: readonly Route[]
  /** Writes what is still to be written. */
  close(): Promise<void>
}

/** What a service may be given beside its models. */
export interface ServiceParts {
  /** Name of this process among those that keep state in one folder, default a new one. */
  readonly process?: string
  /** What is tried beside the champion; without it nothing can be. */
  readonly rollout?: Rollout
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** A service over models. */
export function assembleService(
  config: ServerConfig,
  state: ServiceState,
  log: Logger,
  { process = processName(), rollout, now = () => performance.now() }: ServiceParts = {},
): AssembledService {
  const predictionLog = config.predictionLog
    ? openPredictionLog(
        {
          folder: predictionFolder(config.state),
          process,
          days: config.predictionDays,
          bytes: config.predictionMebibytes * 2 ** 20,
        },
        log,
      )
    : noLog
  const metrics = new Metrics({
    state,
    log: predictionLog,
    trial: () => rollout?.document(),
  })
  const recent = new RecentPredictions()
  const predictions = createPredictions(state, {
    name: predictionNames(process),
    append: (line: Loggable) => predictionLog.append(line),
    logInputs: config.predictionInputs,
    listeners: rollout ? [metrics, recent, rollout.listener] : [metrics, recent],
  })
  const service: Service = { state, predictions, config, log, now }
  const predict = predictRoute(service)
  const told = feedbackHandler(service, recent, () => predictionLog.flush(), [
    ({ model, version, arm, duration }, minutes) =>
      metrics.errors.of({ model, version, arm }).observe(Math.abs(duration - minutes)),
    (prediction, minutes) => rollout?.feedback(prediction, minutes),
  ])
  const status = statusHandler({
    state,
    metrics,
    rollout: () => rollout?.document(),
    startedAt: new Date(),
    now,
  })
  const get = (path: string, access: Route['access'], handler: Route['handler']): Route => {
    return { path, method: 'GET', access, handler }
  }
  const print = metricsPrinter(metrics.registry)
  const routes: Route[] = [
    ...batchRoutes(service),
    { path: '/feedback', method: 'POST', access: 'clients', handler: told },
    get('/model', 'clients', modelHandler(state)),
    get('/status', 'open', status),
    get('/metrics', 'open', async (_request, response) => {
      const text = await print()
      response.writeHead(200, { 'Content-Type': metrics.registry.contentType }).end(text)
    }),
    get('/health/live', 'open', live),
    get('/health/ready', 'open', readyHandler(state)),
    ...modelDocumentsRoutes(service),
    ...typicalRoutes(service),
    ...mlflowRoutes(service),
    ...openInferenceRoutes(service),
    ...(rollout ? adminRoutes(service, rollout) : []),
  ]
  const docs = docsRoutes(service, () => all)
  const rest = [predict, ...routes, ...docs]
  const all: readonly Route[] = [...pageRoutes(indexHandler(rest)), ...rest]
  return {
    ...createApp({ service, metrics, predict, routes: all }),
    service,
    metrics,
    routes: all,
    close: () => predictionLog.close(),
  }
}

const noLog: PredictionLog = {
  counts: { written: 0, dropped: 0 },
  append() {},
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

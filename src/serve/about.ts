/** `GET /model` and `GET /`: what is served here, and where. */

import { version } from '../package.ts'
import { sendJson } from './answer.ts'
import type { Route, RouteHandler } from './routes.ts'
import type { ServiceState } from './state.ts'

/** The model: which one, what it takes, how good it is, what it was made from. */
export function modelHandler(state: ServiceState): RouteHandler {
  return (_request, response) => {
    const served = state.requireModel()
    const { model } = served.predictor
    sendJson(response, 200, {
      name: served.name,
      version: served.version,
      kind: model.kind,
      taxi: model.toJSON().taxi,
      recipe: model.recipe,
      inputs: served.fields,
      metrics: served.documents.metrics,
      trained_on: (served.documents.lineage as { train?: unknown } | null)?.train ?? [],
    })
  }
}

/** Where things are, for a person or a program that opens the address to see what answers. */
export function indexHandler(routes: readonly Route[]): RouteHandler {
  const links = routes
    .filter(({ path, access }) => !path.includes(':') && access !== 'admin')
    .map(({ path, method }) => [path.slice(1), { method, href: path }])
  const document = { service: 'ridecast', version, links: Object.fromEntries(links) as object }
  return (_request, response) => sendJson(response, 200, document)
}

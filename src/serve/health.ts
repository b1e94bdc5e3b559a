/** `GET /health/live` and `/health/ready`: the process answers, and it wants requests. */

import { sendJson } from './answer.ts'
import { Problem } from './problem.ts'
import type { RouteHandler } from './routes.ts'
import type { ServiceState } from './state.ts'

/** Live: the process answers. Where it does not, only a restart helps. */
export const live: RouteHandler = (_request, response) => {
  sendJson(response, 200, { status: 'live' })
}

/** Ready: a verified model is loaded and the server is not shutting down, else a 503 problem. */
export function readyHandler(state: ServiceState): RouteHandler {
  return (_request, response) => {
    if (state.draining) {
      throw new Problem('not_ready', 'server is shutting down: ask another')
    }
    const { name, version } = state.requireModel()
    sendJson(response, 200, { status: 'ready', model: name, model_version: version })
  }
}

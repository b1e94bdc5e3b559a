/** `GET /model` and `GET /`: what is served here, and where. */

import { version } from '../package.ts'
import { type Handler, sendJson } from './answer.ts'
import type { ServiceState } from './state.ts'

/** The model: which one, what it takes, how good it is, what it was made from. */
export function modelHandler(state: ServiceState): Handler {
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
      metrics: served.metrics,
      trained_on: served.trainedOn,
    })
  }
}

/** Where things are, for a person who opens the address to see what answers. */
export const index: Handler = (_request, response) => {
  sendJson(response, 200, {
    service: 'ridecast',
    version,
    links: {
      predict: { method: 'POST', href: '/predict' },
      model: { method: 'GET', href: '/model' },
      live: { method: 'GET', href: '/health/live' },
      ready: { method: 'GET', href: '/health/ready' },
    },
  })
}

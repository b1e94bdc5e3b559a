/** What a route is: the parts of the service hand the application a list of them. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { ServerConfig } from '../config.ts'
import type { Step } from './chain.ts'
import type { Predictions } from './predictions.ts'
import type { ServiceState } from './state.ts'

/** Who may use a route: anybody, those with a token where there are tokens, or those who administer. */
export type Access = 'open' | 'clients' | 'admin'

/**
 * Answers one request, or throws what `sendProblem` makes a problem of.
 *
 * @param params parts of the path by name, decoded: `name` of `/v2/models/:name`
 */
export type RouteHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Readonly<Record<string, string>>,
) => void | Promise<void>

/** An address, a method and who answers there. */
export interface Route {
  /** As Express reads it: `/v2/models/:name/infer`. It is also the `route` of the metrics. */
  readonly path: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly access: Access
  /** What a request goes through before the handler, after all that every request does. */
  readonly steps?: readonly Step[]
  readonly handler: RouteHandler
}

/** What routes are made from. */
export interface Service {
  readonly state: ServiceState
  readonly predictions: Predictions
  readonly config: ServerConfig
  readonly log: Logger
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}

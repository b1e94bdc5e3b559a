/** One line a request. Never a body or the value of a query parameter. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { ServiceState } from './state.ts'

/** The path of a request as it was sent: unlike that of Express, it may be no valid one. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? ''
}

/** Longer paths are cut: they come from outside. */
const longestPath = 200

/**
 * Logs the request once its answer is sent, or the client is gone (`aborted`).
 *
 * @param now milliseconds of a clock that only goes forward
 */
export function logRequest(
  log: Logger,
  state: ServiceState,
  now: () => number,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (!log.isLevelEnabled('info')) return
  const start = now()
  const path = pathOf(request).slice(0, longestPath)
  // Of the model that was there when the request came.
  const version = state.model?.version
  response.once('close', () => {
    const fields = { method: request.method, path, ms: Math.round((now() - start) * 1e3) / 1e3 }
    if (response.writableFinished) {
      log.info({ ...fields, status: response.statusCode, model_version: version }, 'request')
    } else {
      log.info({ ...fields, aborted: true, model_version: version }, 'request')
    }
  })
}

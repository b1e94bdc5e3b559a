/**
 * Failures in the form of another protocol than ours. Knows nothing about what failed.
 */

import { sendJson } from '../answer.ts'
import { type Problem, problemOf } from '../problem.ts'
import type { RouteHandler, Service } from '../routes.ts'

/** A status and the JSON document that goes with it. */
export interface ForeignError {
  readonly status: number
  readonly document: object
}

/** A handler whose failures are told by `form`. */
export function tellingErrors(
  { log }: Pick<Service, 'log'>,
  form: (problem: Problem) => ForeignError,
  handler: RouteHandler,
): RouteHandler {
  return async (request, response, params) => {
    try {
      await handler(request, response, params)
    } catch (error) {
      // The application breaks off an answer that has begun.
      if (response.headersSent) throw error
      const problem = problemOf(error)
      if (problem.code === 'internal') log.error({ error }, 'request failed')
      const { status, document } = form(problem)
      for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
      sendJson(response, status, document)
    }
  }
}

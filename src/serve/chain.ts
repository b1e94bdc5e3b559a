/**
 * Steps that a request goes through, composed without a router. The same steps are mounted in
 * Express; the way of `POST /predict` runs through them directly, because Express' router is most
 * of what an answer would cost (docs/decisions/0015-hot-route.md).
 */

import type { IncomingMessage, ServerResponse } from 'node:http'

/** Goes on to the next step, or with an error to the one that answers errors. */
export type Next = (error?: unknown) => void

/** One step, as Express' middleware is, that needs nothing of Express. */
export type Step = (request: IncomingMessage, response: ServerResponse, next: Next) => void

/** All steps one after the other as one; an error, thrown or handed on, skips the rest. */
export function chain(steps: readonly Step[]): Step {
  return steps.reduceRight<Step>(
    (rest, step) => (request, response, next) => {
      try {
        step(request, response, (error) => {
          if (error === undefined) rest(request, response, next)
          else next(error)
        })
      } catch (error) {
        next(error)
      }
    },
    (_request, _response, next) => next(),
  )
}

/** The last step: a handler whose failures, thrown or rejected, are handed on. */
export function last(
  handler: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Step {
  return (request, response, next) => {
    try {
      const done = handler(request, response)
      if (done !== undefined) done.then(undefined, next)
    } catch (error) {
      next(error)
    }
  }
}

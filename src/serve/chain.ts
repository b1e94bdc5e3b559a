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

/**
 * All steps one after the other as one; an error, thrown or handed on, skips the rest. A step goes on
 * at most once, as those of Express do.
 */
export function chain(steps: readonly Step[]): Step {
  return (request, response, end) => {
    let at = 0
    // One function for all steps: one for each would be made anew with every request.
    const next: Next = (error) => {
      const step = steps[at++]
      if (error !== undefined || step === undefined) return end(error)
      try {
        step(request, response, next)
      } catch (thrown) {
        end(thrown)
      }
    }
    next()
  }
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

/**
 * Faults as HTTP answers: problem details (RFC 9457), each with a stable code. The only place that
 * knows which fault has which status.
 */

import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'

/** The codes of problem answers, their status and title; explained in docs/http.md. */
export const problemCodes = {
  body_missing: [400, 'the request has no body'],
  body_not_json: [400, 'the body is not JSON'],
  request_malformed: [400, 'the request cannot be read'],
  route_unknown: [404, 'there is nothing at this address'],
  method_not_allowed: [405, 'this address does not take this method'],
  body_too_large: [413, 'the body is too large'],
  media_type_unsupported: [415, 'the body has a media type that is not read'],
  input_invalid: [422, 'the ride has missing or wrong fields'],
  internal: [500, 'something went wrong in the server'],
  not_ready: [503, 'the server takes no rides now'],
} as const satisfies Record<string, readonly [number, string]>

/** The code of a problem answer. */
export type ProblemCode = keyof typeof problemCodes

/** One fault of a request. */
export interface Fault {
  /** `missing`, `wrong_type`, `out_of_range` or `malformed`. */
  readonly code: 'missing' | 'wrong_type' | 'out_of_range' | 'malformed'
  /** JSON pointer into the body, or the name of a query parameter. */
  readonly pointer?: string
  readonly parameter?: string
  readonly message: string
}

/** Thrown by handlers to be answered as a problem. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly faults: readonly Fault[]

  /** @param detail what is wrong with this request, and what to do */
  constructor(code: ProblemCode, detail: string, faults: readonly Fault[] = []) {
    super(detail)
    this.code = code
    this.faults = faults
  }
}

/** Answers a request with a problem. */
export function sendProblem(response: Response, problem: Problem): void {
  const [status, title] = problemCodes[problem.code]
  response
    .status(status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `https://github.com/ridecast/ridecast/blob/main/docs/http.md#${problem.code}`,
        title,
        status,
        detail: problem.message,
        code: problem.code,
        ...(problem.faults.length > 0 ? { errors: problem.faults } : {}),
      }),
    )
}

/** Faults of the body parser and of Express, by their `type` or status. */
function foreignProblem(error: {
  type?: unknown
  status?: unknown
  limit?: unknown
}): Problem | undefined {
  switch (error.type) {
    case 'entity.parse.failed':
      return new Problem(
        'body_not_json',
        'the body is not JSON: expected an object such as {"PULocationID": 43}',
      )
    case 'entity.too.large':
      return new Problem('body_too_large', `the body is larger than ${String(error.limit)} bytes`)
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new Problem(
        'media_type_unsupported',
        'expected application/json in UTF-8, plain or with content encoding gzip, deflate or br',
      )
    default:
  }
  const status = error.status
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(
      'request_malformed',
      'the request cannot be read: check its address, headers and body',
    )
  }
  return undefined
}

/** The last middleware: answers everything that was thrown, and never shows a stack. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, next): void => {
    if (response.headersSent) {
      next(error)
      return
    }
    const known = error instanceof Problem ? error : foreignProblem((error ?? {}) as object)
    if (!known)
      log.error({ err: error, method: request.method, path: request.path }, 'request failed')
    sendProblem(response, known ?? new Problem('internal', 'the fault is in the log of the server'))
  }
}

/** Answers addresses that exist with another method, naming those that it takes. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  return (request, response): void => {
    response.set('Allow', methods.join(', '))
    sendProblem(
      response,
      new Problem(
        'method_not_allowed',
        `${request.method} is not taken here: expected ${methods.join(' or ')}`,
      ),
    )
  }
}

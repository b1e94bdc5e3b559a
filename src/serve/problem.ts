/**
 * Faults as RFC 9457 problem details, each with a stable code. The only place that knows which
 * HTTP status a code has.
 */

import { STATUS_CODES } from 'node:http'
import { isRidecastError } from '../errors.ts'

/** The codes of problems with their status; docs/http.md explains each. */
export const problemCodes = {
  body_missing: 400,
  body_not_json: 400,
  request_malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  route_unknown: 404,
  prediction_unknown: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  feedback_conflict: 409,
  rollout_impossible: 409,
  version_refused: 409,
  body_too_large: 413,
  media_type_unsupported: 415,
  input_invalid: 422,
  rate_limited: 429,
  headers_too_large: 431,
  internal: 500,
  not_ready: 503,
  overloaded: 503,
  storage_unavailable: 503,
  deadline_exceeded: 504,
} as const

/** The code of a problem. */
export type ProblemCode = keyof typeof problemCodes

/** The codes of single faults; docs/http.md explains each. */
export const faultCodes = ['missing', 'wrong_type', 'out_of_range', 'malformed'] as const

/** One thing that is wrong with a request. */
export interface Fault {
  readonly code: (typeof faultCodes)[number]
  /** JSON pointer into the body, such as `#/trip_distance`; `#` is the body as a whole. */
  readonly pointer?: string
  /** Name of a query parameter, where the fault is not in the body. */
  readonly parameter?: string
  readonly message: string
}

/** The body of an answer of type application/problem+json. */
export interface ProblemDocument {
  /** `about:blank`: the title says what the status does, `code` tells problems apart. */
  readonly type: 'about:blank'
  readonly title: string
  /** The status of the answer. */
  readonly status: number
  readonly detail: string
  readonly code: ProblemCode
  /** Everything that is wrong with the body and the query, where they are what is wrong. */
  readonly errors?: readonly Fault[]
}

/** Thrown where a request cannot be answered otherwise. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  /** What is wrong, one by one; empty where the code says it all. */
  readonly faults: readonly Fault[]
  /** Headers that belong to the answer, such as `Allow`. */
  readonly headers: Readonly<Record<string, string>>

  /** @param detail what was expected, what was found and what to do, for the client */
  constructor(
    code: ProblemCode,
    detail: string,
    more: { faults?: readonly Fault[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    // Where it was thrown tells a client nothing, and to find out costs more than the answer.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.faults = more.faults ?? []
    this.headers = more.headers ?? {}
  }

  /** The status of the answer. */
  get status(): number {
    return problemCodes[this.code]
  }

  /** The body of the answer. */
  toJSON(): ProblemDocument {
    const { code, status, message: detail, faults: errors } = this
    const title = STATUS_CODES[status] ?? ''
    const problem = { type: 'about:blank', title, status, detail, code } as const
    return errors.length > 0 ? { ...problem, errors } : problem
  }
}

/**
 * The problem of faults in what a client says.
 *
 * @param what what cannot be done, default that a ride cannot be predicted
 */
export function invalidInput(faults: readonly Fault[], what = 'ride cannot be predicted'): Problem {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  return new Problem('input_invalid', `${what}: ${count}, see errors`, { faults })
}

/** The problem that a client is told of. What was not foreseen is `internal`, without details. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  // The fields are right one by one, but the predictor cannot compute with them.
  if (isRidecastError(error, 'input_invalid')) {
    const fault: Fault = { code: 'out_of_range', pointer: '#', message: error.message }
    return new Problem('input_invalid', error.message, { faults: [fault] })
  }
  return new Problem('internal', 'server has a fault of its own: its log says more')
}

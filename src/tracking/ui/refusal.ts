/** What the page's server refuses or fails at, as a status and JSON. Knows no routes. */

import type { ErrorRequestHandler } from 'express'
import { type ErrorCode, isRidecastError, messageOf } from '../../errors.ts'
import type { FaultAnswer } from './answers.ts'

/** Codes of what the server refuses by itself, with their status. */
export const refusalCodes = {
  request_malformed: 400,
  host_refused: 403,
  route_unknown: 404,
  method_not_allowed: 405,
  artifact_too_large: 413,
} as const

/** A request that is refused before any store is asked. */
export class Refusal extends Error {
  /** See {@link refusalCodes}. */
  readonly code: keyof typeof refusalCodes

  constructor(code: keyof typeof refusalCodes, message: string) {
    super(message)
    this.code = code
  }
}

const statuses: Partial<Record<ErrorCode, number>> = {
  filter_invalid: 400,
  usage_invalid: 400,
  run_write_refused: 400,
  run_not_found: 404,
  run_artifact_not_found: 404,
  run_corrupt: 422,
  tracking_unreachable: 502,
  tracking_unauthorized: 502,
  tracking_refused: 502,
  tracking_failed: 502,
  tracking_answer: 502,
}

/** Status and body of a failure; anything that nobody has foreseen is `internal`. */
export function faultOf(error: unknown): { status: number; body: FaultAnswer } {
  if (error instanceof Refusal) {
    const { code, message } = error
    return { status: refusalCodes[code], body: { code, message } }
  }
  if (isRidecastError(error)) {
    const { code, message } = error
    return { status: statuses[code] ?? 500, body: { code, message } }
  }
  // What the router and the static files throw for an address that cannot be read.
  const { status } = error as { status?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, body: { code: 'request_malformed', message: messageOf(error) } }
  }
  return { status: 500, body: { code: 'internal', message: messageOf(error) } }
}

/** Answers a failure as JSON; one that comes after the answer has begun breaks it off. */
export const answerFault: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status, body } = faultOf(error)
  response.status(status).set('Cache-Control', 'no-store').json(body)
}

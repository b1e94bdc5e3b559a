/** Writes answers: JSON documents and problems. Knows nothing about rides or routes. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { problemOf } from './problem.ts'

/**
 * Answers one request, or throws what {@link sendProblem} makes a problem of. It needs nothing of
 * Express.
 */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/**
 * Answers with a JSON document that nobody may store, or take for anything but JSON.
 *
 * @param type media type, default application/json
 */
export function sendJson(
  response: ServerResponse,
  status: number,
  document: unknown,
  type = 'application/json; charset=utf-8',
): void {
  const text = JSON.stringify(document)
  response.statusCode = status
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.end(text)
}

/**
 * Answers with the problem that an error is, unless the answer has begun: then all that is left
 * is to break it off, so that nobody takes half of it for the whole.
 */
export function sendProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const problem = problemOf(error)
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
  sendJson(response, problem.status, problem, 'application/problem+json')
}

/** Writes answers: JSON documents and problems. Knows nothing about rides or routes. */

import type { ServerResponse } from 'node:http'
import { problemOf } from './problem.ts'

/**
 * Answers with a JSON document that nobody may store, or take for anything but JSON.
 *
 * @param type media type, default application/json
 */
export function sendJson(
  response: ServerResponse,
  status: number,
  document: unknown,
  type = jsonType,
): void {
  sendJsonText(response, status, JSON.stringify(document), [], type)
}

const jsonType = 'application/json; charset=utf-8'

/**
 * Answers with a JSON text, as {@link sendJson} does.
 *
 * @param headers further ones, names and values in turns
 */
export function sendJsonText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: readonly string[] = [],
  type = jsonType,
): void {
  // A request that broke off meanwhile was told so already; nobody reads this.
  if (response.headersSent) return
  // In one list, which node:http writes as it is where no header was set before.
  response.writeHead(status, [
    'Content-Type',
    type,
    'Content-Length',
    String(Buffer.byteLength(text)),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    ...headers,
  ])
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

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
  const bytes = Buffer.byteLength(text)
  // In one list, which node:http writes as it is where no header was set before.
  response.writeHead(status, [
    'Content-Type',
    type,
    'Content-Length',
    String(bytes),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    ...headers,
  ])
  // As many bytes as characters: plain ASCII, which is written faster when it is said to be.
  endWithOthers({ response, text, encoding: bytes === text.length ? 'latin1' : 'utf8' })
}

interface Ending {
  readonly response: ServerResponse
  readonly text: string
  readonly encoding: BufferEncoding
}

/** What ends with this turn of the event loop. */
let endings: Ending[] = []

/**
 * Ends an answer when all requests that have come by now are read. Each write wakes a client that has
 * fallen asleep since the one before, and to wake one costs about as much as a prediction: answers
 * that are written one right after the other find it awake.
 */
function endWithOthers(ending: Ending): void {
  endings.push(ending)
  if (endings.length === 1) setImmediate(endAll)
}

/** Whether an answer is whole, although it may not have been written yet. */
export function isAnswered(response: ServerResponse): boolean {
  return response.writableEnded || endings.some((ending) => ending.response === response)
}

function endAll(): void {
  const all = endings
  endings = []
  for (const { response, text, encoding } of all) response.end(text, encoding)
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
  sendJson(response, problem.status, problem.toJSON(), 'application/problem+json')
}

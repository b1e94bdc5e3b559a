/**
 * Answers what never becomes a request: broken HTTP, headers without end, clients that are too
 * slow. Express is not asked about those.
 */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { sendProblem } from './answer.ts'
import type { Connections } from './connections.ts'
import { Problem } from './problem.ts'

function problemFor(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout', 'request took too long to arrive: send it at once')
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers_too_large', 'headers are too large: send fewer and shorter ones')
    default:
      return new Problem('request_malformed', 'request is not valid HTTP/1.1')
  }
}

/**
 * Answers an error of a connection with a problem, as far as that is still possible, and closes it.
 *
 * @param error what node:http has found, with its code
 */
export function answerBadRequest(
  error: NodeJS.ErrnoException,
  socket: Socket,
  connections: Connections,
): void {
  const [response] = connections.due(socket)
  if (error.code === 'ECONNRESET' || !socket.writable || response?.headersSent) {
    socket.destroy()
    return
  }
  const problem = problemFor(error.code)
  if (response) {
    // The request has begun and its body is what went wrong.
    response.setHeader('Connection', 'close')
    sendProblem(response, problem)
    return
  }
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}

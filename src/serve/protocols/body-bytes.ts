/** The bytes of a request, piece by piece or all at once. Knows nothing about what they mean. */

import type { IncomingMessage } from 'node:http'
import { readBytes } from '../body.ts'
import { Problem } from '../problem.ts'

/**
 * The bytes of a request, as they come. Who stops reading does not end the connection: the answer is
 * due on it.
 *
 * @throws Problem: request_malformed when the client goes away before the end
 */
export async function* bytesOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  // Listens for good: an aborted request raises `error` once more, and somebody has to hear it.
  request.on('error', () => {})
  try {
    yield* request.iterator({ destroyOnReturn: false })
  } catch {
    throw new Problem('request_malformed', 'request ended before its body did')
  }
}

/**
 * The whole body of a request.
 *
 * @param limitBytes the largest that is read
 * @throws Problem: body_missing, body_too_large, request_malformed
 */
export async function wholeBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const bytes = await readBytes(request, limitBytes)
  if (bytes.length > 0) return bytes
  throw new Problem('body_missing', 'body is missing: expected rides, found nothing')
}

/**
 * Reads the JSON body of a request. Says no at the first byte that is too many, and to what is
 * not plain JSON in UTF-8. Knows nothing about rides.
 *
 * express.json() would read an oversized body to its end before it says no, takes UTF-16 for
 * JSON and makes an object out of an empty body.
 */

import type { IncomingMessage } from 'node:http'
import { MIMEType } from 'node:util'
import { messageOf } from '../errors.ts'
import { Problem } from './problem.ts'

const json = 'application/json'
// Fatal: bytes that are no UTF-8 are refused, not replaced. A byte order mark is passed over.
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The parsed body of a request.
 *
 * @param limitBytes the largest body that is read
 * @throws Problem: body_missing, media_type_unsupported, body_too_large, body_not_json, and
 *   request_malformed when the client goes away before the end
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const { headers } = request
  const announced = headers['content-length']
  if (headers['transfer-encoding'] === undefined && Number(announced ?? 0) === 0) throw missing()
  checkMediaType(headers['content-type'])
  checkEncoding(headers['content-encoding'])
  if (Number(announced ?? 0) > limitBytes) throw tooLarge(limitBytes)
  const bytes = await readBytes(request, limitBytes)
  if (bytes.length === 0) throw missing()
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (error) {
    const why = error instanceof SyntaxError ? messageOf(error) : 'its bytes are not UTF-8'
    throw new Problem('body_not_json', `body is not JSON: ${why}`)
  }
}

function missing(): Problem {
  return new Problem('body_missing', 'body is missing: expected a JSON object, found nothing')
}

function tooLarge(limitBytes: number): Problem {
  return new Problem('body_too_large', `body is too large: expected at most ${limitBytes} bytes`)
}

function checkMediaType(header: string | undefined): void {
  if (header === json) return
  let type: MIMEType | undefined
  try {
    type = new MIMEType(header ?? '')
  } catch {
    // Reported below like any other type.
  }
  const charset = type?.params.get('charset')?.toLowerCase() ?? 'utf-8'
  if (type?.essence === json && charset === 'utf-8') return
  const found = header === undefined ? 'no Content-Type' : JSON.stringify(header.slice(0, 100))
  throw new Problem(
    'media_type_unsupported',
    `body must be ${json} in UTF-8, found ${found}: send the header "Content-Type: ${json}"`,
    { headers: { Accept: json } },
  )
}

// A ride is smaller than the header that would announce its compression.
function checkEncoding(header: string | undefined): void {
  if (header === undefined || header.toLowerCase() === 'identity') return
  throw new Problem(
    'media_type_unsupported',
    `body must not be compressed, found Content-Encoding ${JSON.stringify(header.slice(0, 100))}`,
    { headers: { 'Accept-Encoding': 'identity' } },
  )
}

function readBytes(request: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limitBytes) fail(tooLarge(limitBytes))
      else chunks.push(chunk)
    }
    const onEnd = (): void => {
      settle()
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
    }
    const onGone = (): void => {
      fail(new Problem('request_malformed', 'request ended before its body did'))
    }
    const fail = (error: Problem): void => {
      settle()
      // The rest is read and dropped, so that the client gets to read the answer.
      request.resume()
      reject(error)
    }
    const settle = (): void => {
      request.off('data', onData).off('end', onEnd).off('close', onGone)
    }
    // Listens for good: an aborted request raises `error` after `close`, and somebody has to hear it.
    request.on('error', () => {})
    request.on('data', onData).on('end', onEnd).on('close', onGone)
  })
}

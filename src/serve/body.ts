/**
 * Reads the JSON body of a request. Says no at the first byte that is too many, and to what is
 * not plain JSON in UTF-8. Knows nothing about rides.
 *
 * express.json() would read an oversized body to its end before it says no, takes UTF-16 for
 * JSON and makes an object out of an empty body.
 */

import { isAscii } from 'node:buffer'
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
    return JSON.parse(isAscii(bytes) ? bytes.toString('latin1') : utf8.decode(bytes))
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

const deaf = (): void => {}

function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined
    let more: Buffer[] | undefined
    let size = 0
    // What comes after the promise is settled changes nothing, so that no listener is taken off.
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limitBytes) {
        // The rest is read and dropped, so that the client gets to read the answer.
        first = more = undefined
        reject(tooLarge(limitBytes))
      } else if (first === undefined) {
        first = chunk
      } else {
        more ??= [first]
        more.push(chunk)
      }
    })
    request.on('end', () => resolve(more ? Buffer.concat(more) : (first ?? Buffer.alloc(0))))
    request.on('close', () => {
      if (!request.complete) {
        reject(new Problem('request_malformed', 'request ended before its body did'))
      }
    })
    // An aborted request raises `error` after `close`, and somebody has to hear it.
    request.on('error', deaf)
  })
}

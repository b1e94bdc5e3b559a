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
import type { Step } from './chain.ts'
import { exchangeOf } from './exchange.ts'
import { Problem } from './problem.ts'

const json = 'application/json'
// Fatal: bytes that are no UTF-8 are refused, not replaced. A byte order mark is passed over.
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The step that reads the JSON body of a request for those after it, which find it in the exchange;
 * fails as {@link readJson}. A body that has come with its head, as nearly all do, is read without a
 * promise or a listener.
 */
export function jsonBody(limitBytes: number): Step {
  return (request, response, next) => {
    const announced = checkHead(request, limitBytes)
    const exchange = exchangeOf(response)
    const take = (bytes: Buffer): void => {
      exchange.body = parsed(bytes)
      next()
    }
    // One tick later the parser has handed over what came with the head.
    process.nextTick(() => {
      if (request.readableLength !== announced) {
        readBytes(request, limitBytes).then(take).catch(next)
        return
      }
      try {
        take(request.read())
      } catch (error) {
        next(error)
      }
    })
  }
}

/**
 * The parsed body of a request.
 *
 * @param limitBytes the largest body that is read
 * @throws Problem: body_missing, media_type_unsupported, body_too_large, body_not_json, and
 *   request_malformed when the client goes away before the end
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  checkHead(request, limitBytes)
  return parsed(await readBytes(request, limitBytes))
}

/**
 * Refuses a body by what its head says of it.
 *
 * @returns its size; NaN where it comes in chunks
 */
function checkHead({ headers }: IncomingMessage, limitBytes: number): number {
  const announced = Number(headers['content-length'] ?? 0)
  const chunked = headers['transfer-encoding'] !== undefined
  if (!chunked && announced === 0) throw missing()
  checkMediaType(headers['content-type'])
  checkEncoding(headers['content-encoding'])
  if (announced > limitBytes) throw tooLarge(limitBytes)
  return chunked ? Number.NaN : announced
}

function parsed(bytes: Buffer): unknown {
  if (bytes.length === 0) throw missing()
  try {
    return JSON.parse(isAscii(bytes) ? bytes.toString('latin1') : utf8.decode(bytes))
  } catch (error) {
    const why = error instanceof SyntaxError ? messageOf(error) : 'its bytes are not UTF-8'
    throw new Problem('body_not_json', `body is not JSON: ${why}`)
  }
}

const nothing = Buffer.alloc(0)

function missing(): Problem {
  return new Problem('body_missing', 'body is missing: expected a JSON object, found nothing')
}

function tooLarge(limitBytes: number): Problem {
  return new Problem('body_too_large', `body is too large: expected at most ${limitBytes} bytes`)
}

/** The last header that was found to name JSON: the next one is nearly always the same. */
let known = json

function checkMediaType(header: string | undefined): void {
  if (header === known || header === json) return
  let type: MIMEType | undefined
  try {
    type = new MIMEType(header ?? '')
  } catch {
    // Reported below like any other type.
  }
  const charset = type?.params.get('charset')?.toLowerCase() ?? 'utf-8'
  if (type?.essence === json && charset === 'utf-8') {
    known = header as string
    return
  }
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

/**
 * The bytes of a request's body, all at once; none where it has none.
 *
 * @param limitBytes the largest body that is read
 * @throws Problem: body_too_large, and request_malformed when the client goes away before the end
 */
export function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
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
    request.on('end', () => resolve(more ? Buffer.concat(more) : (first ?? nothing)))
    request.on('close', () => {
      if (!request.complete) {
        reject(new Problem('request_malformed', 'request ended before its body did'))
      }
    })
    // An aborted request raises `error` after `close`, and somebody has to hear it.
    request.on('error', deaf)
  })
}

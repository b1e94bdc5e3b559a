/**
 * Asks an address for a file, or for what is missing of one: redirects, deadlines, ranges, and
 * every refusal as an error by code. Knows nothing about disks, attempts or what the bytes should
 * be.
 */

import { type ErrorCode, isRidecastError, messageOf, RidecastError } from '../errors.ts'
import { version } from '../package.ts'
import { type Asked, PassingError, ResumeRefused, refusal } from './refusal.ts'
import { Watch } from './watch.ts'

/** The bounds of one request. */
export interface RequestLimits {
  /** Until the answer begins, connecting included, milliseconds. */
  readonly answerMs: number
  /** Without a byte once it has begun, milliseconds. */
  readonly stallMs: number
  /** Redirects followed. */
  readonly redirects: number
}

/** What to ask for, and how. */
export interface FileRequest extends Asked {
  readonly limits: RequestLimits
  /** The HTTP client; what it throws of ours is thrown as it is. */
  readonly fetch: typeof globalThis.fetch
  /** Stops the request; its reason is thrown. */
  readonly signal: AbortSignal | undefined
  /** Asks only for what follows a beginning that is there, if the file is still the same. */
  readonly resume?: Beginning | undefined
}

/** What is there of a file. */
export interface Beginning {
  /** Bytes that are there, at least one. */
  readonly bytes: number
  /** What the server said to know this very file by: an ETag or a date. */
  readonly validator: string
  /** Bytes in all, as the server said; undefined when it did not. */
  readonly total: number | undefined
}

/** What a server says of a file. */
export interface FileFacts {
  /** Bytes in all; undefined where the server does not say, or says it of coded bytes. */
  readonly total: number | undefined
  /** The ETag as it was sent. */
  readonly etag: string | undefined
  /** The Last-Modified date as it was sent. */
  readonly lastModified: string | undefined
  /** The one of both that stands for exactly these bytes; undefined when none does. */
  readonly validator: string | undefined
}

/** A file on its way. */
export interface IncomingFile extends FileFacts {
  /** The byte that the pieces begin at: 0, or where the beginning that was asked for ends. */
  readonly start: number
  /** The bytes as they come, each piece awaited no longer than the stall bound. */
  readonly pieces: AsyncIterable<Uint8Array>
  /** Lets go of the connection and its timers; to be called in any case. */
  readonly close: () => void
}

/** Connection faults that come after a connection stood: worth another attempt. */
const lostCodes = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'UND_ERR_SOCKET'])

/** What codes of the network mean, for people. */
const networkFaults: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'no name server answered',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed before an answer',
  UND_ERR_SOCKET: 'the connection was closed before an answer',
  UND_ERR_CONNECT_TIMEOUT: 'the host did not answer in time',
  ETIMEDOUT: 'the host did not answer in time',
  ENETUNREACH: 'there is no way to its network',
  EHOSTUNREACH: 'there is no way to its host',
}

/** Only so much of a refusal's body is read, bytes. */
const pageBytes = 4096

/** A date stands for exactly these bytes once it is so much older than the answer. */
const settledMs = 60_000

/**
 * Asks for the file, or the rest of it, and returns once the server begins to send. A server that
 * has another file by now, or knows no ranges, sends all of it: then `start` is 0.
 *
 * @throws source_unreachable, source_refused, source_not_published, source_not_found (S3),
 *   source_interrupted; those that may pass as {@link PassingError}; {@link ResumeRefused} when
 *   what is sent does not fit the beginning; the signal's reason
 */
export async function requestFile(request: FileRequest): Promise<IncomingFile> {
  const watch = new Watch(request.signal)
  try {
    const response = await followed(request, watch, 'GET')
    const { status } = response
    const close = (): void => watch.end()
    const facts = factsOf(response)
    if (status === 200) {
      return { ...facts, start: 0, pieces: body(request, response, watch), close }
    }
    if (request.resume && (status === 206 || status === 416)) {
      const { start, total } = rangeOf(request, request.resume, response)
      const pieces = status === 206 ? body(request, response, watch) : nothing()
      return { ...facts, start, total, pieces, close }
    }
    throw refusal(request, response, await firstText(request, response, watch))
  } catch (error) {
    watch.end()
    throw error
  }
}

/**
 * Asks what the server would say of a file, without its bytes.
 *
 * @throws as {@link requestFile} does
 */
export async function requestFacts(request: FileRequest): Promise<FileFacts> {
  const watch = new Watch(request.signal)
  try {
    const response = await followed(request, watch, 'HEAD')
    if (response.status !== 200) throw refusal(request, response, '')
    return factsOf(response)
  } finally {
    watch.end()
  }
}

/** An address for people: without its query, which may hold a signature. */
export function shownAddress(url: string): string {
  const { protocol, host, pathname, search } = new URL(url)
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?...'}`
}

/** Follows redirects by hand, so that each is bounded and checked. */
async function followed(
  request: FileRequest,
  watch: Watch,
  method: 'GET' | 'HEAD',
): Promise<Response> {
  let url = new URL(request.url)
  for (let hops = 0; ; hops++) {
    const response = await answer(request, url, watch, method)
    const location = response.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response
    await response.body?.cancel()
    if (hops === request.limits.redirects) {
      throw failed(request, 'source_refused', `redirects more than ${hops} times`)
    }
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
    const allowed = url.protocol === 'http:' ? ['http:', 'https:'] : ['https:']
    if (!next || !allowed.includes(next.protocol)) {
      const asked = next ? `an address of ${next.protocol}` : 'what is no address'
      throw failed(
        request,
        'source_refused',
        `redirects to ${asked}, expected ${allowed.join(' or ')}`,
      )
    }
    url = next
  }
}

async function answer(
  request: FileRequest,
  url: URL,
  watch: Watch,
  method: 'GET' | 'HEAD',
): Promise<Response> {
  const { answerMs } = request.limits
  const late = `gave no answer within ${answerMs / 1000} s`
  watch.start(answerMs, () => unreachable(request, late))
  try {
    const headers = headersOf(request)
    return await request.fetch(url, { method, redirect: 'manual', signal: watch.signal, headers })
  } catch (error) {
    watch.signal.throwIfAborted()
    if (isRidecastError(error)) throw error
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    const code = codeOf(cause)
    const why = networkFaults[code] ?? messageOf(cause)
    const what = `cannot be reached: ${why}${code === '' ? '' : ` (${code})`}`
    throw unreachable(request, what, { cause: error, onlyOnceAnswered: !lostCodes.has(code) })
  } finally {
    watch.stop()
  }
}

function headersOf({ resume }: FileRequest): Record<string, string> {
  // Any other encoding would make the content-length say nothing about the file.
  const headers = { 'accept-encoding': 'identity', 'user-agent': `ridecast/${version}` }
  if (!resume) return headers
  return { ...headers, range: `bytes=${resume.bytes}-`, 'if-range': resume.validator }
}

function factsOf({ headers }: Response): FileFacts {
  const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity'
  const length = headers.get('content-length') ?? ''
  const total = isPlain && /^\d+$/.test(length) ? Number(length) : undefined
  const etag = headers.get('etag') ?? undefined
  const lastModified = headers.get('last-modified') ?? undefined
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(lastModified ?? '')
  const strong = etag && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined
  // A weak ETag says that the bytes may differ: then its date says no more.
  const dated = etag === undefined && age >= settledMs ? lastModified : undefined
  return { total, etag, lastModified, validator: isPlain ? (strong ?? dated) : undefined }
}

/** Where the sent part of a file begins, once it is sure that it continues what is there. */
function rangeOf(
  request: FileRequest,
  { bytes, validator, total }: Beginning,
  response: Response,
): { start: number; total: number | undefined } {
  const refuse = (what: string): ResumeRefused => new ResumeRefused(request, what)
  const { status, headers } = response
  const facts = factsOf(response)
  const now = validator.startsWith('"') ? facts.etag : facts.lastModified
  if (now !== undefined && now !== validator) throw refuse('has another file by now')
  const range = headers.get('content-range') ?? ''
  const sent = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(range)
  const found = sent?.[3] === undefined || sent[3] === '*' ? undefined : Number(sent[3])
  const isAll = status === 416 && found === bytes
  const length = Number(sent?.[2]) - Number(sent?.[1]) + 1
  const isRest = Number(sent?.[1]) === bytes && length > 0 && (facts.total ?? length) === length
  if (!(status === 416 ? isAll : isRest)) {
    const got = range === '' ? 'no range' : `the range ${JSON.stringify(range)}`
    throw refuse(`answered ${status} with ${got} when asked for what follows ${bytes} bytes`)
  }
  if (total !== undefined && found !== undefined && found !== total) {
    throw refuse(`says ${found} bytes in all after it said ${total}`)
  }
  return { start: bytes, total: found ?? total }
}

/** The beginning of an answer's body as text; empty where it does not come. */
async function firstText(request: FileRequest, response: Response, watch: Watch): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of body(request, response, watch)) {
      pieces.push(piece)
      length += piece.length
      if (length >= pageBytes) break
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(pieces).toString('utf8', 0, pageBytes)
}

async function* body(
  request: FileRequest,
  response: Response,
  watch: Watch,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  const { stallMs } = request.limits
  const interrupted = (what: string, cause?: unknown): PassingError =>
    new PassingError('source_interrupted', request, what, { cause })
  try {
    for (;;) {
      watch.start(stallMs, () => interrupted(`sent nothing for ${stallMs / 1000} s`))
      const { done, value } = await reader.read()
      watch.stop()
      if (done) return
      yield value
    }
  } catch (cause) {
    watch.signal.throwIfAborted()
    throw interrupted('closed the connection before the end of the file', cause)
  } finally {
    watch.stop()
    await reader.cancel().catch(() => {})
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A file that is whole already has no more pieces.
}

function unreachable(
  request: FileRequest,
  what: string,
  options: { cause?: unknown; onlyOnceAnswered?: boolean } = { onlyOnceAnswered: true },
): PassingError {
  return new PassingError('source_unreachable', request, what, options)
}

function failed(request: FileRequest, code: ErrorCode, what: string): RidecastError {
  return new RidecastError(code, request.describe(what))
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}

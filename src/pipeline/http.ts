/**
 * Asks an address for a file: redirects, deadlines, and every refusal as an error by code.
 * Knows nothing about disks, attempts or what the bytes should be.
 */

import { type ErrorCode, messageOf, RidecastError } from '../errors.ts'
import { version } from '../package.ts'
import { pageText } from './parquet-file.ts'

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
export interface FileRequest {
  /** An http or https address without user name and password. */
  readonly url: string
  readonly limits: RequestLimits
  /** The HTTP client. */
  readonly fetch: typeof globalThis.fetch
  /** Stops the request; its reason is thrown. */
  readonly signal: AbortSignal | undefined
  /** Makes an error message of what the server did: `answered 500`. */
  readonly describe: (what: string) => string
}

/** A file on its way. */
export interface IncomingFile {
  /** Bytes in all; undefined where the server does not say, or says it of coded bytes. */
  readonly total: number | undefined
  /** The bytes as they come, each piece awaited no longer than the stall bound. */
  readonly pieces: AsyncIterable<Uint8Array>
  /** Lets go of the connection and its timers; to be called in any case. */
  readonly close: () => void
}

/** A failure that may pass by itself: lost connections, 429, 5xx. */
export class PassingError extends RidecastError {
  /** What happened, without advice: `answered 503`. */
  readonly what: string
  /** What the server asked to wait before the next attempt, milliseconds. */
  readonly askedMs: number | undefined

  constructor(
    code: ErrorCode,
    request: FileRequest,
    what: string,
    options: { cause?: unknown; askedMs?: number } = {},
  ) {
    super(code, request.describe(what), options)
    this.what = what
    this.askedMs = options.askedMs
  }
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

/**
 * Asks for the file and returns once the server begins to send it.
 *
 * @throws source_unreachable, source_refused, source_not_published, source_interrupted; those
 *   that may pass as {@link PassingError}; the signal's reason
 */
export async function requestFile(request: FileRequest): Promise<IncomingFile> {
  const watch = new Watch(request.signal)
  try {
    const response = await followed(request, watch)
    if (response.status !== 200) throw await refusal(request, response, watch)
    const pieces = body(request, response, watch)
    return { total: lengthOf(response), pieces, close: () => watch.end() }
  } catch (error) {
    watch.end()
    throw error
  }
}

/** An address for people: without its query, which may hold a signature. */
export function shownAddress(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return `${origin}${pathname}${search === '' ? '' : '?...'}`
}

/** Follows redirects by hand, so that each is bounded and checked. */
async function followed(request: FileRequest, watch: Watch): Promise<Response> {
  let url = new URL(request.url)
  for (let hops = 0; ; hops++) {
    const response = await answer(request, url, watch)
    const location = response.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response
    await response.body?.cancel()
    if (hops === request.limits.redirects) {
      throw failed(request, 'source_refused', `redirects more than ${hops} times`)
    }
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
    const allowed = url.protocol === 'https:' ? ['https:'] : ['http:', 'https:']
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

async function answer(request: FileRequest, url: URL, watch: Watch): Promise<Response> {
  const { answerMs } = request.limits
  const late = failed(request, 'source_unreachable', `gave no answer within ${answerMs / 1000} s`)
  watch.start(answerMs, late)
  try {
    return await request.fetch(url, {
      redirect: 'manual',
      signal: watch.signal,
      // Any other encoding would make the content-length say nothing about the file.
      headers: { 'accept-encoding': 'identity', 'user-agent': `ridecast/${version}` },
    })
  } catch (error) {
    watch.signal.throwIfAborted()
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    const code = codeOf(cause)
    const why = networkFaults[code] ?? messageOf(cause)
    const what = `cannot be reached: ${why}${code === '' ? '' : ` (${code})`}`
    if (lostCodes.has(code)) {
      throw new PassingError('source_unreachable', request, what, { cause: error })
    }
    throw new RidecastError('source_unreachable', request.describe(what), { cause: error })
  } finally {
    watch.stop()
  }
}

/** The error for an answer other than 200. */
async function refusal(
  request: FileRequest,
  response: Response,
  watch: Watch,
): Promise<RidecastError> {
  const { status } = response
  const page = await firstText(request, response, watch)
  const says = pageText(page)
  const what = `answered ${status}${says === '' ? '' : ` ${JSON.stringify(says)}`}`
  // The store behind the publisher's CDN answers 403 in XML for a file that it does not have.
  const absent = status === 403 && /<Code>\s*(AccessDenied|NoSuchKey)\s*<\/Code>/.test(page)
  if (absent || status === 404 || status === 410) {
    const hint = 'it has no such file (a month is published about two months after its end)'
    return failed(request, 'source_not_published', `${what}: ${hint}`)
  }
  if (status === 429 || status >= 500) {
    const seconds = /^\d{1,9}$/.exec(response.headers.get('retry-after') ?? '')?.[0]
    const asked = seconds === undefined ? {} : { askedMs: Number(seconds) * 1000 }
    return new PassingError('source_refused', request, what, asked)
  }
  return failed(request, 'source_refused', `${what}, expected 200`)
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
  const stalled = new PassingError(
    'source_interrupted',
    request,
    `sent nothing for ${stallMs / 1000} s`,
  )
  try {
    for (;;) {
      watch.start(stallMs, stalled)
      const { done, value } = await reader.read()
      watch.stop()
      if (done) return
      yield value
    }
  } catch (cause) {
    watch.signal.throwIfAborted()
    const what = 'closed the connection before the end of the file'
    throw new PassingError('source_interrupted', request, what, { cause })
  } finally {
    watch.stop()
    await reader.cancel().catch(() => {})
  }
}

function lengthOf(response: Response): number | undefined {
  const coding = response.headers.get('content-encoding') ?? 'identity'
  const length = response.headers.get('content-length') ?? ''
  return coding === 'identity' && /^\d+$/.test(length) ? Number(length) : undefined
}

/** Aborts a request from outside or after a time, and remembers why. */
class Watch {
  readonly #controller = new AbortController()
  readonly #outside: AbortSignal | undefined
  readonly #onAbort = (): void => this.#controller.abort(this.#outside?.reason)
  #timer: NodeJS.Timeout | undefined

  constructor(outside: AbortSignal | undefined) {
    outside?.throwIfAborted()
    this.#outside = outside
    outside?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Aborted with the reason: an error of ours, or that of the outside signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What is under way fails with `error` after `ms` milliseconds, unless stopped before. */
  start(ms: number, error: RidecastError): void {
    this.stop()
    this.#timer = setTimeout(() => this.#controller.abort(error), ms)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  end(): void {
    this.stop()
    this.#outside?.removeEventListener('abort', this.#onAbort)
    this.#controller.abort()
  }
}

function failed(request: FileRequest, code: ErrorCode, what: string): RidecastError {
  return new RidecastError(code, request.describe(what))
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}

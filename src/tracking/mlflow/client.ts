/**
 * Requests to an MLflow server: authentication, deadlines, attempts, and every refusal as an error
 * by code. Knows no endpoint by name.
 */

import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { type Dispatcher, request } from 'undici'
import { dispatcherOf } from '../../dispatcher.ts'
import { messageOf } from '../../errors.ts'
import { version } from '../../package.ts'
import type { ByteSource } from '../tracker.ts'
import { ConnectionFault, MlflowError, Refusal } from './faults.ts'
import type { MlflowSettings } from './settings.ts'

export { isReason, MlflowError } from './faults.ts'

/** A value of a query; several are sent one after the other, undefined not at all. */
export type QueryValue = string | number | readonly string[] | undefined

/** How a request is made. */
export interface RequestOptions {
  /**
   * Whether the request may be made again when nobody knows whether it had its effect (default
   * true); false for one that makes something new each time. Attempts that surely had no effect
   * (no connection, 429, 503) are repeated in any case.
   */
  readonly repeatable?: boolean
  /** Ends the request and its attempts. */
  readonly signal?: AbortSignal | undefined
}

/** Requests to one server. Every method may throw the `tracking_*` codes. */
export interface MlflowClient {
  /** Address of the server, without secrets. */
  readonly uri: string
  /** GET with a JSON answer. `path` starts with `/api/`. */
  get(path: string, query?: Readonly<Record<string, QueryValue>>): Promise<unknown>
  /** Another method with a JSON body and answer. */
  send(
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body: unknown,
    options?: RequestOptions,
  ): Promise<unknown>
  /**
   * PUT of bytes, streamed.
   *
   * @throws run_write_refused when they cannot be read, or are not as many as was said
   */
  upload(path: string, content: Uint8Array | ByteSource): Promise<void>
  /**
   * GET of bytes.
   *
   * @param largest refused with tracking_answer beyond this, bytes
   */
  download(path: string, largest: number): Promise<Uint8Array>
  /** Lets go of all connections. */
  close(): Promise<void>
}

/** What the client asks of the world. */
export interface ClientEffects {
  /** Waits, milliseconds. */
  wait(ms: number, signal?: AbortSignal): Promise<unknown>
  /** A number from 0 to 1, so that clients do not come back at the same instant. */
  random(): number
}

/** The real clock and chance. */
export const clientEffects: ClientEffects = {
  wait: (ms, signal) => wait(ms, undefined, { signal }),
  random: Math.random,
}

const longestWaitMs = 60_000
const largestAnswer = 256 * 1024 * 1024
const chunkBytes = 256 * 1024

interface Attempt {
  method: Dispatcher.HttpMethod
  path: string
  query?: Readonly<Record<string, QueryValue>>
  headers?: Record<string, string>
  /** Begins the body; `moved` is to be called whenever a piece of it is on its way. */
  body?: (moved: () => void) => string | UploadBody
  repeatable: boolean
  signal?: AbortSignal | undefined
  /** Bytes of an answer that is taken. */
  largest: number
}

/** A client of the server that the settings name. */
export function mlflowClient(
  settings: MlflowSettings,
  effects: ClientEffects = clientEffects,
): MlflowClient {
  const { uri } = settings
  const dispatcher = dispatcherOf(settings)
  const common: Record<string, string> = {
    accept: 'application/json',
    'user-agent': `ridecast/${version}`,
    ...(settings.authorization && { authorization: settings.authorization }),
    ...(settings.workspace && { 'x-mlflow-workspace': settings.workspace }),
  }

  /** One attempt; a refusal is thrown with what it allows. */
  async function once(attempt: Attempt): Promise<Uint8Array> {
    const { method, path, query, headers, signal, largest } = attempt
    const silence = new AbortController()
    // From the last byte that was sent to the first that comes back.
    const timer = setTimeout(() => {
      silence.abort(new Error(`no answer within ${settings.timeoutMs / 1000} s`))
    }, settings.timeoutMs)
    const body = attempt.body?.(() => timer.refresh())
    const upload = typeof body === 'object' ? body : undefined
    try {
      const answer = await request(addressOf(uri, path, query), {
        method,
        headers: { ...common, ...headers },
        dispatcher,
        ...(body !== undefined && { body: upload?.stream ?? (body as string) }),
        signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
      })
      clearTimeout(timer)
      const { statusCode: status } = answer
      if (status >= 200 && status < 300) return await read(answer.body, largest, path)
      throw new Refusal(status, await beginning(answer.body), answer.headers)
    } catch (error) {
      if (upload?.fault) throw upload.fault
      if (error instanceof Refusal || error instanceof MlflowError) throw error
      throw new ConnectionFault(error)
    } finally {
      clearTimeout(timer)
    }
  }

  async function run(attempt: Attempt): Promise<Uint8Array> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await once(attempt)
      } catch (error) {
        if (!(error instanceof ConnectionFault || error instanceof Refusal)) throw error
        const told = (): MlflowError => error.toError({ ...attempt, uri, attempts })
        const again = error.passes && (attempt.repeatable || error.isUntouched)
        if (!again || attempts > settings.retries || attempt.signal?.aborted) throw told()
        const backoff = settings.backoffMs * 2 ** (attempts - 1) * (0.75 + 0.5 * effects.random())
        const ms = Math.min(error.askedMs ?? backoff, longestWaitMs)
        await effects.wait(ms, attempt.signal).catch(() => {
          throw told()
        })
      }
    }
  }

  return {
    uri,
    async get(path, query = {}) {
      const attempt = { method: 'GET', path, query, repeatable: true } as const
      return json(await run({ ...attempt, largest: largestAnswer }), path, uri)
    },
    async send(method, path, body, { repeatable = true, signal } = {}) {
      const text = JSON.stringify(body)
      const headers = { 'content-type': 'application/json' }
      const attempt = { method, path, headers, body: () => text, repeatable, signal }
      return json(await run({ ...attempt, largest: largestAnswer }), path, uri)
    },
    async upload(path, content) {
      const source = content instanceof Uint8Array ? inMemory(content) : content
      await run({
        method: 'PUT',
        path,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(source.bytes),
        },
        body: (moved) => uploadBody(source, path, moved),
        repeatable: true,
        largest: chunkBytes,
      })
    },
    download: (path, largest) => run({ method: 'GET', path, repeatable: true, largest }),
    close: () => dispatcher.destroy(),
  }
}

/** Bytes in memory, a piece at a time so that the socket sets the pace. */
function inMemory(content: Uint8Array): ByteSource {
  return {
    bytes: content.byteLength,
    async *open() {
      for (let at = 0; at < content.byteLength; at += chunkBytes) {
        yield content.subarray(at, at + chunkBytes)
      }
    },
  }
}

/** Bytes on their way, and what was wrong with them: that is no fault of the server. */
interface UploadBody {
  readonly stream: Readable
  readonly fault: MlflowError | undefined
}

function uploadBody(source: ByteSource, path: string, moved: () => void): UploadBody {
  let fault: MlflowError | undefined
  async function* checked(): AsyncGenerator<Uint8Array> {
    const refused = (what: string, cause?: unknown): MlflowError => {
      fault = new MlflowError('run_write_refused', `content for ${path} ${what}`, { cause })
      return fault
    }
    let sent = 0
    const uneven = (): MlflowError =>
      refused(
        `changed while it was sent: expected ${source.bytes} bytes, found ${sent}; log it again`,
      )
    try {
      for await (const piece of source.open()) {
        sent += piece.byteLength
        if (sent > source.bytes) throw uneven()
        moved()
        yield piece
      }
    } catch (error) {
      throw fault ?? refused(`cannot be read: ${messageOf(error)}`, error)
    }
    if (sent < source.bytes) throw uneven()
  }
  return {
    stream: Readable.from(checked(), { objectMode: false }),
    get fault() {
      return fault
    },
  }
}

function addressOf(uri: string, path: string, query: Attempt['query'] = {}): string {
  const pairs = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const item of typeof value === 'object' ? value : [value]) {
      if (item !== undefined) pairs.append(name, String(item))
    }
  }
  return `${uri}${path}${pairs.size > 0 ? `?${pairs}` : ''}`
}

async function read(
  body: AsyncIterable<Uint8Array>,
  largest: number,
  path: string,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > largest) {
      throw new MlflowError('tracking_answer', `answer to ${path} is larger than ${largest} bytes`)
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** The first bytes of a refusal, enough for its message. */
async function beginning(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    pieces.push(piece)
    bytes += piece.byteLength
    if (bytes > chunkBytes) break
  }
  return Buffer.concat(pieces)
}

function json(bytes: Uint8Array, path: string, uri: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8') || '{}')
  } catch (error) {
    throw new MlflowError(
      'tracking_answer',
      `answer of ${uri}${path} is not JSON: check that the address is that of an MLflow server`,
      { cause: error },
    )
  }
}

/**
 * What an answer that brings no file means, as an error by code: not published, refused, or a
 * failure that may pass. Knows nothing about connections, disks or attempts.
 */

import { type ErrorCode, RidecastError } from '../errors.ts'
import { pageText } from './parquet-file.ts'

/** Whom an error is about. */
export interface Asked {
  /** The address that was asked for. */
  readonly url: string
  /** Makes an error message of what the server did: `answered 500`. */
  readonly describe: (what: string) => string
}

/** A failure that may pass by itself: lost connections, 429, 5xx. */
export class PassingError extends RidecastError {
  /** What happened, without advice: `answered 503`. */
  readonly what: string
  /** What the server asked to wait before the next attempt, milliseconds. */
  readonly askedMs: number | undefined
  /** True for what passes only where the same host has answered before: no way to it. */
  readonly onlyOnceAnswered: boolean

  constructor(
    code: ErrorCode,
    asked: Asked,
    what: string,
    options: { cause?: unknown; askedMs?: number; onlyOnceAnswered?: boolean } = {},
  ) {
    super(code, asked.describe(what), options)
    this.what = what
    this.askedMs = options.askedMs
    this.onlyOnceAnswered = options.onlyOnceAnswered ?? false
  }
}

/** The rest of a file cannot be had, since what the server has now does not fit the beginning. */
export class ResumeRefused extends RidecastError {
  /** What does not fit, without advice: `has another file by now`. */
  readonly what: string

  constructor(asked: Asked, what: string) {
    super('source_changed', asked.describe(what))
    this.what = what
  }
}

/**
 * The error for an answer that holds no file.
 *
 * @param page the beginning of the answer's body, as text
 * @returns source_not_published, source_not_found (S3), source_refused; 429 and 5xx as
 *   {@link PassingError}
 */
export function refusal(
  asked: Asked,
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  page: string,
): RidecastError {
  const isS3 = asked.url.startsWith('s3:')
  const code = /<Code>\s*(\w+)\s*<\/Code>/.exec(page)?.[1]
  // What S3 says besides the code may quote the key's id and the signed request.
  const says = isS3 ? (code ?? '') : pageText(page)
  const what = `answered ${status}${says === '' ? '' : ` ${JSON.stringify(says)}`}`
  const gone = status === 404 || status === 410
  if (isS3 && gone) return failed(asked, 'source_not_found', `${what}: it is not there`)
  // The store behind the publisher's CDN answers 403 in XML for a file that it does not have.
  const absent = status === 403 && (code === 'AccessDenied' || code === 'NoSuchKey')
  if (gone || (absent && !isS3)) {
    const hint = 'it has no such file (a month is published about two months after its end)'
    return failed(asked, 'source_not_published', `${what}: ${hint}`)
  }
  if (status === 429 || status >= 500) {
    const seconds = /^\d{1,9}$/.exec(headers.get('retry-after') ?? '')?.[0]
    const wish = seconds === undefined ? {} : { askedMs: Number(seconds) * 1000 }
    return new PassingError('source_refused', asked, what, wish)
  }
  return failed(asked, 'source_refused', `${what}, expected 200`)
}

function failed(asked: Asked, code: ErrorCode, what: string): RidecastError {
  return new RidecastError(code, asked.describe(what))
}

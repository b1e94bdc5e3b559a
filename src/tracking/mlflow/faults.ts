/**
 * What goes wrong between this program and an MLflow server, and whether another attempt may help.
 * Knows nothing about how requests are made.
 */

import { type ErrorCode, messageOf, RidecastError } from '../../errors.ts'

/** A server that refused or could not be reached. */
export class MlflowError extends RidecastError {
  /** MLflow's own code, such as `RESOURCE_DOES_NOT_EXIST`; undefined where it gave none. */
  readonly reason: string | undefined
  /** True when the request may have had its effect although no answer came. */
  readonly outcomeUnknown: boolean

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; reason?: string | undefined; outcomeUnknown?: boolean } = {},
  ) {
    super(code, message, options)
    this.reason = options.reason
    this.outcomeUnknown = options.outcomeUnknown ?? false
  }
}

/** True for a refusal with one of MLflow's codes. */
export function isReason(error: unknown, ...reasons: readonly string[]): error is MlflowError {
  return error instanceof MlflowError && reasons.includes(error.reason ?? '')
}

/** What was asked for, and how often, for messages. */
export interface Asked {
  readonly method: string
  readonly path: string
  /** Address of the server, without secrets. */
  readonly uri: string
  readonly attempts: number
}

/** An attempt that failed. */
export interface Fault extends Error {
  /** True when another attempt may succeed. */
  readonly passes: boolean
  /** True when the server surely did nothing. */
  readonly isUntouched: boolean
  /** How long the server wants to be left alone, milliseconds; undefined when it did not say. */
  readonly askedMs: number | undefined
  /** What the caller is told. */
  toError(asked: Asked): MlflowError
}

/** Answers after which another attempt may succeed; 408 to 504 as MLflow's Python client has it. */
const passing = new Set([408, 429, 500, 502, 503, 504])
/** Those that say that nothing was done. */
const untouched = new Set([429, 503])
/** Faults of connections that were never made: nothing can have been done. */
const unconnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** A server that proves to be another than expected, or nothing that speaks TLS: it stays so. */
const distrusted =
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_(GET|VERIFY)_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$)/

/** A connection that could not be made or broke. */
export class ConnectionFault extends Error implements Fault {
  readonly askedMs = undefined
  readonly passes: boolean
  readonly isUntouched: boolean
  private readonly code: string

  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
    this.code = (cause as NodeJS.ErrnoException).code ?? ''
    this.passes = !distrusted.test(this.code)
    this.isUntouched = unconnected.has(this.code) || !this.passes
  }

  toError({ method, path, uri, attempts }: Asked): MlflowError {
    const times = attempts > 1 ? `, ${attempts} times` : ''
    const what = this.message.includes(this.code) ? this.message : `${this.code} ${this.message}`
    const hint = this.passes
      ? ''
      : '; check the address, and set MLFLOW_TRACKING_SERVER_CERT_PATH where the server has a ' +
        'certificate of its own'
    return new MlflowError(
      'tracking_unreachable',
      `MLflow server ${uri} did not answer ${method} ${path}${times}: ${what.trim()}${hint}`,
      { cause: this.cause, outcomeUnknown: !this.isUntouched },
    )
  }
}

/** An answer that is not 2xx. */
export class Refusal extends Error implements Fault {
  readonly askedMs: number | undefined
  private readonly status: number
  private readonly body: Uint8Array
  private readonly location: string | undefined

  /**
   * @param status status of the answer
   * @param body its beginning
   * @param headers its headers, names in lower case
   */
  constructor(
    status: number,
    body: Uint8Array,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ) {
    super(`answered ${status}`)
    this.status = status
    this.body = body
    const seconds = Number(headers['retry-after'])
    this.askedMs = seconds >= 0 ? seconds * 1000 : undefined
    this.location = headers.location?.toString()
  }

  get passes(): boolean {
    return passing.has(this.status)
  }

  get isUntouched(): boolean {
    return untouched.has(this.status)
  }

  toError({ method, path, uri, attempts }: Asked): MlflowError {
    const text = Buffer.from(this.body).toString('utf8')
    const { error_code: reason, message } = fieldsOf(text)
    const what = `MLflow server ${uri} answered ${this.status} to ${method} ${path}`
    const said = (message ?? text).replaceAll(/\s+/g, ' ').trim().slice(0, 500)
    const full = `${what}${said && `: ${said}`}`
    if (this.status === 401 || this.status === 403) {
      return new MlflowError(
        'tracking_unauthorized',
        `${full}; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN`,
        { reason },
      )
    }
    if (this.location !== undefined) {
      return new MlflowError(
        'tracking_refused',
        `${what} with a redirect to ${this.location.slice(0, 200)}: give that address instead`,
      )
    }
    if (this.passes) {
      const times = attempts > 1 ? `, ${attempts} times in a row` : ''
      return new MlflowError('tracking_failed', `${full}${times}`, {
        reason,
        outcomeUnknown: !this.isUntouched,
      })
    }
    return new MlflowError('tracking_refused', full, { reason })
  }
}

/** The fields of MLflow's errors, when it is one. */
function fieldsOf(text: string): { error_code?: string; message?: string } {
  try {
    const found = JSON.parse(text) as Record<string, unknown> | null
    const field = (name: string): string | undefined =>
      typeof found?.[name] === 'string' ? found[name] : undefined
    const [error_code, message] = [field('error_code'), field('message')]
    return { ...(error_code && { error_code }), ...(message && { message }) }
  } catch {
    return {}
  }
}

/** Asks the page's own server. Knows no views, and no rides beyond their fields. */

/** A fault of a request, as the server tells it. */
export interface FaultAnswer {
  readonly parameter?: string
  readonly pointer?: string
  readonly message: string
}

/** A failure that the server has told of, or that it did not answer. */
export class ApiError extends Error {
  /** Its stable code; `unreachable` when there was no answer. */
  readonly code: string
  readonly faults: readonly FaultAnswer[]

  constructor(code: string, message: string, faults: readonly FaultAnswer[] = []) {
    super(message)
    this.code = code
    this.faults = faults
  }
}

/** An answer with its headers. */
export interface Answered<T> {
  readonly body: T
  readonly headers: Headers
}

const tokenKey = 'ridecast-token'

/** Remembers a token for as long as the tab is open. */
export function keepToken(token: string): void {
  sessionStorage.setItem(tokenKey, token)
}

/** Names this tab, so that a trial of two models does not change its arm from click to click. */
const clientKey = `page-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`

/**
 * Asks an address of the server; with a body by POST.
 *
 * @throws ApiError; the error of `signal` when that was aborted
 */
export async function ask<T>(
  path: string,
  { body, signal }: { body?: unknown; signal?: AbortSignal | undefined } = {},
): Promise<Answered<T>> {
  const token = sessionStorage.getItem(tokenKey)
  const answer = await fetch(path, {
    headers: {
      Accept: 'application/json',
      'Ridecast-Key': clientKey,
      ...(token !== null && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new ApiError('unreachable', 'the server does not answer')
  })
  const said: unknown = await answer.json().catch(() => undefined)
  if (answer.ok) return { body: said as T, headers: answer.headers }
  const { code, detail, errors } = (said ?? {}) as {
    code?: string
    detail?: string
    errors?: readonly FaultAnswer[]
  }
  throw new ApiError(code ?? 'internal', detail ?? `the server answers ${answer.status}`, errors)
}

/** A request's deadlines: aborted from outside or after a time, and the reason remembered. */

import type { RidecastError } from '../errors.ts'

/** Aborts a request from outside or after a time. */
export class Watch {
  readonly #controller = new AbortController()
  readonly #outside: AbortSignal | undefined
  readonly #onAbort = (): void => this.#controller.abort(this.#outside?.reason)
  #timer: NodeJS.Timeout | undefined

  /** @throws the reason of a signal that is aborted already */
  constructor(outside: AbortSignal | undefined) {
    outside?.throwIfAborted()
    this.#outside = outside
    outside?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Aborted with the reason: an error of ours, or that of the outside signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What is under way fails with what `error` makes after `ms` milliseconds, unless stopped. */
  start(ms: number, error: () => RidecastError): void {
    this.stop()
    this.#timer = setTimeout(() => this.#controller.abort(error()), ms)
  }

  /** Ends the deadline that was started. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Ends the request itself. */
  end(): void {
    this.stop()
    this.#outside?.removeEventListener('abort', this.#onAbort)
    this.#controller.abort()
  }
}

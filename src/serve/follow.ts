/**
 * Keeps the served model at what its reference means: asks the registry again and again, and takes
 * a version that an alias has moved to once it is loaded, verified and has answered. Whatever goes
 * wrong, the model that answers stays. Knows nothing about HTTP or where the registry is.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isRidecastError, messageOf } from '../errors.ts'
import type { Registry } from '../registry.ts'
import { loadServedModel } from './served-model.ts'
import type { ServiceState } from './state.ts'

/** What is followed, and how often. */
export interface Following {
  /** Where versions are. */
  readonly registry: Pick<Registry, 'resolve' | 'load'>
  /** What to serve, as the registry takes it. */
  readonly reference: string
  /** Between two questions, milliseconds; after a fault twice that, and so on up to a minute. */
  readonly everyMs: number
}

/** Waits, or rejects when the signal says so. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<unknown>

const longestMs = 60_000
// Each process asks at its own moments, so that a registry is not asked by all at once.
const jitter = (ms: number): number => ms * (0.9 + 0.2 * Math.random())

/**
 * Follows a reference until the signal ends it.
 *
 * @param waiting the clock; the real one does not keep a process alive
 */
export async function followReference(
  { registry, reference, everyMs }: Following,
  state: ServiceState,
  log: Logger,
  signal: AbortSignal,
  waiting: Wait = (ms, ended) => wait(ms, undefined, { signal: ended, ref: false }),
): Promise<void> {
  let pauseMs = everyMs
  let lastFault = ''
  while (!signal.aborted) {
    await waiting(jitter(pauseMs), signal).catch(() => {})
    if (signal.aborted) return
    try {
      const { name, version } = await registry.resolve(reference)
      const before = state.model
      if (name !== before?.name || version !== before.version) {
        // The very version that was named: an alias may move once more meanwhile.
        state.model = await loadServedModel(registry, `models:/${name}/${version}`)
        log.info({ model: name, model_version: version, before: before?.version }, 'model changed')
      }
      if (lastFault !== '') log.info({ reference }, 'registry answers again')
      lastFault = ''
      pauseMs = everyMs
    } catch (error) {
      const code = isRidecastError(error) ? error.code : 'internal'
      const fault = `${code} ${messageOf(error)}`
      // The same fault again is not news.
      const level = fault === lastFault ? 'debug' : 'warn'
      const kept = state.model && { model: state.model.name, model_version: state.model.version }
      log[level]({ code, message: messageOf(error), ...kept }, 'model kept')
      lastFault = fault
      pauseMs = Math.min(longestMs, Math.max(everyMs, pauseMs * 2))
    }
  }
}

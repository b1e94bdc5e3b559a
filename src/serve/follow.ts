/**
 * Keeps the served model at what its reference means: asks the registry again and again, and takes
 * a version that an alias has moved to once it is loaded, verified and has answered golden rides.
 * Whatever goes wrong, the model that answers stays. Knows nothing about HTTP or where the registry
 * is.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isRidecastError, messageOf } from '../errors.ts'
import type { Registry } from '../registry.ts'
import { askGoldenRides } from './rollout/golden-rides.ts'
import { loadServedModel } from './served-model.ts'
import type { ServedModel, ServiceState } from './state.ts'

/** What is served, and where its versions are. */
export interface Reference {
  readonly registry: Pick<Registry, 'resolve' | 'load'>
  /** What to serve, as the registry takes it. */
  readonly reference: string
  /** Hears that another model was taken, or could not be. */
  readonly onReload?: ((result: 'taken' | 'refused') => void) | undefined
}

/** What is followed, and how often. */
export interface Following extends Reference {
  /** Between two questions, milliseconds; after a fault twice that, and so on up to a minute. */
  readonly everyMs: number
  /** Takes what the reference means now, default {@link championTaker}'s. */
  readonly take?: (() => Promise<unknown>) | undefined
  /** Called once with what asks at once, such as a watched folder's events do. */
  readonly wakers?: ((wake: () => void) => void) | undefined
}

/** Waits, or rejects when the signal says so. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<unknown>

const longestMs = 60_000
/** Models besides those that serve that are kept ready: where people switch back to. */
const keptReady = 1
// Each process asks at its own moments, so that a registry is not asked by all at once.
const jitter = (ms: number): number => ms * (0.9 + 0.2 * Math.random())

/**
 * What takes the version that a reference means now, one call after the other. The champion before
 * stays ready, so that going back to it takes no loading.
 *
 * @returns a function that gives the champion after it; it throws what `resolve`, `load` and golden
 *   rides throw, and then the model stays
 */
export function championTaker(
  { registry, reference, onReload }: Reference,
  state: ServiceState,
  log: Logger,
): () => Promise<ServedModel> {
  let ready: readonly ServedModel[] = []
  let turn: Promise<unknown> = Promise.resolve()

  async function take(): Promise<ServedModel> {
    const { name, version } = await registry.resolve(reference)
    const before = state.model
    const known = [before, state.challenger?.model, ...ready]
    const found = known.find((model) => model?.name === name && model.version === version)
    if (found !== undefined && found === before) return before
    // The very version that was named: an alias may move once more meanwhile.
    const taken = found ?? (await loadReady(registry, `models:/${name}/${version}`))
    state.model = taken
    if (before) ready = [before, ...ready.filter((one) => one !== taken && one !== before)]
    ready = ready.slice(0, keptReady)
    log.info({ model: name, model_version: version, before: before?.version }, 'model changed')
    onReload?.('taken')
    return taken
  }

  return () => {
    const done = turn.then(take)
    turn = done.catch(() => {})
    return done
  }
}

/**
 * Loads a version and asks it its golden rides, after which its answers are warm.
 *
 * @throws what `loadServedModel` and `askGoldenRides` throw
 */
export async function loadReady(
  registry: Pick<Registry, 'load'>,
  reference: string,
): Promise<ServedModel> {
  const served = await loadServedModel(registry, reference)
  askGoldenRides(served)
  return served
}

/**
 * Follows a reference until the signal ends it.
 *
 * @param waiting the clock; the real one does not keep a process alive
 */
export async function followReference(
  following: Following,
  state: ServiceState,
  log: Logger,
  signal: AbortSignal,
  waiting: Wait = (ms, ended) => wait(ms, undefined, { signal: ended, ref: false }),
): Promise<void> {
  const { reference, everyMs, onReload, take = championTaker(following, state, log) } = following
  const nap = napper(signal, waiting)
  following.wakers?.(nap.wake)
  let pauseMs = everyMs
  let lastFault = ''
  while (!signal.aborted) {
    await nap.sleep(jitter(pauseMs))
    if (signal.aborted) return
    try {
      await take()
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
      if (fault !== lastFault) onReload?.('refused')
      lastFault = fault
      pauseMs = Math.min(longestMs, Math.max(everyMs, pauseMs * 2))
    }
  }
}

/** Sleep that an event, also one that came before it, or the end cuts short. */
function napper(
  signal: AbortSignal,
  waiting: Wait,
): { sleep(ms: number): Promise<void>; wake(): void } {
  let current: AbortController | undefined
  let woken = false
  signal.addEventListener('abort', () => current?.abort())
  return {
    async sleep(ms) {
      if (!woken) {
        current = new AbortController()
        await waiting(ms, current.signal).catch(() => {})
        current = undefined
      }
      woken = false
    },
    wake() {
      woken = true
      current?.abort()
    },
  }
}

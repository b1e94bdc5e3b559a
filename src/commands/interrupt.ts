/**
 * Work that Ctrl-C ends in good order: it is told, may put away what it has, and then fails. A
 * second Ctrl-C ends the process at once.
 */

import { RidecastError } from '../errors.ts'

/** What tells of Ctrl-C: the process, or a test's own. */
export interface Interrupts {
  /** Listens for one signal. */
  once(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  /** Stops listening. */
  off(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/**
 * Does work with a signal that is aborted by SIGINT and SIGTERM.
 *
 * @throws source_interrupted as the reason of the signal; what the work throws
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  interrupts: Interrupts = process,
): Promise<T> {
  const stop = new AbortController()
  const onSignal = (): void => {
    const text = 'the command was interrupted: run it again, a download goes on where it was'
    stop.abort(new RidecastError('source_interrupted', text))
  }
  interrupts.once('SIGINT', onSignal)
  interrupts.once('SIGTERM', onSignal)
  try {
    return await work(stop.signal)
  } finally {
    interrupts.off('SIGINT', onSignal)
    interrupts.off('SIGTERM', onSignal)
  }
}

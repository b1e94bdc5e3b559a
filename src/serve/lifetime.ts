/** What ends the server's process: signals, after the requests in flight, and faults, at once. */

import type { Logger } from 'pino'

/** A server, or several, that can be stopped. */
export interface Stoppable {
  /** Stops; resolves with how many requests (of workers: how many workers' requests) were cut off. */
  stop(): Promise<number>
}

/** The part of a process that this needs. */
export interface ProcessHandle {
  /** Calls back when the process is asked to stop. */
  on(event: 'SIGTERM' | 'SIGINT', listener: (signal: string) => void): unknown
  /** Calls back with an error that nobody caught. */
  on(event: 'uncaughtException', listener: (error: Error) => void): unknown
  /** Ends the process at once. */
  exit(code: number): void
}

/**
 * Ends the process with 1 when something goes wrong that nobody has foreseen: its state is
 * unknown from then on, and whoever supervises it starts another.
 */
export function endOnFault(log: Logger, handle: ProcessHandle): void {
  handle.on('uncaughtException', (error) => {
    log.fatal({ error }, 'uncaught error')
    handle.exit(1)
  })
}

/**
 * Stops the server on the first SIGTERM or SIGINT and ends the process: with 0 when every request
 * was answered, with 1 when some were cut off at the deadline or by a second signal.
 */
export function stopOnSignal(server: Stoppable, log: Logger, handle: ProcessHandle): void {
  let asked = false
  const onSignal = (signal: string): void => {
    if (asked) {
      log.warn({ signal }, 'stopped at once')
      handle.exit(1)
      return
    }
    asked = true
    log.info({ signal }, 'stopping')
    void server.stop().then((cut) => {
      if (cut === 0) log.info('stopped')
      else log.warn({ requests_cut_off: cut }, 'stopped at the deadline')
      handle.exit(cut === 0 ? 0 : 1)
    })
  }
  handle.on('SIGTERM', onSignal)
  handle.on('SIGINT', onSignal)
}

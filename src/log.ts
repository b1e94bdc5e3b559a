/**
 * Loggers: events with fields, one JSON object a line, written at once and by this thread, so
 * that nothing is lost when the process ends and the server bundles into one file.
 */

import { type DestinationStream, type Logger, pino } from 'pino'

/** How much is logged, least first: each level includes those before it. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number]

/**
 * A logger. Each line has `level` (as a word), `time` (ISO 8601, UTC), `name`, the fields of the
 * event and `event`: what has happened, in words that stay the same.
 *
 * @param name the folder that logs, such as `serve`
 * @param destination where lines go, default standard output
 */
export function createLog(name: string, level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    // Whoever collects the lines knows the host and the process: only the name is told.
    base: { name },
    messageKey: 'event',
    errorKey: 'error',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return destination ? pino(options, destination) : pino(options)
}

/**
 * Loggers: events with fields, one JSON object a line, written at once and by this thread, so
 * that nothing is lost when the process ends and the server bundles into one file.
 */

import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './config.ts'

export type { Logger } from 'pino'

/**
 * A logger. Each line has `level` (as a word), `time` (ISO 8601, UTC), `name`, the fields of the
 * event and `event`, what has happened.
 *
 * @param name the folder that logs, such as `serve`
 * @param destination where lines go, default standard output
 */
export function createLogger(
  name: string,
  level: LogLevel,
  destination?: DestinationStream,
): Logger {
  const options = {
    name,
    level,
    messageKey: 'event',
    errorKey: 'error',
    // The host and process id are known to whoever collects the lines.
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return destination ? pino(options, destination) : pino(options)
}

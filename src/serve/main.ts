/** The process that the image runs: settings from the environment alone, logs on standard output. */

import { readConfig } from '../config.ts'
import { isRidecastError, messageOf } from '../errors.ts'
import { createLog } from '../log.ts'
import { endOnFault, stopOnSignal } from './lifetime.ts'
import { startServer } from './server.ts'

try {
  const config = readConfig(process.env)
  const log = createLog('serve', config.logLevel)
  endOnFault(log, process)
  stopOnSignal(await startServer(config, log), log, process)
} catch (error) {
  const code = isRidecastError(error) ? error.code : 'internal'
  const fields = { code, message: messageOf(error), ...(code === 'internal' && { error }) }
  // Whatever level was asked for: without this line nobody would know.
  createLog('serve', 'fatal').fatal(fields, 'not started')
  process.exitCode = code === 'config_invalid' ? 2 : 1
}

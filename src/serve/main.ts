/** The process that the image runs: settings from the environment alone. */

import { readConfig } from '../config.ts'
import { isRidecastError, messageOf } from '../errors.ts'
import { createLog } from '../log.ts'
import { startServer, stopOnSignal } from './server.ts'

let log = createLog('serve', 'info')
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'uncaught error: the process ends')
  process.exit(1)
})

try {
  const config = readConfig(process.env)
  log = createLog('serve', config.logLevel)
  stopOnSignal(await startServer(config, log), log)
} catch (error) {
  const code = isRidecastError(error) ? error.code : 'internal'
  log.fatal({ code, ...(code === 'internal' ? { err: error } : {}) }, messageOf(error))
  process.exitCode = code === 'config_invalid' ? 2 : 1
}

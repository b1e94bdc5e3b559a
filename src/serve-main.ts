/** The process that the image runs: settings from the environment alone, logs on standard output. */

import { readConfig, type ServerConfig } from './config.ts'
import { isRidecastError, messageOf, RidecastError } from './errors.ts'
import { createLog } from './log.ts'
import { openRegistry, type Registry } from './registry.ts'
import { runServer } from './serve/run.ts'
import { mlflowClient } from './tracking/mlflow/client.ts'
import { mlflowRegistry } from './tracking/mlflow/registry.ts'
import { isServerUri, mlflowSettings } from './tracking/mlflow/settings.ts'

/** The registry that the environment names; as in `commands/open-model.ts`, but for loading only. */
function registryFor({ models }: ServerConfig): Registry {
  const folder = openRegistry(models)
  const uri = process.env.MLFLOW_REGISTRY_URI || process.env.MLFLOW_TRACKING_URI
  if (uri === undefined || !isServerUri(uri)) return folder
  const pack = (): never => {
    throw new RidecastError('internal', 'a server registers no models')
  }
  return mlflowRegistry(mlflowClient(mlflowSettings(uri, process.env)), { cache: folder, pack })
}

try {
  const config = readConfig(process.env)
  const log = createLog('serve', config.logLevel)
  await runServer(config, registryFor(config), log, process)
} catch (error) {
  const code = isRidecastError(error) ? error.code : 'internal'
  const fields = { code, message: messageOf(error), ...(code === 'internal' && { error }) }
  // Whatever level was asked for: without this line nobody would know.
  createLog('serve', 'fatal').fatal(fields, 'not started')
  process.exitCode = code === 'config_invalid' ? 2 : 1
}

/** `ridecast serve`: the server, in this process. */

import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLog, logLevels } from '../log.ts'
import type { ProcessHandle } from '../serve/lifetime.ts'
import type { RunningServer } from '../serve/server.ts'
import type { Io } from './io.ts'
import { registryOf } from './open-model.ts'

interface Flags {
  port?: string
  host?: string
  models?: string
  model?: string
  registryUri?: string
  reloadSeconds?: string
  logLevel?: string
}

const examples = `
Examples:
  ridecast serve --port 9696
  ridecast serve --model green-duration/3f9c2a71b0de --host 0.0.0.0
  RIDECAST_MODEL=green-duration@champion RIDECAST_PORT=8080 ridecast serve
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 ridecast serve --model models:/green-duration@champion

Settings come from flags, then from the environment (RIDECAST_PORT, RIDECAST_MODEL ...: see
example.env). When an alias moves, the server takes the new version once it is verified. Logs are lines of JSON on standard output. SIGTERM and Ctrl-C finish the requests
in flight first.
`

/**
 * The command; it is done when the server is ready.
 *
 * @param handle what tells the server to stop, and ends after it
 */
export function serveCommand(io: Io, handle: ProcessHandle = process): Command {
  return new Command('serve')
    .summary('answer POST /predict over HTTP')
    .description(
      'Serve a model over HTTP: POST /predict, GET /model, GET /health/live, GET /health/ready.',
    )
    .option('--port <port>', 'port to listen on, 0 for a free one (default: 9696)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option(
      '--model <reference>',
      'name, name@alias, name/version or a folder (default: green-duration)',
    )
    .option('--models <dir>', 'folder of the registry (default: models)')
    .option('--registry-uri <uri>', 'MLflow server, or "files" (default: MLFLOW_REGISTRY_URI ...)')
    .option(
      '--reload-seconds <n>',
      'how often to ask whether the alias moved, 0 never (default: 5)',
    )
    .option('--log-level <level>', `${logLevels.join(', ')} (default: info, on a terminal warn)`)
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const quiet = io.interactive && !io.env.RIDECAST_LOG_LEVEL
      const logLevel = flags.logLevel ?? (quiet ? 'warn' : undefined)
      const config = readConfig(io.env, { ...flags, logLevel })
      const log = createLog('serve', config.logLevel)
      const { startServer } = await import('../serve/server.ts')
      const { endOnFault, stopOnSignal } = await import('../serve/lifetime.ts')
      endOnFault(log, handle)
      const registry = await registryOf(io, config.models, flags.registryUri)
      const server = await startServer(config, registry, log)
      stopOnSignal(server, log, handle)
      if (io.interactive) await welcome(io, server)
    })
}

/** Says where the server is and how to try it. */
async function welcome(io: Io, { url, model }: RunningServer): Promise<void> {
  const { exampleRide } = await import('../serve/served-model.ts')
  const ride = JSON.stringify(exampleRide(model.predictor.inputs))
  io.err(`serving ${model.name}/${model.version} at ${url}, Ctrl-C stops it; try\n\n`)
  io.err(`  curl ${url}/predict -H 'content-type: application/json' \\\n    -d '${ride}'\n\n`)
}

/** `ridecast serve`: the server, in this process. */

import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLog, logLevels } from '../log.ts'
import type { ProcessHandle } from '../serve/lifetime.ts'
import type { StartedServer } from '../serve/run.ts'
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
  state?: string
  workers?: string
  tlsCert?: string
  tlsKey?: string
}

const examples = `
Examples:
  ridecast serve --port 9696
  ridecast serve --model green-duration/3f9c2a71b0de --host 0.0.0.0
  RIDECAST_MODEL=green-duration@champion RIDECAST_PORT=8080 ridecast serve
  ridecast serve --workers 2 --tls-cert server.pem --tls-key server.key
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 ridecast serve --model models:/green-duration@champion

Settings come from flags, then from the environment (RIDECAST_PORT, RIDECAST_MODEL ...: see
example.env). When an alias moves, the server takes the new version once it is verified. Logs are
lines of JSON on standard output; predictions go to the folder of --state. SIGTERM and Ctrl-C finish
the requests in flight first.
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
      'Serve a model over HTTP: POST /predict and /predict/batch, the page at /, /docs, /metrics.',
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
    .option('--state <dir>', 'folder of predictions, feedback and rollouts (default: state)')
    .option('--workers <n>', 'processes that answer on the port (default: 1)')
    .option('--tls-cert <file>', 'certificate chain, PEM: with it and its key, HTTPS')
    .option('--tls-key <file>', 'private key of the certificate, PEM')
    .option('--log-level <level>', `${logLevels.join(', ')} (default: info, on a terminal warn)`)
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const quiet = io.interactive && !io.env.RIDECAST_LOG_LEVEL
      const logLevel = flags.logLevel ?? (quiet ? 'warn' : undefined)
      const config = readConfig(io.env, { ...flags, logLevel })
      const log = createLog('serve', config.logLevel)
      const { runServer } = await import('../serve/run.ts')
      const registry = await registryOf(io, config.models, flags.registryUri)
      const server = await runServer(config, registry, log, handle)
      if (io.interactive && server) await welcome(io, server)
    })
}

/** Says where the server is and how to try it. */
async function welcome(io: Io, { url, model }: StartedServer): Promise<void> {
  const { exampleRide } = await import('../serve/served-model.ts')
  const ride = JSON.stringify(exampleRide(model.predictor.inputs))
  io.err(`serving ${model.name}/${model.version} at ${url}, Ctrl-C stops it; try\n\n`)
  io.err(`  ${url}/ in a browser, or\n\n`)
  io.err(`  curl ${url}/predict -H 'content-type: application/json' \\\n    -d '${ride}'\n\n`)
}

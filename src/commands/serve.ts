/** `ridecast serve`: the server, in this process. */

import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { readConfig } from '../config.ts'
import { createLog, logLevels } from '../log.ts'
import type { Io } from './io.ts'

interface Flags {
  port?: string
  host?: string
  models?: string
  model?: string
  logLevel?: string
}

const examples = `
Examples:
  ridecast serve --port 9696
  ridecast serve --model green-duration/3f9c2a71b0de --host 0.0.0.0
  RIDECAST_MODEL=green-duration@champion RIDECAST_PORT=8080 ridecast serve

Settings come from flags, then from the environment: see example.env.
`

/** The command. */
export function serveCommand(io: Io): Command {
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
    .addOption(
      new Option(
        '--log-level <level>',
        'what is logged (default: info, on a terminal warn)',
      ).choices(logLevels),
    )
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const level = io.interactive && !io.env.RIDECAST_LOG_LEVEL ? 'warn' : undefined
      const config = readConfig(io.env, { ...flags, logLevel: flags.logLevel ?? level })
      const log = createLog('serve', config.logLevel)
      const { startServer, stopOnSignal } = await import('../serve/server.ts')
      const server = await startServer({ ...config, models: resolve(io.cwd, config.models) }, log)
      stopOnSignal(server, log)
      if (io.interactive) {
        const { url, model } = server
        io.err(`serving ${model.name}/${model.version} at ${url}, Ctrl-C stops it; try\n\n`)
        io.err(`  curl ${url}/predict -H 'content-type: application/json' \\\n`)
        io.err(`    -d '{"PULocationID": 43, "DOLocationID": 151, "trip_distance": 1.01}'\n\n`)
      }
    })
}

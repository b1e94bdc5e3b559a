/**
 * The `ridecast` command line: the list of verbs, and how a failure ends the process.
 * Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a check.
 */

import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import { evaluateCommand } from './commands/evaluate.ts'
import { explainCommand } from './commands/explain.ts'
import type { Io } from './commands/io.ts'
import { modelsCommand } from './commands/models.ts'
import { predictCommand } from './commands/predict.ts'
import { runsCommand } from './commands/runs.ts'
import { serveCommand } from './commands/serve.ts'
import { trainCommand } from './commands/train.ts'
import { type ErrorCode, isRidecastError, messageOf } from './errors.ts'
import { version } from './package.ts'

const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'usage_invalid',
  'month_invalid',
  'recipe_not_found',
  'recipe_invalid',
  'recipe_leakage',
  'config_invalid',
  'zone_unknown',
  'input_invalid',
])

function program(io: Io): Command {
  const ridecast = new Command('ridecast')
    .description('train models of how long a New York taxi ride takes, and serve them')
    .version(version)
    .showHelpAfterError('(add --help for usage and examples)')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
  for (const command of [
    trainCommand(io),
    predictCommand(io),
    explainCommand(io),
    evaluateCommand(io),
    serveCommand(io),
    modelsCommand(io),
    runsCommand(io),
  ]) {
    ridecast.addCommand(command)
  }
  const inherit = (parent: Command): void => {
    for (const child of parent.commands) {
      child.copyInheritedSettings(parent).exitOverride()
      inherit(child)
    }
  }
  ridecast.exitOverride()
  inherit(ridecast)
  return ridecast
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    await program(io).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const code = isRidecastError(error) ? error.code : 'internal'
    io.err(`${io.colors.red('error')} ${messageOf(error)} ${io.colors.dim(`[${code}]`)}\n`)
    if (code === 'internal' && error instanceof Error) io.err(`${error.stack}\n`)
    return isRidecastError(error) && usageCodes.has(error.code) ? 2 : 1
  }
}

// A reader that goes away (`ridecast ... | head`) is not a fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
  colors: pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR),
  env: process.env,
  cwd: process.cwd(),
  now: () => new Date(),
})

/**
 * The `ridecast` command line: the list of verbs, and how a failure ends the process.
 * Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a check.
 */

import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import type { Io } from './commands/io.ts'
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
  'filter_invalid',
  'contract_not_found',
  'contract_invalid',
])

/** Codes of checks that looked and refused. */
const refusalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'contract_refused',
  'gate_refused',
  'prediction_differs',
  'rollout_impossible',
  'version_refused',
])

/** The verbs, in the order of the help. A command line loads only the one that it names. */
const verbs: Readonly<Record<string, (io: Io) => Promise<Command>>> = {
  train: async (io) => (await import('./commands/train.ts')).trainCommand(io),
  predict: async (io) => (await import('./commands/predict.ts')).predictCommand(io),
  explain: async (io) => (await import('./commands/explain.ts')).explainCommand(io),
  score: async (io) => (await import('./commands/score.ts')).scoreCommand(io),
  evaluate: async (io) => (await import('./commands/evaluate.ts')).evaluateCommand(io),
  compare: async (io) => (await import('./commands/compare.ts')).compareCommand(io),
  search: async (io) => (await import('./commands/search.ts')).searchCommand(io),
  penalty: async (io) => (await import('./commands/penalty.ts')).penaltyCommand(io),
  coefficients: async (io) => (await import('./commands/coefficients.ts')).coefficientsCommand(io),
  backtest: async (io) => (await import('./commands/backtest.ts')).backtestCommand(io),
  trainer: async (io) => (await import('./commands/trainer.ts')).trainerCommand(io),
  cache: async (io) => (await import('./commands/cache.ts')).cacheCommand(io),
  data: async (io) => (await import('./commands/data.ts')).dataCommand(io),
  serve: async (io) => (await import('./commands/serve.ts')).serveCommand(io),
  rollout: async (io) => (await import('./commands/rollout.ts')).rolloutCommand(io),
  trace: async (io) => (await import('./commands/trace.ts')).traceCommand(io),
  models: async (io) => (await import('./commands/models.ts')).modelsCommand(io),
  runs: async (io) => (await import('./commands/runs.ts')).runsCommand(io),
}

async function program(io: Io, named: string | undefined): Promise<Command> {
  const ridecast = new Command('ridecast')
    .description('train models of how long a New York taxi ride takes, and serve them')
    .version(version)
    .showHelpAfterError('(add --help for usage and examples)')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .addHelpText('after', '\nStart with: ridecast train 2021-01, then: ridecast serve\n')
  const isVerb = named !== undefined && Object.hasOwn(verbs, named)
  const isVersion = named === '--version' || named === '-V'
  const wanted = isVersion ? [] : isVerb ? [named] : Object.keys(verbs)
  for (const verb of wanted) ridecast.addCommand(await (verbs[verb] as (typeof verbs)[string])(io))
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
    await (await program(io, argv[0])).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const code = isRidecastError(error) ? error.code : 'internal'
    io.err(`${io.colors.red('error')} ${messageOf(error)} ${io.colors.dim(`[${code}]`)}\n`)
    if (code === 'internal' && error instanceof Error) io.err(`${error.stack}\n`)
    if (!isRidecastError(error)) return 1
    return usageCodes.has(error.code) ? 2 : refusalCodes.has(error.code) ? 3 : 1
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

/** `ridecast train`: trains a month, tracks it, registers it. */

import { userInfo } from 'node:os'
import { Command, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { TrainOptions } from '../pipeline/train.ts'
import { formatRecipe, type Recipe } from '../recipe.ts'
import { type Taxi, taxis } from '../ride.ts'
import type { Tracker } from '../tracking/tracker.ts'
import { type Io, printJson, progress } from './io.ts'
import { findRecipe, recipeNames } from './recipes.ts'
import { localTrackerOf, pushTargetOf, serverOf, trackingUriHelp } from './tracking.ts'

interface Flags {
  taxi?: Taxi
  validate?: string
  recipe: string
  set: string[]
  printRecipe?: true
  name?: string
  data: string
  models: string
  runs: string
  trackingUri?: string
  registryUri?: string
  baseUrl?: string
  engine: 'arrow'
  solver: 'auto' | 'direct' | 'svd'
  experiment?: string
  tag: string[]
  promote?: true
  residuals?: true
  json?: true
}

const collect = (value: string, all: string[]): string[] => [...all, value]

const examples = `
Examples:
  ridecast train 2021-01                         the default recipe, validated on 2021-02
  ridecast train 2021-01 --recipe pairs --json   the classic model, for machines
  ridecast train 2021-01 --validate holdout      validate on the last fifth of the month
  ridecast train 2021-01 --set l2=10             another ridge strength
  ridecast train ./my_trips.parquet --taxi yellow --name my-model --promote
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 ridecast train 2021-01 --experiment nyc-green
`

/** The command. */
export function trainCommand(io: Io): Command {
  return new Command('train')
    .summary('train a model on a month of rides')
    .description(
      'Train a model on a month of rides, measure it on the next month, and register it.',
    )
    .argument('[source]', 'a month (YYYY-MM), a Parquet file, or the address of one')
    .addOption(
      new Option(
        '--taxi <fleet>',
        'the fleet of the rides (default: what the file name says, else green)',
      ).choices(taxis),
    )
    .option(
      '--validate <source>',
      'month, file or address to validate on, or "holdout" (default: the next month)',
    )
    .option(
      '--recipe <name|file>',
      `what to train: ${recipeNames().join(', ')} or a YAML file`,
      'standard',
    )
    .option(
      '--set <key=value>',
      'override a value of the recipe, such as l2=10 (repeatable)',
      collect,
      [],
    )
    .option('--print-recipe', 'print the composed recipe and stop')
    .option('--name <name>', 'name of the model (default: <taxi>-duration)')
    .option('--data <dir>', 'folder of trip files and downloads', 'data')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--registry-uri <uri>', 'register elsewhere (default: the tracking server)')
    .option('--base-url <url>', 'where months are downloaded from (default: the publisher)')
    .addOption(
      new Option('--engine <name>', 'what reads and sums the rides')
        .choices(['arrow'])
        .default('arrow'),
    )
    .addOption(
      new Option('--solver <name>', 'svd asks an independent implementation')
        .choices(['auto', 'direct', 'svd'])
        .default('auto'),
    )
    .option('--experiment <name>', 'group of runs (default: the name of the model)')
    .option('--tag <key=value>', 'tag the run (repeatable)', collect, [])
    .option('--promote', 'make this version the champion')
    .option('--residuals', 'read the rides again for absolute errors and quantiles')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action(async (source: string | undefined, flags: Flags) => {
      const recipe = findRecipe(flags.recipe, flags.set, io.cwd)
      if (flags.printRecipe) return io.out(formatRecipe(recipe))
      if (source === undefined) {
        throw new RidecastError(
          'usage_invalid',
          'what to train on is missing: name a month, such as ridecast train 2021-01',
        )
      }
      await run(io, source, flags, recipe)
    })
}

function tagsOf(flags: Flags): Record<string, string> {
  return Object.fromEntries(
    flags.tag.map((tag) => {
      const at = tag.indexOf('=')
      if (at < 1) throw new RidecastError('usage_invalid', `tag "${tag}" is not key=value`)
      return [tag.slice(0, at), tag.slice(at + 1)]
    }),
  )
}

async function optionsOf(
  io: Io,
  source: string,
  flags: Flags,
  recipe: Recipe,
): Promise<TrainOptions> {
  const { planSource } = await import('../pipeline/source.ts')
  const options: TrainOptions = {
    source,
    taxi: flags.taxi ?? 'green',
    validate: flags.validate,
    recipe,
    // What the classic recipe makes of the same rides: the number everyone knows.
    comparison: recipe.name === 'plain' ? undefined : findRecipe('plain', [], io.cwd),
    engine: flags.engine,
    solver: flags.solver,
    residuals: flags.residuals === true,
    dataFolder: flags.data,
    cwd: io.cwd,
    today: io.now(),
    baseUrl: flags.baseUrl,
  }
  const stated = planSource(source, options).taxi
  if (flags.taxi !== undefined && stated !== undefined && stated !== flags.taxi) {
    throw new RidecastError(
      'usage_invalid',
      `--taxi ${flags.taxi} does not fit ${source}, whose name says ${stated}: leave the flag away, or rename the file`,
    )
  }
  return { ...options, taxi: stated ?? options.taxi }
}

/** Where the run is recorded: plain files, and a server that is told what they say. */
async function trackerFor(io: Io, flags: Flags): Promise<Tracker> {
  const local = await localTrackerOf(io, flags)
  const server = await serverOf(io, flags)
  if (server === undefined) return local
  const target = await pushTargetOf(io, server, flags, flags.promote === true)
  const { mirrorTracker } = await import('../tracking/mirror.ts')
  // `mlflow run` has started a run already, and says which.
  const runId = io.env.MLFLOW_RUN_ID || undefined
  return mirrorTracker(local, { ...target, runId }, (text) => io.err(`warning: ${text}\n`))
}

/** The login name, where the system has one for this process. */
function userOf(io: Io): string | undefined {
  try {
    return io.env.MLFLOW_TRACKING_USERNAME || userInfo().username
  } catch {
    return undefined
  }
}

async function run(io: Io, source: string, flags: Flags, recipe: Recipe): Promise<void> {
  const tags = tagsOf(flags)
  const options = await optionsOf(io, source, flags, recipe)
  const { trainAndRecord } = await import('./train-run.ts')
  const { reportOf, printReport } = await import('./train-report.ts')
  const show = (text: string): void => progress(io, text)
  const outcome = await trainAndRecord(options, {
    name: flags.name,
    models: flags.models,
    tracker: await trackerFor(io, flags),
    user: userOf(io),
    experiment: flags.experiment ?? (io.env.MLFLOW_EXPERIMENT_NAME || undefined),
    tags,
    promote: flags.promote === true,
    show,
    note: (text) => io.err(`${text}\n`),
  })
  show('')
  const report = reportOf(outcome)
  if (flags.json) printJson(io, report)
  else printReport(io, outcome, report, flags)
}

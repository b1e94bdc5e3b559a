/** `ridecast train`: trains a month, tracks it, registers it. */

import { Command, InvalidArgumentError, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { Month } from '../month.ts'
import { areMonths, parseMonths } from '../months.ts'
import { formatRecipe } from '../recipe.ts'
import type { Recipe } from '../recipe-schema.ts'
import { cacheOf, fetchingOf } from './data-flags.ts'
import { collect, type Io, printJson, progress } from './io.ts'
import { findRecipe, recipeNames } from './recipes.ts'
import {
  type TrainFlags,
  tagsOf,
  trackerFor,
  trainFlags,
  trainOptionsOf,
  userOf,
} from './train-flags.ts'
import { type TrainerFlags, trainerOf, trainerOptions } from './trainers.ts'

interface Flags extends TrainFlags, TrainerFlags {
  last?: number
  validate?: string
  recipe: string
  set: string[]
  printRecipe?: true
  name?: string
  solver: 'auto' | 'direct' | 'svd'
  promote?: true
  residuals?: true
  json?: true
}

const examples = `
Examples:
  ridecast train 2021-01                         the default recipe, validated on 2021-02
  ridecast train 2021-01 --recipe pairs --json   the classic model, for machines
  ridecast train 2021-01 --validate holdout      validate on the last fifth of the month
  ridecast train 2023-01..2023-03,2023-05        several months; sums of each are kept
  ridecast train 2023-04 --last 12               the twelve months that end with 2023-04
  ridecast train 2023-01 --taxi yellow,green     two fleets in one model
  ridecast train 2021-01 --set l2=10             another ridge strength
  ridecast train 2021-01 --recipe trees --trainer xgboost   grown by the real XGBoost
  ridecast train ./my_trips.parquet --taxi yellow --name my-model --promote
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 ridecast train 2021-01 --experiment nyc-green
`

/** The command. */
export function trainCommand(io: Io): Command {
  const command = new Command('train')
    .summary('train a model on months of rides')
    .description(
      'Train a model on months of rides, measure it on the month after them, and register it.',
    )
    .argument('[sources...]', 'months (2021-01, 2023-01..2023-04, lists), Parquet files, addresses')
  return trainerOptions(
    trainFlags(
      command
        .addOption(
          new Option('--last <months>', 'as many months, up to the one named').argParser(
            monthCount,
          ),
        )
        .option(
          '--validate <source>',
          'months, file or address to validate on, or "holdout" (default: the next month)',
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
        .addOption(
          new Option('--solver <name>', 'svd asks an independent implementation')
            .choices(['auto', 'direct', 'svd'])
            .default('auto'),
        )
        .option('--promote', 'make this version the champion')
        .option('--residuals', 'read the rides again for absolute errors and quantiles'),
    ),
  )
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action(async (named: string[], flags: Flags) => {
      const recipe = findRecipe(flags.recipe, flags.set, io.cwd)
      if (flags.printRecipe) return io.out(formatRecipe(recipe))
      await run(io, await sourcesOf(io, named, flags), flags, recipe)
    })
}

/** What to train on: what was named, or the months that `--last` counts back to. */
async function sourcesOf(io: Io, named: readonly string[], flags: Flags): Promise<string[]> {
  const { last, validate } = flags
  if (last === undefined) {
    if (named.length > 0) return [...named]
    throw new RidecastError(
      'usage_invalid',
      'what to train on is missing: name a month, such as ridecast train 2021-01',
    )
  }
  if (named.length > 1 || (named[0] !== undefined && !areMonths(named[0]))) {
    throw new RidecastError(
      'usage_invalid',
      `--last ${last} counts back from one month, found ${named.join(' ')}: name the last month, such as ridecast train 2023-04 --last ${last}`,
    )
  }
  const { lastMonths } = await import('../pipeline/sources.ts')
  const month = (text: string | undefined): Month | undefined =>
    text !== undefined && areMonths(text) ? parseMonths(text, io.now()).at(-1) : undefined
  return [lastMonths(last, month(named[0]), month(validate), io.now()).join(',')]
}

function monthCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 240) return count
  throw new InvalidArgumentError('expected a number of months, 1 to 240')
}

async function run(
  io: Io,
  sources: readonly string[],
  flags: Flags,
  recipe: Recipe,
): Promise<void> {
  const tags = tagsOf(flags)
  const { validate, solver } = flags
  const residuals = flags.residuals === true
  const options = trainOptionsOf(io, flags, { sources, validate, recipe, solver, residuals })
  const trainer = await trainerOf(io, flags, recipe)
  const { trainAndRecord } = await import('./train-run.ts')
  const { reportOf, printReport } = await import('./train-report.ts')
  const show = (text: string): void => progress(io, text)
  const outcome = await trainAndRecord(
    { ...options, trainer },
    {
      name: flags.name,
      models: flags.models,
      cache: await cacheOf(io, flags),
      fetching: await fetchingOf(io, flags),
      tracker: await trackerFor(io, flags, flags.promote === true),
      user: userOf(io),
      experiment: flags.experiment ?? (io.env.MLFLOW_EXPERIMENT_NAME || undefined),
      tags,
      promote: flags.promote === true,
      show,
    },
  )
  show('')
  const report = reportOf(outcome)
  if (flags.json) printJson(io, report)
  else printReport(io, outcome, report, flags)
}

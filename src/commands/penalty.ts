/** `ridecast penalty`: which strength of a linear recipe's penalty to take. */

import { Command, InvalidArgumentError, Option } from 'commander'
import type { Chooser, PenaltyChoice, PenaltyRow } from '../pipeline/penalty-choice.ts'
import { type Io, printJson, progress, table } from './io.ts'
import {
  type ReadingFlags,
  type RecipeFlags,
  reading,
  readingOptions,
  recipeOptions,
} from './reading.ts'
import { findRecipe } from './recipes.ts'

interface Flags extends ReadingFlags, RecipeFlags {
  by: Chooser
  penalty: 'l1' | 'l2'
  count: number
  from: number
  to: number
}

const examples = `
How strengths are measured, always on rides before those that models are reported on:
  validation  of several months the last, of one its last fifth
  folds       five folds, every fifth day of the month
  gcv         generalized cross-validation, which holds nothing out

Examples:
  ridecast penalty 2021-01 --recipe standard
  ridecast penalty 2023-01..2023-03 --recipe standard --by gcv --count 50
  ridecast penalty 2021-01 --recipe pairs --penalty l1 --count 30 --by folds
`

const above0 = (text: string): number => {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new InvalidArgumentError('expected a number above 0')
}

const counted = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 2 && value <= 10_000) return value
  throw new InvalidArgumentError('expected a whole number, 2 to 10000')
}

/** The command. */
export function penaltyCommand(io: Io): Command {
  const command = new Command('penalty')
    .summary('the strength of a linear penalty to take, from sums')
    .description(
      'Measure many strengths of a ridge or lasso, and say which to take. Rides are not read where their sums are known (but for folds).',
    )
    .argument('<sources...>', 'months, Parquet files, addresses')
  recipeOptions(command, 'a linear recipe', 'standard')
    .addOption(
      new Option('--by <what>', 'what strengths are measured by')
        .choices(['validation', 'folds', 'gcv'])
        .default('validation'),
    )
    .addOption(
      new Option('--penalty <name>', 'l2: ridge, l1: lasso').choices(['l1', 'l2']).default('l2'),
    )
    .addOption(new Option('--count <n>', 'strengths').argParser(counted).default(200))
    .addOption(new Option('--from <strength>', 'least l2').argParser(above0).default(1e-3))
    .addOption(new Option('--to <strength>', 'largest l2').argParser(above0).default(1e5))
  return readingOptions(command)
    .addHelpText('after', examples)
    .action((sources: string[], flags: Flags) => choose(io, sources, flags))
}

async function choose(io: Io, sources: readonly string[], flags: Flags): Promise<void> {
  const { choosePenalty } = await import('../pipeline/penalty-choice.ts')
  const { by, penalty, count, from, to } = flags
  const recipe = findRecipe(flags.recipe, flags.set, io.cwd)
  const start = performance.now()
  const choice = await reading(io, flags, (options, effects) =>
    choosePenalty(
      { ...options, sources, recipe, by, penalty, count, from, to, now: io.now() },
      { ...effects, progress: (text) => progress(io, `${text} ...`) },
    ),
  )
  const seconds = (performance.now() - start) / 1000
  const next = `ridecast train ${sources.join(' ')} --recipe ${flags.recipe} --set ${flags.penalty}=${choice.best.strength.toPrecision(4)}`
  if (flags.json) printJson(io, { ...choice, by: flags.by, penalty: flags.penalty, seconds, next })
  else printChoice(io, flags, choice, seconds, next)
}

/** So many strengths are printed, evenly among them; JSON has all. */
const shown = 12

function printChoice(
  io: Io,
  flags: Flags,
  { label, rows, best }: PenaltyChoice,
  seconds: number,
  next: string,
): void {
  io.out(`${io.colors.bold(`${flags.recipe} on ${label}`)}\n\n`)
  const step = Math.max(1, (rows.length - 1) / (shown - 1))
  const some = new Set(
    Array.from({ length: Math.min(shown, rows.length) }, (_, k) => Math.round(k * step)),
  )
  const score = { validation: 'RMSE', folds: 'RMSE of folds', gcv: 'root of GCV' }[flags.by]
  const line = ({ strength, score: value, train_rmse: train }: PenaltyRow): string[] => {
    const own = strength === best.strength
    const text = value.toFixed(4)
    return [
      strength.toPrecision(4),
      own ? io.colors.bold(`${text} *`) : `${text}  `,
      train?.toFixed(4) ?? '',
    ]
  }
  const lines = rows.filter((row, k) => some.has(k) || row.strength === best.strength).map(line)
  io.out(table(io, [flags.penalty, score, 'fitted'], lines, ['right', 'right', 'right']))
  io.out(
    `\n${rows.length} strengths in ${seconds.toFixed(2)} s; * is the best\nnext       ${next}\n`,
  )
}

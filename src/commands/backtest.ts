/** `ridecast backtest`: a recipe on every rolling window of months. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import { parseMonth } from '../month.ts'
import { monthsText } from '../months.ts'
import type { Backtest, Window } from '../pipeline/backtest.ts'
import { spreadOf } from '../pipeline/judge/spread.ts'
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
  from: string
  to: string
  window: number
  solver: 'auto' | 'direct' | 'svd'
  csv?: string
}

const examples = `
Each month is read once; its sums are kept, so that the next backtest reads nothing.

Examples:
  ridecast backtest --from 2022-01 --to 2023-04 --window 2
  ridecast backtest --from 2022-01 --to 2023-04 --recipe pairs --csv pairs.csv
  ridecast backtest --from 2022-01 --to 2023-04 --set l2=10 --json
`

/** The command. */
export function backtestCommand(io: Io): Command {
  const command = new Command('backtest')
    .summary('measure a recipe on every rolling window of months')
    .description(
      'Train on every window of months in a row and measure on the month after it, from sums alone.',
    )
    .requiredOption('--from <month>', 'the first month that may train')
    .requiredOption('--to <month>', 'the last month that is measured on')
    .addOption(
      new Option('--window <months>', 'months that train together').argParser(months).default(1),
    )
  recipeOptions(command, 'a linear recipe', 'standard')
    .addOption(
      new Option('--solver <name>', 'svd asks an independent implementation')
        .choices(['auto', 'direct', 'svd'])
        .default('auto'),
    )
    .option('--csv <file>', 'write the table as CSV')
  return readingOptions(command)
    .addHelpText('after', examples)
    .action((flags: Flags) => run(io, flags))
}

function months(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 120) return count
  throw new InvalidArgumentError('expected a number of months, 1 to 120')
}

async function run(io: Io, flags: Flags): Promise<void> {
  const recipe = findRecipe(flags.recipe, flags.set, io.cwd)
  if (recipe.split) {
    throw new RidecastError(
      'usage_invalid',
      `recipe ${recipe.name} splits a file by rows, which windows of months cannot: say --set split=null`,
    )
  }
  const { backtest } = await import('../pipeline/backtest.ts')
  const { window, solver } = flags
  const [from, to] = [parseMonth(flags.from, io.now()), parseMonth(flags.to, io.now())]
  const result = await reading(io, flags, (options, effects) =>
    backtest(
      { ...options, from, to, window, recipe, solver },
      { ...effects, progress: (text) => progress(io, text) },
    ),
  )
  if (result.windows.length === 0) throw noWindow(result, flags)
  if (flags.csv) await writeCsv(resolve(io.cwd, flags.csv), result.windows)
  if (flags.json) printJson(io, { recipe: recipe.name, window: flags.window, ...result })
  else printTable(io, result, flags, recipe.name)
}

function noWindow({ missing }: Backtest, flags: Flags): RidecastError {
  const why = missing[0] ? `: ${missing[0].reason}` : ''
  return new RidecastError(
    'source_empty',
    `no window of ${flags.window} month${flags.window === 1 ? '' : 's'} and a month after it lies between ${flags.from} and ${flags.to}, ${missing.length} months could not be had${why}`,
  )
}

const headings = [
  'train_months',
  'validation_month',
  'train_rides',
  'validation_rides',
  'columns',
  'train_rmse',
  'validation_rmse',
  'validation_r2',
  'validation_bias',
  'baseline_rmse',
] as const

async function writeCsv(path: string, windows: readonly Window[]): Promise<void> {
  const { stringify } = await import('csv-stringify/sync')
  const rows = windows.map(({ train, validation, ...window }) => [
    monthsText(window.train_months),
    window.validation_month,
    train.n,
    validation.n,
    window.columns,
    train.rmse,
    validation.rmse,
    validation.r2,
    validation.bias,
    window.baseline_rmse,
  ])
  await writeFile(path, stringify([headings, ...rows]))
}

function printTable(io: Io, result: Backtest, flags: Flags, recipe: string): void {
  const { windows, missing, reading, taxi } = result
  const count = (n: number): string => n.toLocaleString('en-US')
  const s = flags.window === 1 ? '' : 's'
  io.out(`${io.colors.bold(`${recipe} on ${taxi}, windows of ${flags.window} month${s}`)}\n\n`)
  const rows = windows.map(({ train, validation, ...window }) => [
    monthsText(window.train_months),
    window.validation_month,
    count(train.n),
    count(window.columns),
    train.rmse.toFixed(3),
    io.colors.bold(validation.rmse.toFixed(3)),
    validation.r2?.toFixed(4) ?? '-',
    validation.bias.toFixed(3),
    window.baseline_rmse.toFixed(3),
  ])
  const header = ['train', 'validation', 'rides', 'columns', 'RMSE']
  io.out(
    table(io, [...header, 'RMSE after', 'R2', 'bias', 'mean'], rows, [
      'left',
      'left',
      ...(['right', 'right', 'right', 'right', 'right', 'right', 'right'] as const),
    ]),
  )
  const { mean, deviation } = spreadOf(windows.map(({ validation }) => validation.rmse))
  const spread = windows.length > 1 ? ` ±${deviation.toFixed(3)}` : ''
  const worst = windows.reduce((a, b) => (a.validation.rmse >= b.validation.rmse ? a : b))
  io.out(
    `\nmean RMSE  ${mean.toFixed(3)}${spread} minutes over ${windows.length} window${windows.length === 1 ? '' : 's'}, worst ${worst.validation.rmse.toFixed(3)} on ${worst.validation_month}\n`,
  )
  const { engine, read, cached } = reading
  const what = engine ? `${count(read.rows)} rides with ${engine}` : 'no rides'
  io.out(`read       ${what}; the sums of ${cached.files} files were known\n`)
  if (missing.length > 0) {
    const names = monthsText(missing.map(({ month }) => month))
    io.out(`left out   ${names}: ${missing[0]?.reason} [${missing[0]?.code}]\n`)
  }
}

/** `ridecast coefficients`: least squares as statisticians print it. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { stringify } from 'csv-stringify/sync'
import type { Inferred, NamedEstimate } from '../pipeline/infer.ts'
import { type Io, printJson, table } from './io.ts'
import {
  percent,
  type ReadingFlags,
  type RecipeFlags,
  reading,
  readingOptions,
  recipeOptions,
} from './reading.ts'
import { findRecipe } from './recipes.ts'

interface Flags extends ReadingFlags, RecipeFlags {
  level: number
  top: number
  csv?: string
}

const examples = `
A coefficient that the rides cannot tell, because others fit as well with another one, has no standard
error: of one-hot levels only differences can be told, and those to the level with the most rides are
listed too. The value of such a coefficient is that of the least-norm solution.

Examples:
  ridecast coefficients 2021-01 --recipe plain
  ridecast coefficients 2021-01 --recipe pairs --csv pairs.csv --level 0.99
`

const share = (text: string): number => {
  const value = Number(text)
  if (value > 0 && value < 1) return value
  throw new InvalidArgumentError('expected a number between 0 and 1')
}

const counted = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('expected a whole number from 1')
}

/** The command. */
export function coefficientsCommand(io: Io): Command {
  const command = new Command('coefficients')
    .summary('least squares with standard errors, t, p and intervals')
    .description(
      'Fit a linear recipe without a penalty, and say of each coefficient how well the rides tell it.',
    )
    .argument('<sources...>', 'months, Parquet files, addresses')
  recipeOptions(command, 'a linear recipe without a penalty', 'plain')
    .addOption(
      new Option('--level <share>', 'of intervals that hold the truth')
        .argParser(share)
        .default(0.95),
    )
    .addOption(
      new Option('--top <n>', 'coefficients printed, the largest |t| first')
        .argParser(counted)
        .default(20),
    )
    .option('--csv <file>', 'write all of them')
  return readingOptions(command)
    .addHelpText('after', examples)
    .action((sources: string[], flags: Flags) => coefficients(io, sources, flags))
}

async function coefficients(io: Io, sources: readonly string[], flags: Flags): Promise<void> {
  const { inferOn } = await import('../pipeline/infer.ts')
  const recipe = findRecipe(flags.recipe, flags.set, io.cwd)
  const inferred = await reading(io, flags, (options, effects) =>
    inferOn(
      { ...options, sources, recipe, level: flags.level },
      { ...effects, progress: percent(io, 'summing rides') },
    ),
  )
  if (flags.csv !== undefined) await writeFile(resolve(io.cwd, flags.csv), csvOf(inferred))
  if (flags.json) {
    const estimates = inferred.estimates.map(plainOf)
    const differences = inferred.differences.map(plainOf)
    printJson(io, { ...inferred, level: flags.level, estimates, differences })
  } else print(io, inferred, flags)
}

/** Absent values as null, which JSON and CSV can hold. */
function plainOf({ feature, value, estimable, standardError, t, p, interval }: NamedEstimate) {
  const [low, high] = interval ?? []
  return {
    feature,
    value,
    estimable,
    standard_error: standardError ?? null,
    t: t ?? null,
    p: p ?? null,
    low: low ?? null,
    high: high ?? null,
  }
}

const csvOf = ({ estimates, differences }: Inferred): string =>
  stringify([...estimates, ...differences].map(plainOf), { header: true })

function print(io: Io, inferred: Inferred, flags: Flags): void {
  const { label, n, rank, degrees, sigma, estimates, differences } = inferred
  const isTold = ({ estimable }: NamedEstimate): boolean => estimable
  const told = estimates.filter(isTold)
  const compared = differences.filter(isTold)
  io.out(
    `${io.colors.bold(`${flags.recipe} on ${label}`)}: ${n.toLocaleString('en-US')} rides, rank ${rank.toLocaleString('en-US')}, ${degrees.toLocaleString('en-US')} degrees of freedom, errors of ${sigma?.toFixed(3) ?? '-'} minutes\n`,
  )
  io.out(
    `${told.length.toLocaleString('en-US')} of ${estimates.length.toLocaleString('en-US')} coefficients can be told by these rides, and ${compared.length.toLocaleString('en-US')} differences to the most frequent level of a term; the largest |t|:\n\n`,
  )
  const rows = [...told, ...compared]
    .sort((a, b) => Math.abs(b.t ?? 0) - Math.abs(a.t ?? 0))
    .slice(0, flags.top)
    .map(({ feature, value, standardError, t, p, interval }) => [
      feature,
      value.toPrecision(5),
      standardError?.toPrecision(4) ?? '-',
      t?.toFixed(2) ?? '-',
      p === undefined ? '-' : p < 1e-300 ? '< 1e-300' : p.toPrecision(3),
      interval ? `${interval[0].toPrecision(5)} to ${interval[1].toPrecision(5)}` : '-',
    ])
  const level = `${Number((100 * flags.level).toPrecision(6))} % interval`
  io.out(
    table(io, ['', 'minutes', 'std. error', 't', 'p', level], rows, [
      'left',
      'right',
      'right',
      'right',
      'right',
      'right',
    ]),
  )
  if (flags.csv !== undefined) io.out(`\nall        ${flags.csv}\n`)
}

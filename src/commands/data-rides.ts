/**
 * `ridecast data rides`: the rides of a file that a recipe takes, as CSV or lines of JSON, for
 * programs that do not read Parquet. Knows nothing about features: a recipe decides which rides,
 * `--columns` what of them.
 */

import { open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { stringify } from 'csv-stringify/sync'
import { RidecastError } from '../errors.ts'
import type { Recipe } from '../recipe-schema.ts'
import { type ColumnName, columnNames, type RideBatch, type Taxi, taxis } from '../ride.ts'
import { interruptible } from './interrupt.ts'
import { type Io, progress } from './io.ts'
import { downloadText } from './progress-lines.ts'
import { findRecipe, recipeNames } from './recipes.ts'

interface Flags {
  readonly taxi?: Taxi
  readonly recipe: string
  readonly columns: string
  readonly format: Format
  readonly out?: string
  readonly data: string
  readonly baseUrl?: string
}

type Format = 'csv' | 'ndjson'

/** What a column of the output holds: a column of the rides, a time, or minutes. */
type Field = ColumnName | 'pickup_datetime' | 'dropoff_datetime' | 'duration'

const fields: readonly Field[] = ['pickup_datetime', 'dropoff_datetime', 'duration', ...columnNames]

const usual = 'pickup_datetime,dropoff_datetime,duration,PULocationID,DOLocationID,trip_distance'

/** Rows that are turned to text at once. */
const rowsAtOnce = 8192

const help = `
Columns:
  pickup_datetime, dropoff_datetime   wall-clock time in New York, such as 2021-01-01T00:15:56
  duration                            minutes
  ${columnNames.join(', ').replace(/(.{60,76}),\s/g, '$1,\n  ')}

A value that a ride lacks is an empty cell of CSV and a null of JSON. Ids and amounts are as in the
file, under one name for all years and fleets.

Examples:
  ridecast data rides 2021-01 > rides.csv
  ridecast data rides 2021-01 --recipe standard --format ndjson --out rides.ndjson
  ridecast data rides data/green_tripdata_2021-01.parquet --columns duration,fare_amount,tip_amount
`

/** The subcommand `rides` of `ridecast data`. */
export function dataRidesCommand(io: Io): Command {
  return new Command('rides')
    .summary('write the rides that a recipe takes, as CSV or JSON lines')
    .description('Write the rides of a month that a recipe takes, as CSV or lines of JSON.')
    .argument('<source>', 'a month (YYYY-MM), a Parquet file, or the address of one')
    .addOption(
      new Option('--taxi <fleet>', 'fleet (default: what the file name says, else green)').choices(
        taxis,
      ),
    )
    .option(
      '--recipe <name|file>',
      `whose rides: ${recipeNames().join(', ')} or a YAML file`,
      'plain',
    )
    .option('--columns <names>', 'what to write of them, separated by commas', usual)
    .addOption(
      new Option('--format <name>', 'how to write it').choices(['csv', 'ndjson']).default('csv'),
    )
    .option('--out <file>', 'file to write (default: standard output)')
    .option('--data <dir>', 'folder of trip files and downloads', 'data')
    .option('--base-url <url>', 'where months are downloaded from (default: the publisher)')
    .addHelpText('after', help)
    .action((source: string, flags: Flags) => writeRides(io, source, flags))
}

async function writeRides(io: Io, source: string, flags: Flags): Promise<void> {
  const wanted = fieldsOf(flags.columns)
  const recipe = findRecipe(flags.recipe, [], io.cwd)
  const { obtain, planSource } = await import('../pipeline/source.ts')
  const plan = planSource(source, {
    taxi: flags.taxi ?? 'green',
    dataFolder: flags.data,
    cwd: io.cwd,
    today: io.now(),
    baseUrl: flags.baseUrl,
  })
  const { s3Fetch } = await import('../pipeline/s3.ts')
  const { path, label } = await interruptible((signal) =>
    obtain(plan, {
      fetch: s3Fetch(io.env),
      now: io.now,
      signal,
      note: (text) => io.err(`${text}\n`),
      progress: (received, total) =>
        progress(io, `${plan.label}: ${downloadText(received, total)}`),
    }),
  )
  const target = flags.out === undefined ? undefined : resolve(io.cwd, flags.out)
  const show = (done: number, total: number): void =>
    progress(io, `${label}: ${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`)
  const rows = keptRides(path, flags.taxi ?? plan.taxi ?? 'green', recipe, wanted, show)
  const texts = asText(rows, wanted, flags.format)
  const count = target === undefined ? await printed(io, texts) : await written(target, texts)
  progress(io, '')
  io.err(
    `${count.toLocaleString('en-US')} rides that ${recipe.name} takes${target ? `: ${target}` : ''}\n`,
  )
}

function fieldsOf(text: string): Field[] {
  const names = text.split(',').map((name) => name.trim())
  return names.map((name) => {
    const field = fields.find((one) => one.toLowerCase() === name.toLowerCase())
    if (field !== undefined) return field
    throw new RidecastError(
      'usage_invalid',
      `column ${JSON.stringify(name)} cannot be written: expected some of ${fields.join(', ')}`,
    )
  })
}

/** A value of a row; null where the ride has none. */
type Cell = string | number | null

/** The rides that a recipe takes, in file order, some at a time. */
async function* keptRides(
  path: string,
  taxi: Taxi,
  recipe: Recipe,
  wanted: readonly Field[],
  show: (done: number, total: number) => void,
): AsyncGenerator<Cell[][]> {
  const { compileFeatures } = await import('../features.ts')
  const { columnsOf, planOf, RideSelector } = await import('../pipeline/plan.ts')
  const { readRides } = await import('../pipeline/rides.ts')
  const { wallClock } = await import('../pipeline/data-profile/wall-clock.ts')
  const plan = planOf(recipe, compileFeatures(recipe))
  const needed = columnsOf([plan])
  const extra = wanted.filter((field) => columnNames.includes(field as ColumnName)) as ColumnName[]
  const optional = [...new Set([...needed.optional, ...extra])].filter(
    (name) => !needed.required.includes(name),
  )
  const cell = (rides: RideBatch, i: number, field: Field): Cell => {
    const [from, to] = [rides.pickup[i] as number, rides.dropoff[i] as number]
    if (field === 'pickup_datetime') return wallClock(from)
    if (field === 'dropoff_datetime') return wallClock(to)
    if (field === 'duration') return (to - from) / 60e6
    const value = rides.columns[field]?.[i] ?? Number.NaN
    return Number.isFinite(value) ? value : null
  }
  const selector = new RideSelector(plan)
  for await (const rides of readRides(path, taxi, { ...needed, optional }, show)) {
    const kept: number[] = []
    selector.forEach(rides, (i) => kept.push(i))
    for (let from = 0; from < kept.length; from += rowsAtOnce) {
      const some = kept.slice(from, from + rowsAtOnce)
      yield some.map((i) => wanted.map((field) => cell(rides, i, field)))
    }
  }
}

/** Rows as text, the head of CSV first, with the number of rows in each. */
async function* asText(
  all: AsyncIterable<Cell[][]>,
  wanted: readonly Field[],
  format: Format,
): AsyncGenerator<{ text: string; rows: number }> {
  if (format === 'csv') yield { text: `${wanted.join(',')}\n`, rows: 0 }
  for await (const rows of all) {
    const text =
      format === 'csv'
        ? stringify(rows)
        : rows.map((row) => `${JSON.stringify(named(wanted, row))}\n`).join('')
    yield { text, rows: rows.length }
  }
}

const named = (wanted: readonly Field[], row: readonly Cell[]): Record<string, Cell> =>
  Object.fromEntries(wanted.map((field, k) => [field, row[k] ?? null]))

type Texts = AsyncIterable<{ text: string; rows: number }>

async function printed(io: Io, texts: Texts): Promise<number> {
  let count = 0
  for await (const { text, rows } of texts) {
    io.out(text)
    count += rows
  }
  return count
}

/** Writes beside the file and renames, so that nobody reads half of it. */
async function written(path: string, texts: Texts): Promise<number> {
  const part = `${path}.${process.pid}.part`
  let count = 0
  const file = await open(part, 'w').catch((cause: NodeJS.ErrnoException) => {
    const why = `cannot be written (${cause.code}): expected a file in a folder that is there`
    throw new RidecastError('usage_invalid', `${path} ${why}`, { cause })
  })
  try {
    for await (const { text, rows } of texts) {
      await file.write(text)
      count += rows
    }
    await file.close()
    await rename(part, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(part, { force: true })
    throw error
  }
  return count
}

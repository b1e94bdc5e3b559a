/** `ridecast score`: predictions for files of rides. */

import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { Command, InvalidArgumentError, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { formats } from '../pipeline/score/formats.ts'
import type { AllCounts } from '../pipeline/score/score-all.ts'
import { type Taxi, taxis } from '../ride.ts'
import { type Interrupts, interruptible } from './interrupt.ts'
import { type Io, printJson, progress } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'

interface Flags {
  model: string
  models: string
  registryUri?: string
  from?: string
  to?: string
  taxi?: Taxi
  interval?: number
  column?: string
  faults?: string
  strict?: true
  json?: true
}

/** What the command reads and writes beside files, and what ends it. */
export interface ScoreEffects {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly interrupts: Interrupts
}

const help = `
Formats are told by names: .parquet, .csv, .ndjson or .jsonl, .arrow (also .feather, .ipc), .arrows (a
stream). Each row that is read is written, in order, with all its columns and these:
  duration    minutes; empty for a row that cannot be predicted
  low, high   minutes that it takes with the probability of --interval
  fault       why a row cannot be predicted; empty for all others
Columns of CSV are text and stay text. A distance or time of the pickup that is missing is assumed, as
predict does. Rows are numbered from 1; the header of CSV is none. With --strict a file that has a
fault is not written, and the command ends with 3.

Examples:
  ridecast score data/green_tripdata_2021-02.parquet scored.parquet
  ridecast score rides.csv scored.ndjson --interval 0.9 --faults faults.ndjson
  ridecast score data scored
  ridecast score - - --from ndjson --to csv < rides.ndjson > scored.csv
`

/** The command. */
export function scoreCommand(io: Io, effects: ScoreEffects = processEffects): Command {
  return new Command('score')
    .summary('predictions for files of rides')
    .description('Predict the duration of every ride of a file, or of every file of a folder.')
    .argument('<in>', 'file of rides, folder of Parquet files, or - for standard input')
    .argument('<out>', 'file or folder to write, or - for standard output')
    .option('--model <reference>', 'name, name@alias, name/version or a folder', 'green-duration')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .addOption(new Option('--from <format>', 'format of <in>').choices(formats))
    .addOption(new Option('--to <format>', 'format of <out>').choices(formats))
    .addOption(
      new Option('--taxi <fleet>', "whose names the columns have (default: the model's)").choices(
        taxis,
      ),
    )
    .addOption(
      new Option(
        '--interval <coverage>',
        'the minutes that it takes with this probability, such as 0.9',
      ).argParser(coverageOf),
    )
    .option('--column <name>', 'call the predictions so; the others then <name>_fault ...')
    .option('--faults <file>', 'write the rows without a prediction as NDJSON')
    .option('--strict', 'refuse a file that has a row without a prediction')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', help)
    .action((from: string, to: string, flags: Flags) => run(io, effects, from, to, flags))
}

// Looked at only where it is asked for: standard input is opened by that.
const processEffects: ScoreEffects = {
  get stdin() {
    return process.stdin
  },
  get stdout() {
    return process.stdout
  },
  interrupts: process,
}

function coverageOf(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(value)) return value
  throw new InvalidArgumentError('expected a probability such as 0.9')
}

async function run(
  io: Io,
  effects: ScoreEffects,
  from: string,
  to: string,
  flags: Flags,
): Promise<void> {
  if (flags.json && to === '-') {
    throw new RidecastError(
      'usage_invalid',
      '--json prints to standard output, where the rides go: name a file to write, or leave it out',
    )
  }
  const { planScoring } = await import('../pipeline/score/plan-scoring.ts')
  const jobs = await planScoring(from, to, flags, { cwd: io.cwd, pipes: effects })
  const loaded = await openModel(io, flags.models, flags.model, flags.registryUri)
  const started = performance.now()
  const secondsSince = (): number => (performance.now() - started) / 1000
  const { scoreAll } = await import('../pipeline/score/score-all.ts')
  const options = {
    predictor: loaded.predictor,
    taxis: flags.taxi ? [flags.taxi] : (loaded.predictor.model.taxi.split(',') as Taxi[]),
    coverage: flags.interval,
    column: flags.column,
    strict: flags.strict === true,
    faults: flags.faults === undefined ? undefined : resolve(io.cwd, flags.faults),
  }
  const counts = await interruptible(
    (signal) =>
      scoreAll(jobs, options, {
        signal,
        progress(label, rows, total) {
          const of = total === undefined ? '' : ` of ${count(total)}`
          const rate = Math.round(rows / secondsSince())
          progress(io, `${label}: ${count(rows)}${of} rows, ${count(rate)} rows/s`)
        },
      }),
    effects.interrupts,
  ).finally(() => progress(io, ''))
  report(io, loaded, to, flags, counts, secondsSince())
  if (flags.strict && counts.faults > 0) {
    throw new RidecastError(
      'contract_refused',
      `${count(counts.faults)} of ${count(counts.rows)} rows have no prediction, which --strict does not take: expected none, see the summary; the files that have them were not written`,
    )
  }
}

const count = (value: number): string => value.toLocaleString('en-US')

function report(
  io: Io,
  { name, version }: LoadedModel,
  out: string,
  flags: Flags,
  counts: AllCounts,
  seconds: number,
): void {
  const { rows, faults, assumed, reasons } = counts
  const rate = seconds > 0 ? Math.round(rows / seconds) : 0
  if (flags.json) {
    const scored = rows - faults
    const summary = { rows, scored, faults, assumed, seconds, rows_per_second: rate }
    printJson(io, { ...summary, name, model_version: version, out })
    return
  }
  io.err(`${count(rows)} rows scored by ${name}/${version}, ${count(rate)} rows/s`)
  io.err(out === '-' ? '\n' : `: ${out}\n`)
  for (const [input, rides] of Object.entries(assumed)) {
    if (rides > 0) io.err(`${count(rides)} without ${input}: assumed from the training rides\n`)
  }
  if (faults === 0) return
  io.err(`${count(faults)} without a prediction:\n`)
  for (const { reason, rows: rides, first, file } of reasons) {
    io.err(`  ${count(rides)}, the first in row ${count(first)} of ${file}: ${reason}\n`)
  }
}

/** `ridecast evaluate`: any saved model on any month. */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { parseTaxis } from '../months.ts'
import type { Evaluation } from '../pipeline/evaluate-on.ts'
import type { Lineage } from '../pipeline/judge/fitted.ts'
import type { FittedEffects } from '../pipeline/judge/fitted-effects.ts'
import { printEvaluation, printFitted } from './evaluate-print.ts'
import { knownRides, reportOf } from './evaluate-report.ts'
import { type Io, printJson, progress } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'
import { type OpenPage, openOption, openPage, writePage } from './page-file.ts'
import {
  percent,
  type ReadingEffects,
  type ReadingFlags,
  type ReadingOptions,
  reading,
  readingOptions,
} from './reading.ts'
import { gateRefusal, worstOption } from './worst-gate.ts'

interface Flags extends ReadingFlags {
  models: string
  registryUri?: string
  report?: string
  open: 'yes' | 'no'
  worst?: number
  /** Undefined where neither --learning nor --no-learning is given. */
  learning?: boolean
}

const help = `
The report shows what only the rides tell that the model was trained on, too: residuals against leverage,
and the learning curve of its recipe on the latest 1, 2 ... of its months. They are found by the name and
the SHA-256 in the version's lineage, in the data folder; nothing is downloaded for it, and where they are
not at hand the report says so. A linear recipe is trained anew from sums, which are kept; one of another
kind takes its time for each point, and waits for --learning.

Examples:
  ridecast evaluate green-duration 2021-03
  ridecast evaluate green-duration/3f9c2a71b0de ./my_trips.parquet --json
  ridecast evaluate green-duration 2021-03 --report march.html
  ridecast evaluate green-duration 2021-03 --report march.html --learning
  ridecast evaluate green-duration 2021-03 --worst 12 --json
`

/** The command. */
export function evaluateCommand(io: Io, open: OpenPage = openPage): Command {
  const command = new Command('evaluate')
    .summary('measure a saved model on any months')
    .description(
      'Measure a saved model on months: squared errors, absolute errors, quantiles of the residuals, the worst slice of the rides, and how often intervals hold.',
    )
    .argument('<model>', 'name, name@alias, name/version or a folder')
    .argument('<sources...>', 'months (2021-03, 2023-01..2023-04), Parquet files, addresses')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option(
      '--report <file>',
      'write a page with slices, residuals, a map, intervals and the learning curve',
    )
    .addOption(openOption('no'))
    .option('--learning', 'a learning curve of any kind of recipe (default: of linear ones)')
    .option('--no-learning', 'no training on fewer months for a learning curve')
    .addOption(worstOption('a gate, exit code 3:'))
  return readingOptions(command)
    .addHelpText('after', help)
    .action((reference: string, sources: string[], flags: Flags) =>
      run(io, reference, sources, flags, open),
    )
}

/** What is said of a model. */
interface Found {
  readonly evaluation: Evaluation
  readonly lineage: Lineage | undefined
  readonly fitted: FittedEffects
}

async function run(
  io: Io,
  reference: string,
  sources: readonly string[],
  flags: Flags,
  open: OpenPage,
): Promise<void> {
  const loaded = await openModel(io, flags.models, reference, flags.registryUri)
  const { name, version } = loaded
  const { evaluation, lineage, fitted } = await reading(io, flags, (options, effects) =>
    found(io, loaded, { ...options, sources }, effects, flags),
  )
  const known = knownRides(lineage, evaluation)
  const { report } = flags
  if (report !== undefined) {
    const { reportAssets, reportPage } = await import('../pipeline/report/report-page.ts')
    const document = reportOf(loaded, lineage, evaluation, fitted)
    await writePage(resolve(io.cwd, report), reportPage(document, await reportAssets()))
  }
  if (flags.json) {
    const { label, measures, judgement, rows, kept, refused } = evaluation
    const { mae, quantiles } = judgement.measures
    printJson(io, {
      name,
      model_version: version,
      source: label,
      rows,
      kept,
      refused,
      ...measures,
      mae,
      quantiles,
      minimum_support: judgement.minimum_support,
      worst: judgement.worst,
      slices: judgement.slices,
      intervals: judgement.intervals,
      learning: fitted.learning ?? null,
      known,
    })
  } else {
    printEvaluation(io, `${name}/${version}`, evaluation, known)
    printFitted(io, fitted)
    if (report !== undefined) io.out(`\nreport  ${report}\n`)
  }
  if (report !== undefined && flags.open === 'yes') await open(io, resolve(io.cwd, report))
  const { worst } = evaluation.judgement
  const slice = worst && { ...worst, slice: `${worst.family} ${worst.name}` }
  const refusal = gateRefusal(slice, flags.worst)
  if (refusal !== undefined) {
    throw new RidecastError('gate_refused', `model ${name}/${version} is refused: ${refusal}`)
  }
}

async function found(
  io: Io,
  { predictor, documents }: LoadedModel,
  options: ReadingOptions & { readonly sources: readonly string[] },
  effects: ReadingEffects,
  { report, learning }: Flags,
): Promise<Found> {
  const { evaluateOn } = await import('../pipeline/evaluate-on.ts')
  const { fittedEffects } = await import('../pipeline/judge/fitted-effects.ts')
  const { readLineage } = await import('../pipeline/judge/fitted.ts')
  const { model } = predictor
  const isReported = report !== undefined
  const evaluation = await evaluateOn(
    model,
    { ...options, otherwise: parseTaxis(model.toJSON().taxi), inputs: isReported },
    { ...effects, progress: percent(io, 'reading rides') },
  )
  const usual = isReported ? 'sums' : 'none'
  const wanted = {
    leverage: isReported,
    learning: learning === undefined ? usual : learning ? 'every' : 'none',
  } as const
  const lineage = readLineage(documents)
  const fitted = await fittedEffects(
    model,
    lineage,
    { ...options, ...wanted, known: evaluation.files, rmse: evaluation.measures.rmse },
    {
      ...effects,
      memory: effects.download.memory,
      progress: (text) => progress(io, `${text} ...`),
    },
  )
  return { evaluation, lineage, fitted }
}

/** `ridecast evaluate`: any saved model on any month. */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import type { LoadedModel } from '../loaded-model.ts'
import { parseTaxis } from '../months.ts'
import type { Evaluation } from '../pipeline/evaluate-on.ts'
import type { RideSlice } from '../pipeline/judge/judgement.ts'
import type { ReportModel } from '../pipeline/report/document.ts'
import {
  type CacheFlags,
  cacheOf,
  cacheOptions,
  type DataFlags,
  dataOptions,
  fetchingOf,
  sourcesOptionsOf,
} from './data-flags.ts'
import { type EngineFlags, engineOptions, engineSettingsOf } from './engine-flags.ts'
import { type Io, printJson, progress, table } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'
import { writePage } from './page-file.ts'

interface Flags extends DataFlags, CacheFlags, EngineFlags {
  models: string
  registryUri?: string
  report?: string
  json?: true
}

const examples = `
Examples:
  ridecast evaluate green-duration 2021-03
  ridecast evaluate green-duration/3f9c2a71b0de ./my_trips.parquet --json
  ridecast evaluate green-duration 2021-03 --report march.html
`

/** The command. */
export function evaluateCommand(io: Io): Command {
  const command = new Command('evaluate')
    .summary('measure a saved model on any months')
    .description(
      'Measure a saved model on months: squared errors, absolute errors, quantiles of the residuals, the worst slice of the rides, and how often intervals hold.',
    )
    .argument('<model>', 'name, name@alias, name/version or a folder')
    .argument('<sources...>', 'months (2021-03, 2023-01..2023-04), Parquet files, addresses')
  return engineOptions(cacheOptions(dataOptions(command)))
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--report <file>', 'write a page with slices, residuals, a map and intervals')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action((reference: string, sources: string[], flags: Flags) =>
      run(io, reference, sources, flags),
    )
}

async function run(
  io: Io,
  reference: string,
  sources: readonly string[],
  flags: Flags,
): Promise<void> {
  const loaded = await openModel(io, flags.models, reference, flags.registryUri)
  const { name, version, predictor } = loaded
  const { evaluateOn } = await import('../pipeline/evaluate-on.ts')
  const fetching = await fetchingOf(io, flags)
  const evaluation = await evaluateOn(
    predictor.model,
    {
      ...sourcesOptionsOf(io, flags),
      otherwise: parseTaxis(predictor.model.toJSON().taxi),
      sources,
      engine: flags.engine,
      engineSettings: engineSettingsOf(io, flags),
      inputs: flags.report !== undefined,
    },
    {
      cache: await cacheOf(io, flags),
      download: fetching.effects,
      progress: (done, total) =>
        progress(io, `reading rides ... ${Math.round((100 * done) / Math.max(1, total))} %`),
    },
  ).finally(() => fetching.finish())
  progress(io, '')
  const known = knownRides(loaded, evaluation)
  const path = flags.report
  if (path !== undefined) await writeReport(resolve(io.cwd, path), loaded, evaluation)
  if (!flags.json) {
    printEvaluation(io, `${name}/${version}`, evaluation, known)
    if (path !== undefined) io.out(`report  ${path}\n`)
    return
  }
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
    known,
  })
}

/** Which of the rides a model has seen: its measures, or its intervals, flatter there. */
type Known = 'trained' | 'calibrated' | null

/** What the lineage of a version says of a part. */
const lineagePart = z.array(
  z.object({ month: z.string().nullable(), file: z.string(), sha256: z.string() }),
)

function lineageOf(
  { documents }: LoadedModel,
  part: 'train' | 'validation',
): z.output<typeof lineagePart> {
  const { lineage } = documents as { readonly lineage?: Record<string, unknown> }
  return lineagePart.catch([]).parse(lineage?.[part])
}

function knownRides(loaded: LoadedModel, { hashes, judgement }: Evaluation): Known {
  const has = (part: 'train' | 'validation'): boolean =>
    lineageOf(loaded, part).some(({ sha256 }) => hashes.includes(sha256))
  if (has('train')) return 'trained'
  return judgement.intervals && has('validation') ? 'calibrated' : null
}

async function writeReport(
  path: string,
  loaded: LoadedModel,
  { label, judgement, inputs }: Evaluation,
): Promise<void> {
  const { reportAssets, reportPage } = await import('../pipeline/report/report-page.ts')
  const { name, version, predictor } = loaded
  const { model } = predictor
  const of = (part: 'train' | 'validation'): string =>
    lineageOf(loaded, part)
      .map(({ month, file }) => month ?? file)
      .join(', ')
  const [trained, calibrated] = [of('train'), of('validation')]
  const one: ReportModel = {
    name,
    version,
    kind: model.kind,
    recipe: model.recipe.name,
    ...(trained && { trained_on: `${model.taxi} ${trained}` }),
    judgement,
    ...(judgement.intervals && calibrated && { calibrated_on: calibrated }),
    ...inputs,
    ...('importance' in model && { terms: model.importance() }),
  }
  const document = { format: 'ridecast-report', version: 1, rides: label, models: [one] } as const
  await writePage(path, reportPage(document, await reportAssets()))
}

const count = (value: number): string => value.toLocaleString('en-US')

function printEvaluation(
  io: Io,
  title: string,
  { label, measures, judgement, rows, kept }: Evaluation,
  known: Known,
): void {
  const { worst, intervals, slices, minimum_support: support } = judgement
  const { mae, quantiles } = judgement.measures
  io.out(`${io.colors.bold(title)} on ${label}: ${count(kept)} of ${count(rows)} rides\n\n`)
  const lines = [
    ['RMSE', measures.rmse.toFixed(4), 'minutes'],
    ['MAE', mae.toFixed(4), 'minutes'],
    ['R2', measures.r2?.toFixed(4) ?? '-', ''],
    ['bias', measures.bias.toFixed(4), 'minutes, prediction - actual'],
    ...Object.entries(quantiles).map(([level, value]) => [
      `${Number(level) * 100} %`,
      value.toFixed(2),
      'minutes, quantile of prediction - actual',
    ]),
  ]
  if (worst) {
    lines.push([
      'worst slice',
      worst.rmse.toFixed(4),
      `minutes, ${worst.family} ${worst.name}, ${count(worst.n)} rides`,
    ])
  }
  for (const { nominal, coverage, width } of intervals ?? []) {
    lines.push([
      `${100 * nominal} % interval`,
      `${(100 * coverage).toFixed(1)} %`,
      `of the rides are inside; ${width.toFixed(2)} minutes wide on average`,
    ])
  }
  io.out(table(io, ['', '', ''], lines, ['left', 'right', 'left']))
  const families = slices.flatMap(({ title: family, slices: some, gap }) => {
    if (gap === null) return []
    const ordered = some.filter(({ n }) => n >= support).sort((a, b) => a.rmse - b.rmse)
    const [best, last] = [ordered[0], ordered.at(-1)]
    const text = (slice: RideSlice | undefined): string =>
      slice ? `${slice.rmse.toFixed(2)} ${slice.name}` : ''
    return [[family, gap.toFixed(2), text(best), text(last)]]
  })
  const header = ['slices by RMSE', 'gap', 'best', 'worst']
  if (families.length > 0) {
    io.out(`\n${table(io, header, families, ['left', 'right', 'left', 'left'])}`)
    io.out(`of slices with ${count(support)} rides and more\n`)
  }
  if (known === 'trained') io.out('\nnote: it was trained on some of these rides, which flatters\n')
  if (known === 'calibrated') {
    io.out('\nnote: its intervals are made of errors on these rides, so that they hold here\n')
  }
}

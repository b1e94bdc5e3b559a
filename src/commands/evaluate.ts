/** `ridecast evaluate`: any saved model on any month. */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { parseTaxis } from '../months.ts'
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
    .action(async (reference: string, sources: string[], flags: Flags) => {
      const { name, version, predictor } = await openModel(
        io,
        flags.models,
        reference,
        flags.registryUri,
      )
      const { evaluateOn } = await import('../pipeline/evaluate-on.ts')
      const fetching = await fetchingOf(io, flags)
      const { label, measures, judgement, inputs, rows, kept, refused } = await evaluateOn(
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
      const { mae, quantiles } = judgement.measures
      if (flags.report !== undefined) {
        const { reportAssets, reportPage } = await import('../pipeline/report/report-page.ts')
        const { model } = predictor
        const { kind, recipe } = model
        const terms = 'importance' in model ? { terms: model.importance() } : {}
        const one = { name, version, kind, recipe: recipe.name, judgement, ...inputs, ...terms }
        const document = {
          format: 'ridecast-report',
          version: 1,
          rides: label,
          models: [one],
        } as const
        await writePage(resolve(io.cwd, flags.report), reportPage(document, await reportAssets()))
      }
      if (flags.json) {
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
          worst: judgement.worst,
          slices: judgement.slices,
          intervals: judgement.intervals,
        })
        return
      }
      io.out(
        `${io.colors.bold(`${name}/${version}`)} on ${label}: ${kept.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} rides\n\n`,
      )
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
      const { worst, intervals } = judgement
      if (worst) {
        lines.push([
          'worst slice',
          worst.rmse.toFixed(4),
          `minutes, ${worst.family} ${worst.name}, ${worst.n.toLocaleString('en-US')} rides`,
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
      if (flags.report !== undefined) io.out(`report  ${flags.report}\n`)
    })
}

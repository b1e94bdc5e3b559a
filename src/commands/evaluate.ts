/** `ridecast evaluate`: any saved model on any month. */

import { Command, Option } from 'commander'
import { type Taxi, taxis } from '../ride.ts'
import { type Io, printJson, progress, table } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'

interface Flags {
  taxi?: Taxi
  data: string
  models: string
  registryUri?: string
  baseUrl?: string
  json?: true
}

const examples = `
Examples:
  ridecast evaluate green-duration 2021-03
  ridecast evaluate green-duration/3f9c2a71b0de ./my_trips.parquet --json
`

/** The command. */
export function evaluateCommand(io: Io): Command {
  return new Command('evaluate')
    .summary('measure a saved model on any month')
    .description(
      'Measure a saved model on a month: squared errors, absolute errors and quantiles of the residuals.',
    )
    .argument('<model>', 'name, name@alias, name/version or a folder')
    .argument('<source>', 'a month (YYYY-MM), a Parquet file, or the address of one')
    .addOption(
      new Option(
        '--taxi <fleet>',
        'the fleet of the rides (default: the one of the model)',
      ).choices(taxis),
    )
    .option('--data <dir>', 'folder of trip files and downloads', 'data')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--base-url <url>', 'where months are downloaded from (default: the publisher)')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action(async (reference: string, source: string, flags: Flags) => {
      const { name, version, predictor } = await openModel(
        io,
        flags.models,
        reference,
        flags.registryUri,
      )
      const { evaluateOn } = await import('../pipeline/evaluate-on.ts')
      const { label, measures, residuals, rows, kept, refused } = await evaluateOn(
        predictor.model,
        {
          source,
          taxi: flags.taxi ?? predictor.model.toJSON().taxi,
          dataFolder: flags.data,
          cwd: io.cwd,
          today: io.now(),
          baseUrl: flags.baseUrl,
        },
        (done, total) =>
          progress(io, `reading rides ... ${Math.round((100 * done) / Math.max(1, total))} %`),
      )
      progress(io, '')
      if (flags.json) {
        printJson(io, {
          name,
          model_version: version,
          source: label,
          rows,
          kept,
          refused,
          ...measures,
          mae: residuals.mae,
          quantiles: residuals.quantiles,
        })
        return
      }
      io.out(
        `${io.colors.bold(`${name}/${version}`)} on ${label}: ${kept.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} rides\n\n`,
      )
      const lines = [
        ['RMSE', measures.rmse.toFixed(4), 'minutes'],
        ['MAE', residuals.mae.toFixed(4), 'minutes'],
        ['R2', measures.r2?.toFixed(4) ?? '-', ''],
        ['bias', measures.bias.toFixed(4), 'minutes, prediction - actual'],
        ...Object.entries(residuals.quantiles).map(([level, value]) => [
          `${Number(level) * 100} %`,
          value.toFixed(2),
          'minutes, quantile of prediction - actual',
        ]),
      ]
      io.out(table(io, ['', '', ''], lines, ['left', 'right', 'left']))
    })
}

/** `ridecast compare`: every kind of model on the same rides, ranked by rides before those reported. */

import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf, RidecastError } from '../errors.ts'
import { openRegistry } from '../registry.ts'
import { type Candidate, type ComparisonReport, printComparison } from './compare-report.ts'
import { cacheOf, fetchingOf } from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, printJson, progress } from './io.ts'
import { openInBrowser, writePage } from './page-file.ts'
import { findRecipe } from './recipes.ts'
import {
  type TrainFlags,
  tagsOf,
  trackerFor,
  trainFlags,
  trainOptionsOf,
  userOf,
} from './train-flags.ts'
import type { Outcome } from './train-run.ts'

/** What is compared where nobody says: every kind, from the classic to the best. */
const usual = 'plain,pairs,standard,linear,trees,best'

interface Flags extends TrainFlags {
  validate?: string
  recipes: string
  windows: number
  name?: string
  report?: string
  open: 'yes' | 'no'
  promote?: true
  worst?: number
  json?: true
}

const help = `
The ranking is made on months before the reported one: with several months, models are trained on all
but the last of them and validated on that one (--windows for more such windows); with one month, its
last fifth is held out. Then each is trained on all months and reported on the validation month, which
chose nothing.

Examples:
  ridecast compare 2023-01..2023-03 --validate 2023-04
  ridecast compare 2021-01 --recipes standard,linear,trees
  ridecast compare 2023-01..2023-03 --windows 2 --promote --json
  ridecast compare 2021-01 --recipes standard,./mine.yaml --report mine.html

With --promote the winner becomes champion if it is better than the champion on the reported rides
(and its worst slice no worse than --worst); if not, the command exits with 3.
`

const positive = (text: string): number => {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new InvalidArgumentError('expected a number above 0')
}

const windowCount = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 60) return value
  throw new InvalidArgumentError('expected a whole number, 1 to 60')
}

/** The command. */
export function compareCommand(io: Io, open = openInBrowser): Command {
  return trainFlags(
    new Command('compare')
      .summary('train every kind of model and rank them honestly')
      .description(
        'Train every kind of model on the same months, rank them by months before the reported one, and write a report to look at.',
      )
      .argument('<sources...>', 'months (2021-01, 2023-01..2023-03), Parquet files, addresses')
      .option('--validate <source>', 'rides that are reported (default: the next month)')
      .option('--recipes <list>', 'names or YAML files, with commas', usual)
      .addOption(
        new Option('--windows <count>', 'windows of months that the ranking is made on')
          .argParser(windowCount)
          .default(1),
      )
      .option('--name <name>', 'name of the models (default: <taxi>-duration)')
      .option('--report <file>', 'the page (default: compare-<reported rides>.html)')
      .addOption(
        new Option('--open <when>', 'open the page in the browser: yes or no')
          .choices(['yes', 'no'])
          .default(io.interactive ? 'yes' : 'no', 'yes on a terminal'),
      )
      .option('--promote', 'make the winner the champion, if it is better')
      .addOption(
        new Option(
          '--worst <minutes>',
          'with --promote: the RMSE that no slice of 200 rides may exceed',
        ).argParser(positive),
      ),
  )
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', help)
    .action(async (sources: string[], flags: Flags) => {
      const report = await compare(io, sources, flags)
      if (flags.json) printJson(io, report)
      else printComparison(io, report)
      if (flags.open === 'yes') open(resolve(io.cwd, report.report))
      if (report.promoted && !report.promoted.done) {
        throw new RidecastError(
          'gate_refused',
          `winner ${report.winner} was not promoted: ${report.promoted.reason}`,
        )
      }
    })
}

interface Chosen {
  readonly recipe: ReturnType<typeof findRecipe>
  readonly selection: Candidate['selection']
}

async function compare(
  io: Io,
  sources: readonly string[],
  flags: Flags,
): Promise<ComparisonReport> {
  const recipes = flags.recipes.split(',').map((name) => findRecipe(name.trim(), [], io.cwd))
  const names = recipes.map(({ name }) => name)
  const twice = names.find((name, k) => names.indexOf(name) !== k)
  if (twice !== undefined) {
    throw new RidecastError('usage_invalid', `--recipes names ${twice} twice: name each once`)
  }
  const failed: { recipe: string; error: string }[] = []
  const chosen: Chosen[] = []
  for (const recipe of recipes) {
    try {
      chosen.push({ recipe, selection: await selectionOf(io, sources, flags, recipe) })
    } catch (error) {
      rethrowUnlessOwn(error)
      failed.push({ recipe: recipe.name, error: messageOf(error) })
    }
  }
  if (chosen.length === 0) {
    const [first] = failed
    throw new RidecastError(
      'solve_failed',
      `no recipe could be trained: ${first?.recipe}: ${first?.error}`,
    )
  }
  chosen.sort((a, b) => a.selection.mean - b.selection.mean)
  const { judged } = await import('./compare-judged.ts')
  const results = []
  // The winner first: where there is no champion yet, it is the first version, and becomes it.
  for (const { recipe, selection } of chosen) {
    const outcome = await trainOne(io, sources, flags, recipe)
    progress(io, `judging ${recipe.name} ...`)
    results.push(await judged(outcome, selection))
  }
  const [winner] = results
  if (!winner) throw new RidecastError('internal', 'a comparison ended without a model')
  const { reportAssets, reportPage } = await import('../pipeline/report/report-page.ts')
  const rides = winner.label
  const path = flags.report ?? `compare-${rides.replace(/[^\w.-]+/g, '-')}.html`
  const page = reportPage(
    { format: 'ridecast-report', version: 1, rides, models: results.map(({ model }) => model) },
    await reportAssets(),
  )
  await writePage(resolve(io.cwd, path), page)
  progress(io, '')
  return {
    train: winner.train,
    validation: rides,
    candidates: results.map(({ candidate }) => candidate),
    failed,
    winner: winner.candidate.recipe,
    promoted: flags.promote ? await promote(io, winner, flags) : null,
    report: path,
  }
}

/** A recipe that cannot be trained is told; whatever ends the whole command is thrown. */
function rethrowUnlessOwn(error: unknown): void {
  const own = [
    'solve_failed',
    'solve_too_large',
    'sums_overflow',
    'source_columns',
    'recipe_invalid',
    'engine_unsupported',
  ]
  if (error instanceof RidecastError && own.includes(error.code)) return
  throw error
}

/** Errors on rides before those reported. */
async function selectionOf(
  io: Io,
  sources: readonly string[],
  flags: Flags,
  recipe: Chosen['recipe'],
): Promise<Candidate['selection']> {
  const { selectionFolds } = await import('../pipeline/select.ts')
  const { train } = await import('../pipeline/train.ts')
  const folds = selectionFolds(sources, io.now(), flags.windows)
  const cache = await cacheOf(io, flags)
  const rmse: number[] = []
  for (const [k, { sources: own, validate }] of folds.entries()) {
    const at = folds.length > 1 ? `, window ${k + 1} of ${folds.length}` : ''
    const show = (text: string): void => progress(io, `ranking ${recipe.name}${at}: ${text} ...`)
    const options = trainOptionsOf(io, flags, { sources: own, validate, recipe, compared: false })
    const fetching = await fetchingOf(io, flags)
    const { metrics } = await train(
      { ...options, recipe: { ...recipe, intervals: false } },
      { cache, interruptible, stage: show, detail: show, download: fetching.effects },
    ).finally(() => fetching.finish())
    rmse.push(metrics.validation.rmse)
  }
  const mean = rmse.reduce((sum, value) => sum + value, 0) / rmse.length
  const squares = rmse.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: rmse.length > 1 ? Math.sqrt(squares / (rmse.length - 1)) : 0, rmse }
}

async function trainOne(
  io: Io,
  sources: readonly string[],
  flags: Flags,
  recipe: Chosen['recipe'],
): Promise<Outcome> {
  const { trainAndRecord } = await import('./train-run.ts')
  const options = trainOptionsOf(io, flags, {
    sources,
    validate: flags.validate,
    recipe,
    compared: false,
  })
  return trainAndRecord(options, {
    name: flags.name,
    models: flags.models,
    cache: await cacheOf(io, flags),
    fetching: await fetchingOf(io, flags),
    tracker: await trackerFor(io, flags, false),
    user: userOf(io),
    experiment: flags.experiment ?? (io.env.MLFLOW_EXPERIMENT_NAME || undefined),
    tags: { ...tagsOf(flags), compared: flags.recipes },
    promote: false,
    show: (text) => progress(io, text === '' ? '' : `${recipe.name}: ${text}`),
  })
}

/** Makes the winner champion where it is better than the one there is. */
async function promote(
  io: Io,
  { outcome, candidate }: { readonly outcome: Outcome; readonly candidate: Candidate },
  flags: Flags,
): Promise<NonNullable<ComparisonReport['promoted']>> {
  const { name, version, champion } = outcome
  const { worst } = candidate
  if (flags.worst !== undefined && worst && worst.rmse > flags.worst) {
    const reason = `its worst slice, ${worst.slice}, has an RMSE of ${worst.rmse.toFixed(3)}, above ${flags.worst}`
    return { done: false, reason }
  }
  if (champion === version) return { done: true, reason: 'it is the champion already' }
  const { loadFrom } = await import('../loaded-model.ts')
  const { measuredOn } = await import('./compare-judged.ts')
  const registry = openRegistry(resolve(io.cwd, flags.models))
  const held = await loadFrom(registry, `${name}/${champion}`)
  const { rmse } = await measuredOn(held.predictor.model, outcome)
  const [own, theirs] = [candidate.validation.rmse.toFixed(4), rmse.toFixed(4)]
  if (!(candidate.validation.rmse < rmse)) {
    return {
      done: false,
      reason: `champion ${champion} has an RMSE of ${theirs} on these rides, the winner ${own}`,
    }
  }
  await registry.promote(name, version, { reason: `compare: RMSE ${own} after ${theirs}` })
  return { done: true, reason: `RMSE ${own} after ${theirs} of ${champion}` }
}

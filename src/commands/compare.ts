/** `ridecast compare`: every kind of model on the same rides, ranked by rides before those reported. */

import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf, RidecastError } from '../errors.ts'
import type { Recipe } from '../recipe-schema.ts'
import { type Share, type StartTimer, shareTime } from './budget.ts'
import type { Judged } from './compare-judged.ts'
import { promote } from './compare-promote.ts'
import { type ComparisonReport, printComparison } from './compare-report.ts'
import { type Comparing, learn, type Ranked, rank, trainAll } from './compare-run.ts'
import { type Io, printJson, progress } from './io.ts'
import { type OpenPage, openOption, openPage, writePage } from './page-file.ts'
import { findRecipe } from './recipes.ts'
import { type TrainFlags, trainFlags } from './train-flags.ts'
import { worstOption } from './worst-gate.ts'

/** What is compared where nobody says: every kind, from the classic to the best. */
const usual = 'plain,pairs,standard,linear,trees,best'

interface Flags extends TrainFlags {
  validate?: string
  recipes: string
  windows: number
  budget?: number
  learning: boolean
  name?: string
  report?: string
  open: 'yes' | 'no'
  promote?: true
  worst?: number
  json?: true
}

const help = `
The ranking is made on months before the reported one: of three months and more, the last two are each
predicted by a model of the months before (--windows for more of them), and the mean of the two errors
decides; of two months, the last; of one, its last fifth. Then each recipe is trained on all months and
reported on the validation month, which chose nothing.

With --budget every recipe has an equal part of the minutes for all its trainings. One that needs more is
stopped and left out, and the leaderboard says so; what one leaves, no other gets. Judging does not count.

Examples:
  ridecast compare 2023-01..2023-03 --validate 2023-04
  ridecast compare 2021-01 --recipes standard,linear,trees
  ridecast compare 2023-01..2023-03 --budget 10 --promote --json
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
export function compareCommand(
  io: Io,
  open: OpenPage = openPage,
  startTimer: StartTimer = AbortSignal.timeout,
): Command {
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
          .default(2),
      )
      .addOption(
        new Option(
          '--budget <minutes>',
          'for all trainings together, an equal part for each recipe',
        ).argParser(positive),
      )
      .option('--no-learning', 'no training on fewer months for learning curves')
      .option('--name <name>', 'name of the models (default: <taxi>-duration)')
      .option('--report <file>', 'the page (default: compare-<reported rides>.html)')
      .addOption(openOption(io.interactive ? 'yes' : 'no', 'yes on a terminal'))
      .option('--promote', 'make the winner the champion, if it is better')
      .addOption(worstOption('with --promote:')),
  )
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', help)
    .action(async (sources: string[], flags: Flags) => {
      const report = await compare({ io, sources, flags }, startTimer)
      if (flags.json) printJson(io, report)
      else printComparison(io, report)
      if (flags.open === 'yes') await open(io, resolve(io.cwd, report.report))
      if (report.promoted && !report.promoted.done) {
        throw new RidecastError(
          'gate_refused',
          `winner ${report.winner} was not promoted: ${report.promoted.reason}`,
        )
      }
    })
}

/** A recipe, how it ranks, and the time that it has left. */
interface Contender extends Ranked {
  readonly recipe: Recipe
  readonly share: Share
}

/** A comparison with its own flags. */
interface Run extends Comparing {
  readonly flags: Flags
}

async function compare(run: Run, startTimer: StartTimer): Promise<ComparisonReport> {
  const { io, sources, flags } = run
  const recipes = namedOnce(flags.recipes, io)
  const shares = shareTime(
    flags.budget,
    recipes.map(({ name }) => name),
    startTimer,
  )
  const { selectionFolds, windowsOf } = await import('../pipeline/select.ts')
  const folds = selectionFolds(sources, io.now(), flags.windows)
  const windows = windowsOf(folds)
  const failed: { recipe: string; error: string }[] = []
  const contenders: Contender[] = []
  for (const recipe of recipes) {
    const share = shares.get(recipe.name) as Share
    const ranked = await orFault(failed, recipe, () => rank(run, recipe, folds, share))
    if (ranked) contenders.push({ recipe, share, ...ranked })
  }
  contenders.sort((a, b) => a.ranking.mean - b.ranking.mean)
  const results: Judged[] = []
  // The winner first: where there is no champion yet, it is the first version, and becomes it.
  for (const contender of contenders) {
    const { recipe } = contender
    const calibrated = windows.at(-1)?.validation ?? ''
    const one = await orFault(failed, recipe, () => finalOf(run, contender, calibrated))
    if (one) results.push(one)
  }
  const [winner] = results
  if (!winner) {
    const [first] = failed
    throw new RidecastError(
      'solve_failed',
      `no recipe could be trained: ${first?.recipe}: ${first?.error}`,
    )
  }
  const { reportAssets, reportPage } = await import('../pipeline/report/report-page.ts')
  const rides = winner.label
  const path = flags.report ?? `compare-${rides.replace(/[^\w.-]+/g, '-')}.html`
  const models = results.map(({ model }) => model)
  const page = reportPage(
    { format: 'ridecast-report', version: 1, rides, windows, models },
    await reportAssets(),
  )
  await writePage(resolve(io.cwd, path), page)
  progress(io, '')
  return {
    train: winner.train,
    validation: rides,
    windows,
    candidates: results.map(({ candidate }) => candidate),
    failed,
    winner: winner.candidate.recipe,
    promoted: flags.promote ? await promote(io, winner, flags) : null,
    report: path,
  }
}

function namedOnce(list: string, io: Io): Recipe[] {
  const recipes = list.split(',').map((name) => findRecipe(name.trim(), [], io.cwd))
  const names = recipes.map(({ name }) => name)
  const twice = names.find((name, k) => names.indexOf(name) !== k)
  if (twice === undefined) return recipes
  throw new RidecastError('usage_invalid', `--recipes names ${twice} twice: name each once`)
}

/** The model of all months, judged, and its learning curve as far as time is left. */
async function finalOf(run: Run, contender: Contender, calibrated: string): Promise<Judged> {
  const { io, flags } = run
  const { recipe, share } = contender
  const outcome = await trainAll(run, recipe, share)
  progress(io, `judging ${recipe.name} ...`)
  const { judged } = await import('./compare-judged.ts')
  const one = await judged(outcome, contender, calibrated)
  const learning = flags.learning ? await learn(run, outcome, share) : []
  if (learning.length === 0) return one
  return {
    ...one,
    candidate: { ...one.candidate, learning },
    model: { ...one.model, learning_curve: learning },
  }
}

/** What ends one recipe is told; whatever ends the whole command is thrown. */
const ofOne = [
  'solve_failed',
  'solve_too_large',
  'sums_overflow',
  'source_columns',
  'recipe_invalid',
  'engine_unsupported',
  'budget_spent',
]

async function orFault<T>(
  failed: { recipe: string; error: string }[],
  { name }: Recipe,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RidecastError && ofOne.includes(error.code))) throw error
    failed.push({ recipe: name, error: messageOf(error) })
    return undefined
  }
}

/** `ridecast search`: settings of a recipe, tried one after another on rides before those reported. */

import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { Point, Setting } from '../pipeline/search/space.ts'
import type { Trial } from '../pipeline/search/trial.ts'
import type { SearchTask } from '../pipeline/search-task.ts'
import { formatRecipe } from '../recipe.ts'
import type { Recipe } from '../recipe-schema.ts'
import { findCommit } from '../tracking/commit.ts'
import {
  type CacheFlags,
  cacheOptions,
  type DataFlags,
  dataOptions,
  fetchingOf,
  sourcesOptionsOf,
} from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { collect, type Io, printJson, progress, table } from './io.ts'
import { findRecipe, recipeNames } from './recipes.ts'
import { settingName, settingText } from './search-live.ts'
import { SearchRecord } from './search-record.ts'
import { type SpaceFlags, spaceOf } from './search-space.ts'
import { runTrials, type TrialFlags } from './search-trials.ts'
import { trackingUriHelp } from './tracking.ts'
import { type RecordFlags, tagsOf, trackerFor, userOf } from './train-flags.ts'

interface Flags extends DataFlags, CacheFlags, RecordFlags, SpaceFlags, TrialFlags {
  recipe: string
  set: string[]
  study?: string
  json?: true
}

const help = `
Trials are measured on rides before those that models are reported on: with several months, the last of
them; with one month, its last fifth. Every trial is a run, nested in the run of the search.

A search keeps what it has: cut by Ctrl-C or a crash, the same command goes on where it was, and with
more --trials it goes further. The same seed and the same number of workers give the same trials. Points of
a random search or a grid, and with --no-prune their scores, are the same for any number of workers.

Examples:
  ridecast search --recipe trees --trials 50
  ridecast search 2023-01..2023-03 --recipe trees --trials 100 --sampler random
  ridecast search 2021-01 --recipe trees --trials 100 --workers 2
  ridecast search 2021-01 --recipe standard --param l2=0.1..100.0:log --trials 30
  ridecast search 2021-01 --recipe trees --param trees.leaves=31,63,127 --sampler grid --trials 3
  ridecast search 2021-01 --recipe trees --space my-space.yaml
`

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`expected a whole number, ${least} to ${most}`)
  }

/** The command. */
export function searchCommand(io: Io): Command {
  const command = new Command('search')
  return cacheOptions(dataOptions(command))
    .summary('find settings of a recipe by trying them')
    .description(
      'Try settings of a recipe on months before those that are reported, and say which were best.',
    )
    .argument('[sources...]', 'months, Parquet files, addresses (default: 2021-01)')
    .option(
      '--recipe <name|file>',
      `what to search: ${recipeNames().join(', ')} or a YAML file`,
      'trees',
    )
    .option('--set <key=value>', 'a value of the recipe that stays (repeatable)', collect, [])
    .option(
      '--param <key=range>',
      'a setting to search: low..high, low..high:log or a,b,c (repeatable)',
      collect,
      [],
    )
    .option('--space <file>', 'settings to search, as YAML')
    .addOption(new Option('--trials <count>').argParser(whole(1, 100_000)).default(50))
    .addOption(
      new Option('--sampler <name>', 'how points are chosen')
        .choices(['tpe', 'random', 'grid'])
        .default('tpe'),
    )
    .addOption(
      new Option('--points <count>', 'of each setting, for --sampler grid')
        .argParser(whole(1, 1000))
        .default(4),
    )
    .option('--no-prune', 'let poor trials of trees grow to their end')
    .addOption(
      new Option('--workers <count>', 'trials at a time, each in a thread of its own')
        .argParser(whole(1, 64))
        .default(1),
    )
    .addOption(new Option('--seed <number>').argParser(whole(0, 2 ** 32 - 1)).default(1))
    .option('--study <dir>', 'where the search is kept (default: searches/<recipe>-<rides>)')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--experiment <name>', 'group of runs (default: search-<recipe>)')
    .option('--tag <key=value>', 'tag the runs (repeatable)', collect, [])
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', help)
    .action((sources: string[], flags: Flags) =>
      search(io, sources.length > 0 ? sources : ['2021-01'], flags),
    )
}

/** A point as overrides of a recipe. */
const overridesOf = (point: Point): string[] =>
  Object.entries(point).map(([name, setting]) => `${name}=${JSON.stringify(setting)}`)

async function search(io: Io, sources: readonly string[], flags: Flags): Promise<void> {
  const recipe = findRecipe(flags.recipe, flags.set, io.cwd)
  const space = await spaceOf(io, flags, recipe)
  const recipeAt = (point: Point): Recipe =>
    findRecipe(flags.recipe, [...flags.set, ...overridesOf(point), 'intervals=false'], io.cwd)
  const { searchTask } = await import('../pipeline/search-task.ts')
  progress(io, 'reading rides ...')
  const fetching = await fetchingOf(io, flags)
  const task = await interruptible((signal) =>
    searchTask(
      recipe,
      sources,
      { ...sourcesOptionsOf(io, flags), now: io.now() },
      { signal, download: fetching.effects },
    ),
  ).finally(() => fetching.finish())
  const study =
    flags.study ?? join('searches', `${recipe.name}-${sources.join('-')}`.replace(/[^\w.-]+/g, '-'))
  const folder = resolve(io.cwd, study)
  const tracker = await trackerFor(io, flags, false)
  const { sampler, seed, workers, prune } = flags
  const record = await SearchRecord.open(
    tracker,
    folder,
    {
      experiment: flags.experiment ?? `search-${recipe.name}`,
      tags: { ...tagsOf(flags), search: study },
      commit: await findCommit(io.cwd),
      user: userOf(io),
      source: `ridecast search ${sources.join(' ')} --recipe ${flags.recipe}`,
    },
    { recipe: recipe.name, rides: task.label, sampler, seed, workers, prune },
  )
  try {
    const { best, trials } = await runTrials(io, flags, { space, task, recipeAt, folder, record })
    const found = formatRecipe(
      findRecipe(flags.recipe, [...flags.set, ...overridesOf(best.point)], io.cwd),
    )
    await writeFile(join(folder, 'best.yaml'), found)
    await record.finish('finished', best)
    progress(io, '')
    const next = `ridecast train ${sources.join(' ')} --recipe ${join(study, 'best.yaml')}`
    if (flags.json) {
      printJson(io, {
        recipe: recipe.name,
        rides: task.label,
        best: { number: best.number, rmse: best.value, point: best.point },
        trials: trials.map(({ number, state, value, point }) => ({
          number,
          state,
          rmse: value ?? null,
          point,
        })),
        run_id: record.id,
        study: folder,
        next,
      })
      return
    }
    printTrials(io, task, trials, best)
    io.out(`search     ${study}, run ${record.id}\nnext       ${next}\n`)
  } catch (error) {
    await record.finish('killed')
    progress(io, '')
    if (error instanceof RidecastError && error.code === 'source_interrupted') {
      throw new RidecastError(
        'source_interrupted',
        `the search was interrupted and keeps its trials in ${study}: run the same command again to go on`,
        { cause: error },
      )
    }
    throw error
  }
}

function printTrials(io: Io, task: SearchTask, trials: readonly Trial[], best: Trial): void {
  const ended = (state: Trial['state']): number =>
    trials.filter((one) => one.state === state).length
  io.out(
    `${io.colors.bold(task.label)}: ${ended('finished')} trials, ${ended('pruned')} stopped early, ${ended('failed')} failed\n\n`,
  )
  const names = Object.keys(best.point)
  const shown = trials
    .filter(({ state }) => state === 'finished')
    .sort((a, b) => (a.value as number) - (b.value as number))
    .slice(0, 10)
  const rows = shown.map(({ number, value, point, seconds }) => [
    String(number + 1),
    io.colors.bold((value as number).toFixed(4)),
    `${(seconds ?? 0).toFixed(1)} s`,
    ...names.map((name) => settingText(point[name] as Setting)),
  ])
  const header = ['trial', 'RMSE', 'took', ...names.map(settingName)]
  io.out(
    `${table(
      io,
      header,
      rows,
      header.map(() => 'right'),
    )}\n`,
  )
}

/**
 * `ridecast runs`: lists, shows and compares the records that trainings leave behind.
 * Knows nothing about how they are stored: it reads them through the Tracker contract.
 */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { distance } from 'fastest-levenshtein'
import { RidecastError } from '../errors.ts'
import type { RunListing, RunRecord, Tracker } from '../tracking/tracker.ts'
import { type Io, printJson, table } from './io.ts'

interface Options {
  runs: string
  json?: true
}

const examples = `
Examples:
  ridecast runs list                               the latest runs, newest first
  ridecast runs list --experiment nyc-green        those of one experiment
  ridecast runs show last                          everything about the latest
  ridecast runs show 20210301T0815                 the start of an id is enough
  ridecast runs compare 20210301T0815 last         what tells two runs apart
  ridecast runs list --json --limit 100            for machines`

/** The verb `runs` with `list`, `show` and `compare`. */
export function runsCommand(io: Io): Command {
  const runs = new Command('runs')
    .description('list, show and compare the records of trainings')
    .addHelpText('after', examples)
  withOptions(runs.command('list').description('list runs, newest first'))
    .option('--experiment <name>', 'only those of one experiment')
    .option('--limit <n>', 'at most so many', '20')
    .addHelpText('after', '\nExample:\n  ridecast runs list --experiment nyc-green --limit 5')
    .action((options) => list(io, options))
  withOptions(runs.command('show').description('show everything about one run'))
    .argument('<run>', 'an id, the start of one, or "last"')
    .addHelpText('after', '\nExample:\n  ridecast runs show last --json')
    .action((id: string, options) => show(io, id, options))
  withOptions(runs.command('compare').description('show what tells runs apart'))
    .argument('<run>', 'an id, the start of one, or "last"')
    .argument('<others...>', 'more of them')
    .option('--all', 'also show what is the same in all')
    .addHelpText('after', '\nExample:\n  ridecast runs compare 20210301T0815 last --all')
    .action((first: string, others: string[], options) => compare(io, [first, ...others], options))
  return runs
}

function withOptions(command: Command): Command {
  return command
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--json', 'print one line of JSON')
}

async function openTracker(io: Io, options: Options): Promise<Tracker> {
  const { fileTracker } = await import('../tracking/files.ts')
  return fileTracker(resolve(io.cwd, options.runs))
}

async function list(
  io: Io,
  options: Options & { experiment?: string; limit: string },
): Promise<void> {
  const limit = parseLimit(options.limit)
  const tracker = await openTracker(io, options)
  const all = await tracker.listRuns({ experiment: options.experiment })
  const runs = all.slice(0, limit)
  if (options.json) {
    const { listingJson } = await import('./runs-view.ts')
    printJson(io, { total: all.length, runs: runs.map(listingJson) })
    return
  }
  if (runs.length === 0) {
    const of = options.experiment === undefined ? '' : ` of experiment ${options.experiment}`
    io.out(`no runs${of} in ${options.runs} yet; make one with: ridecast train 2021-01\n`)
    return
  }
  const { listingCells, listingHeader } = await import('./runs-view.ts')
  io.out(
    table(
      io,
      listingHeader.map(([name]) => name),
      runs.map((run) => listingCells(run, io.colors)),
      listingHeader.map(([, align]) => align),
    ),
  )
  for (const run of runs) if (run.status === 'unreadable') io.err(`note: ${run.reason}\n`)
  if (all.length > limit) {
    io.err(`${limit} of ${all.length} runs; all of them with --limit ${all.length}\n`)
  }
}

async function show(io: Io, text: string, options: Options): Promise<void> {
  const tracker = await openTracker(io, options)
  const run = await tracker.getRun(findRun(await tracker.listRuns(), text, options.runs))
  const { recordJson, recordText } = await import('./runs-view.ts')
  if (options.json) printJson(io, recordJson(run))
  else io.out(recordText(run, io.colors))
}

async function compare(
  io: Io,
  texts: readonly string[],
  options: Options & { all?: true },
): Promise<void> {
  const tracker = await openTracker(io, options)
  const listed = await tracker.listRuns()
  const ids = texts.map((text) => findRun(listed, text, options.runs))
  const runs: RunRecord[] = []
  for (const id of ids) runs.push(await tracker.getRun(id))
  const { compareRuns } = await import('../tracking/compare.ts')
  const { valueJson, valueText } = await import('./runs-view.ts')
  const rows = compareRuns(runs)
  if (options.json) {
    const plain = rows.map((row) => ({ ...row, values: row.values.map(valueJson) }))
    printJson(io, { runs: ids, rows: plain })
    return
  }
  const same = rows.filter((row) => !row.differs).length
  const shown = options.all ? rows : rows.filter((row) => row.differs)
  if (shown.length > 0) {
    const cells = shown.map((row) => [row.kind, row.name, ...row.values.map(valueText)])
    io.out(table(io, ['', '', ...ids], cells))
  } else {
    io.out('the runs do not differ in any parameter, metric or dataset\n')
  }
  if (!options.all && same > 0) io.err(`${same} rows are the same in all runs: see --all\n`)
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1) return limit
  throw new RidecastError(
    'usage_invalid',
    `limit must be a whole number from 1 on, found "${text}"; leave it out for 20`,
  )
}

/** The id that a text stands for: an id, the unique start of one, or `last`. */
function findRun(runs: readonly RunListing[], text: string, folder: string): string {
  const ids = runs.map((run) => run.id)
  const found = text === 'last' ? ids.slice(0, 1) : ids.filter((id) => id.startsWith(text))
  const [id] = found
  if (ids.includes(text)) return text
  if (id !== undefined && found.length === 1) return id
  if (id !== undefined) {
    const more = found.length > 5 ? ` and ${found.length - 5} more` : ''
    throw new RidecastError(
      'usage_invalid',
      `run "${text}" is not one run: expected the start of one id, found ` +
        `${found.slice(0, 5).join(', ')}${more}; give more of it`,
    )
  }
  const near = ids.map((other) => [distance(text, other), other] as const)
  near.sort(([a], [b]) => a - b)
  const names = near.slice(0, 3).map(([, other]) => other)
  const hint =
    names.length > 0
      ? `the nearest ids are ${names.join(', ')}`
      : 'there are none yet; make one with: ridecast train 2021-01'
  throw new RidecastError('run_not_found', `run "${text}" is not in ${folder}; ${hint}`)
}

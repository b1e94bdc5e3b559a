/**
 * `ridecast runs`: lists, searches, shows and compares the records that trainings leave behind.
 * Knows nothing about how they are stored: it reads them through the Tracker contract.
 */

import { Command, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { RunListing, RunRecord } from '../tracking/tracker.ts'
import { type Io, printJson, table } from './io.ts'
import { syncCommand } from './runs-sync.ts'
import { uiCommand } from './runs-ui.ts'
import { serverOf, type TrackingFlags, trackerOf, trackingUriHelp } from './tracking.ts'

interface Flags extends TrackingFlags {
  readonly json?: true
  readonly csv?: true
}

interface ListFlags extends Flags {
  readonly experiment?: string
  readonly filter?: string
  readonly orderBy?: string[]
  readonly columns?: string[]
  readonly limit: string
}

const examples = `
Examples:
  ridecast runs list                               the latest runs, newest first
  ridecast runs list --experiment nyc-green        those of one experiment
  ridecast runs search "metrics.rmse < 8 and params.taxi = 'green'"
  ridecast runs show last                          everything about the latest
  ridecast runs show 20210301T0815                 the start of an id is enough
  ridecast runs compare 20210301T0815 last         what tells two runs apart
  ridecast runs ui                                 all that in a browser
  ridecast runs list --csv --limit 1000            for spreadsheets; --json for programs
  ridecast runs list --tracking-uri http://127.0.0.1:5000`

const listExamples = `
Examples:
  ridecast runs list --experiment nyc-green --limit 5
  ridecast runs list --order-by metrics.rmse --columns params.recipe,metrics.rmse,tags.developer`

const searchExamples = `
Examples:
  ridecast runs search "metrics.rmse < 8 and params.taxi = 'green'"
  ridecast runs search "status = 'failed'" --columns error
  ridecast runs search "tags.developer ILIKE 'a%' and params.l2 IS NOT NULL" --order-by metrics.rmse
  ridecast runs search "dataset.name = 'green 2021-01'" --csv

The language is that of MLflow, docs/runs.md has it in one table.`

/** The verb `runs` with `list`, `search`, `show`, `compare`, `ui` and `sync`. */
export function runsCommand(io: Io): Command {
  const runs = new Command('runs')
    .description('list, search, show and compare the records of trainings')
    .addHelpText('after', examples)
  listing(runs.command('list').description('list runs, newest first'))
    .option('--filter <filter>', 'only those that fit, such as "params.taxi = \'green\'"')
    .addHelpText('after', listExamples)
    .action((flags: ListFlags) => list(io, flags))
  listing(runs.command('search').description('list the runs that fit a filter'))
    .argument('<filter>', 'comparisons joined by and, such as "metrics.rmse < 8"')
    .addHelpText('after', searchExamples)
    .action((filter: string, flags: ListFlags) => list(io, { ...flags, filter }))
  reading(runs.command('show').description('show everything about one run'))
    .argument('<run>', 'an id, the start of one, or "last"')
    .addHelpText('after', '\nExample:\n  ridecast runs show last --json')
    .action((id: string, flags: Flags) => show(io, id, flags))
  reading(runs.command('compare').description('show what tells runs apart'))
    .argument('<run>', 'an id, the start of one, or "last"')
    .argument('<others...>', 'more of them')
    .option('--all', 'also show what is the same in all')
    .addHelpText('after', '\nExample:\n  ridecast runs compare 20210301T0815 last --all')
    .action((first: string, others: string[], flags) => compare(io, [first, ...others], flags))
  return runs.addCommand(uiCommand(io)).addCommand(syncCommand(io))
}

/** What every command takes that reads runs. */
function reading(command: Command): Command {
  return command
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--json', 'print one line of JSON')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'))
}

function listing(command: Command): Command {
  const also = (text: string, before: string[] = []): string[] => [...before, text]
  return reading(command)
    .option('--experiment <name>', 'only those of one experiment')
    .option('--order-by <field>', 'such as "metrics.rmse desc"; once for each field', also)
    .option('--columns <fields>', 'such as params.recipe,metrics.rmse,tags.developer', also)
    .option('--limit <n>', 'at most so many', '20')
}

async function list(io: Io, flags: ListFlags): Promise<void> {
  const { allColumns, cells, cellTexts, chosenColumns, usualColumns } = await import(
    './runs-columns.ts'
  )
  const limit = parseLimit(flags.limit)
  const chosen = flags.columns && chosenColumns(flags.columns)
  const { runs, total } = await query(io, flags, limit)
  if (flags.json) {
    const { listingJson } = await import('./runs-view.ts')
    printJson(io, { total, runs: runs.map(listingJson) })
    return
  }
  if (flags.csv) {
    const { csv } = await import('./runs-csv.ts')
    const columns = chosen ?? allColumns(runs)
    io.out(csv([columns.map(({ name }) => name), ...runs.map((run) => cells(columns, run))]))
    return
  }
  if (runs.length === 0) {
    io.out(`${await nothingFound(io, flags)}\n`)
    return
  }
  const columns = chosen ?? usualColumns
  const rows = runs.map((run) => cellTexts(columns, run, io.colors))
  const names = columns.map(({ name }) => name)
  const aligned = columns.map(({ align }) => align)
  io.out(table(io, names, rows, aligned))
  for (const run of runs) if (run.status === 'unreadable') io.err(`note: ${run.reason}\n`)
  if (total === null) io.err(`the first ${limit} runs; more of them with --limit\n`)
  else if (total > limit) io.err(`${limit} of ${total} runs; all of them with --limit ${total}\n`)
}

/** Runs up to the limit, and how many there are: null when a server knows of more. */
async function query(
  io: Io,
  flags: ListFlags,
  limit: number,
): Promise<{ runs: RunListing[]; total: number | null }> {
  const tracker = await trackerOf(io, flags)
  const { experiment, filter, orderBy } = flags
  // All files are read anyway; a server is asked for one more, to know whether there are any.
  const remote = (await serverOf(io, flags)) !== undefined
  const atMost = remote ? { limit: limit + 1 } : {}
  const found = await tracker.listRuns({ experiment, filter, orderBy, ...atMost })
  const total = remote && found.length > limit ? null : found.length
  return { runs: found.slice(0, limit), total }
}

async function nothingFound(io: Io, flags: ListFlags): Promise<string> {
  const place = await placeOf(io, flags)
  const of = flags.experiment === undefined ? '' : ` of experiment ${flags.experiment}`
  return flags.filter
    ? `no runs${of} in ${place} fit the filter; see all with: ridecast runs list`
    : `no runs${of} in ${place} yet; make one with: ridecast train 2021-01`
}

/** The folder or server that runs are in, for people: without a password. */
async function placeOf(io: Io, flags: Flags): Promise<string> {
  const server = await serverOf(io, flags)
  if (server === undefined) return flags.runs
  const { origin, pathname } = new URL(server)
  return `${origin}${pathname}`.replace(/\/$/, '')
}

// A sweep may have thousands; the search lists them all.
const childrenShown = 100

async function show(io: Io, text: string, flags: Flags): Promise<void> {
  const tracker = await trackerOf(io, flags)
  const { findRun } = await import('./runs-find.ts')
  const { recordFacts, recordJson, recordText } = await import('./runs-view.ts')
  const run = await findRun(tracker, text, await placeOf(io, flags))
  const filter = `tags.mlflow.parentRunId = '${run.id}'`
  const children = await tracker.listRuns({
    filter,
    orderBy: ['attributes.start_time ASC'],
    limit: childrenShown + 1,
  })
  const shown = children.slice(0, childrenShown)
  if (flags.json) return printJson(io, recordJson(run, shown))
  if (flags.csv) {
    const { csv } = await import('./runs-csv.ts')
    return io.out(csv([['kind', 'name', 'value'], ...recordFacts(run, shown)]))
  }
  io.out(recordText(run, shown, io.colors))
  if (children.length > childrenShown) {
    io.err(`the first ${childrenShown} children; all of them: ridecast runs search "${filter}"\n`)
  }
}

async function compare(
  io: Io,
  texts: readonly string[],
  flags: Flags & { all?: true },
): Promise<void> {
  const tracker = await trackerOf(io, flags)
  const { findRun } = await import('./runs-find.ts')
  const { compareRuns } = await import('../tracking/compare.ts')
  const { valueJson, valueText } = await import('./runs-view.ts')
  const place = await placeOf(io, flags)
  const runs: RunRecord[] = []
  for (const text of texts) runs.push(await findRun(tracker, text, place))
  const ids = runs.map((run) => run.id)
  const rows = compareRuns(runs)
  if (flags.json) {
    const plain = rows.map((row) => ({ ...row, values: row.values.map(valueJson) }))
    printJson(io, { runs: ids, rows: plain })
    return
  }
  const same = rows.filter((row) => !row.differs).length
  const shown = flags.all ? rows : rows.filter((row) => row.differs)
  if (flags.csv) {
    const { csv } = await import('./runs-csv.ts')
    const cells = shown.map((row) => [row.kind, row.name, ...row.values])
    io.out(csv([['kind', 'name', ...ids], ...cells]))
    return
  }
  if (shown.length > 0) {
    const cells = shown.map((row) => [row.kind, row.name, ...row.values.map(valueText)])
    io.out(table(io, ['', '', ...ids], cells))
  } else {
    io.out('the runs do not differ in any parameter, metric or dataset\n')
  }
  if (!flags.all && same > 0) io.err(`${same} rows are the same in all runs: see --all\n`)
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && Number.isSafeInteger(limit)) return limit
  throw new RidecastError(
    'usage_invalid',
    `limit must be a whole number from 1 on, found "${text}"; leave it out for 20`,
  )
}

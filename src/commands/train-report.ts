/** What `ridecast train` prints, for people and for machines. */

import { relative } from 'node:path'
import type { Measures } from '../pipeline/evaluate.ts'
import type { Refused } from '../pipeline/plan.ts'
import type { Residuals } from '../pipeline/residuals.ts'
import type { FileCounts } from '../pipeline/sum-rides.ts'
import type { Training } from '../pipeline/train.ts'
import { penaltyText } from '../recipe.ts'
import type { Recipe } from '../recipe-schema.ts'
import { type Io, table } from './io.ts'
import { namesOf, type Outcome, type SolverReport, solverOf } from './train-run.ts'

/** Measures of one set of rides; the mean absolute error is null without `--residuals`. */
export interface ReportedMeasures extends Measures {
  readonly mae: number | null
}

/** What `--json` prints. */
export interface TrainReport {
  readonly taxi: string
  readonly train_months: readonly string[]
  /** Null where the validation rides are not a month of their own: see `split`. */
  readonly validation_month: string | null
  /** The engine that read; null when all sums were known. */
  readonly engine: string | null
  /** What the data contract finds odd and lets pass. */
  readonly anomalies: readonly {
    readonly file: string
    readonly code: string
    readonly column: string | null
    readonly share: number | null
    readonly message: string
    /** True for an error that `--allow` let pass. */
    readonly allowed: boolean
  }[]
  /** Files and rides that were read, and files whose sums were known already. */
  readonly read: { readonly files: number; readonly rows: number; readonly cached_files: number }
  readonly split: string
  readonly recipe: string
  readonly rows: number
  readonly kept: number
  readonly refused: Refused
  /** Rides that pass, but are left for validation: 0 where that is another month. */
  readonly outside: number
  /** Columns whose sums are compensated, not exact: see the moments. */
  readonly inexact: readonly string[]
  readonly columns: number
  /** Null where the model is no linear one. */
  readonly rank: number | null
  readonly train: ReportedMeasures
  readonly validation: ReportedMeasures
  readonly baseline: { readonly rmse: number }
  /** The classic recipe on the same rides; null when it is the one that was trained. */
  readonly comparison: { readonly recipe: string; readonly rmse: number } | null
  readonly intercept: number
  readonly name: string
  readonly model_version: string
  readonly model_path: string
  /** True when this version is the champion of its name. */
  readonly champion: boolean
  readonly run_id: string
  /** The run on a tracking server; null without one. */
  readonly tracked: {
    readonly location: string | null
    /** Where the version is in the server's registry; null when it did not get there. */
    readonly registered: string | null
    readonly complete: boolean
    readonly error: string | null
  } | null
  readonly solver: SolverReport
  readonly seconds: Readonly<Record<string, number>>
  readonly peak_rss_mb: number
}

/** The report of a training. */
export function reportOf(outcome: Outcome): TrainReport {
  const { training, options } = outcome
  const { files, split, moments, reading, metrics, residuals, solution, comparison } = training
  const measures = (part: 'train' | 'validation'): ReportedMeasures => {
    return { ...metrics[part], mae: residuals?.[part].mae ?? null }
  }
  const { remote } = outcome.run
  return {
    taxi: training.taxi,
    train_months: namesOf(files.train),
    validation_month: split.kind === 'month' ? namesOf(files.validation).join(' ') : null,
    engine: reading.engine ?? null,
    read: { ...reading.read, cached_files: reading.cached.files },
    anomalies: training.anomalies.flatMap(({ label, anomalies }) =>
      anomalies.map(({ code, column, share, message, allowed }) => ({
        file: label,
        code,
        column: column ?? null,
        share: share ?? null,
        message,
        allowed: allowed === true,
      })),
    ),
    split: split.kind,
    recipe: options.recipe.name,
    rows: moments.rows,
    kept: moments.n,
    refused: moments.refused,
    outside: moments.outside,
    inexact: moments.inexact,
    columns: metrics.columns,
    rank: metrics.rank,
    train: measures('train'),
    validation: measures('validation'),
    baseline: metrics.baseline,
    comparison: comparison ? { recipe: comparison.recipe, rmse: comparison.validation.rmse } : null,
    intercept: training.model.intercept,
    name: outcome.name,
    model_version: outcome.version,
    model_path: outcome.path,
    champion: outcome.champion === outcome.version,
    run_id: outcome.run.id,
    tracked: remote && {
      location: remote.location,
      registered: remote.registered,
      complete: remote.complete,
      error: remote.error,
    },
    solver: solverOf(solution),
    seconds: training.seconds,
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}

const count = (n: number): string => n.toLocaleString('en-US')
// A bias of -1e-16 is none.
const minutes = (value: number): string => value.toFixed(3).replace(/^-(0\.0+)$/, '$1')
const reasons: Readonly<Record<keyof Refused, string>> = {
  null_time: 'without a time',
  unparsable_time: 'with a time that is none',
  below_min: 'too short',
  above_max: 'too long',
  filtered: 'filtered',
  null_value: 'without a value',
}

function refusedText(refused: Refused, outside: number): string {
  const parts = Object.entries(refused).flatMap(([reason, rides]) =>
    rides > 0 ? [`${count(rides)} ${reasons[reason as keyof Refused]}`] : [],
  )
  const held = outside > 0 ? `; ${count(outside)} left for validation` : ''
  return parts.length > 0 ? `${held}; refused ${parts.join(', ')}` : held
}

function measuresTable(io: Io, outcome: Outcome, report: TrainReport): string {
  const { residuals, split, files } = outcome.training
  const row = (label: string, what: string, measured: ReportedMeasures): string[] => [
    label,
    what,
    count(measured.n),
    io.colors.bold(minutes(measured.rmse)),
    ...(residuals ? [minutes(measured.mae as number)] : []),
    measured.r2?.toFixed(4) ?? '-',
    minutes(measured.bias),
  ]
  const constant = (label: string, what: string, rmse: number): string[] => [
    label,
    what,
    count(report.validation.n),
    minutes(rmse),
    ...(residuals ? [''] : []),
    '',
    '',
  ]
  const where = {
    month: labelOf(files.validation),
    holdout: 'the last fifth of the rides',
    rest: 'the rest of the file',
  }[split.kind]
  const rows = [
    row('train', outcome.training.label, report.train),
    row('validation', where, report.validation),
    constant('mean', 'the training mean for every ride', report.baseline.rmse),
  ]
  if (report.comparison) {
    rows.push(
      constant(report.comparison.recipe, 'the classic recipe, same rides', report.comparison.rmse),
    )
  }
  const header = ['', '', 'rides', 'RMSE', ...(residuals ? ['MAE'] : []), 'R2', 'bias']
  return table(io, header, rows, ['left', 'left', 'right', 'right', 'right', 'right', 'right'])
}

function labelOf(files: readonly FileCounts[]): string {
  return files.map(({ file }) => file.source.label).join(', ')
}

/** What was read for this, and what was known already. */
function readingText({ reading }: Training): string {
  const { engine, read, cached } = reading
  const files = (n: number): string => `${n} file${n === 1 ? '' : 's'}`
  const known = cached.files > 0 ? `the sums of ${files(cached.files)} were known` : ''
  if (engine === undefined) return `no rides: ${known}`
  return `${count(read.rows)} rides of ${files(read.files)} with ${engine}${known && `; ${known}`}`
}

/** What the contract finds odd: errors that were let pass by name, warnings by number. */
function contractLines(io: Io, { anomalies }: Training): string[] {
  return anomalies.map(({ label, anomalies }) => {
    const passed = anomalies.filter(({ allowed }) => allowed)
    const warnings = anomalies.length - passed.length
    const parts = [
      ...passed.map(({ code, message }) => io.colors.yellow(`${message} [${code}, let pass]`)),
      ...(warnings > 0 ? [`${warnings} warning${warnings === 1 ? '' : 's'}`] : []),
    ]
    return `contract   ${label}: ${parts.join('; ')}`
  })
}

function quantileLines(residuals: { train: Residuals; validation: Residuals } | undefined): string {
  if (!residuals) return ''
  const { quantiles } = residuals.validation
  const parts = Object.entries(quantiles).map(
    ([level, value]) => `${Number(level) * 100} % ${value.toFixed(2)}`,
  )
  return `residuals  prediction - actual on the validation rides: ${parts.join('  ')}\n`
}

/** What was fitted. */
function modelLines(recipe: Recipe, { columns, rank, intercept, solver }: TrainReport): string[] {
  if (solver.method === 'ensemble') {
    const parts = solver.members.map(({ recipe, weight, rmse }) => {
      return `${weight.toFixed(3)} x ${recipe} (${minutes(rmse)})`
    })
    return [
      `ensemble   ${parts.join(' + ')}; together ${minutes(solver.rmse)} on days that members had not seen`,
    ]
  }
  if (solver.method === 'trees' || solver.method === 'forest') {
    const kind = solver.method === 'trees' ? 'boosted trees' : 'trees of a forest'
    const { early_stopping: stopped, library } = solver
    const rounds = stopped
      ? `rounds     ${stopped.best} of ${stopped.rounds} were best on the last ${count(stopped.held_out)} training rides (${minutes(stopped.rmse)})`
      : undefined
    return [
      `${solver.method.padEnd(10)} ${count(solver.trees)} ${kind}, ${count(solver.leaves)} leaves, ${columns} features, starting from ${minutes(intercept)}`,
      ...(rounds ? [rounds] : []),
      ...(library ? [`trainer    ${library}`] : []),
    ]
  }
  const design = `design     ${count(columns)} columns, rank ${count(rank ?? 0)}, ${penaltyText(recipe)}, intercept ${minutes(intercept)}`
  if (solver.method !== 'cg') return [design]
  const { non_zeros = 0, bytes = 0, iterations = 0, residual } = solver
  return [
    design,
    `gram       ${count(non_zeros)} non-zeros in one triangle, ${Math.round(bytes / 1e6)} MB; ${iterations} iterations, relative residual ${residual.toExponential(1)}`,
  ]
}

function championText(io: Io, outcome: Outcome, models: string): string {
  const { name, version, champion, promoted, created } = outcome
  if (champion !== version) {
    return `${champion} stays champion; to make it this one: npm run models -- promote ${name}/${version}${models}`
  }
  if (!promoted && !created) return 'this version, which was there already'
  return io.colors.green(promoted ? 'this version, from now on' : 'this version')
}

/** Prints the result for a person, and what to do next. */
export function printReport(
  io: Io,
  outcome: Outcome,
  report: TrainReport,
  folders: { readonly models: string },
): void {
  const { training, options, name, version } = outcome
  const { recipe } = options
  const { split } = training
  const { target } = recipe
  const kept = ((100 * report.kept) / Math.max(1, report.rows)).toFixed(1)
  const near = relative(options.cwd, outcome.path)
  const path = near.startsWith('..') ? outcome.path : near
  const total = Object.values(report.seconds).reduce((sum, seconds) => sum + seconds, 0)
  const models = folders.models === 'models' ? '' : ` --models ${folders.models}`
  const reference = report.champion ? name : `${name}/${version}`
  const model = reference === 'green-duration' ? '' : ` --model ${reference}`
  const lines = [
    `${io.colors.bold(`${recipe.name} on ${training.label}`)}`,
    '',
    `rides      ${count(report.kept)} of ${count(report.rows)} kept (${kept} %), ${target.min} to ${target.max} minutes${refusedText(report.refused, report.outside)}`,
    `read       ${readingText(training)}`,
    ...modelLines(recipe, report),
    ...(report.inexact.length > 0
      ? [
          `sums       compensated, not exact, for ${report.inexact.join(', ')}: values finer than their unit`,
        ]
      : []),
    '',
  ]
  io.out(`${lines.join('\n')}\n`)
  io.out(`${measuresTable(io, outcome, report)}\n`)
  io.out(quantileLines(training.residuals))
  const contract = contractLines(io, training)
  if (contract.length > 0) {
    io.out(`${contract.join('\n')}; see npm run data -- check ${options.sources.join(' ')}\n`)
  }
  if (split.note) {
    io.out(`note       ${split.kind === 'month' ? '' : 'no validation month: '}${split.note}\n`)
  }
  io.out(
    [
      `model      ${name}/${version}  ${path}`,
      `champion   ${championText(io, outcome, models)}`,
      `run        ${report.run_id}  ${total.toFixed(2)} s, ${report.peak_rss_mb} MB at its peak`,
      ...(report.tracked?.location ? [`tracked    ${report.tracked.location}`] : []),
      ...(report.tracked?.registered ? [`registered ${report.tracked.registered}`] : []),
      '',
      'next',
      `  npm run predict -- --from 43 --to 151 --distance 1.01${model}${models}`,
      `  npm run serve --${model}${models} --port 9696`,
      '',
    ].join('\n'),
  )
}

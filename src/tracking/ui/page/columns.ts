/**
 * The columns that a table of runs can have: their names, values and order. A column is
 * `attributes.<name>`, `params.<name>`, `metrics.<name>` or `tags.<name>`, as in the filter
 * language. Knows nothing about how a table is drawn.
 */

import type { UnreadableRun } from '../../tracker.ts'
import type { JsonRun } from '../answers.ts'

/** A run of the list, with metrics as numbers. */
export interface Run extends Omit<JsonRun, 'metrics'> {
  readonly metrics: Readonly<Record<string, number>>
}

/** A run of the list, or one that cannot be read. */
export type Row = Run | UnreadableRun

/** True for a run that could be read. */
export function isRun(row: Row): row is Run {
  return row.status !== 'unreadable'
}

/** Metrics by name as numbers, of those that JSON holds as text too. */
export function metricsOf(metrics: JsonRun['metrics']): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Number(value)] as const),
  )
}

/** A run of the server's list with its metrics as numbers. */
export function rowOf(row: JsonRun | UnreadableRun): Row {
  return row.status === 'unreadable' ? row : { ...row, metrics: metricsOf(row.metrics) }
}

/** Kinds of columns with their headings, in the order in which they are offered. */
export const columnKinds = [
  ['attributes', 'Run'],
  ['metrics', 'Metrics'],
  ['params', 'Parameters'],
  ['tags', 'Tags'],
] as const

/** What a column shows. */
export type ColumnKind = (typeof columnKinds)[number][0]

/** Value of a cell: a number, text, or nothing. */
export type Cell = number | string | null

/** What a run tells of itself, by the name that the column has in its heading. */
const attributes: Readonly<Record<string, { title: string; of: (run: Run) => Cell }>> = {
  run_id: { title: 'Id', of: (run) => run.id },
  status: { title: 'Status', of: (run) => run.status },
  start_time: { title: 'Started', of: (run) => run.startedAt },
  duration: { title: 'Duration', of: (run) => durationMs(run, Date.now()) },
  experiment: { title: 'Experiment', of: (run) => run.experiment },
  model: {
    title: 'Model',
    of: (run) => (run.model ? `${run.model.name} ${run.model.version}` : null),
  },
  user: { title: 'User', of: (run) => run.user },
  source: { title: 'Source', of: (run) => run.source },
  commit: { title: 'Commit', of: (run) => run.commit?.hash ?? null },
}

/** Kind and name of a column. */
export function columnOf(key: string): { kind: ColumnKind; name: string } {
  const dot = key.indexOf('.')
  const kind = columnKinds.find(([kind]) => kind === key.slice(0, dot))?.[0] ?? 'attributes'
  return { kind, name: key.slice(dot + 1) }
}

/** The heading of a column. */
export function titleOf(key: string): string {
  const { kind, name } = columnOf(key)
  return kind === 'attributes' ? (own(attributes, name)?.title ?? name) : name
}

/** The value of a run in a column. */
export function cellOf(run: Run, key: string): Cell {
  const { kind, name } = columnOf(key)
  if (kind === 'metrics') return own(run.metrics, name) ?? null
  if (kind === 'params') return own(run.parameters, name) ?? null
  if (kind === 'tags') return own(run.tags, name) ?? null
  return name === 'name' ? run.name : (own(attributes, name)?.of(run) ?? null)
}

/** How long a run took, or has been running, milliseconds; null when nobody knows. */
export function durationMs(
  run: Pick<Run, 'startedAt' | 'endedAt' | 'status'>,
  now: number,
): number | null {
  if (run.endedAt === null && run.status !== 'running') return null
  const end = run.endedAt === null ? now : Date.parse(run.endedAt)
  return Math.max(0, end - Date.parse(run.startedAt))
}

/** Every column that any of the runs has a value for, by kind, then name. */
export function columnsOf(runs: readonly Run[]): string[] {
  const found = new Map<ColumnKind, Set<string>>(columnKinds.map(([kind]) => [kind, new Set()]))
  for (const run of runs) {
    for (const name of Object.keys(run.metrics)) found.get('metrics')?.add(name)
    for (const name of Object.keys(run.parameters)) found.get('params')?.add(name)
    for (const name of Object.keys(run.tags)) found.get('tags')?.add(name)
  }
  return columnKinds.flatMap(([kind]) => {
    if (kind === 'attributes') return Object.keys(attributes).map((name) => `${kind}.${name}`)
    return [...(found.get(kind) ?? [])].sort(byName.compare).map((name) => `${kind}.${name}`)
  })
}

// What tells the most about a training, the first three that are there.
const tellingMetrics = [
  /^validation\.rmse$/,
  /^train\.rmse$/,
  /^validation\.r2$/,
  /^val.*(rmse|loss|acc)/,
  /rmse$/,
  /loss/,
  /./,
]
const tellingParameters = [/^recipe$/, /^train_months$/, /^l2$/]

/** True when runs that have a value in a column differ in it. */
export function varies(runs: readonly Run[], key: string): boolean {
  return new Set(runs.flatMap((run) => cellOf(run, key) ?? [])).size > 1
}

/** The columns of a table before anyone has chosen. */
export function usualColumns(runs: readonly Run[]): string[] {
  const all = columnsOf(runs)
  const metrics = all.filter((key) => key.startsWith('metrics.'))
  const params = all.filter((key) => key.startsWith('params.'))
  const varying = params.filter((key) => varies(runs, key))
  const experiments = new Set(runs.map((run) => run.experiment)).size
  return [
    ...['attributes.status', 'attributes.start_time', 'attributes.duration'],
    ...(experiments > 1 ? ['attributes.experiment'] : []),
    ...firstOf(metrics, tellingMetrics, 3),
    ...new Set([...firstOf(params, tellingParameters, 3), ...varying].slice(0, 4)),
    ...(runs.some((run) => run.model !== null) ? ['attributes.model'] : []),
  ]
}

function firstOf(keys: readonly string[], patterns: readonly RegExp[], most: number): string[] {
  const found = patterns.flatMap((pattern) =>
    keys.filter((key) => pattern.test(columnOf(key).name)),
  )
  return [...new Set(found)].slice(0, most)
}

/** Names in the order in which people look for them: `step2` before `step10`. */
export const byName = new Intl.Collator('en', { numeric: true })

/** True when every value there is in a column is a number, also one that is kept as text. */
export function isNumeric(cells: readonly Cell[]): boolean {
  return cells.every((cell) => typeof cell !== 'string' || isNumber(cell))
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text))
}

/** Rows by a column, in its order; those without a value stand at the end either way. */
export function sorted(rows: readonly Row[], key: string, descending: boolean): Row[] {
  const cells = rows.map((row) => (isRun(row) ? cellOf(row, key) : null))
  const numeric = isNumeric(cells)
  const keyed = rows.map((row, i) => {
    const cell = cells[i] ?? null
    const missing = cell === null || Number.isNaN(numeric ? Number(cell) : 0)
    return { row, missing, cell: numeric && cell !== null ? Number(cell) : cell }
  })
  const times = key === 'attributes.start_time'
  const way = descending ? -1 : 1
  keyed.sort((a, b) => {
    if (a.missing || b.missing) return Number(a.missing) - Number(b.missing)
    if (typeof a.cell === 'number' && typeof b.cell === 'number') return way * (a.cell - b.cell)
    const [x, y] = [String(a.cell), String(b.cell)]
    // Times in ISO 8601 sort as they are, far faster than by the rules of a language.
    return way * (times ? Number(x > y) - Number(x < y) : byName.compare(x, y))
  })
  return keyed.map(({ row }) => row)
}

function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

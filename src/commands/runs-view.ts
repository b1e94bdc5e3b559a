/**
 * How a run looks: as a row of a table, as a page of text, and as JSON.
 * Knows nothing about where runs come from.
 */

import { shortDigest } from '../tracking/compare.ts'
import {
  type MetricPoint,
  metricToJson,
  type RunListing,
  type RunRecord,
  type RunSummary,
} from '../tracking/tracker.ts'
import type { Alignment, Io } from './io.ts'

type Colors = Io['colors']

/** Names and alignment of the columns of a list of runs; RMSE in minutes. */
export const listingHeader: readonly (readonly [string, Alignment])[] = [
  ['run', 'left'],
  ['status', 'left'],
  ['started (UTC)', 'left'],
  ['experiment', 'left'],
  ['recipe', 'left'],
  ['train rmse', 'right'],
  ['validation rmse', 'right'],
  ['model version', 'left'],
]

/** One run as cells below {@link listingHeader}; `-` where it has no value. */
export function listingCells(run: RunListing, colors: Colors): string[] {
  const state = statusText(run.status, colors)
  if (run.status === 'unreadable') return [run.id, state, '-', '-', '-', '-', '-', '-']
  return [
    run.id,
    state,
    timeText(run.startedAt),
    run.experiment,
    own(run.parameters, 'recipe') ?? run.name,
    rounded(own(run.metrics, 'train.rmse')),
    rounded(own(run.metrics, 'validation.rmse')),
    run.model?.version ?? '-',
  ]
}

/** A value of a comparison for people: numbers in full, `-` for none. */
export function valueText(value: string | number | null): string {
  return value === null ? '-' : String(value)
}

/** A value of a comparison for machines; see {@link metricToJson} for NaN and infinities. */
export function valueJson(value: string | number | null): string | number | null {
  return typeof value === 'number' ? metricToJson(value) : value
}

/** A run of a list for machines, with the names of fields as in run.json. */
export function listingJson(run: RunListing): Record<string, unknown> {
  if (run.status === 'unreadable') return { ...run }
  const { startedAt, endedAt, metrics, ...rest } = run
  return { ...rest, started_at: startedAt, ended_at: endedAt, metrics: mapValues(metrics) }
}

/** Everything about a run for machines: {@link listingJson}, history and artifacts. */
export function recordJson({ history, artifacts, ...run }: RunRecord): Record<string, unknown> {
  const points = (values: MetricPoint[]): unknown[] =>
    values.map((point) => ({ ...point, value: metricToJson(point.value) }))
  const plain = Object.entries(history).map(([name, values]) => [name, points(values)] as const)
  return { ...listingJson(run), history: Object.fromEntries(plain), artifacts }
}

/** Everything about a run as a page of text: headings, then a name and a value a line. */
export function recordText(run: RunRecord, colors: Colors): string {
  const metrics = Object.entries(run.metrics).map(([name, value]) => {
    const points = own(run.history, name) ?? []
    const steps = `  (${points.length} values, steps ${points[0]?.step} to ${points.at(-1)?.step})`
    return [name, `${value}${points.length > 1 ? steps : ''}`] as const
  })
  const datasets = run.datasets.map(
    ({ name, source, digest, context, rows }) =>
      [context, `${name}, ${rows} rows, ${shortDigest(digest)}, ${source}`] as const,
  )
  const artifacts = run.artifacts.map(({ path, bytes }) => [path, `${bytes} bytes`] as const)
  const sections = [
    [`run ${run.id}`, facts(run, colors)],
    ['parameters', sorted(Object.entries(run.parameters))],
    ['metrics', sorted(metrics)],
    ['tags', sorted(Object.entries(run.tags))],
    ['datasets', datasets],
    ['artifacts', artifacts],
  ] as const
  const lines = sections.flatMap(([heading, pairs]) => {
    const width = Math.max(0, ...pairs.map(([name]) => name.length))
    const rows = pairs.map(([name, value]) => `  ${colors.dim(name.padEnd(width))}  ${value}`)
    return rows.length > 0 ? [colors.bold(heading), ...rows] : []
  })
  return `${lines.join('\n')}\n`
}

function facts(run: RunSummary, colors: Colors): (readonly [string, string])[] {
  const { model, commit, startedAt, endedAt } = run
  const seconds = endedAt === null ? 0 : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  const all: (readonly [string, string | null])[] = [
    ['status', statusText(run.status, colors)],
    ['error', run.error],
    ['experiment', run.experiment],
    ['name', run.name === run.id ? null : run.name],
    ['started', `${timeText(startedAt)} UTC`],
    ['ended', endedAt && `${timeText(endedAt)} UTC, after ${seconds.toFixed(1)} s`],
    ['process', endedAt === null ? run.process : null],
    ['parent', run.parent],
    ['commit', commit && `${commit.hash}${commit.modified ? ', with changes since' : ''}`],
    ['model', model && `${model.name} ${model.version}, ${model.path}`],
    ['location', run.location],
  ]
  return all.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
}

function statusText(status: RunListing['status'], colors: Colors): string {
  if (status === 'finished') return colors.green(status)
  return status === 'running' ? colors.cyan(status) : colors.red(status)
}

function timeText(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}

/** To four decimals: 6 ms where the unit is minutes. */
function rounded(value: number | undefined): string {
  if (value === undefined) return '-'
  return Number.isFinite(value) ? value.toFixed(4) : String(value)
}

function mapValues(metrics: Readonly<Record<string, number>>): Record<string, number | string> {
  const plain = Object.entries(metrics).map(([name, value]) => [name, metricToJson(value)] as const)
  return Object.fromEntries(plain)
}

function sorted<T extends readonly [string, string]>(pairs: readonly T[]): T[] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A value by name, and not what every object inherits, such as `constructor`. */
function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

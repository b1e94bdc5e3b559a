/**
 * How a run looks: as a page of text, as rows of CSV and as JSON.
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
import type { Io } from './io.ts'
import type { Cell } from './runs-csv.ts'

type Colors = Io['colors']

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

/** Everything about a run for machines: {@link listingJson}, history, artifacts and children. */
export function recordJson(
  { history, artifacts, ...run }: RunRecord,
  children: readonly RunListing[],
): Record<string, unknown> {
  const points = (values: MetricPoint[]): unknown[] =>
    values.map((point) => ({ ...point, value: metricToJson(point.value) }))
  const plain = Object.entries(history).map(([name, values]) => [name, points(values)] as const)
  const whole = { ...listingJson(run), history: Object.fromEntries(plain), artifacts }
  return { ...whole, children: children.map(listingJson) }
}

/** Everything about a run as rows of a kind, a name and a value; metrics have their last. */
export function recordFacts(run: RunRecord, children: readonly RunListing[]): Cell[][] {
  const { startedAt, endedAt } = run
  const about = { ...Object.fromEntries(facts(run, (status) => status)), started: startedAt }
  const kinds: readonly (readonly [string, readonly (readonly [string, Cell])[]])[] = [
    ['run', [['id', run.id], ...Object.entries({ ...about, ...(endedAt && { ended: endedAt }) })]],
    ['parameter', sorted(Object.entries(run.parameters))],
    ['metric', sorted(Object.entries(run.metrics))],
    ['tag', sorted(Object.entries(run.tags))],
    ['dataset', datasetTexts(run)],
    ['artifact', run.artifacts.map(({ path, bytes }) => [path, bytes] as const)],
    ['child', children.map(({ id, status }) => [id, status] as const)],
  ]
  return kinds.flatMap(([kind, pairs]) => pairs.map(([name, value]) => [kind, name, value]))
}

/** Everything about a run as a page of text: headings, then a name and a value a line. */
export function recordText(
  run: RunRecord,
  children: readonly RunListing[],
  colors: Colors,
): string {
  const metrics = Object.entries(run.metrics).map(([name, value]) => {
    const points = own(run.history, name) ?? []
    const steps = `  (${points.length} values, steps ${points[0]?.step} to ${points.at(-1)?.step})`
    return [name, `${value}${points.length > 1 ? steps : ''}`] as const
  })
  const artifacts = run.artifacts.map(({ path, bytes }) => [path, `${bytes} bytes`] as const)
  const sections = [
    [`run ${run.id}`, facts(run, (status) => statusText(status, colors))],
    ['parameters', sorted(Object.entries(run.parameters))],
    ['metrics', sorted(metrics)],
    ['tags', sorted(Object.entries(run.tags))],
    ['datasets', datasetTexts(run)],
    ['artifacts', artifacts],
    ['children', children.map((child) => [child.id, childText(child, colors)] as const)],
  ] as const
  const lines = sections.flatMap(([heading, pairs]) => {
    const width = Math.max(0, ...pairs.map(([name]) => name.length))
    const rows = pairs.map(([name, value]) => `  ${colors.dim(name.padEnd(width))}  ${value}`)
    return rows.length > 0 ? [colors.bold(heading), ...rows] : []
  })
  return `${lines.join('\n')}\n`
}

function datasetTexts(run: RunSummary): (readonly [string, string])[] {
  return run.datasets.map(
    ({ name, source, digest, context, rows }) =>
      [context, `${name}, ${rows} rows, ${shortDigest(digest)}, ${source}`] as const,
  )
}

/** A run that is part of another, in one line. */
function childText(run: RunListing, colors: Colors): string {
  const status = statusText(run.status, colors)
  if (run.status === 'unreadable') return status
  const rmse = own(run.metrics, 'rmse')
  const name = run.name === run.id ? '' : `, ${run.name}`
  return `${status}${name}${rmse === undefined ? '' : `, rmse ${rounded(rmse)}`}`
}

function facts(
  run: RunSummary,
  state: (status: RunSummary['status']) => string,
): (readonly [string, string])[] {
  const { model, commit, startedAt, endedAt } = run
  const seconds = endedAt === null ? 0 : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  const all: (readonly [string, string | null])[] = [
    ['status', state(run.status)],
    ['error', run.error],
    ['experiment', run.experiment],
    ['name', run.name === run.id ? null : run.name],
    ['started', `${timeText(startedAt)} UTC`],
    ['ended', endedAt && `${timeText(endedAt)} UTC, after ${seconds.toFixed(1)} s`],
    ['process', endedAt === null ? run.process : null],
    ['user', run.user],
    ['source', run.source],
    ['parent', run.parent],
    ['commit', commit && `${commit.hash}${commit.modified ? ', with changes since' : ''}`],
    ['model', model && `${model.name} ${model.version}, ${model.path}`],
    ['location', run.location],
  ]
  return all.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
}

/** The state of a run, in its colour. */
export function statusText(status: RunListing['status'], colors: Colors): string {
  if (status === 'finished') return colors.green(status)
  return status === 'running' ? colors.cyan(status) : colors.red(status)
}

/** A time of a run for people: UTC, to the second. */
export function timeText(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}

/**
 * A metric for people: whole numbers in full, others to four decimals (6 ms where the unit is
 * minutes), or as many as a small one needs; `-` for none.
 */
export function rounded(value: number | undefined): string {
  if (value === undefined) return '-'
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value)
  return Math.abs(value) < 0.01 ? String(Number(value.toPrecision(3))) : value.toFixed(4)
}

function mapValues(metrics: Readonly<Record<string, number>>): Record<string, number | string> {
  const plain = Object.entries(metrics).map(([name, value]) => [name, metricToJson(value)] as const)
  return Object.fromEntries(plain)
}

function sorted<T extends readonly [string, unknown]>(pairs: readonly T[]): T[] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A value by name, and not what every object inherits, such as `constructor`. */
export function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

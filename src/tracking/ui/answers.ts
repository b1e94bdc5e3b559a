/**
 * What the page's server answers with: the shapes of its JSON, shared by both sides, and how runs
 * become them. Knows nothing about HTTP or how anything is shown.
 */

import {
  type MetricPoint,
  metricToJson,
  type RunListing,
  type RunRecord,
  type RunSummary,
  type UnreadableRun,
} from '../tracker.ts'
import { thinned } from './thinned.ts'

/** A metric as JSON holds it; `"NaN"`, `"Infinity"` and `"-Infinity"` are texts. */
export type JsonMetric = number | string

/** A run in the list. Parameters and tags are cut to {@link longestCell} characters. */
export interface JsonRun
  extends Omit<RunSummary, 'metrics' | 'datasets' | 'process' | 'location' | 'error'> {
  readonly metrics: Readonly<Record<string, JsonMetric>>
}

/** The answer of `GET /api/runs`. */
export interface RunsAnswer {
  /** Newest first. */
  readonly runs: readonly (JsonRun | UnreadableRun)[]
  /** True when there are more than were asked for. */
  readonly more: boolean
}

/** The values of one metric, by step. */
export interface JsonCurve {
  /** How many values the run has; more than there are here when they were thinned out. */
  readonly total: number
  readonly steps: readonly number[]
  readonly values: readonly JsonMetric[]
  /** When each was measured, seconds after the start of the run. */
  readonly seconds: readonly number[]
}

/** The answer of `GET /api/runs/:id`. */
export interface RunAnswer extends Omit<RunRecord, 'metrics' | 'history'> {
  readonly metrics: Readonly<Record<string, JsonMetric>>
  readonly curves: Readonly<Record<string, JsonCurve>>
}

/** A model of the registry. */
export interface JsonModel {
  readonly name: string
  /** Versions, newest first, with the time at which each was written, ISO 8601. */
  readonly versions: readonly { readonly version: string; readonly created: string }[]
  /** The version that each alias points to. */
  readonly aliases: Readonly<Record<string, string>>
}

/** The answer of `GET /api/models`. */
export interface ModelsAnswer {
  /** Null where the page has no registry. */
  readonly models: readonly JsonModel[] | null
}

/** The answer of `GET /api/about`. */
export interface AboutAnswer {
  /** Version of ridecast. */
  readonly version: string
  /** Where the runs are: a folder or an address. */
  readonly place: string
}

/** What every failure is answered with. */
export interface FaultAnswer {
  readonly code: string
  readonly message: string
}

/** Longest value of a parameter or tag in the list, characters; the run's own page has it all. */
export const longestCell = 200

/** Most values of a metric that are sent; far more than a chart has pixels. */
export const mostPoints = 2000

/** A run for the list. */
export function listedRun(run: RunListing): JsonRun | UnreadableRun {
  if (run.status === 'unreadable') return run
  const { datasets: _d, process: _p, location: _l, error: _e, ...rest } = run
  return {
    ...rest,
    tags: mapped(run.tags, cut),
    parameters: mapped(run.parameters, cut),
    metrics: mapped(run.metrics, metricToJson),
  }
}

/** Everything about a run, with long histories thinned out. */
export function wholeRun({ history, ...run }: RunRecord): RunAnswer {
  const start = Date.parse(run.startedAt)
  return {
    ...run,
    metrics: mapped(run.metrics, metricToJson),
    curves: mapped(history, (points) => curveOf(points, start)),
  }
}

function curveOf(points: readonly MetricPoint[], start: number): JsonCurve {
  const kept = thinned(points, mostPoints)
  return {
    total: points.length,
    steps: kept.map((point) => point.step),
    values: kept.map((point) => metricToJson(point.value)),
    seconds: kept.map((point) => (Date.parse(point.time) - start) / 1000),
  }
}

function mapped<T, U>(
  values: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, change(value)] as const),
  )
}

function cut(text: string): string {
  return text.length > longestCell ? `${text.slice(0, longestCell - 1)}…` : text
}

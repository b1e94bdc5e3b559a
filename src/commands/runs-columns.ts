/**
 * The columns of a list of runs: the usual ones, chosen ones, and all there are.
 * Knows nothing about where runs come from.
 */

import { type Field, fieldValue, parseField } from '../tracking/filter-field.ts'
import type { RunListing, RunSummary } from '../tracking/tracker.ts'
import type { Alignment, Io } from './io.ts'
import type { Cell } from './runs-csv.ts'
import { own, rounded, statusText, timeText } from './runs-view.ts'

/** One column of a list of runs. */
export interface Column {
  /** Its heading. */
  readonly name: string
  /** How a table aligns it. */
  readonly align: Alignment
  /** What a run has in it, in full. */
  readonly value: (run: RunSummary) => Cell
  /** The same for a table, where that differs. */
  readonly text?: (run: RunSummary) => string
}

const left = (name: string, value: Column['value']): Column => ({ name, align: 'left', value })
const start: Column = {
  ...left('start_time', (run) => run.startedAt),
  text: (run) => timeText(run.startedAt),
}

/** What a run has once, under the names of the filter language where it has one. */
const facts: readonly Column[] = [
  left('run_id', (run) => run.id),
  left('experiment', (run) => run.experiment),
  left('run_name', (run) => run.name),
  left('status', (run) => run.status),
  start,
  {
    ...left('end_time', (run) => run.endedAt),
    text: (run) => (run.endedAt === null ? '-' : timeText(run.endedAt)),
  },
  left('user_id', (run) => run.user),
  left('source', (run) => run.source),
  left('parent', (run) => run.parent),
  left('commit', (run) => run.commit?.hash ?? null),
  left('error', (run) => run.error),
  left('model', (run) => run.model && `${run.model.name}/${run.model.version}`),
]

/** A metric, rounded in a table. */
function metric(name: string, value: (run: RunSummary) => number | undefined): Column {
  return {
    name,
    align: 'right',
    value: (run) => value(run) ?? null,
    text: (run) => rounded(value(run)),
  }
}

/** The columns of a table unless others are chosen; errors are in minutes. */
export const usualColumns: readonly Column[] = [
  left('run', (run) => run.id),
  left('status', (run) => run.status),
  { ...start, name: 'started (UTC)' },
  left('experiment', (run) => run.experiment),
  left('recipe', (run) => own(run.parameters, 'recipe') ?? run.name),
  metric('train rmse', (run) => own(run.metrics, 'train.rmse')),
  // A training logs it as `rmse`; earlier ones knew it by the long name only.
  metric('rmse', (run) => own(run.metrics, 'rmse') ?? own(run.metrics, 'validation.rmse')),
  left('model version', (run) => run.model?.version ?? null),
]

/**
 * The columns that texts name, behind the id of the run: fields of the filter language, such as
 * `metrics.rmse`, or a fact such as `experiment`.
 *
 * @param texts names, several in one text with commas between them
 * @throws RidecastError `filter_invalid`
 */
export function chosenColumns(texts: readonly string[]): Column[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim())
  const chosen = names.map((name) => {
    return facts.find((fact) => fact.name === name) ?? fieldColumn(name, parseField(name))
  })
  return [left('run_id', (run) => run.id), ...chosen.filter(({ name }) => name !== 'run_id')]
}

function fieldColumn(name: string, field: Field): Column {
  if (field.entity === 'metric') return metric(name, (run) => own(run.metrics, field.key))
  const same = field.entity === 'attribute' && facts.find((fact) => fact.name === field.key)
  if (same) return { ...same, name }
  if (field.entity !== 'dataset') return left(name, (run) => fieldValue(run, field) ?? null)
  const key = field.key as 'name' | 'digest' | 'context'
  return left(name, (run) => run.datasets.map((dataset) => dataset[key]).join(', ') || null)
}

/** Every column that any of the runs has something in: facts, parameters, metrics, tags. */
export function allColumns(runs: readonly RunListing[]): Column[] {
  const readable = runs.filter((run) => run.status !== 'unreadable')
  const kinds = [
    ['params', 'parameters'],
    ['metrics', 'metrics'],
    ['tags', 'tags'],
  ] as const
  const named = kinds.flatMap(([prefix, kind]) => {
    const names = [...new Set(readable.flatMap((run) => Object.keys(run[kind])))].sort()
    return names.map((name) =>
      left(`${prefix}.${name}`, (run) => own<Cell>(run[kind], name) ?? null),
    )
  })
  return [...facts, ...named]
}

/** A run in full, one cell a column; of one that cannot be read its id, status and the reason. */
export function cells(columns: readonly Column[], run: RunListing): Cell[] {
  if (run.status !== 'unreadable') return columns.map((column) => column.value(run))
  const known: Record<string, string> = { run_id: run.id, status: run.status, error: run.reason }
  return columns.map(({ name }) => own(known, name) ?? null)
}

/** A run for a table, one text a column, `-` where it has no value. */
export function cellTexts(
  columns: readonly Column[],
  run: RunListing,
  colors: Io['colors'],
): string[] {
  return columns.map(({ name, value, text }, i) => {
    if (name === 'status') return statusText(run.status, colors)
    if (run.status === 'unreadable') return i === 0 ? run.id : '-'
    return text?.(run) ?? String(value(run) ?? '-')
  })
}

/** One cell of the table of runs, and how wide its column is. */

import type { JSX } from 'preact'
import type { JsonModel } from '../answers.ts'
import {
  type Cell,
  cellOf,
  columnOf,
  isNumeric,
  isRun,
  type Row,
  type Run,
  titleOf,
} from './columns.ts'
import { columnFormat, duration, fullNumber, localTime } from './format.ts'
import { Status } from './icons.tsx'

/** How a column is drawn. */
export interface Column {
  readonly key: string
  readonly title: string
  /** Numbers stand at the right, so that their decimal points are below each other. */
  readonly numeric: boolean
  /** Width in digits. */
  readonly width: number
  /** Text of a value. */
  readonly text: (cell: Cell) => string
}

// Rows that widths are measured on: a column that jumps while scrolling is worse than an ellipsis.
const measured = 400
const widest = 40

/** How a column of these rows is drawn. */
export function columnFor(key: string, rows: readonly Row[]): Column {
  const cells = rows.filter(isRun).map((run) => cellOf(run, key))
  const text = textOf(key, cells)
  const longest = Math.max(...cells.slice(0, measured).map((cell) => text(cell).length), 0)
  const title = titleOf(key)
  const { kind, name } = columnOf(key)
  const numeric =
    kind === 'metrics' || name === 'duration' || (kind !== 'attributes' && isNumeric(cells))
  // The heading has an arrow beside it, and is of narrower letters than digits.
  const width = Math.min(widest, Math.max(longest + extra(key), title.length * 0.95 + 2, 6))
  return { key, title, numeric, width, text }
}

/** Room for what stands beside the text: the mark of a status, aliases of a model. */
function extra(key: string): number {
  if (key === 'attributes.status') return 3
  return key === 'attributes.model' ? 11 : 0
}

function textOf(key: string, cells: readonly Cell[]): (cell: Cell) => string {
  const { kind, name } = columnOf(key)
  if (kind === 'metrics') {
    const format = columnFormat(cells.filter((cell) => typeof cell === 'number'))
    return (cell) => (typeof cell === 'number' ? format(cell) : '')
  }
  if (kind !== 'attributes') return (cell) => String(cell ?? '')
  if (name === 'start_time') return (cell) => localTime(String(cell ?? ''))
  if (name === 'duration') return (cell) => (typeof cell === 'number' ? duration(cell) : '')
  if (name === 'commit') return (cell) => String(cell ?? '').slice(0, 10)
  return (cell) => String(cell ?? '')
}

/** The content of a cell. */
export function CellContent({
  run,
  column,
  models,
}: {
  run: Run
  column: Column
  models: readonly JsonModel[]
}): JSX.Element {
  const cell = cellOf(run, column.key)
  if (column.key === 'attributes.status') return <Status status={run.status} />
  if (cell === null) return <span class="none">–</span>
  if (column.key === 'attributes.model') return <ModelCell run={run} models={models} />
  const full =
    typeof cell === 'number' && column.key !== 'attributes.duration'
      ? fullNumber(cell)
      : String(cell)
  const title = column.key === 'attributes.duration' ? undefined : full
  return <span title={title}>{column.text(cell)}</span>
}

function ModelCell({ run, models }: { run: Run; models: readonly JsonModel[] }): JSX.Element {
  const { name = '', version = '' } = run.model ?? {}
  return (
    <span title={`${name} ${version}`}>
      {aliasesOf(models, name, version).map((alias) => (
        <span class="alias" key={alias}>
          {alias}
        </span>
      ))}
      {name} <code>{version}</code>
    </span>
  )
}

/** The aliases that point to a version. */
export function aliasesOf(models: readonly JsonModel[], name: string, version: string): string[] {
  const { aliases = {} } = models.find((model) => model.name === name) ?? {}
  return Object.keys(aliases).filter((alias) => aliases[alias] === version)
}

/**
 * The table of runs: sorted by any column, parts below their run, and of thousands of rows only
 * those drawn that are in sight.
 */

import type { JSX } from 'preact'
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { JsonModel } from '../answers.ts'
import { CellContent, type Column, columnFor } from './cell.tsx'
import { isRun, type Row } from './columns.ts'
import { Chevron, Status } from './icons.tsx'
import { Link, runHref } from './location.tsx'
import { type TreeRow, treeRows } from './tree.ts'

/** What is done with the table. */
export interface TableActions {
  /** Sorts by a column, or the other way when it is sorted by it. */
  sort(key: string): void
  /** Chooses a run for comparison, or takes it back. */
  choose(id: string): void
  /** Shows the parts of a run, or hides them. */
  unfold(id: string): void
}

/** What the table shows. */
export interface TableProps {
  /** In their order. */
  readonly rows: readonly Row[]
  /** Keys of columns in their order. */
  readonly columns: readonly string[]
  readonly sort: string
  readonly descending: boolean
  /** Null shows parts among the others. */
  readonly open: ReadonlySet<string> | null
  readonly chosen: readonly string[]
  readonly models: readonly JsonModel[]
  readonly actions: TableActions
}

const rowHeight = 34
// Drawn above and below what is in sight, so that scrolling shows no gap.
const spare = 16
// Pixels that are scrolled before other rows are drawn; less than what is spare.
const step = 6 * rowHeight
// Where the table was scrolled to, for the way back from a run.
const keptScroll = { of: '', top: 0 }

/** The table, which scrolls in itself and fills what its place leaves it. */
export function RunTable(props: TableProps): JSX.Element {
  const { rows, columns, open, sort, descending } = props
  const lines = useMemo(() => {
    return open === null
      ? rows.map((row) => ({ row, depth: 0, parts: 0, open: false }))
      : treeRows(rows, open)
  }, [rows, open])
  const drawn = useMemo(() => columns.map((key) => columnFor(key, rows)), [columns, rows])
  const box = useRef<HTMLElement>(null)
  const { first, last } = useWindow(box, lines.length)
  const shown = lines.slice(first, last)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section class="table-box" ref={box} aria-label="Runs" tabIndex={0}>
      <table class="runs" aria-rowcount={lines.length + 1}>
        <colgroup>
          <col class="name" />
          {drawn.map(({ key, width }) => (
            <col key={key} style={{ width: `calc(${width}ch + 24px)` }} />
          ))}
          <col />
        </colgroup>
        <thead>
          <tr>
            <SortHead column={{ key: 'attributes.name', title: 'Run' }} {...props} />
            {drawn.map((column) => (
              <SortHead key={column.key} column={column} {...props} />
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {shown.map((line, i) => (
            <Line key={line.row.id} line={line} at={first + i} drawn={drawn} {...props} />
          ))}
          <Gap rows={lines.length - last} />
        </tbody>
      </table>
      <span class="unseen" role="status">
        {`sorted by ${sort}, ${descending ? 'descending' : 'ascending'}`}
      </span>
    </section>
  )
}

/** Which lines are in sight, with some to spare. */
function useWindow(
  box: { current: HTMLElement | null },
  lines: number,
): { first: number; last: number } {
  const [{ top, height }, setSight] = useState({ top: 0, height: 800 })
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const look = (): void => {
      // In steps: within one of them nothing is drawn anew.
      const top = element.scrollTop - (element.scrollTop % step)
      setSight((sight) =>
        sight.top === top && sight.height === element.clientHeight
          ? sight
          : { top, height: element.clientHeight },
      )
      Object.assign(keptScroll, { of: window.location.href, top: element.scrollTop })
    }
    if (keptScroll.of === window.location.href) element.scrollTop = keptScroll.top
    look()
    element.addEventListener('scroll', look, { passive: true })
    const resized = new ResizeObserver(look)
    resized.observe(element)
    return () => {
      element.removeEventListener('scroll', look)
      resized.disconnect()
    }
  }, [])
  const first = Math.max(0, Math.floor(top / rowHeight) - spare)
  const last = Math.min(lines, Math.ceil((top + height) / rowHeight) + spare)
  return { first: Math.min(first, last), last }
}

function Gap({ rows }: { rows: number }): JSX.Element | null {
  if (rows === 0) return null
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row without a cell that takes the focus
    <tr aria-hidden="true">
      <td style={{ height: `${rows * rowHeight}px`, padding: 0, border: 0 }} />
    </tr>
  )
}

function SortHead({
  column,
  sort,
  descending,
  actions,
}: Pick<TableProps, 'sort' | 'descending' | 'actions'> & {
  column: Pick<Column, 'key' | 'title'> & Partial<Column>
}): JSX.Element {
  const isSorted = sort === column.key
  const way = descending ? 'descending' : 'ascending'
  return (
    <th
      scope="col"
      class={column.numeric ? 'number' : undefined}
      aria-sort={isSorted ? way : 'none'}
    >
      <button type="button" title={column.title} onClick={() => actions.sort(column.key)}>
        <span>{column.title}</span>
        <span class="arrow" aria-hidden="true">
          {isSorted ? (descending ? '↓' : '↑') : ''}
        </span>
      </button>
    </th>
  )
}

function Line({
  line,
  at,
  drawn,
  chosen,
  models,
  actions,
}: TableProps & {
  line: TreeRow
  at: number
  drawn: readonly Column[]
}): JSX.Element {
  const { row } = line
  const isChosen = chosen.includes(row.id)
  return (
    <tr aria-rowindex={at + 2} class={isChosen ? 'chosen' : undefined}>
      <NameCell line={line} isChosen={isChosen} actions={actions} />
      {isRun(row) ? (
        drawn.map((column) => (
          <td key={column.key} class={column.numeric ? 'number' : undefined}>
            <CellContent run={row} column={column} models={models} />
          </td>
        ))
      ) : (
        <td colSpan={drawn.length} class="reason" title={row.reason}>
          <Status status="unreadable" /> {row.reason}
        </td>
      )}
      <td />
    </tr>
  )
}

function NameCell({
  line: { row, depth, parts, open },
  isChosen,
  actions,
}: {
  line: TreeRow
  isChosen: boolean
  actions: TableActions
}): JSX.Element {
  const name = isRun(row) ? row.name : row.id
  return (
    <th scope="row">
      <div class="name" style={{ paddingLeft: `${Math.min(depth, 6) * 18}px` }}>
        <input
          type="checkbox"
          checked={isChosen}
          disabled={!isRun(row)}
          aria-label={`choose ${name}`}
          onChange={() => actions.choose(row.id)}
        />
        {isRun(row) ? (
          <Link href={runHref(row.id)} title={name === row.id ? name : `${name} (${row.id})`}>
            {name}
          </Link>
        ) : (
          <span title={row.id}>{row.id}</span>
        )}
        {parts > 0 && (
          <button
            type="button"
            class="parts"
            aria-expanded={open}
            aria-label={`${parts} parts of ${name}`}
            onClick={() => actions.unfold(row.id)}
          >
            <Chevron open={open} />
            {parts}
          </button>
        )}
      </div>
    </th>
  )
}

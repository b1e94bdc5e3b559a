/** Runs below the runs that they are a part of. Knows nothing about how they are drawn. */

import { isRun, type Row } from './columns.ts'

/** One line of the table. */
export interface TreeRow {
  readonly row: Row
  /** 0 for a run that is not shown below another. */
  readonly depth: number
  /** How many runs are parts of it. */
  readonly parts: number
  /** True when those are shown. */
  readonly open: boolean
}

/**
 * Lines of a table: each run, and where it is open, its parts below it in the same order.
 *
 * @param rows in the order of the table; a run whose parent is not among them stands by itself
 * @param open ids of runs whose parts are shown
 */
export function treeRows(rows: readonly Row[], open: ReadonlySet<string>): TreeRow[] {
  const there = new Set(rows.map((row) => row.id))
  const parts = new Map<string, Row[]>()
  for (const row of rows) {
    const parent = parentOf(row)
    if (parent === null || !there.has(parent)) continue
    const siblings = parts.get(parent)
    if (siblings) siblings.push(row)
    else parts.set(parent, [row])
  }
  const lines: TreeRow[] = []
  const reached = new Set<string>()
  const reach = (row: Row, depth: number, shown: boolean): void => {
    if (reached.has(row.id)) return
    reached.add(row.id)
    const below = parts.get(row.id) ?? []
    const isOpen = open.has(row.id)
    if (shown) lines.push({ row, depth, parts: below.length, open: isOpen })
    for (const part of below) reach(part, depth + 1, shown && isOpen)
  }
  for (const row of rows) {
    const parent = parentOf(row)
    if (parent === null || !there.has(parent)) reach(row, 0, true)
  }
  // Records that name each other as parents hang on no run: they stand by themselves.
  for (const row of rows) reach(row, 0, true)
  return lines
}

function parentOf(row: Row): string | null {
  return isRun(row) && row.parent !== row.id ? row.parent : null
}

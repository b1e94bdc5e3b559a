/** The list of runs, kept up to date. Knows nothing about how it is shown. */

import { useMemo, useRef } from 'preact/hooks'
import type { RunsAnswer } from '../answers.ts'
import { type ApiError, useLive } from './api.ts'
import { isRun, type Row, rowOf } from './columns.ts'

/** The runs that fit a filter. */
export interface Runs {
  /** Newest first; undefined until the first answer. */
  readonly rows: readonly Row[] | undefined
  /** True when there are more than were asked for. */
  readonly more: boolean
  /** True when the rows are those of another filter, while the answer is on its way. */
  readonly stale: boolean
  readonly error: ApiError | undefined
}

/**
 * The runs that fit a filter, asked for again every 2 s while one is running, else every 10 s,
 * and never so often that the server spends more than a tenth of its time on it.
 *
 * @param limit most runs; null for the server's usual number
 */
export function useRuns(filter: string, limit: string | null): Runs {
  const query = new URLSearchParams()
  if (filter !== '') query.set('filter', filter)
  if (limit !== null) query.set('limit', limit)
  const { value, error } = useLive<RunsAnswer>(`/api/runs?${query}`, ({ runs }, tookMs) => {
    const usual = runs.some((run) => run.status === 'running') ? 2000 : 10_000
    return Math.max(usual, 10 * tookMs)
  })
  const rows = useMemo(() => value?.runs.map(rowOf), [value])
  // The rows of the filter before stay until there are others, also when the filter is wrong.
  const last = useRef<{ rows: readonly Row[]; more: boolean } | null>(null)
  if (rows && value) last.current = { rows, more: value.more }
  return {
    rows: last.current?.rows,
    more: last.current?.more ?? false,
    stale: rows === undefined,
    error,
  }
}

/** The runs among the rows that could be read. */
export function readable(rows: readonly Row[]): Extract<Row, { experiment: string }>[] {
  return rows.filter(isRun)
}

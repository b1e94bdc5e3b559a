/** What is chosen in the list of runs, kept in the address. Knows nothing about runs. */

import type { Place } from './location.tsx'

/** What the list shows and how. */
export interface ListState {
  /** In the filter language; empty for all. */
  readonly filter: string
  /** Only runs of this experiment; empty for all. */
  readonly experiment: string
  /** Column that the rows are sorted by. */
  readonly sort: string
  readonly descending: boolean
  /** Columns in their order; null where nobody has chosen. */
  readonly columns: readonly string[] | null
  /** True when parts stand among the others instead of below their run. */
  readonly flat: boolean
  /** Ids of runs whose parts are shown. */
  readonly open: ReadonlySet<string>
  /** Ids of runs that are chosen to be compared. */
  readonly chosen: readonly string[]
  /** How many runs are asked for; null for the usual number. */
  readonly limit: string | null
}

const columnsKept = 'ridecast-runs-columns'

/** The state that an address holds; columns that it does not name are those chosen last. */
export function listStateOf({ query }: Place): ListState {
  const columns = query.getAll('col')
  return {
    filter: query.get('filter') ?? '',
    experiment: query.get('experiment') ?? '',
    sort: query.get('sort') ?? 'attributes.start_time',
    descending: query.get('order') !== 'asc',
    columns: columns.length > 0 ? columns : keptColumns(),
    flat: query.has('flat'),
    open: new Set(query.getAll('open')),
    chosen: query.getAll('run'),
    limit: query.get('limit'),
  }
}

/** Keeps columns for the next visit; null forgets them. */
export function keepColumns(columns: readonly string[] | null): void {
  try {
    if (columns === null) window.localStorage.removeItem(columnsKept)
    else window.localStorage.setItem(columnsKept, JSON.stringify(columns))
  } catch {
    // A browser that keeps nothing still has them in the address.
  }
}

function keptColumns(): string[] | null {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(columnsKept) ?? 'null')
    return Array.isArray(kept) && kept.every((one) => typeof one === 'string') ? kept : null
  } catch {
    return null
  }
}

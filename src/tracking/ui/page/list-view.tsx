/** The list of runs, as a table or as a scatter, with the filter and choices that both share. */

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { useAbout, useModels } from './api.ts'
import { ColumnMenu } from './column-menu.tsx'
import { columnsOf, isRun, type Row, type Run, sorted, usualColumns } from './columns.ts'
import { FilterBox } from './filter-box.tsx'
import { count } from './format.ts'
import { type ListState, listStateOf } from './list-state.ts'
import { go, hrefWith, Link, type Place } from './location.tsx'
import { RunTable, type TableActions } from './run-table.tsx'
import { type Runs, useRuns } from './runs.ts'
import { Scatter } from './scatter.tsx'

/** The view at `/` and at `/scatter`. */
export function ListView({ place }: { place: Place }): JSX.Element {
  const state = listStateOf(place)
  const runs = useRuns(state.filter, state.limit)
  const models = useModels().value?.models ?? []
  const rows = useMemo(() => {
    const { experiment } = state
    return (runs.rows ?? []).filter(
      (row) => experiment === '' || (isRun(row) && row.experiment === experiment),
    )
  }, [runs.rows, state.experiment])
  const readable = useMemo(() => rows.filter(isRun), [rows])
  const columns = useMemo(
    () => state.columns ?? usualColumns(readable),
    [state.columns?.join('\n'), readable],
  )
  const scatter = place.path === '/scatter'
  return (
    <main class={runs.stale ? 'list stale' : 'list'}>
      <h1 class="unseen">Runs</h1>
      <div class="toolbar">
        <FilterBox
          filter={state.filter}
          error={runs.error?.code === 'filter_invalid' ? runs.error : undefined}
          runs={readable}
        />
        <ExperimentChoice rows={runs.rows ?? []} experiment={state.experiment} />
        {!scatter && <ColumnMenu all={columnsOf(readable)} shown={columns} />}
        {!scatter && <PartsChoice rows={readable} flat={state.flat} />}
      </div>
      {runs.error && runs.error.code !== 'filter_invalid' && (
        <p class="fault notice" role="alert">
          {runs.error.message}
        </p>
      )}
      <Unreadable rows={rows} />
      {rows.length === 0 ? (
        <Nothing runs={runs} state={state} />
      ) : scatter ? (
        <Scatter runs={readable} place={place} />
      ) : (
        <Table rows={rows} columns={columns} state={state} models={models} />
      )}
      <Footer runs={runs} rows={rows} state={state} />
    </main>
  )
}

function Table({
  rows,
  columns,
  state,
  models,
}: {
  rows: readonly Row[]
  columns: readonly string[]
  state: ListState
  models: Parameters<typeof RunTable>[0]['models']
}): JSX.Element {
  const { sort, descending, flat, open, chosen } = state
  const ordered = useMemo(() => sorted(rows, sort, descending), [rows, sort, descending])
  const actions: TableActions = {
    sort: (key) => {
      // First the newest; of all else the smallest, since errors are what is mostly sorted by.
      const way = key === sort ? !descending : key === 'attributes.start_time'
      go(hrefWith({ sort: key, order: way ? 'desc' : 'asc' }), 'replace')
    },
    choose: (id) => go(hrefWith({ run: toggled(chosen, id) }), 'replace'),
    unfold: (id) => go(hrefWith({ open: toggled([...open], id) }), 'replace'),
  }
  return (
    <RunTable
      rows={ordered}
      columns={columns}
      sort={sort}
      descending={descending}
      open={flat ? null : open}
      chosen={chosen}
      models={models}
      actions={actions}
    />
  )
}

function toggled(ids: readonly string[], id: string): string[] {
  return ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]
}

function ExperimentChoice({
  rows,
  experiment,
}: {
  rows: readonly Row[]
  experiment: string
}): JSX.Element | null {
  const names = new Set(rows.filter(isRun).map((run) => run.experiment))
  if (experiment !== '') names.add(experiment)
  if (names.size < 2) return null
  return (
    <select
      aria-label="Experiment"
      value={experiment}
      onChange={(event) => go(hrefWith({ experiment: event.currentTarget.value || null }))}
    >
      <option value="">All experiments</option>
      {[...names].sort().map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  )
}

function PartsChoice({ rows, flat }: { rows: readonly Run[]; flat: boolean }): JSX.Element | null {
  if (!rows.some((run) => run.parent !== null)) return null
  return (
    <label class="check" title="Trials of a sweep below it, or among all runs">
      <input
        type="checkbox"
        checked={!flat}
        onChange={() => go(hrefWith({ flat: flat ? null : '1' }), 'replace')}
      />
      Nest parts
    </label>
  )
}

function Unreadable({ rows }: { rows: readonly Row[] }): JSX.Element | null {
  const faults = rows.flatMap((row) => (isRun(row) ? [] : [row]))
  if (faults.length === 0) return null
  return (
    <details class="notice">
      <summary>{count(faults.length, 'run')} cannot be read</summary>
      <ul>
        {faults.slice(0, 50).map(({ id, reason }) => (
          <li key={id}>{reason}</li>
        ))}
      </ul>
    </details>
  )
}

/** What is shown in place of rows. */
function Nothing({ runs, state }: { runs: Runs; state: ListState }): JSX.Element {
  const about = useAbout().value
  if (runs.rows === undefined && runs.error === undefined) {
    return <p class="empty">Reading runs …</p>
  }
  if (state.filter !== '' || state.experiment !== '') {
    return (
      <div class="empty">
        <p>{runs.error ? 'The filter cannot be understood.' : 'No run fits.'}</p>
        <Link href={hrefWith({ filter: null, experiment: null })}>Show all runs</Link>
      </div>
    )
  }
  return (
    <div class="empty">
      <p>No runs in {about?.place ?? 'this store'} yet. Make one:</p>
      <pre>ridecast train 2021-01</pre>
      <p class="quiet">It appears here by itself.</p>
    </div>
  )
}

function Footer({
  runs,
  rows,
  state: { chosen, limit },
}: {
  runs: Runs
  rows: readonly Row[]
  state: ListState
}): JSX.Element {
  const running = rows.filter((row) => row.status === 'running').length
  const compare = new URLSearchParams(chosen.map((id) => ['run', id]))
  const more = String(2 * (Number(limit) || 5000))
  return (
    <footer>
      <span aria-live="polite">
        {runs.rows === undefined ? '' : count(rows.length, 'run')}
        {running > 0 && `, ${running} running`}
      </span>
      {runs.more && (
        <Link href={hrefWith({ limit: more })} class="quiet">
          There are older ones: read up to {Number(more).toLocaleString('en-US')}
        </Link>
      )}
      <span class="choice">
        {chosen.length > 0 && (
          <>
            {chosen.length} chosen
            <button type="button" onClick={() => go(hrefWith({ run: null }), 'replace')}>
              None
            </button>
          </>
        )}
        {chosen.length >= 2 ? (
          <Link class="button primary" href={`/compare?${compare}`}>
            Compare
          </Link>
        ) : (
          <span class="quiet">Choose two or more to compare</span>
        )}
      </span>
    </footer>
  )
}

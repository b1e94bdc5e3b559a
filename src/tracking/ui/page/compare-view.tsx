/** Chosen runs beside each other: what tells them apart, and their curves in common charts. */

import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type ComparedRow, compareRuns } from '../../compare.ts'
import type { RunAnswer } from '../answers.ts'
import { ApiError, getTagged } from './api.ts'
import { seriesStyle, useColors } from './chart.tsx'
import { durationMs, metricsOf } from './columns.ts'
import { Curves, hasCurves } from './curves.tsx'
import { difference, duration, fullNumber, localTime, shortNumber } from './format.ts'
import { Status } from './icons.tsx'
import { go, hrefWith, Link, type Place, runHref } from './location.tsx'

type Read = RunAnswer | ApiError

// Requests at once; a browser does not send more to one server anyway.
const atOnce = 6

/** Reads runs by id, in their order, each once; undefined until all have been asked for. */
function useRunsById(ids: readonly string[]): readonly Read[] | undefined {
  const [read, setRead] = useState<ReadonlyMap<string, Read>>(new Map())
  const missing = ids.filter((id) => !read.has(id))
  useEffect(() => {
    if (missing.length === 0) return
    let left = false
    void readAll(missing).then((runs) => {
      if (!left) setRead(new Map([...read, ...runs]))
    })
    return () => {
      left = true
    }
  }, [ids.join('\n')])
  return missing.length > 0 ? undefined : ids.flatMap((id) => read.get(id) ?? [])
}

async function readAll(ids: readonly string[]): Promise<(readonly [string, Read])[]> {
  const runs: (readonly [string, Read])[] = []
  for (let from = 0; from < ids.length; from += atOnce) {
    const some = ids.slice(from, from + atOnce)
    runs.push(...(await Promise.all(some.map(async (id) => [id, await readOne(id)] as const))))
  }
  return runs
}

async function readOne(id: string): Promise<Read> {
  try {
    const answer = await getTagged<RunAnswer>(`/api/runs/${encodeURIComponent(id)}`)
    return answer?.body ?? new ApiError({ code: 'internal', message: `run ${id} has no answer` })
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

/** The view at `/compare?run=...&run=...`. */
export function CompareView({ place }: { place: Place }): JSX.Element {
  const ids = [...new Set(place.query.getAll('run'))]
  const read = useRunsById(ids)
  const runs = (read ?? []).flatMap((run) => (run instanceof ApiError ? [] : [run]))
  const faults = (read ?? []).flatMap((run) => (run instanceof ApiError ? [run] : []))
  return (
    <main class="compare">
      <h1 tabIndex={-1}>Comparison</h1>
      {faults.map((fault) => (
        <p class="fault notice" role="alert" key={fault.message}>
          {fault.message}
        </p>
      ))}
      {ids.length === 0 ? (
        <p>
          Choose runs in the <Link href="/">table</Link> to see them beside each other.
        </p>
      ) : read === undefined ? (
        <p class="quiet">Reading runs …</p>
      ) : (
        <Comparison runs={runs} place={place} />
      )}
    </main>
  )
}

function Comparison({ runs, place }: { runs: readonly RunAnswer[]; place: Place }): JSX.Element {
  const all = place.query.has('all')
  const rows = compareRuns(runs.map((run) => ({ ...run, metrics: metricsOf(run.metrics) })))
  const shown = rows.filter((row) => all || row.differs)
  // What all runs have comes first: there is something to compare.
  shown.sort((a, b) => missingIn(a) - missingIn(b))
  const same = rows.filter((row) => !row.differs).length
  return (
    <>
      <div class="toolbar">
        <label class="check">
          <input
            type="checkbox"
            checked={all}
            onChange={() => go(hrefWith({ all: all ? null : '1' }), 'replace')}
          />
          Also the {same} that are the same
        </label>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section class="scrolls compared" aria-label="Differences" tabIndex={0}>
        <table class="plain">
          <Heads runs={runs} />
          <Rows heading="About" rows={aboutOf(runs).filter((row) => all || differs(row.values))} />
          {groups.map(([kind, heading]) => (
            <Rows key={kind} heading={heading} rows={shown.filter((row) => row.kind === kind)} />
          ))}
        </table>
      </section>
      {shown.length === 0 && (
        <p class="quiet">They do not differ in any parameter, metric or dataset.</p>
      )}
      {runs.some(hasCurves) && (
        <section aria-label="Curves">
          <h2>Curves</h2>
          <Curves runs={runs} place={place} />
        </section>
      )}
    </>
  )
}

const groups = [
  ['metric', 'Metrics'],
  ['parameter', 'Parameters'],
  ['dataset', 'Datasets'],
] as const

function Heads({ runs }: { runs: readonly RunAnswer[] }): JSX.Element {
  const colors = useColors()
  const ids = runs.map((run) => run.id)
  return (
    <thead>
      <tr>
        <td />
        {runs.map((run, n) => {
          const { color, dash } = seriesStyle(colors, n)
          return (
            <th key={run.id} scope="col">
              <svg class="line" viewBox="0 0 24 4" aria-hidden="true">
                <path d="M0 2h24" style={{ stroke: color, strokeDasharray: dash.join(' ') }} />
              </svg>
              <span class="compared-run">
                <Link href={runHref(run.id)}>{run.name}</Link>
                <button
                  type="button"
                  aria-label={`take ${run.name} out of the comparison`}
                  onClick={() =>
                    go(hrefWith({ run: ids.filter((id) => id !== run.id) }), 'replace')
                  }
                >
                  ×
                </button>
              </span>
              <Status status={run.status} />
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

type Row = Pick<ComparedRow, 'name' | 'values'>

function aboutOf(runs: readonly RunAnswer[]): Row[] {
  const now = Date.now()
  const took = (run: RunAnswer): string | null => {
    const ms = durationMs(run, now)
    return ms === null ? null : duration(ms)
  }
  return [
    { name: 'Experiment', values: runs.map((run) => run.experiment) },
    { name: 'Started', values: runs.map((run) => localTime(run.startedAt)) },
    { name: 'Duration', values: runs.map(took) },
    { name: 'Commit', values: runs.map((run) => run.commit?.hash.slice(0, 10) ?? null) },
    {
      name: 'Model',
      values: runs.map((run) => run.model && `${run.model.name} ${run.model.version}`),
    },
  ]
}

function missingIn({ values }: Row): number {
  return values.filter((value) => value === null).length
}

function differs(values: Row['values']): boolean {
  return values.some((value) => value !== values[0])
}

function Rows({ heading, rows }: { heading: string; rows: readonly Row[] }): JSX.Element | null {
  if (rows.length === 0) return null
  const width = (rows[0]?.values.length ?? 0) + 1
  return (
    <tbody>
      <tr class="group">
        <th scope="colgroup" colSpan={width}>
          <span>{heading}</span>
        </th>
      </tr>
      {rows.map(({ name, values }) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          {values.map((value, n) => (
            <td key={n}>
              <Value value={value} base={n === 0 ? null : (values[0] ?? null)} />
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  )
}

function Value({
  value,
  base,
}: {
  value: string | number | null
  base: string | number | null
}): JSX.Element {
  if (value === null) return <span class="none">–</span>
  if (typeof value === 'string') return <div class="value">{value}</div>
  return (
    <span title={fullNumber(value)}>
      {shortNumber(value, 6)}
      {typeof base === 'number' && (
        <span class="quiet by" title="against the first run">
          {difference(value, base)}
        </span>
      )}
    </span>
  )
}

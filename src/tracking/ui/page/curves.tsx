/** Metrics over their steps: one chart a metric, one line a run. */

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { JsonCurve } from '../answers.ts'
import {
  axis,
  ChartBox,
  type ChartConfiguration,
  type ChartDataset,
  type Colors,
  seriesStyle,
  tooltip,
  useColors,
} from './chart.tsx'
import { byName } from './columns.ts'
import { count, duration, shortNumber } from './format.ts'
import { go, hrefWith, type Place } from './location.tsx'

/** A run as far as its curves need it. */
export interface CurvedRun {
  readonly name: string
  readonly curves: Readonly<Record<string, JsonCurve>>
}

// So many charts are drawn at once; more are asked for.
const atOnce = 24

/** True when a run has a metric with more than one value. */
export function hasCurves({ curves }: CurvedRun): boolean {
  return Object.values(curves).some(({ total }) => total > 1)
}

/** All curves of the runs, with a choice of scale and of what runs across. */
export function Curves({ runs, place }: { runs: readonly CurvedRun[]; place: Place }): JSX.Element {
  const [search, setSearch] = useState('')
  const [most, setMost] = useState(atOnce)
  const names = new Set(
    runs.flatMap(({ curves }) =>
      Object.keys(curves).filter((name) => (curves[name]?.total ?? 0) > 1),
    ),
  )
  const all = [...names].sort(byName.compare)
  const found = all.filter((name) => name.toLowerCase().includes(search.trim().toLowerCase()))
  const [log, time] = [place.query.has('logy'), place.query.has('time')]
  return (
    <>
      <div class="toolbar">
        <Switch name="logy" on={log} label="Logarithmic" />
        <Switch name="time" on={time} label="Over time, not steps" />
        {all.length > 6 && (
          <input
            type="text"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
            placeholder="Find a metric"
            aria-label="Find a metric"
          />
        )}
      </div>
      <div class="charts">
        {found.slice(0, most).map((name) => (
          <CurveChart key={name} name={name} runs={runs} log={log} time={time} />
        ))}
      </div>
      {found.length > most && (
        <button type="button" onClick={() => setMost(found.length)}>
          Show {count(found.length - most, 'more curve')}
        </button>
      )}
    </>
  )
}

function Switch({ name, on, label }: { name: string; on: boolean; label: string }): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={on}
        onChange={() => go(hrefWith({ [name]: on ? null : '1' }), 'replace')}
      />
      {label}
    </label>
  )
}

function CurveChart({
  name,
  runs,
  log,
  time,
}: {
  name: string
  runs: readonly CurvedRun[]
  log: boolean
  time: boolean
}): JSX.Element {
  const colors = useColors()
  const config = useMemo((): ChartConfiguration<'line', Point[]> => {
    const shown = tooltip(colors)
    return {
      type: 'line',
      data: { datasets: runs.flatMap((run, n) => lineOf(run, n, name, time, log, colors)) },
      options: {
        interaction: { mode: 'nearest', axis: runs.length > 1 ? 'xy' : 'x', intersect: false },
        scales: {
          x: axis(colors, time ? 'seconds' : 'step'),
          y: axis(colors, '', { log }),
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            ...shown,
            callbacks: {
              title: ([item]) => (item ? (runs.length > 1 ? (item.dataset.label ?? '') : '') : ''),
              label: ({ raw }) => {
                const { x, y } = raw as Point
                const at = time
                  ? `after ${duration(x * 1000)}`
                  : `step ${x.toLocaleString('en-US')}`
                return `${shortNumber(y, 6)}  ${at}`
              },
            },
          },
        },
      },
    }
  }, [name, runs, log, time, colors])
  const curve = runs.map((run) => run.curves[name]).find((one) => one !== undefined)
  const last = Number(curve?.values.at(-1))
  const thinned = curve && curve.total > curve.steps.length
  const label =
    runs.length > 1
      ? `${name} of ${count(runs.length, 'run')}`
      : `${name}: ${count(curve?.total ?? 0, 'value')}, the last ${shortNumber(last)}`
  return (
    <figure>
      <figcaption>
        <span title={name}>{name}</span>
        {runs.length === 1 && <span class="quiet">{shortNumber(last)}</span>}
      </figcaption>
      <ChartBox label={label} config={config} />
      {thinned && runs.length === 1 && (
        <p class="quiet">
          {curve.steps.length.toLocaleString('en-US')} of {count(curve.total, 'value')}, lowest and
          highest kept
        </p>
      )}
    </figure>
  )
}

interface Point {
  readonly x: number
  readonly y: number
}

function lineOf(
  { name: label, curves }: CurvedRun,
  n: number,
  metric: string,
  time: boolean,
  log: boolean,
  colors: Colors,
): ChartDataset<'line', Point[]>[] {
  const curve = Object.hasOwn(curves, metric) ? curves[metric] : undefined
  if (curve === undefined) return []
  const { color, dash } = seriesStyle(colors, n)
  const data = curve.values.map((value, i) => {
    const y = Number(value)
    const x = (time ? curve.seconds[i] : curve.steps[i]) ?? i
    // A gap where there is no number, and where a logarithm has none.
    return { x, y: Number.isFinite(y) && (!log || y > 0) ? y : Number.NaN }
  })
  const alone = data.length === 1 ? 3 : 0
  return [
    {
      label,
      data,
      borderColor: color,
      backgroundColor: color,
      borderDash: dash,
      borderWidth: 1.6,
      pointRadius: data.length <= 30 ? 2 : alone,
      pointHoverRadius: 4,
      pointHitRadius: 8,
    },
  ]
}

/** Any parameter or metric of the runs against any metric, a point a run. */

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { axis, ChartBox, type ChartConfiguration, tooltip, useColors } from './chart.tsx'
import {
  byName,
  cellOf,
  columnKinds,
  columnOf,
  columnsOf,
  isNumeric,
  type Run,
  titleOf,
  usualColumns,
  varies,
} from './columns.ts'
import { count, duration, localTime, shortNumber } from './format.ts'
import { go, hrefWith, Link, type Place, runHref } from './location.tsx'

interface Point {
  readonly x: number
  readonly y: number
  readonly run: Run
}

/** One side of the chart: where a run stands on it. */
interface Side {
  readonly key: string
  readonly of: (run: Run) => number | null
  /** Texts in their order, where the values are not numbers. */
  readonly labels?: readonly string[]
  /** A position for people. */
  readonly text: (position: number) => string
}

/** The scatter, its choice of sides, and its points as a table. */
export function Scatter({ runs, place }: { runs: readonly Run[]; place: Place }): JSX.Element {
  const all = useMemo(() => columnsOf(runs), [runs])
  const metrics = all.filter((key) => key.startsWith('metrics.'))
  const horizontal = [
    'attributes.start_time',
    'attributes.duration',
    ...all.filter((key) => !key.startsWith('attributes.') && !key.startsWith('tags.')),
  ]
  const usual = useMemo(() => usualColumns(runs), [runs])
  const y = chosen(place, 'y', metrics) ?? usual.find((key) => metrics.includes(key)) ?? ''
  const x =
    chosen(place, 'x', horizontal) ??
    usual.find((key) => key.startsWith('params.') && varies(runs, key)) ??
    'attributes.start_time'
  const [logX, logY] = [place.query.has('logx'), place.query.has('logy')]
  const sides = useMemo(() => [sideOf(x, runs), sideOf(y, runs)] as const, [x, y, runs])
  const points = useMemo(() => pointsOf(runs, sides, logX, logY), [runs, sides, logX, logY])
  return (
    <div class="scatter">
      <div class="toolbar">
        <AxisChoice name="y" label="Vertical" keys={metrics} chosen={y} log={logY} />
        <AxisChoice name="x" label="Horizontal" keys={horizontal} chosen={x} log={logX} />
        <span class="quiet">
          {points.length < runs.length
            ? `${count(runs.length - points.length, 'run')} without a value for both`
            : ''}
        </span>
      </div>
      {points.length > 0 ? (
        <ScatterChart points={points} sides={sides} logX={logX} logY={logY} />
      ) : (
        <p class="empty">No run has a value for both.</p>
      )}
      <PointTable points={points} sides={sides} />
    </div>
  )
}

function chosen(place: Place, name: string, keys: readonly string[]): string | undefined {
  const key = place.query.get(name)
  return key !== null && keys.includes(key) ? key : undefined
}

function sideOf(key: string, runs: readonly Run[]): Side {
  if (key === 'attributes.start_time') {
    const text = (position: number): string => localTime(new Date(position).toISOString())
    return { key, of: (run) => Date.parse(run.startedAt), text }
  }
  const cells = runs.map((run) => cellOf(run, key))
  if (isNumeric(cells)) {
    const text =
      key === 'attributes.duration' ? duration : (position: number) => shortNumber(position, 6)
    const of = (run: Run): number | null => {
      const cell = cellOf(run, key)
      return cell === null ? null : Number(cell)
    }
    return { key, of, text }
  }
  const labels = [...new Set(cells.flatMap((cell) => (cell === null ? [] : [String(cell)])))]
  labels.sort(byName.compare)
  const places = new Map(labels.map((label, i) => [label, i] as const))
  const of = (run: Run): number | null => places.get(String(cellOf(run, key) ?? '')) ?? null
  return { key, labels, of, text: (position) => labels[position] ?? '' }
}

function pointsOf(
  runs: readonly Run[],
  [x, y]: readonly [Side, Side],
  logX: boolean,
  logY: boolean,
): Point[] {
  const fits = (value: number | null, log: boolean): value is number =>
    value !== null && Number.isFinite(value) && (!log || value > 0)
  return runs.flatMap((run) => {
    const [atX, atY] = [x.of(run), y.of(run)]
    return fits(atX, logX && !x.labels) && fits(atY, logY) ? [{ x: atX, y: atY, run }] : []
  })
}

function AxisChoice({
  name,
  label,
  keys,
  chosen,
  log,
}: {
  name: 'x' | 'y'
  label: string
  keys: readonly string[]
  chosen: string
  log: boolean
}): JSX.Element {
  return (
    <span class="axis">
      <label>
        {label}
        <select
          value={chosen}
          onChange={(event) => go(hrefWith({ [name]: event.currentTarget.value }), 'replace')}
        >
          {columnKinds.map(([kind, heading]) => {
            const own = keys.filter((key) => columnOf(key).kind === kind)
            return (
              own.length > 0 && (
                <optgroup key={kind} label={heading}>
                  {own.map((key) => (
                    <option key={key} value={key}>
                      {titleOf(key)}
                    </option>
                  ))}
                </optgroup>
              )
            )
          })}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={log}
          onChange={() => go(hrefWith({ [`log${name}`]: log ? null : '1' }), 'replace')}
        />
        Log
      </label>
    </span>
  )
}

function ScatterChart({
  points,
  sides: [x, y],
  logX,
  logY,
}: {
  points: Point[]
  sides: readonly [Side, Side]
  logX: boolean
  logY: boolean
}): JSX.Element {
  const colors = useColors()
  const config = useMemo((): ChartConfiguration<'scatter', Point[]> => {
    const ticks = x.key.startsWith('attributes.')
      ? { callback: (at: unknown) => x.text(Number(at)) }
      : {}
    const across = axis(colors, titleOf(x.key), {
      log: logX && !x.labels,
      ...(x.labels ? { labels: x.labels } : {}),
    }) as { ticks: object }
    return {
      type: 'scatter',
      data: {
        datasets: [
          {
            data: points,
            pointRadius: points.length > 500 ? 3 : 5,
            pointHoverRadius: 7,
            pointBackgroundColor: `${colors.accent}99`,
            pointBorderColor: colors.accent,
          },
        ],
      },
      options: {
        onClick: (_event, [hit]) => {
          const point = hit && points[hit.index]
          if (point) go(runHref(point.run.id))
        },
        onHover: (event, hits) => {
          const canvas = event.native?.target
          if (canvas instanceof HTMLElement) canvas.style.cursor = hits.length > 0 ? 'pointer' : ''
        },
        scales: {
          x: { ...across, ticks: { ...across.ticks, ...ticks } },
          y: axis(colors, titleOf(y.key), { log: logY }),
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            ...tooltip(colors),
            callbacks: {
              title: (items) => items.slice(0, 8).map((item) => (item.raw as Point).run.name),
              label: (item) => {
                const at = item.raw as Point
                return `${titleOf(x.key)} ${x.text(at.x)}, ${titleOf(y.key)} ${y.text(at.y)}`
              },
            },
          },
        },
      },
    }
  }, [points, x, y, logX, logY, colors])
  const label = `${count(points.length, 'run')}: ${titleOf(y.key)} against ${titleOf(x.key)}`
  return <ChartBox label={label} config={config} />
}

const listed = 200

function PointTable({
  points,
  sides: [x, y],
}: {
  points: readonly Point[]
  sides: readonly [Side, Side]
}): JSX.Element {
  const best = [...points].sort((a, b) => a.y - b.y).slice(0, listed)
  return (
    <details class="points">
      <summary>The points as a table, by {titleOf(y.key)}</summary>
      <div class="scrolls">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col" class="number">
                {titleOf(x.key)}
              </th>
              <th scope="col" class="number">
                {titleOf(y.key)}
              </th>
            </tr>
          </thead>
          <tbody>
            {best.map((point) => (
              <tr key={point.run.id}>
                <th scope="row">
                  <Link href={runHref(point.run.id)}>{point.run.name}</Link>
                </th>
                <td class="number">{x.text(point.x)}</td>
                <td class="number">{y.text(point.y)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {points.length > listed && (
        <p class="quiet">
          The first {listed} of {points.length}.
        </p>
      )}
    </details>
  )
}

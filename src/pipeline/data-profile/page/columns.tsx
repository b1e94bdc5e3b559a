/** Every column as a card: what it is, what is missing, how its values lie. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ColumnProfile, TopValue } from '../document.ts'
import { countText, shareText, valueText } from '../number-text.ts'
import { drawBins, tip } from './bins-chart.ts'
import { ColumnNumbers } from './column-numbers.tsx'
import { type Draw, Figure } from './figure.tsx'
import type { Series } from './series.tsx'

/** A column of a month. */
export interface Shown {
  readonly series: Series
  readonly column: ColumnProfile
}

/** Cards in the order of the last file, then what only the first one has. */
export function Columns({ all }: { all: readonly Series[] }): JSX.Element {
  const keys = new Set(
    [...all].reverse().flatMap(({ month }) => month.columns.map(({ key }) => key)),
  )
  return (
    <div class="cards">
      {[...keys].map((key) => {
        const shown = all.flatMap((series) => {
          const column = series.month.columns.find((one) => one.key === key)
          return column ? [{ series, column }] : []
        })
        return <Card key={key} shown={shown} isOnly={shown.length < all.length} />
      })}
    </div>
  )
}

function Card({ shown, isOnly }: { shown: readonly Shown[]; isOnly: boolean }): JSX.Element {
  const { column, series } = shown.at(-1) as Shown
  const { name, unit, type, kind } = column
  return (
    <article class="card" aria-label={name}>
      <h3>
        <code>{name}</code>
      </h3>
      <p class="quiet unit">
        {unit ?? kinds[kind]}
        {isOnly && <b> · only in {series.name}</b>}
      </p>
      {shown.map((one) => (
        <Missing key={one.series.name} {...one} isOneOfTwo={shown.length > 1} />
      ))}
      <CardChart shown={shown} />
      <Line shown={shown} />
      <details>
        <summary>Numbers</summary>
        <ColumnNumbers shown={shown} />
        <p class="quiet">{type} in the file</p>
      </details>
    </article>
  )
}

const kinds: Readonly<Record<ColumnProfile['kind'], string>> = {
  number: 'number',
  id: 'category',
  text: 'text',
  time: 'time',
  empty: 'no values',
  unread: 'of a type that is not read',
}

function Missing({
  column: { nulls, nan, rows },
  series: { color },
  isOneOfTwo,
}: Shown & { isOneOfTwo: boolean }): JSX.Element {
  const share = (nulls + nan) / Math.max(1, rows)
  return (
    <p class="missing">
      {isOneOfTwo && <i class="dot" style={{ background: color }} />}
      <span class={share === 0 ? 'quiet' : ''}>
        {share === 0 ? 'nothing missing' : `${shareText(share)} missing`}
      </span>
      <span class="gauge">
        <i style={{ width: `${share * 100}%` }} />
      </span>
    </p>
  )
}

function CardChart({ shown }: { shown: readonly Shown[] }): JSX.Element | null {
  const draw = useMemo(() => drawingOf(shown), [shown])
  const { column } = shown.at(-1) as Shown
  if (draw === undefined) return null
  return <Figure label={`How the values of ${column.name} lie`} draw={draw} />
}

const cardHeight = 96

function drawingOf(shown: readonly Shown[]): Draw | undefined {
  const bins = shown.flatMap(({ column, series: { name, color } }) => {
    if (column.kind !== 'number' || column.histogram === null) return []
    return [{ name, color, histogram: column.histogram, total: column.count }]
  })
  if (bins.length > 0) return drawBins(bins, { height: cardHeight })
  const tops = shown.filter(({ column }) => column.kind === 'id' || column.kind === 'text')
  if (tops.some(({ column }) => topOf(column).length > 0)) return drawTop(tops)
  const days = shown.filter(({ column }) => column.kind === 'time' && column.by_day.length > 0)
  return days.length > 0 ? drawDays(days) : undefined
}

const topOf = (column: ColumnProfile): readonly TopValue[] =>
  column.kind === 'id' || column.kind === 'text' ? column.top : []

/** Bars of the commonest values. */
function drawTop(shown: readonly Shown[]): Draw {
  const last = topOf((shown.at(-1) as Shown).column).slice(0, 5)
  const named = (value: TopValue): string => value.label ?? (String(value.value) || '(blank)')
  const bars = last.flatMap((value) =>
    shown.map(({ column, series }) => {
      const count = topOf(column).find((one) => one.value === value.value)?.count ?? 0
      return { value: named(value), share: count / Math.max(1, column.rows), ...series }
    }),
  )
  const rows = last.map(named)
  return (width) => ({
    height: Math.max(40, rows.length * 19 + 6),
    marginLeft: 0,
    marginRight: 56,
    marginTop: 3,
    marginBottom: 3,
    x: { axis: null, domain: [0, Math.max(...bars.map(({ share }) => share), 1e-9)] },
    y: { axis: null, domain: rows, padding: 0.12 },
    marks: [
      ...shown.map(({ series }, k) =>
        Plot.barX(
          bars.filter(({ name }) => name === series.name),
          {
            x: 'share',
            y: 'value',
            fill: series.color,
            fillOpacity: 0.35,
            insetTop: shown.length > 1 && k === 1 ? 9 : 0,
            insetBottom: shown.length > 1 && k === 0 ? 9 : 0,
          },
        ),
      ),
      Plot.text(rows, {
        x: 0,
        y: (value: string) => value,
        text: (value: string) => cut(value, (width - 60) / 6),
        textAnchor: 'start',
        dx: 4,
        fill: 'var(--text)',
      }),
      Plot.text(
        bars.filter(({ name }) => name === (shown.at(-1) as Shown).series.name),
        {
          y: 'value',
          text: ({ share }: { share: number }) => shareText(share),
          frameAnchor: 'right',
          textAnchor: 'end',
          dx: 56,
          fill: 'var(--quiet)',
        },
      ),
    ],
  })
}

function cut(text: string, letters: number): string {
  return text.length > letters ? `${text.slice(0, Math.max(1, Math.floor(letters) - 1))}…` : text
}

/** Rows by day of the month. */
function drawDays(shown: readonly Shown[]): Draw {
  const days = shown.flatMap(({ column, series }) => {
    const counts = column.kind === 'time' ? column.by_day : []
    return counts.map((count, k) => {
      return {
        day: k + 1,
        count,
        series,
        title: `${series.name}-${k + 1}\n${countText(count)} rows`,
      }
    })
  })
  const of = (series: Series): typeof days => days.filter((day) => day.series === series)
  return () => ({
    height: cardHeight,
    marginLeft: 2,
    marginRight: 2,
    marginBottom: 20,
    marginTop: 8,
    x: { label: null, ticks: [1, 8, 15, 22, 29], tickSize: 0, domain: [0.5, 31.5] },
    y: { axis: null, domain: [0, Math.max(...days.map(({ count }) => count), 1)] },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--edge)' }),
      ...shown.map(({ series }, k) =>
        shown.length > 1 && k === 1
          ? Plot.line(of(series), { x: 'day', y: 'count', stroke: series.color, curve: 'step' })
          : Plot.rectY(of(series), {
              x1: ({ day }: { day: number }) => day - 0.42,
              x2: ({ day }: { day: number }) => day + 0.42,
              y: 'count',
              fill: series.color,
              fillOpacity: shown.length > 1 ? 0.45 : 0.85,
            }),
      ),
      Plot.tip(days, Plot.pointerX({ x: 'day', y: 'count', title: 'title', ...tip })),
    ],
  })
}

/** The few numbers that say most. */
function Line({ shown }: { shown: readonly Shown[] }): JSX.Element | null {
  const { column } = shown.at(-1) as Shown
  const { distinct } = column
  const different = `${distinct.relative_error === null ? '' : 'about '}${countText(distinct.count)} different`
  if (column.kind === 'number' && column.count > 0) {
    const outside = (column.histogram?.below ?? 0) + (column.histogram?.above ?? 0)
    return (
      <p class="line">
        median <b>{valueText(column.quantiles[3] ?? Number.NaN)}</b>, mean{' '}
        <b>{valueText(column.mean ?? Number.NaN)}</b>, {valueText(column.min ?? 0)} to{' '}
        {valueText(column.max ?? 0)}
        {outside > 0 && <span class="quiet">; {countText(outside)} outside the chart</span>}
      </p>
    )
  }
  if (column.kind === 'time' && column.earliest !== null) {
    const { outside_month } = column
    const outside = outside_month ? outside_month.before + outside_month.after : 0
    return (
      <p class="line">
        {column.earliest.replace('T', ' ')} to {column.latest?.replace('T', ' ')}
        {outside > 0 && <span class="quiet">; {countText(outside)} outside the month</span>}
      </p>
    )
  }
  if (column.kind === 'id' || column.kind === 'text') {
    return <p class="line">{different}</p>
  }
  return null
}

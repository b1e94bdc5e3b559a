/** How long rides take: durations, durations by distance, implied speeds. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { DistanceBin, Histogram, NumberSummary } from '../document.ts'
import { countText, shareText, valueText } from '../number-text.ts'
import { drawBins, tip } from './bins-chart.ts'
import { numberRows } from './column-numbers.tsx'
import { type Draw, Figure } from './figure.tsx'
import { Scroll } from './scroll.tsx'
import type { Series } from './series.tsx'

/** Charts of durations. */
export function Durations({ all }: { all: readonly Series[] }): JSX.Element {
  return (
    <>
      <NotKept all={all} />
      <div class="pair">
        <Numbers
          all={all}
          title="Minutes"
          label="minutes"
          what={({ month }) => month.rides.duration}
        />
        <Numbers
          all={all}
          title="Speed"
          label="miles per hour, by time and distance"
          what={({ month }) => month.rides.speed}
        />
      </div>
      <Distances all={all} />
    </>
  )
}

function NotKept({ all }: { all: readonly Series[] }): JSX.Element {
  const reasons = [
    ['1 to 60 minutes', ({ month }: Series) => month.rides.kept],
    ['under a minute', ({ month }: Series) => month.rides.not_kept.under_a_minute],
    ['over an hour', ({ month }: Series) => month.rides.not_kept.over_an_hour],
    ['ends before it begins', ({ month }: Series) => month.rides.not_kept.backwards],
    ['without both times', ({ month }: Series) => month.rides.not_kept.without_time],
  ] as const
  return (
    <Scroll label="Rides by duration">
      <table class="narrow">
        {all.length > 1 && (
          <thead>
            <tr>
              <td />
              {all.map(({ name }) => (
                <th key={name} colspan={2}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {reasons
            .filter(([, count]) => all.some((one) => count(one) > 0))
            .map(([title, count]) => (
              <tr key={title}>
                <th scope="row">{title}</th>
                {all.flatMap((one) => [
                  <td key={`${one.name} rides`}>{countText(count(one))}</td>,
                  <td key={`${one.name} share`}>
                    {shareText(count(one) / Math.max(1, one.month.rows))}
                  </td>,
                ])}
              </tr>
            ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function Numbers({
  all,
  title,
  label,
  what,
}: {
  all: readonly Series[]
  title: string
  label: string
  what: (series: Series) => NumberSummary | null
}): JSX.Element | null {
  const summaries = all.flatMap((series) => {
    const summary = what(series)
    return summary?.histogram ? [{ series, summary, histogram: summary.histogram }] : []
  })
  const draw = useMemo(() => {
    const bins = summaries.map(({ series: { name, color }, summary, histogram }) => {
      return { name, color, histogram, total: summary.count }
    })
    return drawBins(bins, { height: 220, label })
    // The months of a page never change.
  }, [label])
  if (summaries.length === 0) return null
  return (
    <div>
      <h3>{title}</h3>
      <Figure label={`How ${title.toLowerCase()} lie: ${label}`} draw={draw}>
        {summaries.map(({ series: { name }, histogram }) => (
          <p class="note" key={name}>
            {all.length > 1 && `${name}: `}
            {outsideText(histogram)}
          </p>
        ))}
        <details>
          <summary>Numbers</summary>
          <div class={summaries.length > 1 ? 'pair' : ''}>
            {summaries.map(({ series: { name }, summary }) => (
              <table class="numbers" key={name}>
                {all.length > 1 && <caption>{name}</caption>}
                <tbody>
                  {numberRows(summary).map(([row, value]) => (
                    <tr key={row}>
                      <th scope="row">{row}</th>
                      <td>{value}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            ))}
          </div>
        </details>
      </Figure>
    </div>
  )
}

/** What a histogram leaves out. */
function outsideText({ below, above, start, width, counts }: Histogram): string {
  const parts = [
    ...(below > 0 ? [`${countText(below)} below ${valueText(start)}`] : []),
    ...(above > 0 ? [`${countText(above)} above ${valueText(start + width * counts.length)}`] : []),
  ]
  return parts.length > 0 ? `Not in the chart: ${parts.join(', ')}.` : 'All rides are in the chart.'
}

function Distances({ all }: { all: readonly Series[] }): JSX.Element | null {
  const draw = useMemo(() => drawDistances(all), [all])
  if (!all.some(({ month }) => (month.rides.by_distance ?? []).length > 0)) return null
  return (
    <div>
      <h3>Minutes by distance</h3>
      <p class="note">
        Median of rides of about one distance, and the band that eight of ten lie in.
      </p>
      <Figure
        label="Minutes by distance: median and the tenth and ninetieth percentile"
        draw={draw}
      >
        <details>
          <summary>As a table</summary>
          {all.map(({ name, month }) => (
            <table key={name}>
              {all.length > 1 && <caption>{name}</caption>}
              <thead>
                <tr>
                  <th>miles</th>
                  <th>rides</th>
                  <th>10 %</th>
                  <th>median</th>
                  <th>90 %</th>
                </tr>
              </thead>
              <tbody>
                {(month.rides.by_distance ?? []).map(({ from, to, rides, p10, median, p90 }) => (
                  <tr key={from}>
                    <th scope="row">
                      {from} to {to}
                    </th>
                    <td>{countText(rides)}</td>
                    <td>{p10.toFixed(1)}</td>
                    <td>{median.toFixed(1)}</td>
                    <td>{p90.toFixed(1)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ))}
        </details>
      </Figure>
    </div>
  )
}

function drawDistances(all: readonly Series[]): Draw {
  const rows = all.map(({ month, color, name }) =>
    (month.rides.by_distance ?? []).map((bin) => ({
      ...bin,
      color,
      title: titleOf(bin, name, all.length),
    })),
  )
  const miles = ({ from, to }: DistanceBin): number => (from + to) / 2
  return (width) => ({
    height: 260,
    marginLeft: 40,
    marginRight: 12,
    marginBottom: 34,
    x: { label: 'miles', tickSize: 0, ticks: Math.round(width / 70), domain: [0, 20] },
    y: { label: null, grid: true, tickSize: 0, domain: [0, 60] },
    marks: [
      ...rows.flatMap((bins) => [
        Plot.areaY(bins, {
          x: miles,
          y1: 'p10',
          y2: 'p90',
          fill: bins[0]?.color ?? '',
          fillOpacity: 0.15,
        }),
        Plot.lineY(bins, { x: miles, y: 'median', stroke: bins[0]?.color ?? '', strokeWidth: 1.8 }),
      ]),
      Plot.tip(rows.flat(), Plot.pointer({ x: miles, y: 'median', title: 'title', ...tip })),
    ],
  })
}

function titleOf(
  { from, to, rides, p10, median, p90 }: DistanceBin,
  name: string,
  months: number,
): string {
  const head = months > 1 ? `${name}: ` : ''
  return `${head}${from} to ${to} miles\nmedian ${median.toFixed(1)} minutes\n${p10.toFixed(1)} to ${p90.toFixed(1)}, ${countText(rides)} rides`
}

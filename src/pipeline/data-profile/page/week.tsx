/** Rides and their durations by hour of the week, as maps of 7 by 24. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { MonthProfile } from '../document.ts'
import { countText } from '../number-text.ts'
import { tip } from './bins-chart.ts'
import { type Draw, Figure } from './figure.tsx'
import { Scroll } from './scroll.tsx'
import type { Series } from './series.tsx'

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** For each month, two maps of the week. */
export function Week({ all }: { all: readonly Series[] }): JSX.Element {
  return (
    <>
      {all.map(({ month, name, color }) => (
        <div key={name}>
          {all.length > 1 && (
            <h3>
              <i class="dot" style={{ background: color }} />
              {name}
            </h3>
          )}
          <div class="pair">
            <WeekMap month={month} what="rides" title="Rides" />
            <WeekMap month={month} what="median" title="Median minutes" />
          </div>
        </div>
      ))}
      <p class="note">Rides of 1 to 60 minutes by the hour in which they begin.</p>
    </>
  )
}

interface Hour {
  readonly day: string
  readonly hour: number
  readonly value: number | null
  readonly title: string
}

function WeekMap({
  month,
  what,
  title,
}: {
  month: MonthProfile
  what: 'rides' | 'median'
  title: string
}): JSX.Element {
  const hours = useMemo(() => hoursOf(month, what), [month, what])
  const draw = useMemo(() => drawing(hours), [hours])
  return (
    <div>
      <h3>{title}</h3>
      <Figure label={`${title} by weekday and hour`} draw={draw}>
        <details>
          <summary>As a table</summary>
          <Scroll label={`${title} by weekday and hour`}>
            <table>
              <thead>
                <tr>
                  <th class="left">hour</th>
                  {weekdays.map((day) => (
                    <th key={day}>{day}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {Array.from({ length: 24 }, (_, hour) => (
                  <tr key={hour}>
                    <th scope="row">{hour}</th>
                    {weekdays.map((day, k) => (
                      <td key={day}>{shown(hours[k * 24 + hour]?.value ?? null, what)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      </Figure>
    </div>
  )
}

function shown(value: number | null, what: 'rides' | 'median'): string {
  if (value === null) return '–'
  return what === 'rides' ? countText(value) : value.toFixed(1)
}

function hoursOf({ rides: { hour_of_week } }: MonthProfile, what: 'rides' | 'median'): Hour[] {
  return hour_of_week[what].map((value, k) => {
    const day = weekdays[Math.floor(k / 24)] as string
    const hour = k % 24
    const [rides, median, mean] = [
      hour_of_week.rides[k] ?? 0,
      hour_of_week.median[k],
      hour_of_week.mean[k],
    ]
    const minutes =
      typeof median === 'number' && typeof mean === 'number'
        ? `\nmedian ${median.toFixed(1)}, mean ${mean.toFixed(1)} minutes`
        : ''
    return { day, hour, value, title: `${day} ${hour}:00\n${countText(rides)} rides${minutes}` }
  })
}

function drawing(hours: readonly Hour[]): Draw {
  const values = hours.flatMap(({ value }) => (value === null ? [] : [value]))
  const [least, most] = [Math.min(...values, 0), Math.max(...values, 1)]
  const low = values.length > 0 ? Math.min(...values) : least
  const shade = (value: number | null): string => {
    if (value === null) return 'var(--nothing)'
    const at = Math.floor((7 * (value - low)) / Math.max(1e-9, most - low))
    return `var(--shade-${Math.min(6, at)})`
  }
  return (width) => ({
    height: Math.round(Math.max(160, Math.min(220, width * 0.45))),
    marginLeft: 32,
    marginRight: 0,
    marginTop: 4,
    marginBottom: 22,
    padding: 0.06,
    x: {
      label: null,
      domain: Array.from({ length: 24 }, (_, k) => k),
      ticks: [0, 6, 12, 18],
      tickSize: 0,
    },
    y: { label: null, domain: weekdays, tickSize: 0 },
    marks: [
      Plot.cell(hours, { x: 'hour', y: 'day', fill: ({ value }: Hour) => shade(value), rx: 1.5 }),
      Plot.tip(hours, Plot.pointer({ x: 'hour', y: 'day', title: 'title', ...tip })),
    ],
  })
}

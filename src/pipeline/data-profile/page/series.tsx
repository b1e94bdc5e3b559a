/**
 * The months of a page by name and colour: one, or the earlier and the later of two. Knows nothing
 * about charts.
 */

import type { JSX } from 'preact'
import type { MonthProfile } from '../document.ts'

/** A month on the page. */
export interface Series {
  readonly month: MonthProfile
  /** What it is called: `2021-01`, or the name of the file. */
  readonly name: string
  /** A colour of the style sheet. */
  readonly color: string
}

/** The months with their names and colours; the last one has the colour of the page. */
export function seriesOf(months: readonly MonthProfile[]): Series[] {
  const isOneFleet = new Set(months.map(({ taxi }) => taxi)).size === 1
  const names = months.map(({ month, label, taxi }) => {
    if (month === null) return label
    return isOneFleet ? month : `${taxi} ${month}`
  })
  const areSame = new Set(names).size < names.length
  return months.map((month, i) => ({
    month,
    name: areSame ? month.label : (names[i] as string),
    color: i === months.length - 1 ? 'var(--series-now)' : 'var(--series-before)',
  }))
}

/** Which colour is which month; nothing where there is one. */
export function Legend({ all }: { all: readonly Series[] }): JSX.Element | null {
  if (all.length < 2) return null
  return (
    <ul class="legend">
      {all.map(({ name, color }) => (
        <li key={name}>
          <i style={{ background: color }} />
          {name}
        </li>
      ))}
    </ul>
  )
}

/** How far each column moved, as a table with bars. Knows nothing about how it is measured. */

import type { JSX } from 'preact'
import type { ColumnDrift, ColumnProfile, MonthProfile } from '../document.ts'
import { changeText, shareText, valueText } from '../number-text.ts'
import { Scroll } from './scroll.tsx'
import type { Series } from './series.tsx'

/** Columns, those that moved most first, with what changed in them. */
export function Drift({
  drift,
  all,
}: {
  drift: readonly ColumnDrift[]
  all: readonly Series[]
}): JSX.Element {
  const most = Math.max(0.25, ...drift.map(({ psi }) => psi))
  const [first, second] = all as [Series, Series]
  return (
    <>
      <p class="note">
        The population stability index compares the shares of the same bins in both months: below
        0.1 is commonly called stable, above 0.25 a shift. The bar is on a root scale. The
        Jensen-Shannon distance is 0 where nothing moved and 1 where the months have nothing in
        common.
      </p>
      <Scroll label="Drift by column">
        <table>
          <thead>
            <tr>
              <th>column</th>
              <th>index</th>
              <th class="bar" />
              <th>distance</th>
              <th>missing</th>
              <th>mean</th>
              <th>median</th>
              <th class="left">over</th>
            </tr>
          </thead>
          <tbody>
            {drift.map((row) => (
              <tr key={row.key}>
                <th scope="row">
                  <code>{row.name}</code>
                </th>
                <td class={level(row.psi)}>{row.psi.toFixed(row.psi < 0.1 ? 3 : 2)}</td>
                <td class="bar">
                  <i
                    class={level(row.psi)}
                    style={{ width: `${100 * Math.sqrt(row.psi / most)}%` }}
                  />
                </td>
                <td>{row.js.toFixed(3)}</td>
                {changes(first.month, second.month, row.key).map((text, k) => (
                  <td key={k}>{text}</td>
                ))}
                <td class="left quiet">
                  {row.bins} bins: {row.over}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

const level = (psi: number): string => (psi > 0.25 ? 'much' : psi > 0.1 ? 'some' : 'little')

/** Changes of the missing share, the mean and the median, as text. */
function changes(first: MonthProfile, second: MonthProfile, key: string): string[] {
  if (key === 'duration' || key === 'speed') {
    const [a, b] = [first.rides[key], second.rides[key]]
    return ['', ...numberChanges(a, b)]
  }
  const [a, b] = [first, second].map(({ columns }) => columns.find((one) => one.key === key))
  if (a === undefined || b === undefined) return ['', '', '']
  const [before, after] = [missingShare(a), missingShare(b)]
  const points = (after - before) * 100
  const text =
    before === after
      ? ''
      : `${shareText(after)} (${points > 0 ? '+' : '−'}${Math.abs(points).toFixed(1)})`
  return [text, ...(a.kind === 'number' && b.kind === 'number' ? numberChanges(a, b) : ['', ''])]
}

const missingShare = ({ nulls, nan, rows }: ColumnProfile): number =>
  (nulls + nan) / Math.max(1, rows)

type Numbers = Pick<MonthProfile['rides']['duration'], 'mean' | 'quantiles'> | null

function numberChanges(before: Numbers, after: Numbers): string[] {
  const text = (a: number | null | undefined, b: number | null | undefined): string => {
    if (typeof a !== 'number' || typeof b !== 'number') return ''
    const by = Number((b - a).toPrecision(3))
    return by === 0 || Math.abs(by) < 1e-9 * Math.abs(b)
      ? valueText(b)
      : `${valueText(b)} (${changeText(by)})`
  }
  return [text(before?.mean, after?.mean), text(before?.quantiles[3], after?.quantiles[3])]
}

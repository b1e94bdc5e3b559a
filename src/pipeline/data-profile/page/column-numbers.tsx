/** The numbers of a column as a table, one column a month. */

import type { ComponentChildren, JSX } from 'preact'
import type { ColumnProfile, NumberSummary, TopValue } from '../document.ts'
import { quantileLevels } from '../document.ts'
import { countText, shareText, valueText } from '../number-text.ts'
import type { Shown } from './columns.tsx'

type Row = readonly [string, ComponentChildren]

/** Everything that the document knows of a column. */
export function ColumnNumbers({ shown }: { shown: readonly Shown[] }): JSX.Element {
  const tables = shown.map(({ column }) => new Map(rowsOf(column)))
  const titles = [...new Set(tables.flatMap((rows) => [...rows.keys()]))]
  return (
    <table class="numbers">
      {shown.length > 1 && (
        <thead>
          <tr>
            <td />
            {shown.map(({ series }) => (
              <th key={series.name} scope="col">
                {series.name}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>
        {titles.map((title) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            {tables.map((rows, k) => (
              <td key={shown[k]?.series.name}>{rows.get(title) ?? ''}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function rowsOf(column: ColumnProfile): Row[] {
  const { nulls, nan, distinct } = column
  const error = distinct.relative_error
  const rows: Row[] = [
    ['rows without a value', countText(nulls)],
    ...(nan > 0 ? [['NaN', countText(nan)] as const] : []),
    [
      'different values',
      `${countText(distinct.count)}${error === null ? '' : `, estimated to ${shareText(error)}`}`,
    ],
  ]
  if (column.kind === 'number') return [...rows, ...numberRows(column)]
  if (column.kind === 'time') {
    if (column.unparsable > 0) rows.push(['text that is no time', countText(column.unparsable)])
    if (column.outside_month) {
      rows.push(['before the month', countText(column.outside_month.before)])
      rows.push(['after the month', countText(column.outside_month.after)])
    }
    return rows
  }
  if (column.kind === 'text' && column.blank > 0) rows.push(['blank', countText(column.blank)])
  if (column.kind === 'id' && column.range) {
    const { min, max } = column.range
    rows.push(['least and greatest', `${valueText(min)}, ${valueText(max)}`])
  }
  const top = column.kind === 'id' || column.kind === 'text' ? column.top : []
  if (column.kind === 'text' && !column.top_exact) {
    rows.push(['values below', 'of those that came first'])
  }
  return [...rows, ...top.map((one): Row => topRow(one, column.rows))]
}

function topRow({ value, label, count }: TopValue, rows: number): Row {
  const name = label ?? (String(value) || '(blank)')
  return [name, `${countText(count)} (${shareText(count / Math.max(1, rows))})`]
}

/** Rows about numbers; durations and speeds have them, too. */
export function numberRows(summary: NumberSummary): Row[] {
  if (summary.count === 0) return []
  const { mean, std, zeros, negatives, infinite, quantiles, quantile_error, outliers } = summary
  const number = (value: number | null): string => (value === null ? '–' : valueText(value, 5))
  const names: Readonly<Record<number, string>> = {
    0.25: 'lower quartile',
    0.5: 'median',
    0.75: 'upper quartile',
  }
  return [
    ['mean', number(mean)],
    ['standard deviation', number(std)],
    ['zero', countText(zeros)],
    ['negative', countText(negatives)],
    ...(infinite > 0 ? [['infinite', countText(infinite)] as const] : []),
    ['least', number(summary.min)],
    ...quantileLevels.map((level, k): Row => {
      return [
        names[level] ?? `${Math.round(level * 100)} % are below`,
        number(quantiles[k] ?? null),
      ]
    }),
    ['greatest', number(summary.max)],
    ...(quantile_error > 0 ? [['quantiles are exact to', shareText(quantile_error)] as const] : []),
    ...(outliers?.fences
      ? [
          apart(
            'beyond the quartile fences',
            outliers.fences,
            outliers.beyond_low,
            outliers.beyond_high,
          ),
        ]
      : []),
    ...(outliers?.plausible
      ? [apart('not believed', outliers.plausible, outliers.absurd_low, outliers.absurd_high)]
      : []),
    ...(outliers && outliers.lowest.length > 0
      ? [['lowest', examples(outliers.lowest)] as const]
      : []),
    ...(outliers && outliers.highest.length > 0
      ? [['highest', examples(outliers.highest)] as const]
      : []),
  ]
}

/** How many values lie outside two bounds. */
function apart(
  title: string,
  bounds: { low: number; high: number },
  below: number,
  above: number,
): Row {
  const [low, high] = [valueText(bounds.low), valueText(bounds.high)]
  return [title, `${countText(below)} below ${low}, ${countText(above)} above ${high}`]
}

function examples(values: readonly TopValue[]): string {
  return values
    .map(
      ({ value, count }) =>
        `${valueText(Number(value), 6)}${count > 1 ? ` (${countText(count)}×)` : ''}`,
    )
    .join(', ')
}

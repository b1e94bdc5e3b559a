/** What goes together: correlations of numeric columns and the duration, as a matrix. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { Correlations } from '../document.ts'
import { countText } from '../number-text.ts'
import { tip } from './bins-chart.ts'
import { type Draw, Figure } from './figure.tsx'
import { Scroll } from './scroll.tsx'
import type { Series } from './series.tsx'

type Kind = 'pearson' | 'spearman'

/** A matrix for each month. */
export function CorrelationMatrices({ all }: { all: readonly Series[] }): JSX.Element {
  const [kind, setKind] = useState<Kind>('pearson')
  const some = all.flatMap(({ month, name, color }) => {
    const { correlations } = month.rides
    return correlations ? [{ name, color, correlations }] : []
  })
  return (
    <>
      <fieldset class="choice">
        <legend class="unseen">Kind of correlation</legend>
        {(['pearson', 'spearman'] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="kind" checked={kind === one} onChange={() => setKind(one)} />
            {one === 'pearson' ? 'of values (Pearson)' : 'of ranks (Spearman)'}
          </label>
        ))}
      </fieldset>
      <div class={some.length > 1 ? 'pair' : ''}>
        {some.map(({ name, color, correlations }) => (
          <div key={name}>
            {some.length > 1 && (
              <h3>
                <i class="dot" style={{ background: color }} />
                {name}
              </h3>
            )}
            <Matrix correlations={correlations} kind={kind} />
          </div>
        ))}
      </div>
    </>
  )
}

function Matrix({ correlations, kind }: { correlations: Correlations; kind: Kind }): JSX.Element {
  const { rides, sampled, names } = correlations
  const matrix = correlations[kind]
  const draw = useMemo(() => drawing(correlations, kind), [correlations, kind])
  return (
    <Figure label={`Correlations of ${names.join(', ')}`} draw={draw}>
      <p class="note">
        {kind === 'pearson' || sampled === rides
          ? `Over ${countText(rides)} rides`
          : `Over ${countText(sampled)} of ${countText(rides)} rides, evenly spread`}{' '}
        of 1 to 60 minutes and up to 100 miles; a pair rests on the rides that have both.
      </p>
      <details>
        <summary>As a table</summary>
        <Scroll label="Correlations">
          <table>
            <thead>
              <tr>
                <td />
                {names.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {names.map((name, a) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {names.map((other, b) => (
                    <td key={other}>{matrix[a]?.[b]?.toFixed(2) ?? '–'}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </Figure>
  )
}

interface Cell {
  readonly row: string
  readonly column: string
  readonly value: number
  readonly title: string
}

/** Columns that vary with no other are left out. */
function drawing({ names, ...matrices }: Correlations, kind: Kind): Draw {
  const matrix = matrices[kind]
  const varies = (a: number): boolean =>
    names.some((_, b) => a !== b && typeof matrix[a]?.[b] === 'number')
  const shown = names.filter((_, a) => varies(a))
  const cells: Cell[] = names.flatMap((row, a) =>
    names.flatMap((column, b) => {
      const value = matrix[a]?.[b]
      if (b >= a || typeof value !== 'number' || !varies(a) || !varies(b)) return []
      return [{ row, column, value, title: `${row}, ${column}\n${value.toFixed(3)}` }]
    }),
  )
  return (width) => {
    const left = Math.min(140, width * 0.36)
    const size = (width - left) / Math.max(1, shown.length - 1)
    return {
      height: Math.max(24, Math.min(34, size)) * (shown.length - 1) + 96,
      marginLeft: left,
      marginBottom: 92,
      marginTop: 2,
      marginRight: 2,
      padding: 0.04,
      x: { domain: shown.slice(0, -1), label: null, tickSize: 0, tickRotate: -45 },
      y: { domain: shown.slice(1), label: null, tickSize: 0 },
      marks: [
        Plot.cell(cells, {
          x: 'column',
          y: 'row',
          fill: ({ value }: Cell) => turn(value),
          rx: 1.5,
        }),
        ...(size > 26
          ? [
              Plot.text(cells, {
                x: 'column',
                y: 'row',
                text: ({ value }: Cell) => short(value),
                fill: ({ value }: Cell) =>
                  Math.abs(value) > 0.55 ? 'var(--on-turn)' : 'var(--text)',
                fontSize: 10,
              }),
            ]
          : []),
        Plot.tip(cells, Plot.pointer({ x: 'column', y: 'row', title: 'title', ...tip })),
      ],
    }
  }
}

/** Two digits behind the point, without a sign where they are zeros. */
function short(value: number): string {
  const text = value.toFixed(2)
  return Number(text) === 0 ? '0' : text.replace('-', '−').replace('0.', '.')
}

function turn(value: number): string {
  return `var(--turn-${Math.max(0, Math.min(6, Math.floor(((value + 1) * 7) / 2)))})`
}

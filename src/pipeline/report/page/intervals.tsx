/** Whether intervals hold what they promise. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { countText, shareText } from '../../data-profile/number-text.ts'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import { Scroll } from '../../data-profile/page/scroll.tsx'
import type { IntervalCoverage } from '../../judge/judgement.ts'
import { minutesText } from './names.ts'

/** A chart of promised and measured coverage, and a table by predicted minutes. */
export function Intervals({ intervals }: { intervals: readonly IntervalCoverage[] }): JSX.Element {
  const draw = useMemo(() => drawCoverage(intervals), [intervals])
  const bands = [...new Set(intervals.flatMap(({ slices }) => slices.map(({ name }) => name)))]
  return (
    <div class="pair">
      <div>
        <h3>Share of rides inside</h3>
        <p class="quiet small">on the line, as many as promised; a thin line for each band</p>
        <Figure label="Measured against promised coverage of intervals" draw={draw} />
      </div>
      <div>
        <h3>By predicted minutes</h3>
        <p class="quiet small">share inside, and below it the mean width in minutes</p>
        <Scroll label="Coverage by predicted minutes">
          <table>
            <thead>
              <tr>
                <th scope="col">predicted</th>
                <th scope="col">rides</th>
                {intervals.map(({ nominal }) => (
                  <th key={nominal} scope="col">
                    {shareText(nominal)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {bands.map((band) => {
                const cells = intervals.map(({ slices }) =>
                  slices.find(({ name }) => name === band),
                )
                return (
                  <tr key={band}>
                    <th scope="row">{band}</th>
                    <td>{countText(cells[0]?.n ?? 0)}</td>
                    {cells.map((cell, k) => (
                      <td key={intervals[k]?.nominal}>{cell && <Cell {...cell} />}</td>
                    ))}
                  </tr>
                )
              })}
              <tr>
                <th scope="row">all</th>
                <td>{countText(intervals[0]?.n ?? 0)}</td>
                {intervals.map((one) => (
                  <td key={one.nominal}>
                    <Cell {...one} />
                  </td>
                ))}
              </tr>
            </tbody>
          </table>
        </Scroll>
      </div>
    </div>
  )
}

/** Two lines: side by side, the last of four columns would not fit. */
function Cell({ coverage, width }: { coverage: number; width: number }): JSX.Element {
  return (
    <>
      {(coverage * 100).toFixed(1)} %<br />
      <span class="quiet">{minutesText(width, 1)}</span>
    </>
  )
}

function drawCoverage(intervals: readonly IntervalCoverage[]): Draw {
  const bands = intervals.flatMap(({ nominal, slices }) =>
    slices.map(({ name, coverage }) => ({ nominal, name, coverage })),
  )
  const least = Math.min(0.4, ...bands.map(({ coverage }) => coverage))
  const percent = (share: number): string => `${Math.round(share * 100)} %`
  const title = ({ nominal, coverage, width }: IntervalCoverage): string =>
    `${percent(nominal)} promised\n${(coverage * 100).toFixed(1)} % inside\n${minutesText(width, 1)} minutes wide`
  return () => ({
    height: 300,
    marginLeft: 44,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 34,
    x: {
      label: 'promised',
      labelArrow: 'none',
      domain: [0.4, 1],
      tickFormat: percent,
      tickSize: 0,
    },
    y: {
      label: 'inside',
      labelArrow: 'none',
      domain: [least, 1],
      grid: true,
      tickFormat: percent,
      tickSize: 0,
    },
    marks: [
      Plot.line(
        [
          [0.4, 0.4],
          [1, 1],
        ],
        { stroke: 'var(--text)', strokeDasharray: '3,3' },
      ),
      Plot.line(bands, {
        x: 'nominal',
        y: 'coverage',
        z: 'name',
        stroke: 'var(--series-now)',
        strokeOpacity: 0.3,
        strokeWidth: 1,
      }),
      Plot.line(intervals, {
        x: 'nominal',
        y: 'coverage',
        stroke: 'var(--series-now)',
        strokeWidth: 2,
      }),
      Plot.dot(intervals, { x: 'nominal', y: 'coverage', r: 4, fill: 'var(--series-now)' }),
      Plot.tip(intervals, Plot.pointerX({ x: 'nominal', y: 'coverage', title, ...tip })),
    ],
  })
}

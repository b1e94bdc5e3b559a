/** What more months of training buy. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import { Scroll } from '../../data-profile/page/scroll.tsx'
import type { LearningPoint, ReportModel } from '../document.ts'
import { minutesText } from './names.ts'

const monthsName = (months: number): string => `${months} ${months === 1 ? 'month' : 'months'}`

/** The learning curve of a recipe, and a table with those of others. */
export function Learning({
  model,
  others,
}: {
  model: ReportModel
  others: readonly ReportModel[]
}): JSX.Element {
  const { learning_curve: curve = [] } = model
  const draw = useMemo(() => drawCurve(curve), [curve])
  const all = [model, ...others].filter(({ learning_curve: some = [] }) => some.length > 0)
  const months = [...new Set(all.flatMap(({ learning_curve = [] }) => learning_curve))]
    .map((point) => point.months)
    .filter((count, k, counts) => counts.indexOf(count) === k)
    .sort((a, b) => a - b)
  return (
    <>
      <p class="quiet small">
        the same recipe on the latest months alone, measured on the same rides
      </p>
      <Figure label="RMSE by months of training, minutes" draw={draw}>
        <details>
          <summary>As a table</summary>
          <Scroll label="RMSE by months of training">
            <table>
              <thead>
                <tr>
                  <th scope="col">model</th>
                  {months.map((count) => (
                    <th key={count} scope="col">
                      {monthsName(count)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {all.map(({ name, learning_curve: some = [] }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    {months.map((count) => {
                      const point = some.find((one) => one.months === count)
                      return <td key={count}>{point ? minutesText(point.rmse, 3) : '–'}</td>
                    })}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      </Figure>
    </>
  )
}

function drawCurve(curve: readonly LearningPoint[]): Draw {
  const place = { x: 'months', y: 'rmse' } as const
  const title = ({ months, rmse }: LearningPoint): string =>
    `${monthsName(months)}\nRMSE ${minutesText(rmse, 3)}`
  return () => ({
    height: 260,
    marginLeft: 44,
    marginRight: 24,
    marginTop: 24,
    marginBottom: 34,
    x: {
      label: 'months of training',
      labelArrow: 'none',
      ticks: curve.map(({ months }) => months),
      tickFormat: String,
      tickSize: 0,
    },
    y: {
      label: 'RMSE, minutes',
      labelArrow: 'none',
      grid: true,
      ticks: 5,
      tickSize: 0,
      nice: true,
    },
    marks: [
      Plot.lineY(curve, { ...place, stroke: 'var(--series-now)', strokeWidth: 2 }),
      Plot.dot(curve, { ...place, r: 4, fill: 'var(--series-now)' }),
      Plot.tip(curve, Plot.pointerX({ ...place, title, ...tip })),
    ],
  })
}

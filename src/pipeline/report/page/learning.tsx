/** What more months of training buy. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import { Scroll } from '../../data-profile/page/scroll.tsx'
import type { LearningPoint } from '../../judge/judgement.ts'
import type { ReportModel } from '../document.ts'
import { minutesText } from './names.ts'

const monthsName = (months: number): string => `${months} ${months === 1 ? 'month' : 'months'}`

/** The points of a model's learning curve; none where it is not known. */
export function pointsOf({ learning_curve: curve = [] }: ReportModel): readonly LearningPoint[] {
  return 'unavailable' in curve ? [] : curve
}

/** True for a model that has a learning curve, or says why not. */
export function hasLearning({ learning_curve: curve = [] }: ReportModel): boolean {
  return 'unavailable' in curve || curve.length > 0
}

/** The learning curve of a recipe, and a table with those of others; or why there is none. */
export function Learning({
  model,
  others,
}: {
  model: ReportModel
  others: readonly ReportModel[]
}): JSX.Element {
  const { learning_curve: told } = model
  const draw = useMemo(() => drawCurve(pointsOf(model)), [model])
  const all = [model, ...others].filter((one) => pointsOf(one).length > 0)
  const counts = all.flatMap((one) => pointsOf(one).map(({ months }) => months))
  const months = [...new Set(counts)].sort((a, b) => a - b)
  if (told && 'unavailable' in told) {
    return <p class="quiet small">Not shown: {told.unavailable}.</p>
  }
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
                {all.map((one) => (
                  <tr key={one.name}>
                    <th scope="row">{one.name}</th>
                    {months.map((count) => {
                      const point = pointsOf(one).find(({ months: own }) => own === count)
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

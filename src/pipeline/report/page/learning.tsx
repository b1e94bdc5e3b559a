/** What more months of training buy. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import type { LearningPoint } from '../document.ts'
import { minutesText } from './names.ts'

/** The learning curve of a recipe. */
export function Learning({ curve }: { curve: readonly LearningPoint[] }): JSX.Element {
  const draw = useMemo(() => drawCurve(curve), [curve])
  return <Figure label="RMSE by months of training, minutes" draw={draw} />
}

function drawCurve(curve: readonly LearningPoint[]): Draw {
  const place = { x: 'months', y: 'rmse' } as const
  const title = ({ months, rmse }: LearningPoint): string =>
    `${months} ${months === 1 ? 'month' : 'months'}\nRMSE ${minutesText(rmse, 3)}`
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

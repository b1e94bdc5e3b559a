/** Residuals against leverage: rides that decide a fit, and whether they lie off. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { countText, valueText } from '../../data-profile/number-text.ts'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import type { LeveragePoints } from '../../judge/judgement.ts'
import type { ReportModel } from '../document.ts'
import { biasText } from './names.ts'

/** The chart, or why there is none. */
export function Leverage({
  leverage,
}: {
  leverage: NonNullable<ReportModel['leverage']>
}): JSX.Element {
  return (
    <div class="below">
      <h3>Residuals against leverage</h3>
      {'unavailable' in leverage ? (
        <p class="quiet small">Not shown: {leverage.unavailable}.</p>
      ) : (
        <Points points={leverage} />
      )}
    </div>
  )
}

/** Cook's distances that are drawn, the first of which rides seldom reach. */
const curvesAt = [0.5, 1] as const
const [firstCurve] = curvesAt

function Points({ points }: { points: LeveragePoints }): JSX.Element {
  const draw = useMemo(() => drawPoints(points), [points])
  const { fitted, coefficients, sampled, decided, influence } = points
  const most = Math.max(...influence)
  return (
    <>
      <p class="quiet small">
        {countText(influence.length)} rides that were trained on, among them those that move the fit
        most of {countText(sampled)} drawn at random; the vertical line is the mean leverage,{' '}
        {countText(Math.round(coefficients))} coefficients over {countText(fitted)} rides;{' '}
        {most < firstCurve
          ? `no Cook's distance is above ${valueText(most, 2)}`
          : "beyond the dashed curves Cook's distance is above 0.5 and 1"}
      </p>
      <Figure label="Standardised residuals against leverage" draw={draw}>
        {decided > 0 && (
          <p class="note">
            Not in the chart: {countText(decided)} of the {countText(sampled)} rides decide their
            own prediction, with a leverage of 1.
          </p>
        )}
      </Figure>
    </>
  )
}

interface Point {
  readonly leverage: number
  readonly residual: number
  readonly title: string
}

/** Where Cook's distance is `distance`, on one side. */
function contour(
  distance: number,
  side: 1 | -1,
  { coefficients }: LeveragePoints,
  [low, high]: readonly [number, number],
  most: number,
): Point[] {
  return Array.from({ length: 81 }, (_, k): Point => {
    const leverage = low * (high / low) ** (k / 80)
    const residual = side * Math.sqrt((distance * coefficients * (1 - leverage)) / leverage)
    return { leverage, residual, title: '' }
  }).filter(({ residual }) => Math.abs(residual) <= most)
}

function drawPoints(points: LeveragePoints): Draw {
  const { leverage, residual, influence, coefficients, fitted } = points
  const rides = leverage.map((value, k): Point => {
    const [off, moved] = [residual[k] as number, influence[k] as number]
    return {
      leverage: value,
      residual: off,
      title: `leverage ${valueText(value, 3)}\n${biasText(off)} standard deviations off\nCook's distance ${valueText(moved, 2)}`,
    }
  })
  const known = leverage.filter((value) => value > 0)
  const range = [Math.min(...known), Math.max(...known)] as const
  const most = Math.max(4, ...residual.map(Math.abs)) * 1.06
  const curves = curvesAt.flatMap((distance) =>
    ([1, -1] as const).map((side) => contour(distance, side, points, range, most)),
  )
  const place = { x: 'leverage', y: 'residual' } as const
  return (width) => ({
    height: Math.round(Math.min(340, Math.max(260, width * 0.34))),
    marginLeft: 40,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 34,
    x: {
      type: 'log',
      label: 'leverage',
      labelArrow: 'none',
      // A little room on either side; whole decades would leave half of the chart empty.
      domain: [range[0] / 1.25, Math.min(1, range[1] * 1.25)],
      tickSize: 0,
      ticks: Math.max(2, Math.round(width / 140)),
      tickFormat: (value: number) => valueText(value, 2),
    },
    y: {
      label: 'residual, standard deviations',
      labelArrow: 'none',
      domain: [-most, most],
      grid: true,
      tickSize: 0,
    },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--text)', strokeDasharray: '3,3' }),
      Plot.ruleX([coefficients / fitted], { stroke: 'var(--edge)' }),
      Plot.dot(
        rides.filter((ride) => ride.leverage > 0),
        { ...place, r: 1.6, fill: 'var(--series-now)', fillOpacity: 0.55 },
      ),
      ...curves.map((curve) =>
        Plot.line(curve, { ...place, stroke: 'var(--series-before)', strokeDasharray: '4,3' }),
      ),
      Plot.tip(rides, Plot.pointer({ ...place, title: 'title', ...tip })),
    ],
  })
}

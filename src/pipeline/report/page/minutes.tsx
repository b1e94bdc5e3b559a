/** Predicted and actual minutes: how they lie, and how they lie together. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { countText } from '../../data-profile/number-text.ts'
import { drawBins, tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import { type Shade, shadeOf, shadesOf } from '../../data-profile/page/zone-map.tsx'
import type { Judgement } from '../../judge/judgement.ts'

/** Both charts. */
export function Minutes({ judgement }: { judgement: Judgement }): JSX.Element {
  return (
    <div class="pair">
      <Distributions judgement={judgement} />
      <Density judgement={judgement} />
    </div>
  )
}

const series = [
  { name: 'actual', color: 'var(--series-before)' },
  { name: 'predicted', color: 'var(--series-now)' },
] as const

function Distributions({ judgement }: { judgement: Judgement }): JSX.Element {
  const { n } = judgement.measures
  const draw = useMemo(() => {
    const bins = series.map((one) => ({ ...one, histogram: judgement[one.name], total: n }))
    return drawBins(bins, { height: 300, label: 'minutes' })
  }, [judgement, n])
  const { below, above } = judgement.predicted
  return (
    <div>
      <h3>How they lie</h3>
      <ul class="legend">
        {series.map(({ name, color }) => (
          <li key={name}>
            <i style={{ background: color }} />
            {name}
          </li>
        ))}
      </ul>
      <Figure label="Distribution of actual and of predicted minutes" draw={draw}>
        {below + above > 0 && (
          <p class="note">
            Not in the chart: {countText(below)} predictions below 0 minutes, {countText(above)}{' '}
            above its end.
          </p>
        )}
      </Figure>
    </div>
  )
}

interface Cell {
  readonly x1: number
  readonly x2: number
  readonly y1: number
  readonly y2: number
  readonly count: number
  readonly title: string
}

function Density({ judgement }: { judgement: Judgement }): JSX.Element {
  const shades = useMemo(() => shadesOf(judgement.density, 'log'), [judgement])
  const draw = useMemo(() => drawDensity(judgement, shades), [judgement, shades])
  return (
    <div>
      <h3>Predicted against actual</h3>
      <p class="quiet small">rides of one prediction and one duration; on the line both agree</p>
      <Figure label="Rides by predicted and actual minutes" draw={draw}>
        <ul class="shades" aria-label="Rides in a cell">
          {shades.map(({ color, from }, k) => (
            <li key={color}>
              <i style={{ background: color }} />
              {k === 0 && shades[1] ? `under ${countText(shades[1].from)}` : countText(from)}
            </li>
          ))}
        </ul>
      </Figure>
    </div>
  )
}

function drawDensity({ density, axis }: Judgement, shades: readonly Shade[]): Draw {
  const { width: step, bins } = axis
  const cells = density.flatMap((count, k): Cell[] => {
    if (count === 0) return []
    const [x1, y1] = [Math.floor(k / bins) * step, (k % bins) * step]
    const [x2, y2] = [x1 + step, y1 + step]
    const title = `${x1} to ${x2} predicted\n${y1} to ${y2} minutes\n${countText(count)} rides`
    return [{ x1, x2, y1, y2, count, title }]
  })
  const most = bins * step
  return (width) => ({
    height: Math.min(width, 460) + 16,
    marginLeft: 36,
    marginRight: 8,
    // Room for the axis's name above its highest number.
    marginTop: 24,
    marginBottom: 34,
    x: { label: 'predicted minutes', labelArrow: 'none', domain: [0, most], tickSize: 0 },
    y: { label: 'actual', labelArrow: 'none', domain: [0, most], tickSize: 0 },
    marks: [
      Plot.rect(cells, {
        x1: 'x1',
        x2: 'x2',
        y1: 'y1',
        y2: 'y2',
        fill: ({ count }: Cell) => shadeOf(count, shades, 'log'),
        inset: 0,
      }),
      Plot.line(
        [
          [0, 0],
          [most, most],
        ],
        { stroke: 'var(--text)', strokeWidth: 1, strokeDasharray: '3,3' },
      ),
      Plot.tip(
        cells,
        Plot.pointer({ x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', title: 'title', ...tip }),
      ),
    ],
  })
}

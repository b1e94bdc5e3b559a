/** Residuals as the diagnostics of a regression show them. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { countText } from '../../data-profile/number-text.ts'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import type { FittedBin, Judgement, QuantilePoint } from '../../judge/judgement.ts'
import { smooth } from '../smooth.ts'
import { biasText, minutesText } from './names.ts'

/** Tukey-Anscombe, scale-location and normal quantiles. */
export function Residuals({ judgement }: { judgement: Judgement }): JSX.Element {
  const fitted = useMemo(() => drawFitted(judgement), [judgement])
  const spread = useMemo(() => drawSpread(judgement), [judgement])
  const normal = useMemo(() => drawNormal(judgement.qq), [judgement])
  return (
    <>
      <h3>Residuals against predictions (Tukey-Anscombe)</h3>
      <p class="quiet small">
        {countText(judgement.sample.predicted.length)} rides drawn at random; the bands hold nine
        and five of ten of all rides, the line is a smooth of their mean
      </p>
      <Figure label="Residuals against predicted minutes, with bands and a smooth" draw={fitted} />
      <div class="pair">
        <div>
          <h3>Scale against location</h3>
          <p class="quiet small">
            root of the size of the residual over the RMSE: median, half of the rides, smooth
          </p>
          <Figure label="Root of standardised residuals against predicted minutes" draw={spread} />
        </div>
        <div>
          <h3>Residuals against normal ones</h3>
          <p class="quiet small">quantiles; the line goes through the quartiles</p>
          <Figure label="Normal quantile plot of the residuals" draw={normal} />
        </div>
      </div>
    </>
  )
}

/** Bins of fewer rides say little. */
const enough = 20

const centre = ({ from, to }: FittedBin): number => (from + to) / 2

// Room for the y axis's name above its highest number.
const frame = { marginLeft: 40, marginRight: 12, marginTop: 24, marginBottom: 34 } as const

const fittedAxis = (width: number): Plot.ScaleOptions => ({
  label: 'predicted minutes',
  labelArrow: 'none',
  tickSize: 0,
  ticks: Math.round(width / 70),
})

function drawFitted({ fitted, sample }: Judgement): Draw {
  const bins = fitted.filter(({ n }) => n >= enough)
  const curve = smooth(bins.map((bin) => ({ x: centre(bin), y: bin.mean, weight: bin.n })))
  const points = sample.predicted.map((x, k) => ({ x, y: x - (sample.actual[k] as number) }))
  const ends = bins.flatMap(({ quantiles }) => quantiles)
  const [low, high] = [Math.min(-1, ...ends) * 1.6, Math.max(1, ...ends) * 1.6]
  const at = (k: number) => (bin: FittedBin) => bin.quantiles[k] as number
  const title = (bin: FittedBin): string => {
    const [p5, , median, , p95] = bin.quantiles.map((value) => biasText(value))
    return `${bin.from} to ${bin.to} minutes predicted\nmean ${biasText(bin.mean)}, median ${median}\nnine of ten: ${p5} to ${p95}\n${countText(bin.n)} rides`
  }
  const color = 'var(--series-now)'
  return (width) => ({
    ...frame,
    height: Math.round(Math.min(380, Math.max(260, width * 0.4))),
    x: fittedAxis(width),
    y: {
      label: 'predicted − actual',
      labelArrow: 'none',
      domain: [low, high],
      grid: true,
      tickSize: 0,
    },
    marks: [
      Plot.dot(points, {
        x: 'x',
        y: 'y',
        r: 1.2,
        fill: 'var(--quiet)',
        fillOpacity: 0.4,
        clip: true,
      }),
      Plot.areaY(bins, { x: centre, y1: at(0), y2: at(4), fill: color, fillOpacity: 0.12 }),
      Plot.areaY(bins, { x: centre, y1: at(1), y2: at(3), fill: color, fillOpacity: 0.22 }),
      Plot.ruleY([0], { stroke: 'var(--text)', strokeDasharray: '3,3' }),
      Plot.lineY(curve, { x: 'x', y: 'y', stroke: 'var(--series-before)', strokeWidth: 2.2 }),
      Plot.tip(bins, Plot.pointerX({ x: centre, y: 'mean', title, ...tip })),
    ],
  })
}

function drawSpread({ fitted }: Judgement): Draw {
  const bins = fitted.filter(({ n }) => n >= enough)
  const at = (k: number) => (bin: FittedBin) => bin.spread[k] as number
  const median = at(1)
  const curve = smooth(bins.map((bin) => ({ x: centre(bin), y: median(bin), weight: bin.n })))
  const title = (bin: FittedBin): string =>
    `${bin.from} to ${bin.to} minutes predicted\nmedian ${median(bin).toFixed(2)}\n${countText(bin.n)} rides`
  return (width) => ({
    ...frame,
    height: 280,
    x: fittedAxis(width),
    y: { label: null, grid: true, tickSize: 0, zero: true },
    marks: [
      Plot.areaY(bins, {
        x: centre,
        y1: at(0),
        y2: at(2),
        fill: 'var(--series-now)',
        fillOpacity: 0.22,
      }),
      Plot.dot(bins, { x: centre, y: median, r: 1.8, fill: 'var(--series-now)' }),
      Plot.lineY(curve, { x: 'x', y: 'y', stroke: 'var(--series-before)', strokeWidth: 2 }),
      Plot.tip(bins, Plot.pointerX({ x: centre, y: median, title, ...tip })),
    ],
  })
}

function drawNormal(points: readonly QuantilePoint[]): Draw {
  const at = (p: number): QuantilePoint | undefined => points.find((one) => one.p === p)
  const [lower, upper] = [at(0.25), at(0.75)]
  const slope = lower && upper ? (upper.residual - lower.residual) / (upper.z - lower.z) : 0
  const ends = [points[0], points.at(-1)].flatMap((one) => (one ? [one.z] : []))
  const line = ends.map((z) => ({
    z,
    residual: (lower?.residual ?? 0) + slope * (z - (lower?.z ?? 0)),
  }))
  const title = ({ p, residual }: QuantilePoint): string =>
    `${Number((p * 100).toFixed(2))} % of the rides are below ${minutesText(residual)} minutes`
  return () => ({
    ...frame,
    height: 280,
    x: { label: 'standard deviations of a normal distribution', labelArrow: 'none', tickSize: 0 },
    y: { label: 'residual', labelArrow: 'none', grid: true, tickSize: 0 },
    marks: [
      Plot.line(line, { x: 'z', y: 'residual', stroke: 'var(--series-before)', strokeWidth: 1.5 }),
      Plot.dot(points, { x: 'z', y: 'residual', r: 2, fill: 'var(--series-now)' }),
      Plot.tip(points, Plot.pointer({ x: 'z', y: 'residual', title, ...tip })),
    ],
  })
}

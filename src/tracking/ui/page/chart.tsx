/**
 * Charts: what all of them share. Colours come from the style sheet, so that they follow the
 * light and dark of the system. Knows nothing about runs.
 */

import {
  CategoryScale,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  type ChartType,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  type ScaleOptionsByType,
  ScatterController,
  Tooltip,
} from 'chart.js'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { tickNumber } from './format.ts'

Chart.register(CategoryScale, Legend, LinearScale, LineController, LineElement)
Chart.register(LogarithmicScale, PointElement, ScatterController, Tooltip)
Chart.defaults.animation = false
Chart.defaults.maintainAspectRatio = false
Chart.defaults.font.family =
  "Inter, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"
Chart.defaults.font.size = 11

/** Colours of the style sheet, as charts need them. */
export interface Colors {
  readonly text: string
  readonly quiet: string
  readonly line: string
  readonly surface: string
  readonly accent: string
  /** Told apart by people who do not see all colours, too; repeated when there are more lines. */
  readonly series: readonly string[]
}

const dark = window.matchMedia('(prefers-color-scheme: dark)')

function colorsNow(): Colors {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return {
    text: color('text'),
    quiet: color('quiet'),
    line: color('line'),
    surface: color('surface'),
    accent: color('accent'),
    series: Array.from({ length: 8 }, (_, i) => color(`series-${i + 1}`)),
  }
}

/** Colours that change with the system's. */
export function useColors(): Colors {
  const [colors, setColors] = useState(colorsNow)
  useEffect(() => {
    const onChange = (): void => setColors(colorsNow())
    dark.addEventListener('change', onChange)
    return () => dark.removeEventListener('change', onChange)
  }, [])
  return colors
}

/** Colour and dashes of the n-th line of a chart. */
export function seriesStyle({ series }: Colors, n: number): { color: string; dash: number[] } {
  const dashes = [[], [6, 3], [2, 3]]
  return {
    color: series[n % series.length] ?? 'gray',
    dash: dashes[Math.floor(n / series.length) % dashes.length] ?? [],
  }
}

/** An axis with numbers in the page's form. */
export function axis(
  colors: Colors,
  title: string,
  { log = false, labels }: { log?: boolean; labels?: readonly string[] } = {},
): object {
  const tick = (value: number | string): string => {
    if (labels) return shortLabel(labels[Number(value)] ?? '')
    return tickNumber(Number(value))
  }
  const ticks: Partial<ScaleOptionsByType<'linear'>['ticks']> = {
    color: colors.quiet,
    callback: tick,
    maxRotation: 0,
    autoSkipPadding: 12,
  }
  if (labels) Object.assign(ticks, { stepSize: 1 })
  return {
    type: log ? 'logarithmic' : 'linear',
    title: { display: title !== '', text: shortLabel(title, 60), color: colors.quiet },
    grid: { color: colors.line, tickColor: 'transparent' },
    border: { color: colors.line },
    ...(labels ? { min: -0.5, max: labels.length - 0.5 } : {}),
    ticks,
  }
}

function shortLabel(text: string, most = 24): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

/** Look of the box beside a point. */
export function tooltip(colors: Colors): object {
  return {
    backgroundColor: colors.text,
    titleColor: colors.surface,
    bodyColor: colors.surface,
    displayColors: false,
    padding: 8,
    caretSize: 4,
    cornerRadius: 4,
  }
}

/** A chart in a box of its own, drawn anew when its configuration is another. */
export function ChartBox<T extends ChartType, D>({
  label,
  config,
}: {
  /** What is seen, for those who do not see it. */
  label: string
  config: ChartConfiguration<T, D>
}): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current === null) return
    const chart = new Chart(canvas.current, config)
    return () => chart.destroy()
  }, [config])
  return (
    <div class="chart">
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  )
}

export type { ChartConfiguration, ChartDataset }

/**
 * Histograms of one month or of two laid over each other: the earlier one filled, the later one
 * outlined, as shares, so that months of different sizes compare. Knows nothing about what is
 * counted.
 */

import * as Plot from '@observablehq/plot'
import type { Histogram } from '../document.ts'
import { shareText, valueText } from '../number-text.ts'
import type { Draw } from './figure.tsx'

/** A histogram with its colour and the number of values it is a share of. */
export interface Binned {
  readonly name: string
  readonly color: string
  readonly histogram: Histogram
  readonly total: number
}

interface Bar {
  readonly from: number
  readonly to: number
  readonly share: number
  readonly title: string
}

/** What of a histogram's frame differs between a card and a chart of its own. */
export interface BinsFrame {
  readonly height: number
  /** What the values are, at the axis; none on cards. */
  readonly label?: string
}

/** Draws histograms over the same bins. */
export function drawBins(all: readonly Binned[], { height, label }: BinsFrame): Draw {
  const bars = all.map(barsOf)
  const isSmall = label === undefined
  const earlier = all.length > 1 ? bars[0] : undefined
  const later = bars.at(-1) ?? []
  const [before, now] = [all[0]?.color ?? '', all.at(-1)?.color ?? '']
  const rect = { x1: 'from', x2: 'to', y: 'share', insetLeft: 0.5, insetRight: 0.5 } as const
  return (width) => ({
    height,
    marginLeft: isSmall ? 0 : 44,
    marginRight: isSmall ? 0 : 12,
    marginBottom: isSmall ? 20 : 34,
    marginTop: 8,
    x: {
      label: label ?? null,
      labelArrow: 'none',
      ticks: isSmall ? Math.max(2, Math.round(width / 80)) : Math.round(width / 70),
      tickSize: 0,
      inset: isSmall ? 2 : 0,
    },
    y: {
      label: null,
      axis: isSmall ? null : 'left',
      grid: !isSmall,
      ticks: 4,
      tickSize: 0,
      tickFormat: (share: number) => `${valueText(share * 100)} %`,
    },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--edge)' }),
      ...(earlier ? [Plot.rectY(earlier, { ...rect, fill: before, fillOpacity: 0.45 })] : []),
      earlier
        ? Plot.line(outline(later), { x: 'x', y: 'y', stroke: now, strokeWidth: 1.5 })
        : Plot.rectY(later, { ...rect, fill: now, fillOpacity: 0.85 }),
      Plot.tip(
        bars.flat(),
        Plot.pointerX({ x1: 'from', x2: 'to', y: 'share', title: 'title', ...tip }),
      ),
    ],
  })
}

/** The look of the box at the pointer. */
export const tip = { fill: 'var(--raised)', stroke: 'var(--edge)', fontSize: 11 } as const

function barsOf({ histogram, total, name }: Binned, _: number, all: readonly Binned[]): Bar[] {
  const { start, width, counts, whole } = histogram
  const first = Math.round(start / width)
  const edge = (k: number): number => Number(((first + k) * width).toPrecision(12))
  return counts.map((count, k) => {
    // A bar of a whole number stands over it.
    const half = whole ? 0.5 : 0
    const [from, to] = [edge(k) - half, edge(k + 1) - half]
    const share = count / Math.max(1, total)
    const of = all.length > 1 ? `${name}: ` : ''
    const range = whole ? valueText(edge(k)) : `${valueText(from)} to ${valueText(to)}`
    return {
      from,
      to,
      share,
      title: `${of}${range}\n${shareText(share)}`,
    }
  })
}

/** The line along the tops of bars. */
function outline(bars: readonly Bar[]): { x: number; y: number }[] {
  const [first, last] = [bars[0], bars.at(-1)]
  return [
    ...(first ? [{ x: first.from, y: 0 }] : []),
    ...bars.flatMap(({ from, to, share }) => [
      { x: from, y: share },
      { x: to, y: share },
    ]),
    ...(last ? [{ x: last.to, y: 0 }] : []),
  ]
}

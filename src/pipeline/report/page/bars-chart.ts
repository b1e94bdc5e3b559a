/**
 * Bars with names at their left, one for each of some things; what other models have is a tick. Knows
 * nothing about what is measured.
 */

import * as Plot from '@observablehq/plot'
import { tip } from '../../data-profile/page/bins-chart.ts'
import type { Draw } from '../../data-profile/page/figure.tsx'

/** A bar. */
export interface Bar {
  readonly name: string
  readonly value: number
  /** At the end of the bar. */
  readonly text: string
  /** Below the pointer. */
  readonly title: string
  /** True for one that rests on little. */
  readonly isFaint?: boolean
  /** The same of others. */
  readonly others?: readonly Other[]
}

/** What another model has. */
export interface Other {
  readonly model: string
  readonly value: number
  readonly text: string
}

/** The box at the pointer: others below what the bar says. */
const titleOf = ({ title, others = [] }: Bar): string =>
  [title, ...others.map(({ model, text }) => `${model}: ${text}`)].join('\n')

/** Ticks of others, by the name of the bar. */
const ticksOf = (bars: readonly Bar[]): { name: string; value: number }[] =>
  bars.flatMap(({ name, others = [] }) => others.map(({ value }) => ({ name, value })))

const rowHeight = 24

/** Draws bars from 0, downwards in the order they come. */
export function drawBars(bars: readonly Bar[], label: string): Draw {
  const names = bars.map(({ name }) => name)
  const ticks = ticksOf(bars)
  const ends = [...bars, ...ticks].map(({ value }) => value)
  const [least, most] = [Math.min(0, ...ends), Math.max(0, ...ends)]
  const letters = Math.max(...names.map((name) => name.length))
  return (width) => ({
    height: bars.length * rowHeight + 40,
    marginLeft: Math.min(letters * 6.8 + 8, width * 0.42),
    marginRight: 46,
    marginTop: 4,
    marginBottom: 34,
    x: {
      label,
      labelAnchor: 'right',
      labelArrow: 'none',
      domain: [least * (least < 0 && most <= 0 ? 1.15 : 1), most === least ? 1 : most],
      grid: true,
      ticks: Math.max(2, Math.round(width / 110)),
      tickSize: 0,
    },
    y: { label: null, domain: names, tickSize: 0, padding: 0.2 },
    marks: [
      Plot.barX(bars, {
        x: 'value',
        y: 'name',
        fill: 'var(--series-now)',
        fillOpacity: ({ isFaint }: Bar) => (isFaint ? 0.25 : 0.8),
      }),
      Plot.tickX(ticks, { x: 'value', y: 'name', stroke: 'var(--series-before)', strokeWidth: 2 }),
      Plot.ruleX([0], { stroke: 'var(--edge)' }),
      Plot.text(bars, {
        y: 'name',
        text: 'text',
        frameAnchor: 'right',
        textAnchor: 'end',
        dx: 44,
        fill: 'var(--text)',
      }),
      Plot.tip(bars, Plot.pointerY({ x: 'value', y: 'name', title: titleOf, ...tip })),
    ],
  })
}

/** Draws bars side by side, for names that are numbers. */
export function drawColumns(bars: readonly Bar[], label: string): Draw {
  const ticks = ticksOf(bars)
  return (width) => ({
    height: 220,
    marginLeft: 36,
    marginRight: 4,
    marginTop: 12,
    marginBottom: 34,
    x: {
      label,
      labelArrow: 'none',
      domain: bars.map(({ name }) => name),
      tickSize: 0,
      tickFormat: (name: string) => (width > 480 || Number(name) % 3 === 0 ? name : ''),
    },
    y: { label: null, grid: true, ticks: 5, tickSize: 0 },
    marks: [
      Plot.barY(bars, {
        x: 'name',
        y: 'value',
        fill: 'var(--series-now)',
        fillOpacity: ({ isFaint }: Bar) => (isFaint ? 0.25 : 0.8),
      }),
      Plot.tickY(ticks, { x: 'name', y: 'value', stroke: 'var(--series-before)', strokeWidth: 2 }),
      Plot.ruleY([0], { stroke: 'var(--edge)' }),
      Plot.tip(bars, Plot.pointerX({ x: 'name', y: 'value', title: titleOf, ...tip })),
    ],
  })
}

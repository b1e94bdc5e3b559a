/**
 * A chart in a box: drawn to the width there is, and drawn anew when that changes. Colours are
 * those of the style sheet, so that they follow the light and dark of the system. Knows nothing
 * about rides.
 */

import * as Plot from '@observablehq/plot'
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** What makes a chart for a width in pixels. */
export type Draw = (width: number) => Plot.PlotOptions

/**
 * A chart.
 *
 * @param label what is seen, for those who do not see it
 * @param draw keep it the same as long as what it draws is
 * @param after told of the drawn chart, to add what Plot does not do
 */
export function Figure({
  label,
  draw,
  after,
  children,
}: {
  label: string
  draw: Draw
  after?: (chart: Element) => void
  children?: ComponentChildren
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  useLayoutEffect(() => {
    if (box.current === null || width === 0) return
    const chart = Plot.plot({
      ...draw(width),
      width,
      style: { background: 'transparent', fontFamily: 'inherit', fontSize: '11px' },
    })
    chart.setAttribute('role', 'img')
    chart.setAttribute('aria-label', label)
    box.current.replaceChildren(chart)
    after?.(chart)
  }, [draw, after, label, width])
  return (
    <figure>
      <div class="chart" ref={box} />
      {children}
    </figure>
  )
}

/** The width of an element, 0 until it is known. */
function useWidth(box: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (box.current === null) return
    const measure = (): void => setWidth(Math.floor(box.current?.clientWidth ?? 0))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [box])
  return width
}

/** Which part of the plane the map shows, and how pointers and the wheel move it. Knows no zones. */

import type { RefObject } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type Point, plane } from './outlines.ts'

/** The part that is shown: a point `p` of the plane lies at `p * scale + (x, y)` pixels. */
export interface View {
  readonly scale: number
  readonly x: number
  readonly y: number
}

/** The size of the map, pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** A view that can be moved. */
export interface Camera {
  readonly view: View
  readonly size: Size
  /** Times what fits the whole city. */
  readonly zoom: number
  /** Zooms around the middle. */
  zoomBy(factor: number): void
  /** The whole city again. */
  reset(): void
  /** Moves so far that the points are in sight. */
  show(points: readonly Point[]): void
  /** True right after the pointer has dragged the map: that was no click. */
  wasDragged(): boolean
}

const closest = 16
/** Pixels that a pointer may tremble in a click. */
const tremble = 5

/** The view that shows the whole city. */
function wholeCity({ width, height }: Size): View {
  const scale = Math.min(width / plane.width, height / plane.height) * 0.97
  return {
    scale,
    x: (width - plane.width * scale) / 2,
    y: (height - plane.height * scale) / 2,
  }
}

/** A view that is neither too far nor too close, and has the city in its middle. */
function within(view: View, size: Size): View {
  const least = wholeCity(size).scale
  const scale = Math.min(Math.max(view.scale, least), least * closest)
  const keep = (at: number, extent: number, length: number): number => {
    const middle = extent / 2
    return Math.min(middle, Math.max(middle - length * scale, at))
  }
  return {
    scale,
    x: keep(view.x, size.width, plane.width),
    y: keep(view.y, size.height, plane.height),
  }
}

function zoomed(view: View, size: Size, factor: number, at: Point): View {
  const whole = wholeCity(size).scale
  const scale = Math.min(Math.max(view.scale * factor, whole), whole * closest)
  const ratio = scale / view.scale
  return within(
    { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio },
    size,
  )
}

/** The camera of a map in an element. */
export function useCamera(of: RefObject<HTMLElement | null>): Camera {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  const [view, setView] = useState<View>()
  const dragged = useRef(false)
  useEffect(() => {
    const map = of.current
    if (!map) return
    const observer = new ResizeObserver(() => {
      const { width, height } = map.getBoundingClientRect()
      if (width > 0 && height > 0) setSize({ width, height })
    })
    observer.observe(map)
    return () => observer.disconnect()
  }, [of])
  useEffect(() => {
    const map = of.current
    if (!map || size.width === 0) return
    const move = (next: (view: View) => View): void =>
      setView((last) => next(within(last ?? wholeCity(size), size)))
    return listen(map, size, move, dragged)
  }, [of, size])
  return useMemo(() => {
    const shown = size.width === 0 ? { scale: 1, x: 0, y: 0 } : (view ?? wholeCity(size))
    const middle = { x: size.width / 2, y: size.height / 2 }
    return {
      view: shown,
      size,
      zoom: size.width === 0 ? 1 : shown.scale / wholeCity(size).scale,
      zoomBy: (factor) => setView(zoomed(shown, size, factor, middle)),
      reset: () => setView(undefined),
      show: (points) => setView((last) => showing(last, size, points)),
      wasDragged: () => dragged.current,
    }
  }, [view, size])
}

/** The same view where all points are in sight already, else the whole city. */
function showing(view: View | undefined, size: Size, points: readonly Point[]): View | undefined {
  if (view === undefined) return undefined
  const margin = 30
  const isSeen = points.every((point) => {
    const [x, y] = [point.x * view.scale + view.x, point.y * view.scale + view.y]
    return x > margin && y > margin && x < size.width - margin && y < size.height - margin
  })
  return isSeen ? view : undefined
}

/** Drags with one pointer, pinches with two, zooms with the wheel. */
function listen(
  map: HTMLElement,
  size: Size,
  move: (next: (view: View) => View) => void,
  dragged: { current: boolean },
): () => void {
  const pointers = new Map<number, Point>()
  let start: Point | undefined
  const at = (event: MouseEvent): Point => {
    const box = map.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
  const middle = (): Point => {
    const all = [...pointers.values()]
    const sum = all.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 })
    return { x: sum.x / all.length, y: sum.y / all.length }
  }
  const spread = (): number => {
    const [a, b] = [...pointers.values()]
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0
  }
  const onDown = (event: PointerEvent): void => {
    if (pointers.size === 0) {
      start = at(event)
      dragged.current = false
    }
    pointers.set(event.pointerId, at(event))
  }
  const onMove = (event: PointerEvent): void => {
    if (!pointers.has(event.pointerId)) return
    const [from, apart] = [middle(), spread()]
    pointers.set(event.pointerId, at(event))
    const to = middle()
    if (start && Math.hypot(to.x - start.x, to.y - start.y) > tremble) dragged.current = true
    if (pointers.size > 1) dragged.current = true
    if (!dragged.current) {
      pointers.set(event.pointerId, from)
      return
    }
    if (!map.hasPointerCapture(event.pointerId)) map.setPointerCapture(event.pointerId)
    const factor = apart > 0 ? spread() / apart : 1
    move((view) => {
      const panned = { ...view, x: view.x + to.x - from.x, y: view.y + to.y - from.y }
      return factor === 1 ? within(panned, size) : zoomed(panned, size, factor, to)
    })
  }
  const onUp = (event: PointerEvent): void => {
    pointers.delete(event.pointerId)
  }
  const onWheel = (event: WheelEvent): void => {
    event.preventDefault()
    // Wheels tell lines or pixels; a notch is about 100 of the latter.
    const pixels = event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY
    const point = at(event)
    move((view) =>
      zoomed(view, size, Math.exp(-Math.max(-200, Math.min(200, pixels)) / 300), point),
    )
  }
  map.addEventListener('pointerdown', onDown)
  map.addEventListener('pointermove', onMove)
  map.addEventListener('pointerup', onUp)
  map.addEventListener('pointercancel', onUp)
  map.addEventListener('wheel', onWheel, { passive: false })
  return () => {
    map.removeEventListener('pointerdown', onDown)
    map.removeEventListener('pointermove', onMove)
    map.removeEventListener('pointerup', onUp)
    map.removeEventListener('pointercancel', onUp)
    map.removeEventListener('wheel', onWheel)
  }
}

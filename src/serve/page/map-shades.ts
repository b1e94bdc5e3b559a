/** Shades of minutes, and which zone lies in which direction. Knows nothing of how it is drawn. */

import type { Outline } from './outlines.ts'

/** Where the shades begin, minutes. */
export const shadeSteps: readonly number[] = [0, 5, 10, 15, 20, 30, 45]

/** Number of the shade of a time. */
export function shadeOf(minutes: number): number {
  return shadeSteps.findLastIndex((step) => minutes >= step)
}

const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
}

/**
 * The nearest zone in the direction of an arrow key, sideways counting double; the zone itself at the
 * end of the city, undefined for another key.
 */
export function nearestIn(
  zones: readonly Outline[],
  from: number,
  key: string,
): number | undefined {
  const direction = directions[key]
  if (!direction) return undefined
  const start = zones.find(({ ids }) => ids.includes(from))?.middle
  if (!start) return zones[0]?.ids[0]
  const [dx, dy] = direction
  let [best, least] = [from, Number.POSITIVE_INFINITY]
  for (const { ids, middle } of zones) {
    const [x, y] = [middle.x - start.x, middle.y - start.y]
    const ahead = x * dx + y * dy
    const aside = Math.abs(x * dy) + Math.abs(y * dx)
    if (ahead <= 0 || aside > ahead * 1.5) continue
    const cost = ahead + 2 * aside
    if (cost < least) [best, least] = [ids[0] ?? from, cost]
  }
  return best
}

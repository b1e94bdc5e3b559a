/** Thins a long curve out without losing its spikes. Knows nothing about how it is drawn. */

import type { MetricPoint } from '../tracker.ts'

/**
 * At most `most` of the points, in their order: the first, the last, and of equal stretches in
 * between the lowest and the highest. Of a stretch without a number its first point stands.
 *
 * @param points by step
 * @param most an even number from 4 on
 */
export function thinned(points: readonly MetricPoint[], most: number): readonly MetricPoint[] {
  if (points.length <= most) return points
  const inner = points.length - 2
  const stretches = (most - 2) / 2
  const kept = [0]
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = 1 + Math.floor((stretch * inner) / stretches)
    const to = 1 + Math.floor(((stretch + 1) * inner) / stretches)
    kept.push(...extremes(points, from, to))
  }
  kept.push(points.length - 1)
  return kept.flatMap((i) => points[i] ?? [])
}

/** Indices of the lowest and the highest value from `from` to before `to`, in their order. */
function extremes(points: readonly MetricPoint[], from: number, to: number): number[] {
  let [low, high] = [from, from]
  for (let i = from; i < to; i++) {
    const value = valueAt(points, i)
    if (!Number.isFinite(value)) continue
    if (!(value >= valueAt(points, low))) low = i
    if (!(value <= valueAt(points, high))) high = i
  }
  if (low === high) return [low]
  return low < high ? [low, high] : [high, low]
}

function valueAt(points: readonly MetricPoint[], i: number): number {
  return points[i]?.value ?? Number.NaN
}

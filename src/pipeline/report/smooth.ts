/**
 * A smooth curve through points: at each, a straight line fitted to its neighbours (Cleveland,
 * "Robust locally weighted regression", JASA 74, 1979, without the robust rounds). Knows nothing about
 * what is smoothed.
 */

/** A point with its weight, such as the number of rides behind it. */
export interface WeightedPoint {
  readonly x: number
  readonly y: number
  readonly weight: number
}

/**
 * The smooth at every point.
 *
 * @param points ascending by x
 * @param reach how far neighbours count, as a share of the range of x, default 0.25
 */
export function smooth(
  points: readonly WeightedPoint[],
  reach = 0.25,
): { readonly x: number; readonly y: number }[] {
  const range = (points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0)
  return points.map(({ x }) => ({ x, y: lineAt(points, x, range * reach) }))
}

/** The weighted least squares line of neighbours, at their centre. */
function lineAt(points: readonly WeightedPoint[], at: number, reach: number): number {
  let [n, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0]
  for (const { x, y, weight } of points) {
    const away = reach > 0 ? Math.abs(x - at) / reach : x === at ? 0 : 1
    if (away >= 1) continue
    const w = weight * (1 - away ** 3) ** 3
    const dx = x - at
    n += w
    sumX += w * dx
    sumY += w * y
    sumXX += w * dx * dx
    sumXY += w * dx * y
  }
  const spread = n * sumXX - sumX * sumX
  // One neighbour, or all at one place: their mean.
  if (spread <= 1e-12 * n * sumXX || n === 0) return n > 0 ? sumY / n : Number.NaN
  return (sumXX * sumY - sumX * sumXY) / spread
}

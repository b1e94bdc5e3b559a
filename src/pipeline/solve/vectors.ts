/** Products and sums of plain vectors, in order, so that their rounding is the same everywhere. */

/** Sum of `a[i] * b[i]` over the length of `a`. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** Adds `by` times `a` to the first entries of `to`. */
export function addScaled(to: Float64Array, a: Float64Array, by: number): void {
  for (let i = 0; i < a.length; i++) to[i] = (to[i] as number) + (a[i] as number) * by
}

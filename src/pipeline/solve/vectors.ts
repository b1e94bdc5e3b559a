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

/** What {@link dot} gives, in four sums at once: faster, and rounded otherwise. */
export function wideDot(a: Float64Array, b: Float64Array): number {
  // One addition does not wait for the one before.
  let [p, q, r, s] = [0, 0, 0, 0]
  let i = 0
  for (; i + 3 < a.length; i += 4) {
    p += (a[i] as number) * (b[i] as number)
    q += (a[i + 1] as number) * (b[i + 1] as number)
    r += (a[i + 2] as number) * (b[i + 2] as number)
    s += (a[i + 3] as number) * (b[i + 3] as number)
  }
  for (; i < a.length; i++) p += (a[i] as number) * (b[i] as number)
  return p + q + (r + s)
}

/** Products of each vector with another, four vectors a pass. */
export function dots(vectors: readonly Float64Array[], b: Float64Array): Float64Array {
  const out = new Float64Array(vectors.length)
  let k = 0
  for (; k + 3 < vectors.length; k += 4) {
    const [u, v] = [vectors[k] as Float64Array, vectors[k + 1] as Float64Array]
    const [w, x] = [vectors[k + 2] as Float64Array, vectors[k + 3] as Float64Array]
    let [p, q, r, s] = [0, 0, 0, 0]
    for (let i = 0; i < b.length; i++) {
      const value = b[i] as number
      p += (u[i] as number) * value
      q += (v[i] as number) * value
      r += (w[i] as number) * value
      s += (x[i] as number) * value
    }
    out.set([p, q, r, s], k)
  }
  for (; k < vectors.length; k++) out[k] = wideDot(b, vectors[k] as Float64Array)
  return out
}

/** Adds `times * by[k]` of each vector k, four vectors a pass. */
export function addCombination(
  to: Float64Array,
  vectors: readonly Float64Array[],
  by: Float64Array,
  times: number,
): void {
  let k = 0
  for (; k + 3 < vectors.length; k += 4) {
    const [a, b] = [vectors[k] as Float64Array, vectors[k + 1] as Float64Array]
    const [c, d] = [vectors[k + 2] as Float64Array, vectors[k + 3] as Float64Array]
    const [p, q] = [times * (by[k] as number), times * (by[k + 1] as number)]
    const [r, s] = [times * (by[k + 2] as number), times * (by[k + 3] as number)]
    for (let i = 0; i < to.length; i++) {
      const first = p * (a[i] as number) + q * (b[i] as number)
      const second = r * (c[i] as number) + s * (d[i] as number)
      to[i] = (to[i] as number) + (first + second)
    }
  }
  for (; k < vectors.length; k++) {
    addScaled(to, vectors[k] as Float64Array, times * (by[k] as number))
  }
}

// Random draws that are the same everywhere: integers, sums and products of doubles only, no
// logarithm or other function that two machines may round differently.

/** Uniform numbers in [0, 1) with 32 bits, by sfc32. The same parts give the same numbers. */
export function uniform(...parts) {
  let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162]
  for (const part of parts) {
    a = Math.imul(a ^ part, 0x85ebca6b)
    b = Math.imul(b ^ (part + (a >>> 13)), 0xc2b2ae35)
    c = (c + (a ^ b)) | 0
  }
  let d = 1
  const next = () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }
  for (let i = 0; i < 20; i++) next()
  return next
}

/**
 * Draws of an index by weight, each from two uniform numbers (Walker's alias method).
 *
 * @param weights not negative, not all zero
 */
export function chooser(weights) {
  const count = weights.length
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const share = Float64Array.from(weights, (weight) => (weight * count) / total)
  const alias = Int32Array.from(weights, (_, i) => i)
  const small = []
  const large = []
  for (let i = 0; i < count; i++) (share[i] < 1 ? small : large).push(i)
  while (small.length > 0 && large.length > 0) {
    const low = small.pop()
    const high = large.at(-1)
    alias[low] = high
    share[high] -= 1 - share[low]
    if (share[high] < 1) small.push(large.pop())
  }
  // What is left is 1 but for rounding.
  for (const i of [...small, ...large]) share[i] = 1
  return (u, v) => {
    const i = Math.floor(u * count)
    return v < share[i] ? i : alias[i]
  }
}

/**
 * The inverse of a distribution that is known at some levels, straight lines between.
 *
 * @param levels from 0 to 1, increasing
 * @param values at these levels, not decreasing
 */
export function inverse(levels, values) {
  const cells = 1024
  const first = Int32Array.from({ length: cells }, (_, cell) =>
    Math.max(
      0,
      levels.findLastIndex((level) => level <= cell / cells),
    ),
  )
  const [x, y] = [Float64Array.from(levels), Float64Array.from(values)]
  return (u) => {
    let i = first[Math.floor(u * cells)]
    while (u >= x[i + 1]) i++
    return y[i] + ((u - x[i]) / (x[i + 1] - x[i])) * (y[i + 1] - y[i])
  }
}

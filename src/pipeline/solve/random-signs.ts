/** Random signs that a seed decides: the same on every machine. Not for secrets. */

/**
 * A source of signs.
 *
 * @param seed a whole number
 * @returns a function that gives 1 or -1, each as often
 */
export function randomSigns(seed: number): () => 1 | -1 {
  let state = seed | 0
  // Mulberry32 by T. Ettinger.
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) & 1 ? 1 : -1
  }
}

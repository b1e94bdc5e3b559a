/**
 * Random numbers that depend on what they are for alone, not on what was drawn before: any thread
 * draws the same for the same row. Knows nothing about trees.
 */

/** 32 random bits for a seed, a stream (such as a tree) and an index in it. */
export function randomBits(seed: number, stream: number, index: number): number {
  // Two rounds of the finalizer of MurmurHash3: every bit of what goes in changes half of those
  // that come out.
  const key = mix(Math.imul(seed, 0x9e3779b1) ^ mix(stream + 0x7f4a7c15))
  return mix(key ^ Math.imul(index + 1, 0x85ebca6b))
}

function mix(bits: number): number {
  let h = bits
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A random whole number from 0 up to `below`, without it. */
export function randomBelow(below: number, seed: number, stream: number, index: number): number {
  return Math.floor((randomBits(seed, stream, index) / 2 ** 32) * below)
}

/**
 * Some of the numbers from 0 up to `size`, in order.
 *
 * @param share of them, at least one
 */
export function randomChoice(size: number, share: number, seed: number, stream: number): number[] {
  const all = Array.from({ length: size }, (_, i) => i)
  const wanted = Math.max(1, Math.round(size * share))
  for (let i = 0; i < wanted; i++) {
    const j = i + randomBelow(size - i, seed, stream, i)
    const taken = all[j] as number
    all[j] = all[i] as number
    all[i] = taken
  }
  return all.slice(0, wanted).sort((a, b) => a - b)
}

/**
 * How many different values a stream has, in 16 kB whatever its length: HyperLogLog with 2^14
 * registers and Ertl's estimator, which needs no correction tables. Knows nothing about columns.
 */

const precision = 14
const registers = 2 ** precision
/** Bits of the second hash that can be zero in a row. */
const tail = 32

const scratch = new Float64Array(1)
const words = new Int32Array(scratch.buffer)

/** Counts different values, about. */
export class HyperLogLog {
  /** Standard error of {@link estimate}, relative to it. */
  static readonly relativeError = 1.04 / Math.sqrt(registers)
  private readonly ranks = new Uint8Array(registers)

  /** Takes a number in; 0 and -0 are one value. */
  addNumber(value: number): void {
    scratch[0] = value === 0 ? 0 : value
    this.addWords(words[0] as number, words[1] as number)
  }

  /** Takes a text in. */
  addText(text: string): void {
    let low = 0x811c9dc5
    let high = text.length
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x5bd1e995) ^ (high >>> 13)
    }
    this.addWords(low, high)
  }

  private addWords(low: number, high: number): void {
    const first = mixed(low ^ Math.imul(high, 0x9e3779b1))
    const second = mixed(first ^ Math.imul(high ^ (low >>> 7), 0x85ebca77))
    const at = first >>> (32 - precision)
    const rank = Math.clz32(second) + 1
    if (rank > (this.ranks[at] as number)) this.ranks[at] = rank
  }

  /** About how many different values came, a whole number. */
  estimate(): number {
    const counts = new Float64Array(tail + 2)
    for (const rank of this.ranks) counts[rank] = (counts[rank] as number) + 1
    let z = registers * tau(1 - (counts[tail + 1] as number) / registers)
    for (let k = tail; k >= 1; k--) z = 0.5 * (z + (counts[k] as number))
    z += registers * sigma((counts[0] as number) / registers)
    return Math.round(registers ** 2 / (2 * Math.LN2 * z))
  }
}

/** Spreads every bit over all 32. */
function mixed(word: number): number {
  let h = word ^ (word >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

// The two series of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017.
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY
  let [x, y, z] = [share, 1, share]
  for (let before = Number.NaN; before !== z; ) {
    before = z
    x *= x
    z += x * y
    y += y
  }
  return z
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let [x, y, z] = [share, 1, 1 - share]
  for (let before = Number.NaN; before !== z; ) {
    before = z
    x = Math.sqrt(x)
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}

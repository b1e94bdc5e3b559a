/**
 * From the codes of a categorical term to consecutive numbers, in order of first appearance.
 * Small ranges use a table, large ones open addressing; neither makes an object per ride.
 */

const tableLimit = 2 ** 20

/** A growing map from non-negative integer codes (up to 2^53) to 0, 1, 2 ... */
export class LevelIndex {
  /** Number of codes seen. */
  size = 0
  /** Codes in order of first appearance; only the first {@link size} count. */
  codes = new Float64Array(256)
  private readonly table: Int32Array | undefined
  private slots = new Int32Array(1024).fill(-1)
  private mask = 1023

  /** @param levels codes are below this */
  constructor(levels: number) {
    this.table = levels <= tableLimit ? new Int32Array(levels).fill(-1) : undefined
  }

  /** The number of a code; a code not seen before gets the next one. */
  of(code: number): number {
    if (this.table) {
      const known = this.table[code] as number
      if (known >= 0) return known
      this.table[code] = this.size
      return this.append(code)
    }
    let slot = hash(code) & this.mask
    for (let at = this.slots[slot] as number; at >= 0; at = this.slots[slot] as number) {
      if (this.codes[at] === code) return at
      slot = (slot + 1) & this.mask
    }
    this.slots[slot] = this.size
    const number = this.append(code)
    if (this.size * 2 > this.mask) this.grow()
    return number
  }

  private append(code: number): number {
    if (this.size === this.codes.length) {
      const wider = new Float64Array(this.size * 2)
      wider.set(this.codes)
      this.codes = wider
    }
    // -0 is the same code as 0, but has other bytes.
    this.codes[this.size] = code + 0
    return this.size++
  }

  private grow(): void {
    this.mask = this.mask * 2 + 1
    this.slots = new Int32Array(this.mask + 1).fill(-1)
    for (let at = 0; at < this.size; at++) {
      let slot = hash(this.codes[at] as number) & this.mask
      while ((this.slots[slot] as number) >= 0) slot = (slot + 1) & this.mask
      this.slots[slot] = at
    }
  }
}

// Mixes both words of the code: products of ids differ in their high bits too.
function hash(code: number): number {
  const high = Math.floor(code / 4294967296)
  let h = Math.imul(code | 0, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}

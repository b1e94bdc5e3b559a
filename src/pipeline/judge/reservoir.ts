/**
 * A sample of a stream whose length nobody knows, each item as likely to be in it as any other
 * (algorithm R: Vitter, "Random sampling with a reservoir", ACM TOMS 11, 1985). Knows nothing about
 * what is sampled.
 */

import { randomBelow } from '../trees/random.ts'

/** Tells samples apart from other draws of the same seed. */
const stream = 0x5a3d

/** Decides which items of a stream are kept, and where. */
export class Reservoir {
  private readonly size: number
  private readonly seed: number
  private seen = 0

  /**
   * @param size items that are kept at most
   * @param seed a whole number of 32 bits: the same one keeps the same items
   */
  constructor(size: number, seed: number) {
    this.size = size
    this.seed = seed
  }

  /** The place of the next item, which may be that of one before; -1 where it is not kept. */
  next(): number {
    const item = this.seen++
    if (item < this.size) return item
    const place = randomBelow(item + 1, this.seed, stream, item)
    return place < this.size ? place : -1
  }

  /** Items that are kept. */
  get length(): number {
    return Math.min(this.seen, this.size)
  }
}

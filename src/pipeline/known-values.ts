/** Values by key: each is computed once, for the first ride that has its key. */

import type { RideBatch } from '../ride.ts'
import { noKey } from './key-kernels.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'

/** What is made of an input, by its key. */
export class KnownValues {
  /** NaN where it was not met yet, or is missing. */
  private readonly known: Float64Array
  private readonly late: Int32Array
  private readonly loops: RowLoops
  private readonly compute: (rides: RideBatch, i: number) => number

  /**
   * @param size keys are below this
   * @param compute the value of a ride: equal keys have equal values, {@link noKey} aside
   */
  constructor(size: number, loops: RowLoops, compute: (rides: RideBatch, i: number) => number) {
    this.loops = loops
    this.compute = compute
    this.known = loops.doubles(size).fill(Number.NaN)
    this.late = loops.ints(pieceRides)
  }

  /** Takes the values at positions of a batch, of which `keys` are the keys. */
  take(into: Float64Array, keys: Int32Array, rides: RideBatch, at: Int32Array): void {
    const { known, late } = this
    const size = this.loops.gatherKnown(into, known, keys, at, late)
    for (let k = 0; k < size; k++) {
      const j = late[k] as number
      const i = at[j] as number
      const key = keys[i] as number
      // The ride before may have been the first one of this key.
      const before = known[key] as number
      const value = Number.isNaN(before) ? this.compute(rides, i) : before
      if (key !== noKey) known[key] = value
      into[j] = value
    }
  }
}

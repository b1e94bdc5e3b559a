/**
 * Counts numbers as they come, in bounded memory: whole hundredths and the first of the others
 * each for itself, and what is too much for that in bins of a stated relative error. Knows nothing
 * about columns.
 */

import type { Distinct } from './document.ts'
import { HyperLogLog } from './hyper-log-log.ts'

/** Hundredths from -655.36 to 1,966.07 are counted in a table. */
const lowestKey = -(2 ** 16)
const tableSize = 2 ** 18

/** Other values that are counted one by one, at most. */
const mostOthers = 2 ** 17

/** Greatest relative error of a value in the bins that are used beyond that. */
export const binError = 0.005

const logGamma = Math.log((1 + binError) / (1 - binError))

/** Values ascending, each with how often it came. */
export interface Distribution {
  readonly values: Float64Array
  readonly counts: Float64Array
  /** Sum of the counts. */
  readonly total: number
  /** Greatest relative error of a value; 0 where each is exact. */
  readonly error: number
}

/** Counts finite numbers; others only by kind. */
export class NumberCounts {
  /** Finite values. */
  count = 0
  infinite = 0
  zeros = 0
  negatives = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  /** Mean of the finite values. */
  mean = 0
  private squares = 0
  private readonly table = new Uint32Array(tableSize)
  private readonly others = new Map<number, number>()
  private bins:
    | { readonly counts: Map<number, number>; readonly different: HyperLogLog }
    | undefined

  /** Takes some values in; NaN is passed over. */
  add(values: Float64Array): void {
    const { table } = this
    const before = this.count
    let [count, sum] = [0, 0]
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number
      if (value - value !== 0) {
        if (!Number.isNaN(value)) this.infinite++
        continue
      }
      count++
      sum += value
      if (value === 0) this.zeros++
      else if (value < 0) this.negatives++
      if (value < this.min) this.min = value
      if (value > this.max) this.max = value
      const key = Math.round(value * 100)
      const at = key - lowestKey
      if (at >= 0 && at < tableSize && key / 100 === value) table[at] = (table[at] as number) + 1
      else this.addOther(value)
    }
    this.count = before + count
    if (count > 0) this.addMoments(values, before, count, sum / count)
  }

  /** Standard deviation, divided by n - 1; NaN for fewer than two values. */
  get std(): number {
    return this.count < 2 ? Number.NaN : Math.sqrt(this.squares / (this.count - 1))
  }

  /** How many different values came. */
  distinct(): Distinct {
    let inTable = 0
    for (const count of this.table) if (count > 0) inTable++
    if (this.bins === undefined) {
      return { count: inTable + this.others.size, relative_error: null }
    }
    return {
      count: inTable + this.bins.different.estimate(),
      relative_error: HyperLogLog.relativeError,
    }
  }

  /** All that came, ascending. */
  distribution(): Distribution {
    const entries: [number, number][] = [...this.others]
    this.table.forEach((count, at) => {
      if (count > 0) entries.push([(at + lowestKey) / 100, count])
    })
    for (const [bin, count] of this.bins?.counts ?? []) entries.push([valueIn(bin), count])
    entries.sort(([a], [b]) => a - b)
    return {
      values: Float64Array.from(entries, ([value]) => value),
      counts: Float64Array.from(entries, ([, count]) => count),
      total: this.count,
      error: this.bins === undefined ? 0 : binError,
    }
  }

  private addOther(value: number): void {
    if (this.bins === undefined) {
      const count = this.others.get(value)
      if (count !== undefined || this.others.size < mostOthers) {
        this.others.set(value, (count ?? 0) + 1)
        return
      }
      this.overflow()
    }
    this.addBinned(value, 1)
  }

  private overflow(): void {
    this.bins = { counts: new Map(), different: new HyperLogLog() }
    for (const [value, count] of this.others) this.addBinned(value, count)
    this.others.clear()
  }

  private addBinned(value: number, count: number): void {
    const { counts, different } = this.bins as NonNullable<typeof this.bins>
    different.addNumber(value)
    const bin = binOf(value)
    counts.set(bin, (counts.get(bin) ?? 0) + count)
  }

  // Mean and squares of each batch around its own mean, then joined: large values lose no digits.
  private addMoments(values: Float64Array, before: number, count: number, mean: number): void {
    let squares = 0
    for (let i = 0; i < values.length; i++) {
      const off = (values[i] as number) - mean
      if (off - off === 0) squares += off * off
    }
    const apart = mean - this.mean
    const total = before + count
    this.squares += squares + (apart * apart * before * count) / total
    this.mean += (apart * count) / total
  }
}

/** Bins of one relative width: 0 for zero, the sign is the number's. */
function binOf(value: number): number {
  // Smaller numbers are zero for any ride; the offset keeps the bins of small ones positive.
  const size = Math.abs(value)
  if (size < 1e-9) return 0
  const bin = Math.ceil(Math.log(size) / logGamma) + 4096
  return value < 0 ? -bin : bin
}

/** The value in a bin from which none in it is further than {@link binError}. */
function valueIn(bin: number): number {
  if (bin === 0) return 0
  const upper = Math.exp((Math.abs(bin) - 4096) * logGamma)
  return (Math.sign(bin) * 2 * upper) / (1 + Math.exp(logGamma))
}

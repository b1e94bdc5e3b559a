/**
 * Rides by pair of levels, for many pairs of terms at once. Rides are held back until there are
 * many; then, for every pair of terms, they are gone through level by level of one of them, so that
 * what is counted at a time are the levels of the other: few numbers, which a processor's cache
 * holds. Knows nothing about what levels stand for.
 */

import type { Pairs } from './pair-table.ts'

/** Rides held back at most: as many rides ask for the counts so far to be copied once. */
const mostHeld = 2 ** 17

/** Levels of a term by ride: numbers from 0, below `size`. */
export interface Numbered {
  readonly numbers: Int32Array
  readonly size: number
}

/** Rides by pair of levels of two terms, row by row. */
interface Rows {
  /** Cells of row i stand from `start[i]` to `start[i + 1]`, in no order. */
  start: Int32Array
  columns: Int32Array
  counts: Int32Array
}

/** A pair of terms. */
interface Open {
  readonly left: number
  readonly right: number
  /** True where the levels of the right term are the rows; undefined before the first count. */
  swapped: boolean | undefined
  rows: Rows
}

/** Counts pairs of levels. */
export class PairCounts {
  private readonly pairs: readonly Open[]
  /** By term: the level of every ride that is held back. */
  private readonly held: Int32Array[]
  private size = 0
  /** By term: levels so far. */
  private readonly levels: Int32Array
  /** By level: rides counted in the row that is open, 0 between rows. */
  private counts = new Int32Array(0)
  private readonly scratch: Scratch = { columns: new Int32Array(0), counts: new Int32Array(0) }

  /**
   * @param terms how many there are
   * @param pairs of terms, by position
   */
  constructor(terms: number, pairs: readonly (readonly [number, number])[]) {
    this.held = Array.from({ length: terms }, () => new Int32Array(0))
    this.levels = new Int32Array(terms)
    this.pairs = pairs.map(([left, right]) => {
      const none = {
        start: Int32Array.of(0),
        columns: new Int32Array(0),
        counts: new Int32Array(0),
      }
      return { left, right, swapped: undefined, rows: none }
    })
  }

  /**
   * Adds the rides at the positions `at`.
   *
   * @param levels by term
   */
  add(levels: readonly Numbered[], at: Int32Array): void {
    for (let from = 0; from < at.length; ) {
      const to = Math.min(at.length, from + mostHeld - this.size)
      const part = at.subarray(from, to)
      this.reserve(this.size + part.length)
      levels.forEach(({ numbers, size }, t) => {
        const held = this.held[t] as Int32Array
        for (let j = 0; j < part.length; j++) {
          held[this.size + j] = numbers[part[j] as number] as number
        }
        this.levels[t] = size
      })
      this.size += part.length
      if (this.size === mostHeld) this.flush()
      from = to
    }
  }

  /** Rides by pair of levels of pair `k` of terms, in no order. */
  cells(k: number): Pairs {
    this.flush()
    const { rows, swapped } = this.pairs[k] as Open
    const { start, columns, counts } = rows
    const own = new Int32Array(columns.length)
    for (let i = 0; i + 1 < start.length; i++) own.fill(i, start[i], start[i + 1])
    const values = Float64Array.from(counts)
    return swapped ? { rows: columns, columns: own, values } : { rows: own, columns, values }
  }

  private reserve(size: number): void {
    const room = this.held[0]?.length ?? size
    if (size <= room) return
    const wider = Math.min(mostHeld, Math.max(size, 2 * room))
    this.held.forEach((held, t) => {
      const into = new Int32Array(wider)
      into.set(held.subarray(0, this.size))
      this.held[t] = into
    })
  }

  /** Counts what is held back. */
  private flush(): void {
    if (this.size === 0) return
    const most = this.levels.reduce((high, size) => Math.max(high, size), 0)
    if (this.counts.length < most) this.counts = new Int32Array(2 * most)
    const byLevel = new Map<number, ByLevel>()
    for (const pair of this.pairs) {
      const { left, right } = pair
      // Many short rows of few columns: what is counted at a time stays small.
      pair.swapped ??= (this.levels[right] as number) > (this.levels[left] as number)
      const [row, column] = pair.swapped ? [right, left] : [left, right]
      const sorted = byLevel.get(row) ?? this.sortedBy(row)
      byLevel.set(row, sorted)
      const levels = this.held[column] as Int32Array
      pair.rows = withRides(pair.rows, sorted, levels, this.counts, this.scratch)
    }
    this.size = 0
  }

  private sortedBy(term: number): ByLevel {
    const levels = (this.held[term] as Int32Array).subarray(0, this.size)
    const start = new Int32Array((this.levels[term] as number) + 1)
    for (let i = 0; i < levels.length; i++) {
      const level = (levels[i] as number) + 1
      start[level] = (start[level] as number) + 1
    }
    for (let level = 1; level < start.length; level++) {
      start[level] = (start[level] as number) + (start[level - 1] as number)
    }
    const next = start.slice()
    const rides = new Int32Array(levels.length)
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as number
      const at = next[level] as number
      rides[at] = i
      next[level] = at + 1
    }
    return { start, rides }
  }
}

/** Rides in the order of their level: those of level i from `start[i]` to `start[i + 1]`. */
interface ByLevel {
  readonly start: Int32Array
  readonly rides: Int32Array
}

/** Room for cells while they are counted. */
interface Scratch {
  columns: Int32Array
  counts: Int32Array
}

/**
 * The counts with further rides in them.
 *
 * @param levels by ride: its column
 * @param counts by column: 0, and again afterwards
 */
function withRides(
  before: Rows,
  rides: ByLevel,
  levels: Int32Array,
  counts: Int32Array,
  scratch: Scratch,
): Rows {
  const rows = rides.start.length - 1
  const room = before.columns.length + rides.rides.length
  if (scratch.columns.length < room) {
    scratch.columns = new Int32Array(2 * room)
    scratch.counts = new Int32Array(2 * room)
  }
  const after = { start: new Int32Array(rows + 1), ...scratch }
  let size = 0
  for (let row = 0; row < rows; row++) {
    const first = size
    size = keptCells(before, row, after.columns, counts, size)
    const end = rides.start[row + 1] as number
    size = countRides(rides.rides, rides.start[row] as number, end, levels, counts, after, size)
    for (let c = first; c < size; c++) {
      const column = after.columns[c] as number
      after.counts[c] = counts[column] as number
      counts[column] = 0
    }
    after.start[row + 1] = size
  }
  return {
    start: after.start,
    columns: after.columns.slice(0, size),
    counts: after.counts.slice(0, size),
  }
}

/** Opens a row with what it has. */
function keptCells(
  { start, columns, counts }: Rows,
  row: number,
  into: Int32Array,
  open: Int32Array,
  size: number,
): number {
  if (row + 1 >= start.length) return size
  let next = size
  for (let c = start[row] as number; c < (start[row + 1] as number); c++) {
    const column = columns[c] as number
    into[next++] = column
    open[column] = counts[c] as number
  }
  return next
}

/** Adds rides to the row that is open. */
function countRides(
  rides: Int32Array,
  from: number,
  end: number,
  levels: Int32Array,
  open: Int32Array,
  { columns }: { readonly columns: Int32Array },
  size: number,
): number {
  let next = size
  for (let k = from; k < end; k++) {
    const column = levels[rides[k] as number] as number
    const count = open[column] as number
    if (count === 0) columns[next++] = column
    open[column] = count + 1
  }
  return next
}

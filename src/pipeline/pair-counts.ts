/**
 * Rides by pair of levels, for many pairs of terms at once. Rides are held back until there are
 * many; then they are counted one pair of terms after the other, so that what is counted into stays
 * in a processor's cache: a matrix where both terms have few levels, else one row after the other of
 * the term with fewer of them. Knows nothing about what levels stand for.
 */

import type { Cells } from './cell-merge.ts'
import type { LoopMemory } from './loop-memory.ts'
import { type CountedRows, cellWords, type Levels, PairLoops } from './pair-loops.ts'
import type { RowLoops } from './row-loops.ts'

/** Rides held back, usually: as many rides ask for the counts so far to be copied once. */
const usuallyHeld = 2 ** 20

/** Levels that two bytes tell apart. */
const halfLimit = 2 ** 16

/** Room for rides to begin with. */
const fewestHeld = 2 ** 14

/** Cells of a matrix, at most: 1 MB. */
const matrixLimit = 2 ** 18

/** Room for cells is made for so many times as there are; what is not used takes no memory. */
const roomFactor = 2

/** Levels of a term by ride: numbers from 0, below `size`. */
export interface Numbered {
  readonly numbers: Int32Array
  readonly size: number
}

/** Where the levels of a term are to go. */
export interface Placed {
  /** By number: its place; -1 for levels that no ride has which was added. */
  readonly places: Int32Array
  /** How many places there are. */
  readonly size: number
}

/** A pair of terms. */
interface Open {
  readonly left: number
  readonly right: number
  /** True where the levels of the right term are the rows; undefined before the first count. */
  swapped: boolean | undefined
  /** The counts so far, see {@link CountedRows}. */
  ends: Int32Array
  /** With room for more: only the first {@link size} cells count. */
  cells: Int32Array
  size: number
}

/** Counts pairs of levels. */
export class PairCounts {
  private readonly pairs: readonly Open[]
  private readonly rowLoops: RowLoops
  private readonly loops: PairLoops
  private readonly scratch: Scratch
  /** By term: the level of every ride that is held back. */
  private readonly held: Levels[]
  private readonly mostHeld: number
  private size = 0
  /** By term: levels so far. */
  private readonly levels: Int32Array

  /**
   * @param terms how many there are
   * @param pairs of terms, by position
   * @param rowLoops the loops in whose memory levels are
   * @param mostHeld rides held back, at most
   */
  constructor(
    terms: number,
    pairs: readonly (readonly [number, number])[],
    rowLoops: RowLoops,
    mostHeld = usuallyHeld,
  ) {
    this.mostHeld = mostHeld
    this.rowLoops = rowLoops
    this.loops = new PairLoops(rowLoops.memory)
    this.scratch = new Scratch(rowLoops.memory)
    this.held = Array.from({ length: terms }, () => new Uint16Array(0))
    this.levels = new Int32Array(terms)
    this.pairs = pairs.map(([left, right]) => {
      return { left, right, swapped: undefined, ends: nothing, cells: nothing, size: 0 }
    })
  }

  /**
   * Adds the rides at the positions `at`.
   *
   * @param levels by term
   */
  add(levels: readonly Numbered[], at: Int32Array): void {
    for (let from = 0; from < at.length; ) {
      const to = Math.min(at.length, from + this.mostHeld - this.size)
      const part = at.subarray(from, to)
      levels.forEach(({ size }, t) => {
        this.levels[t] = size
      })
      this.reserve(this.size + part.length)
      levels.forEach(({ numbers }, t) => {
        this.loops.takeLevels((this.held[t] as Levels).subarray(this.size), numbers, part)
      })
      this.size += part.length
      if (this.size === this.mostHeld) this.flush()
      from = to
    }
  }

  /**
   * Rides by pair of levels of pair `k` of terms, in order of places. What was counted is given
   * away: to be asked for once, when all rides are added.
   */
  take(k: number, left: Placed, right: Placed): Cells {
    this.flush()
    const { scratch } = this
    const pair = this.pairs[k] as Open
    const { size } = pair
    const counted = this.copied(pair)
    pair.ends = nothing
    pair.cells = nothing
    const ordered = pair.swapped
      ? this.turned(counted, size, right, left, 'after')
      : // Turned twice, rows are in order, and columns within them.
        this.turned(
          this.turned(counted, size, left, right, 'after'),
          size,
          inPlace(right.size),
          inPlace(left.size),
          'before',
        )
    const [rows, columns] = [scratch.ints('rows', size), scratch.ints('columns', size)]
    const counts = scratch.doubles(size)
    this.loops.spread(ordered, rows, columns, counts)
    return { rows: rows.slice(), columns: columns.slice(), counts: counts.slice() }
  }

  /** Columns of rows: those of `rows` become columns, those of `columns` rows. */
  private turned(
    from: CountedRows,
    size: number,
    rows: Placed,
    columns: Placed,
    name: 'before' | 'after',
  ): CountedRows {
    const order = this.scratch.ints('order', rows.size)
    rows.places.forEach((place, number) => {
      if (place >= 0) order[place] = number
    })
    const places = this.scratch.ints('places', columns.places.length)
    places.set(columns.places)
    const into = this.scratch.rows(name, columns.size, size)
    this.loops.turn(from, order, size, places, into)
    return into
  }

  /** Makes room for rides, and for their levels: two bytes each as long as they do for all terms. */
  private reserve(size: number): void {
    const [first] = this.held
    const areWide = this.levels.some((levels) => levels > halfLimit)
    const outgrown = areWide && first instanceof Uint16Array
    if (!first || (size <= first.length && !outgrown)) return
    const few = Math.min(fewestHeld, this.mostHeld)
    const room = Math.max(first.length, size > few ? this.mostHeld : few)
    this.held.forEach((held, t) => {
      const into = areWide ? this.rowLoops.ints(room) : this.rowLoops.memory.halves(room)
      into.set(held.subarray(0, this.size))
      this.held[t] = into
    })
  }

  /** Counts what is held back. */
  private flush(): void {
    if (this.size === 0) return
    const byRow = new Map<number, Open[]>()
    for (const pair of this.pairs) {
      const { left, right } = pair
      // Few long rows: a row begins and ends once for many rides.
      pair.swapped ??= this.levelsOf(right) < this.levelsOf(left)
      const row = pair.swapped ? right : left
      byRow.set(row, [...(byRow.get(row) ?? []), pair])
    }
    for (const [row, pairs] of byRow) this.countPairs(row, pairs)
    this.size = 0
  }

  /** Counts pairs whose rows are the levels of one term. */
  private countPairs(row: number, pairs: readonly Open[]): void {
    const { scratch, loops } = this
    const height = this.levelsOf(row)
    const rows = this.heldOf(row)
    let sorted: { readonly rides: Int32Array; readonly ends: Int32Array } | undefined
    for (const pair of pairs) {
      const column = pair.swapped ? pair.left : pair.right
      const width = this.levelsOf(column)
      const columns = this.heldOf(column)
      const before = this.copied(pair)
      // One more than there can be: a cell is written before it is known whether it counts.
      const after = scratch.rows('after', height, pair.size + this.size + 1)
      const known = pair.ends.length
      if (height * width <= matrixLimit) {
        const matrix = scratch.ints('matrix', matrixLimit)
        pair.size = loops.countInMatrix(
          { rows, columns },
          matrix,
          [height, width],
          before,
          known,
          after,
        )
      } else {
        sorted ??= this.sortedBy(row)
        const counts = scratch.ints('counts', width)
        pair.size = loops.countInRows(sorted, columns, counts, before, known, after)
      }
      pair.ends = after.ends.slice()
      const words = pair.size * cellWords
      if (pair.cells.length < words) pair.cells = new Int32Array(roomFactor * words)
      pair.cells.set(after.cells.subarray(0, words))
    }
  }

  private sortedBy(term: number): { readonly rides: Int32Array; readonly ends: Int32Array } {
    const rides = this.scratch.ints('rides', this.size)
    const ends = this.scratch.ints('ride ends', this.levelsOf(term))
    this.loops.sortByLevel(this.heldOf(term), ends, rides)
    return { rides, ends }
  }

  private levelsOf(term: number): number {
    return this.levels[term] as number
  }

  private heldOf(term: number): Levels {
    return (this.held[term] as Levels).subarray(0, this.size)
  }

  /** The counts so far where loops reach them. */
  private copied({ ends, cells, size }: Open): CountedRows {
    const copy = this.scratch.rows('before', ends.length, size)
    copy.ends.set(ends)
    copy.cells.set(cells.subarray(0, size * cellWords))
    return copy
  }
}

const nothing = new Int32Array(0)

/** Levels that stay where they are. */
function inPlace(size: number): Placed {
  return { places: Int32Array.from({ length: size }, (_, number) => number), size }
}

/** Arrays that are used again and again, each by one name. */
class Scratch {
  private readonly memory: LoopMemory
  private readonly arrays = new Map<string, Int32Array>()
  private values: Float64Array = new Float64Array(0)

  constructor(memory: LoopMemory) {
    this.memory = memory
  }

  /** Numbers: those that the last one has left there, 0 at first. */
  ints(name: string, length: number): Int32Array {
    let array = this.arrays.get(name)
    if (!array || array.length < length) {
      array = this.memory.ints(array ? 2 * length : length)
      this.arrays.set(name, array)
    }
    return array.subarray(0, length)
  }

  doubles(length: number): Float64Array {
    if (this.values.length < length) this.values = this.memory.doubles(2 * length)
    return this.values.subarray(0, length)
  }

  /** Room for so many rows and cells. */
  rows(name: string, rows: number, cells: number): CountedRows {
    const ends = this.ints(`${name} ends`, rows + 1)
    ends[0] = 0
    return { ends: ends.subarray(1), cells: this.ints(`${name} cells`, cells * cellWords) }
  }
}

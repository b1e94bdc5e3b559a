/**
 * The loops that count rides by pair of levels, and put the counts in order. All arrays are of one
 * memory. Knows nothing about terms.
 */

import type { LoopMemory } from './loop-memory.ts'
import { type LevelBytes, type PairKernelName, pairKernels } from './pair-kernels.ts'

/** Counts row by row; both arrays may be longer than what counts of them. */
export interface CountedRows {
  /** By row: where its cells end. In front of it is a 0, where the first row begins. */
  readonly ends: Int32Array
  /** Cells: the column and the count of each, side by side; those of a row in any order. */
  readonly cells: Int32Array
}

/** Levels by ride; all of one call are alike. */
export type Levels = Uint16Array | Int32Array

/** Numbers in a cell. */
export const cellWords = 2

type Kernels = Readonly<Record<PairKernelName, (...values: number[]) => number>>

/** The loops over arrays of a memory. */
export class PairLoops {
  private readonly kernels: Kernels

  constructor(memory: LoopMemory) {
    this.kernels = memory.loops('pairs', pairKernels) as Kernels
  }

  /** Takes the numbers of levels at the positions `at`. */
  takeLevels(into: Levels, numbers: Int32Array, at: Int32Array): void {
    const [to, from] = [into.byteOffset, numbers.byteOffset]
    this.kernels[`takeLevels${bytesOf(into)}`](to, from, at.byteOffset, at.length)
  }

  /**
   * Puts rides in the order of their level.
   *
   * @param ends by level: where its rides end; as long as there are levels
   */
  sortByLevel(levels: Levels, ends: Int32Array, rides: Int32Array): void {
    ends.fill(0)
    const [from, by] = [levels.byteOffset, ends.byteOffset]
    this.kernels[`sortByLevel${bytesOf(levels)}`](
      from,
      levels.length,
      by,
      ends.length,
      rides.byteOffset,
    )
  }

  /**
   * Counts rides in a matrix of all pairs.
   *
   * @param matrix (height x width), 0, and again afterwards
   * @param before counts so far, of the first `beforeRows` rows
   * @returns cells there are in `after`, columns ascending by row
   */
  countInMatrix(
    { rows, columns }: { readonly rows: Levels; readonly columns: Levels },
    matrix: Int32Array,
    [height, width]: readonly [number, number],
    before: CountedRows,
    beforeRows: number,
    after: CountedRows,
  ): number {
    return this.kernels[`countInMatrix${bytesOf(rows)}`](
      ...[rows.byteOffset, columns.byteOffset, rows.length, matrix.byteOffset, height, width],
      ...[before.cells.byteOffset, before.ends.byteOffset, beforeRows],
      ...[after.cells.byteOffset, after.ends.byteOffset],
    )
  }

  /**
   * Counts rides row by row.
   *
   * @param rides in the order of their row, see {@link sortByLevel}
   * @param columns by ride
   * @param counts by column: 0, and again afterwards
   * @param before counts so far, of the first `beforeRows` rows
   * @returns cells there are in `after`
   */
  countInRows(
    { rides, ends }: { readonly rides: Int32Array; readonly ends: Int32Array },
    columns: Levels,
    counts: Int32Array,
    before: CountedRows,
    beforeRows: number,
    after: CountedRows,
  ): number {
    return this.kernels[`countInRows${bytesOf(columns)}`](
      ...[rides.byteOffset, ends.byteOffset, columns.byteOffset, counts.byteOffset, ends.length],
      ...[before.cells.byteOffset, before.ends.byteOffset, beforeRows],
      ...[after.cells.byteOffset, after.ends.byteOffset],
    )
  }

  /**
   * Makes columns of rows.
   *
   * @param order rows of `from`, in the order that they are to have as columns
   * @param size cells of `from`
   * @param places by column of `from`: the row that it is to be
   * @param into columns ascending by row; `ends` as long as there are rows
   */
  turn(
    from: CountedRows,
    order: Int32Array,
    size: number,
    places: Int32Array,
    into: CountedRows,
  ): void {
    into.ends.fill(0)
    this.kernels.turn(
      ...[order.byteOffset, order.length, from.ends.byteOffset, from.cells.byteOffset, size],
      ...[places.byteOffset, into.ends.length, into.cells.byteOffset, into.ends.byteOffset],
    )
  }

  /** Row, column and count of each cell, in arrays of their own. */
  spread(
    { ends, cells }: CountedRows,
    rows: Int32Array,
    columns: Int32Array,
    counts: Float64Array,
  ): void {
    const [to, at, by] = [rows.byteOffset, columns.byteOffset, counts.byteOffset]
    this.kernels.spread(ends.byteOffset, ends.length, cells.byteOffset, to, at, by)
  }
}

const bytesOf = (levels: Levels): LevelBytes => (levels instanceof Uint16Array ? 2 : 4)

/**
 * The normal equations of some of the columns: what a solver of systems needs to work on a support.
 * Knows nothing about how the columns were chosen.
 */

import { type Sums, zeroSums } from '../double-double.ts'
import type { Cross } from '../moments.ts'
import type { System, SystemBlock } from './system.ts'

/** Chosen entries of sums, in the order of `from`. */
function taken(sums: Sums, from: readonly number[] | Int32Array): Sums {
  const out = zeroSums(from.length)
  for (let i = 0; i < from.length; i++) {
    out.hi[i] = sums.hi[from[i] as number] as number
    out.lo[i] = sums.lo[from[i] as number] as number
  }
  return out
}

/**
 * The system of the columns at `coordinates` and the intercept, the others left out.
 *
 * @param coordinates ascending, without the intercept
 * @param l2 the penalty of the smaller system
 * @returns coordinates in the same order, the intercept last
 */
export function restrict(system: System, coordinates: Int32Array, l2: number): System {
  const { numericAt, numericCount: width, interceptAt } = system
  const place = new Int32Array(system.size).fill(-1)
  coordinates.forEach((i, k) => {
    place[i] = k
  })
  const quantities = Array.from({ length: width }, (_, p) => p).filter((p) => {
    return (place[numericAt + p] as number) >= 0
  })
  let at = 0
  const levels = system.blocks.map(({ at: from, counts }) => {
    return Int32Array.from(counts.keys()).filter((i) => (place[from + i] as number) >= 0)
  })
  const blocks = system.blocks.map(({ counts, numeric }, k): SystemBlock => {
    const kept = levels[k] as Int32Array
    const cells = Array.from(kept, (i) => quantities.map((p) => i * width + p)).flat()
    const block = { at, counts: Float64Array.from(kept, (i) => counts[i] as number) }
    at += kept.length
    return { ...block, numeric: taken(numeric, cells) }
  })
  const crosses = system.crosses.map((cross) => {
    const [a, b] = [cross.a, cross.b].map((k) => {
      const before = (system.blocks[k] as SystemBlock).at
      const after = (blocks[k] as SystemBlock).at
      return (i: number): number => {
        const found = place[before + i] as number
        return found < 0 ? -1 : found - after
      }
    }) as [(i: number) => number, (i: number) => number]
    return restrictCross(cross, a, b)
  })
  const squares = quantities.flatMap((p) => quantities.map((q) => p * width + q))
  return {
    ...system,
    size: coordinates.length + 1,
    blocks,
    crosses,
    numericAt: at,
    numericCount: quantities.length,
    numericSums: taken(system.numericSums, quantities),
    numericSquares: taken(system.numericSquares, squares),
    interceptAt: coordinates.length,
    l2,
    rhs: taken(system.rhs, [...coordinates, interceptAt]),
  }
}

function restrictCross(
  { a, b, rows, columns, counts }: Cross,
  rowPlace: (i: number) => number,
  columnPlace: (i: number) => number,
): Cross {
  const kept = Int32Array.from(counts.keys()).filter((c) => {
    return rowPlace(rows[c] as number) >= 0 && columnPlace(columns[c] as number) >= 0
  })
  return {
    a,
    b,
    rows: kept.map((c) => rowPlace(rows[c] as number)),
    columns: kept.map((c) => columnPlace(columns[c] as number)),
    counts: Float64Array.from(kept, (c) => counts[c] as number),
  }
}

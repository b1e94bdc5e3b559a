/**
 * Moments of several files as one: they add, and one that was added can be taken away again.
 * Integers add exactly, so that neither the order nor a detour shows in the result.
 */

import { addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { LevelIndex } from './level-index.ts'
import {
  type Block,
  type Cross,
  type Moments,
  roundedColumns,
  sortedCells,
  squaresByName,
} from './moments.ts'
import type { Refused } from './plan.ts'

/** Moments with the sign that they go into a total with. */
interface Signed {
  readonly moments: Moments
  readonly sign: 1 | -1
}

/**
 * The moments of all rides behind `parts`, which were summed by the same plan.
 *
 * @param parts at least one
 * @throws sums_overflow
 */
export function mergeMoments(parts: readonly Moments[]): Moments {
  const [only, ...others] = parts
  if (only && others.length === 0) return only
  return total(parts.map((moments) => ({ moments, sign: 1 })))
}

/**
 * The moments of the rides behind `whole` without those behind `part`, which went into it: to the
 * byte what the others add up to, where all sums are exact.
 *
 * @throws sums_overflow
 */
export function subtractMoments(whole: Moments, part: Moments): Moments {
  return total([
    { moments: whole, sign: 1 },
    { moments: part, sign: -1 },
  ])
}

function total(parts: readonly Signed[]): Moments {
  const [first] = parts as [Signed, ...Signed[]]
  const { numeric } = first.moments
  const sum = (of: (moments: Moments) => number): number =>
    parts.reduce((all, { moments, sign }) => all + sign * of(moments), 0)
  const sums = (of: (moments: Moments) => Sums): Sums => {
    const into = zeroSums(of(first.moments).hi.length)
    for (const { moments, sign } of parts) {
      for (let i = 0; i < into.hi.length; i++) addPair(into, i, of(moments), i, sign)
    }
    settle(into)
    return into
  }
  const names = Object.keys(first.moments.refused) as (keyof Refused)[]
  const entries = names.map((name) => [name, sum(({ refused }) => refused[name])])
  const n = sum((moments) => moments.n)
  const target = sums((moments) => moments.target)
  const squares = sums((moments) => moments.squares)
  const joined = first.moments.blocks.map((_, k) => joinBlocks(parts, k))
  const inexact = new Set([
    ...parts.flatMap(({ moments }) => moments.inexact),
    ...roundedColumns(n, squaresByName(numeric, target, squares)),
  ])
  return {
    rows: sum((moments) => moments.rows),
    refused: Object.fromEntries(entries) as unknown as Refused,
    outside: sum((moments) => moments.outside),
    n,
    inexact: [...inexact].sort(),
    numeric,
    target,
    sums: sums((moments) => moments.sums),
    products: sums((moments) => moments.products),
    squares,
    blocks: joined.map(({ block }) => block),
    crosses: first.moments.crosses.map((_, k) => joinCrosses(parts, k, joined)),
  }
}

/** Adds pair `j` of `from` to pair `i` of `into`. */
function addPair(into: Sums, i: number, from: Sums, j: number, sign: 1 | -1): void {
  addTo(into, i, sign * (from.hi[j] as number))
  addTo(into, i, sign * (from.lo[j] as number))
}

/** A block of the total, and where each part's levels went. */
interface Joined {
  readonly block: Block
  /** By part and level: the place in the block, -1 where no ride is left. */
  readonly places: readonly Int32Array[]
}

function joinBlocks(parts: readonly Signed[], k: number): Joined {
  const of = ({ moments }: Signed): Block => moments.blocks[k] as Block
  const { term } = of(parts[0] as Signed)
  const index = new LevelIndex(term.levels)
  const numbers = parts.map((part) => Int32Array.from(of(part).codes, (code) => index.of(code)))
  const counts = new Float64Array(index.size)
  parts.forEach((part, m) => {
    of(part).counts.forEach((count, level) => {
      const at = (numbers[m] as Int32Array)[level] as number
      counts[at] = (counts[at] as number) + part.sign * count
    })
  })
  const kept = [...counts.keys()].filter((at) => (counts[at] as number) > 0)
  kept.sort((i, j) => (index.codes[i] as number) - (index.codes[j] as number))
  const placeOf = new Int32Array(index.size).fill(-1)
  kept.forEach((at, place) => {
    placeOf[at] = place
  })
  const places = numbers.map((found) => found.map((at) => placeOf[at] as number))
  const width = (parts[0] as Signed).moments.numeric.length
  const target = zeroSums(kept.length)
  const numeric = zeroSums(kept.length * width)
  parts.forEach((part, m) => {
    const block = of(part)
    ;(places[m] as Int32Array).forEach((place, level) => {
      if (place < 0) return
      addPair(target, place, block.target, level, part.sign)
      for (let p = 0; p < width; p++) {
        addPair(numeric, place * width + p, block.numeric, level * width + p, part.sign)
      }
    })
  })
  settle(target)
  settle(numeric)
  const block: Block = {
    term,
    codes: Float64Array.from(kept, (at) => index.codes[at] as number),
    counts: Float64Array.from(kept, (at) => counts[at] as number),
    target,
    numeric,
  }
  return { block, places }
}

function joinCrosses(parts: readonly Signed[], k: number, joined: readonly Joined[]): Cross {
  const of = ({ moments }: Signed): Cross => moments.crosses[k] as Cross
  const { a, b } = of(parts[0] as Signed)
  const size = parts.reduce((cells, part) => cells + of(part).counts.length, 0)
  const rows = new Int32Array(size)
  const columns = new Int32Array(size)
  const counts = new Float64Array(size)
  let at = 0
  parts.forEach((part, m) => {
    const cross = of(part)
    const rowPlaces = joined[a]?.places[m] as Int32Array
    const columnPlaces = joined[b]?.places[m] as Int32Array
    cross.counts.forEach((count, cell) => {
      const row = rowPlaces[cross.rows[cell] as number] as number
      const column = columnPlaces[cross.columns[cell] as number] as number
      // A level without a ride has no pairs either: all its cells cancel.
      if (row < 0 || column < 0) return
      rows[at] = row
      columns[at] = column
      counts[at] = part.sign * count
      at++
    })
  })
  const cells = sortedCells(rows.subarray(0, at), columns.subarray(0, at), counts.subarray(0, at))
  return { a, b, ...withoutEmpty(cells) }
}

function withoutEmpty(cells: Omit<Cross, 'a' | 'b'>): Omit<Cross, 'a' | 'b'> {
  const { rows, columns, counts } = cells
  if (counts.every((count) => count > 0)) return cells
  const keep = (_: number, i: number): boolean => (counts[i] as number) > 0
  return {
    rows: rows.filter(keep),
    columns: columns.filter(keep),
    counts: counts.filter(keep),
  }
}

/**
 * Moments of several files as one: they add, and one that was added can be taken away again.
 * Integers add exactly, so that neither the order nor a detour shows in the result.
 */

import { type CellPart, mergedCells } from './cell-merge.ts'
import { addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { type Block, type Cross, type Moments, roundedColumns, squaresByName } from './moments.ts'
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
  const numericSums = sums((moments) => moments.sums)
  const joined = first.moments.blocks.map((_, k) => joinBlocks(parts, k))
  const inexact = new Set([
    ...parts.flatMap(({ moments }) => moments.inexact),
    ...roundedColumns(n, squaresByName({ n, numeric, target, sums: numericSums, squares })),
  ])
  return {
    rows: sum((moments) => moments.rows),
    refused: Object.fromEntries(entries) as unknown as Refused,
    outside: sum((moments) => moments.outside),
    n,
    inexact: [...inexact].sort(),
    numeric,
    target,
    sums: numericSums,
    products: sums((moments) => moments.products),
    squares,
    blocks: joined.map(({ block }) => block),
    crosses: first.moments.crosses.map((_, k) => joinCrosses(parts, k, joined)),
  }
}

/** Adds pair `j` of `from` to pair `i` of `into`. */
function addPair(into: Sums, i: number, from: Sums, j: number, sign: 1 | -1): void {
  addTo(into, i, sign * (from.hi[j] as number))
  const low = from.lo[j] as number
  // Mostly: sums below 2^53.
  if (low !== 0) addTo(into, i, sign * low)
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
  const all = union(parts.map((part) => of(part).codes))
  const counts = new Float64Array(all.length)
  for (const part of parts) {
    const { codes, counts: own } = of(part)
    placesOf(codes, all).forEach((at, level) => {
      counts[at] = (counts[at] as number) + part.sign * (own[level] as number)
    })
  }
  const left = (_: number, at: number): boolean => (counts[at] as number) > 0
  const codes = all.filter(left)
  const places = parts.map((part) => placesOf(of(part).codes, codes))
  const width = (parts[0] as Signed).moments.numeric.length
  const summed = term.counted ? 0 : codes.length
  const target = zeroSums(summed)
  const numeric = zeroSums(summed * width)
  parts.forEach((part, m) => {
    if (term.counted) return
    const block = of(part)
    const own = places[m] as Int32Array
    for (let level = 0; level < own.length; level++) {
      const place = own[level] as number
      if (place < 0) continue
      addPair(target, place, block.target, level, part.sign)
      for (let p = 0; p < width; p++) {
        addPair(numeric, place * width + p, block.numeric, level * width + p, part.sign)
      }
    }
  })
  settle(target)
  settle(numeric)
  return { block: { term, codes, counts: counts.filter(left), target, numeric }, places }
}

/** All codes of several ascending lists, ascending, each once. */
function union(lists: readonly Float64Array[]): Float64Array {
  if (lists.length < 3) return unionOf(lists[0] as Float64Array, lists[1] ?? new Float64Array(0))
  const half = lists.length >> 1
  return unionOf(union(lists.slice(0, half)), union(lists.slice(half)))
}

function unionOf(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length)
  let [size, i, j] = [0, 0, 0]
  while (i < a.length || j < b.length) {
    const left = i < a.length ? (a[i] as number) : Number.POSITIVE_INFINITY
    const right = j < b.length ? (b[j] as number) : Number.POSITIVE_INFINITY
    all[size++] = Math.min(left, right)
    if (left <= right) i++
    if (right <= left) j++
  }
  return all.slice(0, size)
}

/** Where each code of an ascending list is in another, -1 where it is not. */
function placesOf(codes: Float64Array, among: Float64Array): Int32Array {
  const places = new Int32Array(codes.length)
  let at = 0
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number
    while (at < among.length && (among[at] as number) < code) at++
    places[i] = among[at] === code ? at : -1
  }
  return places
}

function joinCrosses(parts: readonly Signed[], k: number, joined: readonly Joined[]): Cross {
  const { a, b } = (parts[0] as Signed).moments.crosses[k] as Cross
  const [rows, columns] = [joined[a] as Joined, joined[b] as Joined]
  const cells = parts.map(({ moments, sign }, m): CellPart => {
    return {
      cells: moments.crosses[k] as Cross,
      sign,
      rowPlaces: rows.places[m] as Int32Array,
      columnPlaces: columns.places[m] as Int32Array,
    }
  })
  return { a, b, ...mergedCells(cells, rows.block.codes.length, columns.block.codes.length) }
}

/**
 * Moments: the sums that stand for a month of rides. Counts, sums and cross-products of the
 * target, of numeric terms, of the levels of categorical terms and of pairs of levels.
 * Knows nothing about files or solvers.
 */

import { createHash } from 'node:crypto'
import { type CategoricalTerm, joinCode, type NumericTerm, splitCode } from '../features.ts'
import type { Sums } from './double-double.ts'
import type { Refused } from './plan.ts'

/** Sums by level of one categorical term; levels ascend by code. */
export interface Block {
  readonly term: CategoricalTerm
  /** Codes of the levels, ascending. */
  readonly codes: Float64Array
  /** Rides by level. */
  readonly counts: Float64Array
  /** Sum of the target in seconds, by level. */
  readonly target: Sums
  /** Sums of the numeric terms in fixed-point units, (levels x numeric terms), row-major. */
  readonly numeric: Sums
}

/** Rides by pair of levels of two blocks, ascending by row, then by column. */
export interface Cross {
  /** Positions of the two blocks, `a < b`. */
  readonly a: number
  readonly b: number
  /** Positions of levels in block `a`. */
  readonly rows: Int32Array
  /** Positions of levels in block `b`. */
  readonly columns: Int32Array
  readonly counts: Float64Array
}

/** The sums of one plan. */
export interface Moments {
  /** Rides read. */
  readonly rows: number
  readonly refused: Refused
  /** Rides that pass, but lie outside the slice. */
  readonly outside: number
  /** Rides summed. */
  readonly n: number
  /**
   * Columns with values finer than their fixed-point unit, `duration` for the target: their sums
   * are compensated, good to 1e-12 of the sum of absolute values, all others are exact.
   */
  readonly inexact: readonly string[]
  /** Numeric terms, in the order of every numeric array here. */
  readonly numeric: readonly NumericTerm[]
  /** Sum of the target and of its square: seconds, seconds^2. */
  readonly target: Sums
  /** Sums of the numeric terms, fixed-point units. */
  readonly sums: Sums
  /** Sums of numeric term x target. */
  readonly products: Sums
  /** Sums of products of two numeric terms, lower triangle by rows: (i, j <= i) at i(i+1)/2 + j. */
  readonly squares: Sums
  readonly blocks: readonly Block[]
  /** Pairs of blocks that cannot be read off another one: see {@link plannedCrosses}. */
  readonly crosses: readonly Cross[]
}

/** True when every atom of `term` is among the atoms of `of`: its levels are sums over those. */
export function isCoveredBy(term: CategoricalTerm, of: readonly CategoricalTerm[]): boolean {
  const keys = new Set(of.flatMap(({ atoms }) => atoms.map(({ key }) => key)))
  return term.atoms.every(({ key }) => keys.has(key))
}

/**
 * The pairs of terms that have to be counted. A pair whose atoms all lie in one term (zone x zone
 * when the pair of zones is a term), or in a pair already counted, is a sum over that.
 */
export function plannedCrosses(terms: readonly CategoricalTerm[]): [number, number][] {
  const pairs: [number, number][] = []
  for (let b = 1; b < terms.length; b++) for (let a = 0; a < b; a++) pairs.push([a, b])
  const atoms = ([a, b]: [number, number]): number =>
    new Set([terms[a], terms[b]].flatMap((term) => term?.atoms.map(({ key }) => key))).size
  const chosen: [number, number][] = []
  const of = (k: number): CategoricalTerm => terms[k] as CategoricalTerm
  for (const pair of pairs.sort((p, q) => atoms(q) - atoms(p))) {
    const sources = [...terms.map((term) => [term]), ...chosen.map(([a, b]) => [of(a), of(b)])]
    const covered = sources.some((s) => isCoveredBy(of(pair[0]), s) && isCoveredBy(of(pair[1]), s))
    if (!covered) chosen.push(pair)
  }
  return chosen.sort(([a, b], [c, d]) => a - c || b - d)
}

/** A code of `term` from codes of terms that cover it (see {@link isCoveredBy}). */
export function projector(
  term: CategoricalTerm,
  from: readonly CategoricalTerm[],
): (codes: readonly number[]) => number {
  const places = term.atoms.map(({ key }) => {
    const source = from.findIndex(({ atoms }) => atoms.some((atom) => atom.key === key))
    const atoms = (from[source] as CategoricalTerm).atoms
    return { source, at: atoms.findIndex((atom) => atom.key === key) }
  })
  return (codes) => {
    const parts = from.map(({ atoms }, k) => splitCode(atoms, codes[k] as number))
    return joinCode(
      term.atoms,
      places.map(({ source, at }) => parts[source]?.[at] as number),
    )
  }
}

/** Two level numbers in one code: 2^26 levels of a term are more than a machine holds. */
export const crossRadix = 2 ** 26

/** Cells by key `row * crossRadix + column`, sorted, equal keys added up. */
export function sortedCells(
  keys: Float64Array,
  counts: Float64Array,
): { rows: Int32Array; columns: Int32Array; counts: Float64Array } {
  const order = Uint32Array.from(keys, (_, i) => i)
  order.sort((i, j) => (keys[i] as number) - (keys[j] as number))
  const rows = new Int32Array(keys.length)
  const columns = new Int32Array(keys.length)
  const sums = new Float64Array(keys.length)
  let cells = 0
  let last = -1
  for (const i of order) {
    const key = keys[i] as number
    if (key !== last) {
      rows[cells] = Math.floor(key / crossRadix)
      columns[cells] = key % crossRadix
      cells++
      last = key
    }
    sums[cells - 1] = (sums[cells - 1] as number) + (counts[i] as number)
  }
  return {
    rows: rows.slice(0, cells),
    columns: columns.slice(0, cells),
    counts: sums.slice(0, cells),
  }
}

/**
 * Rides by pair of levels of blocks `a < b`: stored, or read off a term or a stored pair that
 * covers both.
 */
export function crossOf(moments: Moments, a: number, b: number): Cross {
  const { blocks, crosses } = moments
  const stored = crosses.find((cross) => cross.a === a && cross.b === b)
  if (stored) return stored
  const [blockA, blockB] = [blocks[a] as Block, blocks[b] as Block]
  const covers = (...of: Block[]): boolean => {
    const terms = of.map(({ term }) => term)
    return isCoveredBy(blockA.term, terms) && isCoveredBy(blockB.term, terms)
  }
  const block = blocks.find((candidate) => covers(candidate))
  if (block) {
    return project([block], block.counts.length, (i) => [block.codes[i] as number], block.counts)
  }
  const wide = crosses.find((c) => covers(blocks[c.a] as Block, blocks[c.b] as Block)) as Cross
  const [first, second] = [blocks[wide.a] as Block, blocks[wide.b] as Block]
  return project(
    [first, second],
    wide.counts.length,
    (i) => [
      first.codes[wide.rows[i] as number] as number,
      second.codes[wide.columns[i] as number] as number,
    ],
    wide.counts,
  )

  function project(
    from: readonly Block[],
    cells: number,
    codes: (i: number) => number[],
    counts: Float64Array,
  ): Cross {
    const terms = from.map(({ term }) => term)
    const toA = projector(blockA.term, terms)
    const toB = projector(blockB.term, terms)
    const placeA = new Map(Array.from(blockA.codes, (code, i) => [code, i]))
    const placeB = new Map(Array.from(blockB.codes, (code, i) => [code, i]))
    const keys = new Float64Array(cells)
    for (let i = 0; i < cells; i++) {
      const parts = codes(i)
      keys[i] = (placeA.get(toA(parts)) as number) * crossRadix + (placeB.get(toB(parts)) as number)
    }
    return { a, b, ...sortedCells(keys, counts) }
  }
}

/** SHA-256 over everything in the moments, the fingerprint of the data behind a model. */
export function hashMoments(moments: Moments): string {
  const hash = createHash('sha256')
  const { rows, refused, outside, n, inexact, numeric, blocks, crosses } = moments
  const names = numeric.map(({ name, scale }) => [name, scale])
  const shape = blocks.map(({ term, codes }) => [term.name, codes.length])
  const pairs = crosses.map(({ a, b, counts }) => [a, b, counts.length])
  hash.update(JSON.stringify({ rows, refused, outside, n, inexact, names, shape, pairs }))
  const bytes = (array: Float64Array | Int32Array): void => {
    hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
  for (const sums of [moments.target, moments.sums, moments.products, moments.squares]) {
    bytes(sums.hi)
    bytes(sums.lo)
  }
  for (const { codes, counts, target, numeric: sums } of blocks) {
    for (const array of [codes, counts, target.hi, target.lo, sums.hi, sums.lo]) bytes(array)
  }
  for (const cross of crosses) {
    bytes(cross.rows)
    bytes(cross.columns)
    bytes(cross.counts)
  }
  return hash.digest('hex')
}

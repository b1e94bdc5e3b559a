/**
 * Moments: the sums that stand for a month of rides. Counts, sums and cross-products of the
 * target, of numeric terms, of the levels of categorical terms and of pairs of levels.
 * Knows nothing about files or solvers.
 */

import { createHash } from 'node:crypto'
import { splitCode } from '../atoms.ts'
import { RidecastError } from '../errors.ts'
import type { CategoricalTerm, NumericTerm } from '../features.ts'
import { sortedCells } from './cell-sort.ts'
import type { Sums } from './double-double.ts'
import { LevelIndex } from './level-index.ts'
import type { Refused } from './plan.ts'

/** Sums by level of one categorical term; levels ascend by code. */
export interface Block {
  readonly term: CategoricalTerm
  /** Codes of the levels, ascending. */
  readonly codes: Float64Array
  /** Rides by level. */
  readonly counts: Float64Array
  /** Sum of the target in seconds, by level; empty for a term that is only counted. */
  readonly target: Sums
  /**
   * Sums of the numeric terms in fixed-point units, (levels x numeric terms), row-major; empty for
   * a term that is only counted.
   */
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
  /** Sums of numeric term x target; empty where the plan sums no products. */
  readonly products: Sums
  /**
   * Sums of products of two numeric terms, lower triangle by rows: (i, j <= i) at i(i+1)/2 + j; empty
   * where the plan sums no products.
   */
  readonly squares: Sums
  readonly blocks: readonly Block[]
  /** Pairs of blocks that cannot be read off another one: see {@link plannedCrosses}. */
  readonly crosses: readonly Cross[]
}

/**
 * Names the columns whose sums may have rounded, and refuses those that are too large.
 * A sum of squares bounds all sums of its column: beyond n squares = 2^106 pairs of doubles may
 * round, beyond 2^990 their products overflow.
 *
 * @param squares sums of squares of the target and of each numeric term, by name
 * @throws sums_overflow
 */
export function roundedColumns(n: number, squares: Iterable<readonly [string, number]>): string[] {
  const rounded: string[] = []
  for (const [name, sum] of squares) {
    if (!(sum < 2 ** 990)) {
      throw new RidecastError(
        'sums_overflow',
        `column ${name} holds values too large to be summed: clip it in the recipe, or filter the rows`,
      )
    }
    if (n * sum >= 2 ** 106) rounded.push(name)
  }
  return rounded
}

/**
 * Sums of squares by name, as {@link roundedColumns} takes them; where none were summed, the least
 * that they can be by the sum of the column.
 */
export function squaresByName({
  n,
  numeric,
  target,
  sums,
  squares,
}: Pick<Moments, 'n' | 'numeric' | 'target' | 'sums' | 'squares'>): [string, number][] {
  const own = numeric.map(({ name }, p): [string, number] => {
    const least = (sums.hi[p] as number) ** 2 / Math.max(1, n)
    return [name, squares.hi[(p * (p + 1)) / 2 + p] ?? least]
  })
  return [['duration', target.hi[1] as number], ...own]
}

/** Keys of all atoms of some terms. */
function keysOf(terms: readonly CategoricalTerm[]): ReadonlySet<string> {
  return new Set(terms.flatMap(({ atoms }) => atoms.map(({ key }) => key)))
}

/** True when every atom of `term` is among `keys`: its levels are sums over theirs. */
function isCoveredBy({ atoms }: CategoricalTerm, keys: ReadonlySet<string>): boolean {
  return atoms.every(({ key }) => keys.has(key))
}

/**
 * The pairs of terms that have to be counted. A pair whose atoms all lie in one term (zone x zone
 * when the pair of zones is a term), or in a pair already counted, is a sum over that.
 */
export function plannedCrosses(terms: readonly CategoricalTerm[]): [number, number][] {
  const pairs: [number, number][] = []
  for (let b = 1; b < terms.length; b++) for (let a = 0; a < b; a++) pairs.push([a, b])
  const of = (k: number): CategoricalTerm => terms[k] as CategoricalTerm
  const keyed = pairs.map((pair) => ({ pair, keys: keysOf(pair.map(of)) }))
  const chosen: [number, number][] = []
  const sources = terms.map((term) => keysOf([term]))
  for (const { pair, keys } of keyed.sort((p, q) => q.keys.size - p.keys.size)) {
    const [a, b] = pair
    if (sources.some((source) => isCoveredBy(of(a), source) && isCoveredBy(of(b), source))) continue
    chosen.push(pair)
    sources.push(keys)
  }
  return chosen.sort(([a, b], [c, d]) => a - c || b - d)
}

/** Cells of one term's levels, or of pairs of two terms' levels. */
interface Cells {
  readonly blocks: readonly Block[]
  /** Of all atoms. */
  readonly keys: ReadonlySet<string>
  /** Position of the level of each block, by cell. */
  readonly levels: readonly Int32Array[]
  readonly counts: Float64Array
}

/**
 * Rides by pair of levels of blocks `a < b`: stored, or read off a term or a stored pair that
 * covers both.
 */
export function crossOf(moments: Moments, a: number, b: number): Cross {
  return crossFrom(moments, cellsIn(moments), a, b)
}

/** Those of all pairs of blocks: what they are read off is looked through once. */
export function crossesOf(moments: Moments): Cross[] {
  const cells = cellsIn(moments)
  return moments.blocks.flatMap((_, b) =>
    Array.from({ length: b }, (_, a) => crossFrom(moments, cells, a, b)),
  )
}

/** All that there are, the fewest cells first. */
function cellsIn({ blocks, crosses }: Moments): Cells[] {
  const cells = (of: Block[], levels: Int32Array[], counts: Float64Array): Cells => {
    return { blocks: of, keys: keysOf(of.map(({ term }) => term)), levels, counts }
  }
  const single = blocks.map((block) => {
    return cells([block], [Int32Array.from(block.codes.keys())], block.counts)
  })
  const double = crosses.map(({ a, b, rows, columns, counts }) => {
    return cells([blocks[a] as Block, blocks[b] as Block], [rows, columns], counts)
  })
  return [...single, ...double].sort((p, q) => p.counts.length - q.counts.length)
}

function crossFrom(
  { blocks, crosses }: Moments,
  known: readonly Cells[],
  a: number,
  b: number,
): Cross {
  const stored = crosses.find((cross) => cross.a === a && cross.b === b)
  if (stored) return stored
  const at = (k: number): Block => blocks[k] as Block
  const cells = known.find(({ keys }) => {
    return isCoveredBy(at(a).term, keys) && isCoveredBy(at(b).term, keys)
  }) as Cells
  return { a, b, ...sortedCells(placesIn(at(a), cells), placesIn(at(b), cells), cells.counts) }
}

/** Position of the level of `block` that each cell belongs to. */
function placesIn(block: Block, { blocks, levels, counts }: Cells): Int32Array {
  const places = new LevelIndex(block.term.levels)
  for (const code of block.codes) places.of(code)
  // Usually one block tells: then each of its levels is looked up once, not each cell.
  const alone = blocks.findIndex(({ term }) => isCoveredBy(block.term, keysOf([term])))
  if (alone >= 0) {
    const source = blocks[alone] as Block
    const codes = codesFrom(block.term, [source], [Int32Array.from(source.codes.keys())])
    const byLevel = Int32Array.from(codes, (code) => places.of(code))
    const own = levels[alone] as Int32Array
    const found = new Int32Array(own.length)
    for (let i = 0; i < own.length; i++) found[i] = byLevel[own[i] as number] as number
    return found
  }
  const codes = codesFrom(block.term, blocks, levels)
  const found = new Int32Array(counts.length)
  for (let i = 0; i < found.length; i++) found[i] = places.of(codes[i] as number)
  return found
}

/** Codes of a term, by cell, from those of blocks that have all its atoms. */
function codesFrom(
  { atoms }: CategoricalTerm,
  blocks: readonly Block[],
  levels: readonly Int32Array[],
): Float64Array {
  const codes = new Float64Array(levels[0]?.length ?? 0)
  for (const { key, levels: radix } of atoms) {
    const k = blocks.findIndex(({ term }) => term.atoms.some((atom) => atom.key === key))
    const { term, codes: own } = blocks[k] as Block
    const m = term.atoms.findIndex((atom) => atom.key === key)
    const part = own.map((code) => splitCode(term.atoms, code)[m] as number)
    const of = levels[k] as Int32Array
    for (let i = 0; i < codes.length; i++) {
      codes[i] = (codes[i] as number) * radix + (part[of[i] as number] as number)
    }
  }
  return codes
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

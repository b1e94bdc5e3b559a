/**
 * Moments: the sums that stand for a month of rides. Counts, sums and cross-products of the
 * target, of numeric terms, of the levels of categorical terms and of pairs of levels.
 * Rides are added batch by batch; what comes out does not depend on their order.
 * Knows nothing about files or solvers.
 */

import { createHash } from 'node:crypto'
import { RidecastError } from '../errors.ts'
import {
  type CategoricalTerm,
  type Features,
  fixedPoint,
  joinCode,
  type NumericTerm,
  splitCode,
} from '../features.ts'
import type { Filter, Recipe } from '../recipe.ts'
import type { InputName, RideBatch } from '../ride.ts'
import { addProductTo, addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { LevelIndex } from './level-index.ts'

/** Which part of the rides that pass everything else is summed. */
export type Slice =
  | { readonly kind: 'all' }
  /** By position among the kept rides, in file order: `from` included, `to` not. */
  | { readonly kind: 'rows'; readonly from: number; readonly to: number }
  /** By time of the pickup, microseconds: `from` included, `to` not. */
  | { readonly kind: 'pickup'; readonly from: number; readonly to: number }

/** What is summed over which rides. */
export interface Plan {
  /** Duration bounds in minutes, both included. */
  readonly target: { readonly min: number; readonly max: number }
  readonly filters: readonly Filter[]
  readonly slice: Slice
  /** A ride that lacks one of these is refused. */
  readonly required: readonly InputName[]
  readonly features: Features
  /** Whether pairs of categorical terms are counted: a solver needs them, a profile does not. */
  readonly crosses: boolean
}

/** The plan of a recipe over all rides, or over a slice of them. */
export function planOf(recipe: Recipe, features: Features, slice: Slice = { kind: 'all' }): Plan {
  const { target, filters } = recipe
  return { target, filters, slice, required: features.inputs, features, crosses: true }
}

/** Rides left out, by the first reason met, in this order. */
export interface Refused {
  /** Pickup or drop-off time is missing. */
  null_time: number
  /** A time is text that is no time. */
  unparsable_time: number
  /** Shorter than the target's lower bound. */
  below_min: number
  /** Longer than the target's upper bound. */
  above_max: number
  /** A row filter of the recipe does not hold. */
  filtered: number
  /** A column that a term needs is missing or not of its kind. */
  null_value: number
}

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

function grown(sums: Sums, length: number): Sums {
  if (length <= sums.hi.length) return sums
  const wider = zeroSums(Math.max(length, sums.hi.length * 2))
  wider.hi.set(sums.hi)
  wider.lo.set(sums.lo)
  return wider
}

function grownCounts(counts: Float64Array, length: number): Float64Array {
  if (length <= counts.length) return counts
  const wider = new Float64Array(Math.max(length, counts.length * 2))
  wider.set(counts)
  return wider
}

interface OpenBlock {
  index: LevelIndex
  counts: Float64Array
  target: Sums
  numeric: Sums
}

interface OpenCross {
  a: number
  b: number
  index: LevelIndex
  counts: Float64Array
}

// Two level numbers in one code: 2^26 levels of a term are more than a machine holds.
const crossRadix = 2 ** 26

/** Sums rides batch by batch. */
export class MomentsBuilder {
  private readonly blocks: OpenBlock[]
  private readonly crosses: OpenCross[]
  private readonly target = zeroSums(2)
  private readonly sums: Sums
  private readonly products: Sums
  private readonly squares: Sums
  private readonly inexact = new Set<string>()
  private rows = 0
  private passed = 0
  private n = 0
  private readonly refused: Refused = {
    null_time: 0,
    unparsable_time: 0,
    below_min: 0,
    above_max: 0,
    filtered: 0,
    null_value: 0,
  }

  private readonly plan: Plan
  constructor(plan: Plan) {
    this.plan = plan
    const { categorical, numeric } = plan.features
    this.blocks = categorical.map(({ levels }) => ({
      index: new LevelIndex(levels),
      counts: new Float64Array(256),
      target: zeroSums(256),
      numeric: zeroSums(256 * numeric.length),
    }))
    this.crosses = (plan.crosses ? plannedCrosses(categorical) : []).map(([a, b]) => {
      return { a, b, index: new LevelIndex(2 ** 53), counts: new Float64Array(1024) }
    })
    this.sums = zeroSums(numeric.length)
    this.products = zeroSums(numeric.length)
    this.squares = zeroSums((numeric.length * (numeric.length + 1)) / 2)
  }

  /** Adds the rides of a batch that the plan selects. */
  add(rides: RideBatch): void {
    const { categorical, numeric } = this.plan.features
    const levels = new Float64Array(categorical.length)
    const values = new Float64Array(numeric.length)
    this.rows += rides.length
    for (let i = 0; i < rides.length; i++) {
      if (!this.selects(rides, i)) continue
      let complete = true
      for (let k = 0; k < levels.length && complete; k++) {
        const code = (categorical[k] as CategoricalTerm).code(rides, i)
        levels[k] = code
        complete = code >= 0
      }
      for (let p = 0; p < values.length && complete; p++) {
        const value = (numeric[p] as NumericTerm).value(rides, i)
        values[p] = value
        complete = !Number.isNaN(value)
      }
      if (!complete) {
        this.refused.null_value++
        continue
      }
      if (this.inSlice(rides, i)) this.sum(rides, i, levels, values)
    }
  }

  private selects(rides: RideBatch, i: number): boolean {
    const { target, filters, required } = this.plan
    const { refused } = this
    const pickup = rides.pickup[i] as number
    const micros = (rides.dropoff[i] as number) - pickup
    if (!Number.isFinite(micros)) {
      const missing = Number.isNaN(pickup) || Number.isNaN(rides.dropoff[i] as number)
      refused[missing ? 'null_time' : 'unparsable_time']++
      return false
    }
    if (micros < target.min * 60e6) {
      refused.below_min++
      return false
    }
    if (micros > target.max * 60e6) {
      refused.above_max++
      return false
    }
    for (const filter of filters) {
      const value = (rides.columns[filter.column] as Float64Array)[i] as number
      if (!passes(filter, value)) {
        refused.filtered++
        return false
      }
    }
    for (const name of required) {
      if (name !== 'pickup_datetime' && Number.isNaN(rides.columns[name]?.[i])) {
        refused.null_value++
        return false
      }
    }
    return true
  }

  private inSlice(rides: RideBatch, i: number): boolean {
    const { slice } = this.plan
    const position = this.passed++
    if (slice.kind === 'all') return true
    const at = slice.kind === 'rows' ? position : (rides.pickup[i] as number)
    return at >= slice.from && at < slice.to
  }

  private sum(rides: RideBatch, i: number, levels: Float64Array, values: Float64Array): void {
    const numeric = this.plan.features.numeric
    const y = fixedPoint(((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 1e6, 1)
    if (!Number.isInteger(y)) this.inexact.add('duration')
    this.n++
    addTo(this.target, 0, y)
    addProductTo(this.target, 1, y, y)
    for (let p = 0; p < values.length; p++) {
      const term = numeric[p] as NumericTerm
      const x = fixedPoint(values[p] as number, term.scale)
      if (!Number.isInteger(x)) this.inexact.add(term.name)
      values[p] = x
      addTo(this.sums, p, x)
      addProductTo(this.products, p, x, y)
      for (let q = 0; q <= p; q++) {
        addProductTo(this.squares, (p * (p + 1)) / 2 + q, x, values[q] as number)
      }
    }
    for (let k = 0; k < levels.length; k++) {
      const block = this.blocks[k] as OpenBlock
      const level = block.index.of(levels[k] as number)
      levels[k] = level
      block.counts = grownCounts(block.counts, level + 1)
      block.target = grown(block.target, level + 1)
      block.counts[level] = (block.counts[level] as number) + 1
      addTo(block.target, level, y)
      if (values.length === 0) continue
      block.numeric = grown(block.numeric, (level + 1) * values.length)
      const at = level * values.length
      for (let p = 0; p < values.length; p++) addTo(block.numeric, at + p, values[p] as number)
    }
    for (const cross of this.crosses) {
      const key = (levels[cross.a] as number) * crossRadix + (levels[cross.b] as number)
      const cell = cross.index.of(key)
      cross.counts = grownCounts(cross.counts, cell + 1)
      cross.counts[cell] = (cross.counts[cell] as number) + 1
    }
  }

  /**
   * The sums, in an order that depends on what was added only.
   *
   * @throws sums_overflow when a column's values are too large to be squared and summed
   */
  finish(): Moments {
    const { categorical, numeric } = this.plan.features
    const orders = this.blocks.map(({ index }) => ascending(index))
    const blocks = this.blocks.map((block, k) => {
      return closeBlock(
        block,
        orders[k] as Uint32Array,
        categorical[k] as CategoricalTerm,
        numeric.length,
      )
    })
    const places = orders.map(inverse)
    const crosses = this.crosses.map((cross) => closeCross(cross, places))
    const moments: Moments = {
      rows: this.rows,
      refused: this.refused,
      outside: this.passed - this.n,
      n: this.n,
      inexact: [...this.inexact].sort(),
      numeric,
      target: this.target,
      sums: this.sums,
      products: this.products,
      squares: this.squares,
      blocks,
      crosses,
    }
    for (const sums of [this.target, this.sums, this.products, this.squares]) settle(sums)
    numeric.forEach(({ name }, p) => {
      if (Number.isFinite(this.squares.hi[(p * (p + 1)) / 2 + p])) return
      throw new RidecastError(
        'sums_overflow',
        `column ${name} holds values too large to be summed: clip it in the recipe, or filter the rows`,
      )
    })
    return moments
  }
}

function passes(filter: Filter, value: number): boolean {
  return (
    !Number.isNaN(value) &&
    (filter.above === undefined || value > filter.above) &&
    (filter.at_least === undefined || value >= filter.at_least) &&
    (filter.below === undefined || value < filter.below) &&
    (filter.at_most === undefined || value <= filter.at_most)
  )
}

function ascending(index: LevelIndex): Uint32Array {
  const { codes, size } = index
  const order = Uint32Array.from({ length: size }, (_, i) => i)
  return order.sort((i, j) => (codes[i] as number) - (codes[j] as number))
}

function inverse(order: Uint32Array): Int32Array {
  const places = new Int32Array(order.length)
  for (let i = 0; i < order.length; i++) places[order[i] as number] = i
  return places
}

function closeBlock(
  block: OpenBlock,
  order: Uint32Array,
  term: CategoricalTerm,
  width: number,
): Block {
  const target = zeroSums(order.length)
  const numeric = zeroSums(order.length * width)
  for (let i = 0; i < order.length; i++) {
    const from = order[i] as number
    target.hi[i] = block.target.hi[from] as number
    target.lo[i] = block.target.lo[from] as number
    numeric.hi.set(block.numeric.hi.subarray(from * width, (from + 1) * width), i * width)
    numeric.lo.set(block.numeric.lo.subarray(from * width, (from + 1) * width), i * width)
  }
  settle(target)
  settle(numeric)
  return {
    term,
    codes: Float64Array.from(order, (from) => block.index.codes[from] as number),
    counts: Float64Array.from(order, (from) => block.counts[from] as number),
    target,
    numeric,
  }
}

function closeCross({ a, b, index, counts }: OpenCross, places: readonly Int32Array[]): Cross {
  const keys = new Float64Array(index.size)
  const [rowPlaces, columnPlaces] = [places[a] as Int32Array, places[b] as Int32Array]
  for (let cell = 0; cell < index.size; cell++) {
    const code = index.codes[cell] as number
    const row = rowPlaces[Math.floor(code / crossRadix)] as number
    keys[cell] = row * crossRadix + (columnPlaces[code % crossRadix] as number)
  }
  return { a, b, ...sortedCells(keys, counts) }
}

/** Cells by key `row * 2^26 + column`, sorted, equal keys added up. */
function sortedCells(
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

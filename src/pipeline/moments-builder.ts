/**
 * Builds moments from rides, batch by batch. What comes out does not depend on their order.
 */

import { type CategoricalTerm, fixedPoint, type NumericTerm } from '../features.ts'
import type { RideBatch } from '../ride.ts'
import { addProductTo, addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { LevelIndex } from './level-index.ts'
import {
  type Block,
  type Cross,
  type Moments,
  plannedCrosses,
  roundedColumns,
  sortedCells,
  squaresByName,
} from './moments.ts'
import { type Plan, RideSelector } from './plan.ts'

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

/** Two level numbers in one code: 2^26 levels of a term are more than a machine holds. */
const crossRadix = 2 ** 26

interface OpenCross {
  a: number
  b: number
  index: LevelIndex
  counts: Float64Array
}

/** Sums rides batch by batch. */
export class MomentsBuilder {
  private readonly blocks: OpenBlock[]
  private readonly crosses: OpenCross[]
  private readonly target = zeroSums(2)
  private readonly sums: Sums
  private readonly products: Sums
  private readonly squares: Sums
  private readonly inexact = new Set<string>()
  private n = 0
  private readonly selector: RideSelector
  private readonly plan: Plan
  constructor(plan: Plan) {
    this.plan = plan
    this.selector = new RideSelector(plan)
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

  /** Adds the rides of a batch that the plan takes. */
  add(rides: RideBatch): void {
    this.selector.forEach(rides, (i, codes, values) => this.sum(rides, i, codes, values))
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
    for (const sums of [this.target, this.sums, this.products, this.squares]) settle(sums)
    const squares = squaresByName(numeric, this.target, this.squares)
    for (const name of roundedColumns(this.n, squares)) this.inexact.add(name)
    return {
      rows: this.selector.rows,
      refused: this.selector.refused,
      outside: this.selector.passed - this.n,
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
  }
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
  const [rowPlaces, columnPlaces] = [places[a] as Int32Array, places[b] as Int32Array]
  const rows = new Int32Array(index.size)
  const columns = new Int32Array(index.size)
  for (let cell = 0; cell < index.size; cell++) {
    const code = index.codes[cell] as number
    rows[cell] = rowPlaces[Math.floor(code / crossRadix)] as number
    columns[cell] = columnPlaces[code % crossRadix] as number
  }
  return { a, b, ...sortedCells(rows, columns, counts) }
}

/**
 * Builds moments from rides, batch by batch. What comes out does not depend on their order.
 */

import type { CategoricalTerm } from '../features.ts'
import type { RideBatch } from '../ride.ts'
import { BatchTerms } from './batch-terms.ts'
import { CellCounts } from './cell-counts.ts'
import { type Sums, settle, zeroSums } from './double-double.ts'
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
import { addProducts, addValues, GroupSums, TakenValues } from './taken-values.ts'

/** A block that grows: levels are numbered as they come. */
interface OpenBlock {
  readonly term: CategoricalTerm
  readonly index: LevelIndex
  /** Number of the level of each ride taken of the batch. */
  levels: Int32Array
  readonly counts: GroupSums
  readonly target: GroupSums
  readonly numeric: readonly GroupSums[]
}

interface OpenCross {
  readonly a: number
  readonly b: number
  readonly counts: CellCounts
}

/** Sums rides batch by batch. */
export class MomentsBuilder {
  private readonly blocks: readonly OpenBlock[]
  private readonly crosses: readonly OpenCross[]
  private readonly target = zeroSums(2)
  private readonly sums: Sums
  private readonly products: Sums
  private readonly squares: Sums
  private readonly inexact = new Set<string>()
  private n = 0
  private readonly selector: RideSelector
  private readonly plan: Plan
  private readonly ownTerms = new BatchTerms()
  private readonly seconds = new TakenValues()
  private readonly quantities: readonly TakenValues[]

  constructor(plan: Plan) {
    this.plan = plan
    this.selector = new RideSelector(plan)
    const { categorical, numeric } = plan.features
    this.blocks = categorical.map((term) => ({
      term,
      index: new LevelIndex(term.levels),
      levels: new Int32Array(0),
      counts: new GroupSums(),
      target: new GroupSums(),
      numeric: numeric.map(() => new GroupSums()),
    }))
    this.crosses = (plan.crosses ? plannedCrosses(categorical) : []).map(([a, b]) => {
      return { a, b, counts: new CellCounts() }
    })
    this.quantities = numeric.map(() => new TakenValues())
    this.sums = zeroSums(numeric.length)
    this.products = zeroSums(numeric.length)
    this.squares = zeroSums((numeric.length * (numeric.length + 1)) / 2)
  }

  /**
   * Adds the rides of a batch that the plan takes.
   *
   * @param terms of these rides, where several plans share them
   */
  add(rides: RideBatch, terms: BatchTerms = this.ownTerms.load(rides)): void {
    const at = this.selector.take(terms)
    this.n += at.length
    this.seconds.take(terms.seconds(), at)
    if (!this.seconds.whole) this.inexact.add('duration')
    this.plan.features.numeric.forEach((term, p) => {
      const quantity = this.quantities[p] as TakenValues
      quantity.take(terms.units(term), at)
      if (!quantity.whole) this.inexact.add(term.name)
    })
    this.sumAll()
    for (const block of this.blocks) this.sumBlock(block, terms, at)
    for (const { a, b, counts } of this.crosses) {
      const [rows, columns] = [this.blocks[a] as OpenBlock, this.blocks[b] as OpenBlock]
      counts.add(rows.levels, columns.levels, at.length)
    }
  }

  private sumAll(): void {
    const { seconds, quantities } = this
    addValues(this.target, 0, seconds)
    addProducts(this.target, 1, seconds, seconds)
    quantities.forEach((x, p) => {
      addValues(this.sums, p, x)
      addProducts(this.products, p, x, seconds)
      for (let q = 0; q <= p; q++) {
        addProducts(this.squares, (p * (p + 1)) / 2 + q, x, quantities[q] as TakenValues)
      }
    })
  }

  private sumBlock(block: OpenBlock, terms: BatchTerms, at: Int32Array): void {
    const { index, counts, target, numeric } = block
    if (block.levels.length < at.length) block.levels = new Int32Array(at.length)
    index.numbersOf(terms.codes(block.term), at, block.levels)
    counts.count(block.levels, at.length, index.size)
    target.add(block.levels, this.seconds, index.size)
    numeric.forEach((sums, p) => {
      sums.add(block.levels, this.quantities[p] as TakenValues, index.size)
    })
  }

  /**
   * The sums, in an order that depends on what was added only.
   *
   * @throws sums_overflow when a column's values are too large to be squared and summed
   */
  finish(): Moments {
    const { numeric } = this.plan.features
    const orders = this.blocks.map(({ index }) => ascending(index))
    const blocks = this.blocks.map((block, k) => closeBlock(block, orders[k] as Uint32Array))
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

function ascending({ codes, size }: LevelIndex): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, i) => i)
  return order.sort((i, j) => (codes[i] as number) - (codes[j] as number))
}

function inverse(order: Uint32Array): Int32Array {
  const places = new Int32Array(order.length)
  for (let i = 0; i < order.length; i++) places[order[i] as number] = i
  return places
}

function closeBlock(block: OpenBlock, order: Uint32Array): Block {
  const { term, index, counts, target, numeric } = block
  return {
    term,
    codes: Float64Array.from(order, (from) => index.codes[from] as number),
    counts: closeSums([counts], order).hi,
    target: closeSums([target], order),
    numeric: closeSums(numeric, order),
  }
}

/** Sums by level, in the order of the levels: (levels x columns), row-major. */
function closeSums(columns: readonly GroupSums[], order: Uint32Array): Sums {
  const closed = zeroSums(order.length * columns.length)
  columns.forEach((sums, p) => {
    for (let i = 0; i < order.length; i++) {
      const [hi, lo] = sums.words(order[i] as number)
      closed.hi[i * columns.length + p] = hi
      closed.lo[i * columns.length + p] = lo
    }
  })
  settle(closed)
  return closed
}

function closeCross({ a, b, counts }: OpenCross, places: readonly Int32Array[]): Cross {
  const { rows, columns, counts: rides } = counts.cells()
  const placed = (numbers: Int32Array, of: Int32Array): Int32Array =>
    numbers.map((number) => of[number] as number)
  const [rowPlaces, columnPlaces] = [places[a] as Int32Array, places[b] as Int32Array]
  return { a, b, ...sortedCells(placed(rows, rowPlaces), placed(columns, columnPlaces), rides) }
}

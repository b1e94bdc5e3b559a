/**
 * Builds moments from rides, batch by batch. What comes out does not depend on their order.
 */

import type { CategoricalTerm } from '../features.ts'
import type { RideBatch } from '../ride.ts'
import { BatchTerms, type TermLevels } from './batch-terms.ts'
import { orderedCells } from './cell-order.ts'
import { type Sums, settle, zeroSums } from './double-double.ts'
import {
  type Block,
  type Cross,
  type Moments,
  plannedCrosses,
  roundedColumns,
  squaresByName,
} from './moments.ts'
import { PairTable } from './pair-table.ts'
import { type Plan, RideSelector } from './plan.ts'
import { addProducts, addValues, GroupSums, Ones, TakenValues } from './taken-values.ts'

/** A block that grows: levels are numbered as they come. */
interface OpenBlock {
  readonly term: CategoricalTerm
  /** Number of the level of each ride taken of the batch. */
  levels: Int32Array
  /** Counts, sums of the target, sums of the numeric terms. */
  readonly sums: GroupSums
}

interface OpenCross {
  readonly a: number
  readonly b: number
  readonly counts: PairTable
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
  private readonly terms: BatchTerms
  private readonly ones = new Ones()
  private readonly seconds = new TakenValues()
  private readonly quantities: readonly TakenValues[]

  /** @param terms where several plans share what they make of each batch */
  constructor(plan: Plan, terms = new BatchTerms()) {
    this.plan = plan
    this.terms = terms
    this.selector = new RideSelector(plan)
    const { categorical, numeric } = plan.features
    this.blocks = categorical.map((term) => ({
      term,
      levels: new Int32Array(0),
      sums: new GroupSums(2 + numeric.length),
    }))
    this.crosses = (plan.crosses ? plannedCrosses(categorical) : []).map(([a, b]) => {
      return { a, b, counts: new PairTable() }
    })
    this.quantities = numeric.map(() => new TakenValues())
    this.sums = zeroSums(numeric.length)
    this.products = zeroSums(numeric.length)
    this.squares = zeroSums((numeric.length * (numeric.length + 1)) / 2)
  }

  /** Adds the rides of a batch that the plan takes. */
  add(rides: RideBatch): void {
    this.terms.load(rides)
    this.addLoaded()
  }

  /** Adds the rides of the batch that the shared terms have loaded. */
  addLoaded(): void {
    const { terms } = this
    const at = this.selector.take(terms)
    this.n += at.length
    this.ones.count(at.length)
    this.seconds.take(terms.seconds(), at)
    if (!this.seconds.whole) this.inexact.add('duration')
    this.plan.features.numeric.forEach((term, p) => {
      const quantity = this.quantities[p] as TakenValues
      quantity.take(terms.units(term).values, at)
      if (!quantity.whole) this.inexact.add(term.name)
    })
    this.sumAll()
    for (const block of this.blocks) this.sumBlock(block, at)
    for (const { a, b, counts } of this.crosses) {
      const [rows, columns] = [this.blocks[a] as OpenBlock, this.blocks[b] as OpenBlock]
      countPairs(counts, rows.levels, columns.levels, at.length)
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

  private sumBlock(block: OpenBlock, at: Int32Array): void {
    if (block.levels.length < at.length) block.levels = new Int32Array(at.length)
    const { levels, sums } = block
    const { numbers, size } = this.terms.levels(block.term)
    for (let j = 0; j < at.length; j++) levels[j] = numbers[at[j] as number] as number
    sums.add(levels, [this.ones, this.seconds, ...this.quantities], size)
  }

  /**
   * The sums, in an order that depends on what was added only.
   *
   * @throws sums_overflow when a column's values are too large to be squared and summed
   */
  finish(): Moments {
    const { numeric } = this.plan.features
    const levels = this.blocks.map(({ term }) => this.terms.levels(term))
    const orders = this.blocks.map((block, k) => ascending(levels[k] as TermLevels, block))
    const blocks = this.blocks.map((block, k) => {
      return closeBlock(block, levels[k] as TermLevels, orders[k] as Int32Array, numeric.length)
    })
    const places = orders.map((order, k) => inverse(order, levels[k] as TermLevels))
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

function countPairs(table: PairTable, rows: Int32Array, columns: Int32Array, length: number): void {
  for (let j = 0; j < length; j++) {
    const at = table.at(rows[j] as number, columns[j] as number)
    table.values[at] = (table.values[at] as number) + 1
  }
}

/** Numbers of the levels that rides of this plan have, ascending by code. */
function ascending({ codes, size }: TermLevels, { sums }: OpenBlock): Int32Array {
  const order = Int32Array.from({ length: size }, (_, i) => i).filter((i) => sums.first(i) > 0)
  return order.sort((i, j) => (codes[i] as number) - (codes[j] as number))
}

function inverse(order: Int32Array, { size }: TermLevels): Int32Array {
  const places = new Int32Array(size)
  for (let i = 0; i < order.length; i++) places[order[i] as number] = i
  return places
}

function closeBlock(
  { term, sums }: OpenBlock,
  { codes }: TermLevels,
  order: Int32Array,
  width: number,
): Block {
  return {
    term,
    codes: Float64Array.from(order, (from) => codes[from] as number),
    counts: sums.sums(order, 0, 1).hi,
    target: sums.sums(order, 1, 2),
    numeric: sums.sums(order, 2, 2 + width),
  }
}

function closeCross({ a, b, counts }: OpenCross, places: readonly Int32Array[]): Cross {
  const { rows, columns, values } = counts.pairs()
  const [rowPlaces, columnPlaces] = [places[a] as Int32Array, places[b] as Int32Array]
  for (let k = 0; k < values.length; k++) {
    rows[k] = rowPlaces[rows[k] as number] as number
    columns[k] = columnPlaces[columns[k] as number] as number
  }
  return {
    a,
    b,
    ...orderedCells({ rows, columns, counts: values }, rowPlaces.length, columnPlaces.length),
  }
}

/**
 * Sums of plans that take the same rides, in one go: each quantity is taken once, each cell summed
 * once, and what one plan has summed is not summed again for another.
 */

import { type Atom, type AtomSpec, atomOf, baseKey } from '../atoms.ts'
import type { CategoricalTerm, NumericTerm } from '../features.ts'
import type { BatchTerms } from './batch-terms.ts'
import type { Cells as CrossCells } from './cell-merge.ts'
import { sortedCells } from './cell-sort.ts'
import {
  type BlockOfCells,
  blockOfCells,
  type Cells,
  openCells,
  type Summed,
  tellsAll,
} from './cell-sums.ts'
import { type Sums, settle, zeroSums } from './double-double.ts'
import type { TermLevels } from './level-columns.ts'
import {
  type Block,
  type Moments,
  plannedCrosses,
  roundedColumns,
  squaresByName,
} from './moments.ts'
import { PairCounts, type Placed } from './pair-counts.ts'
import { type Plan, RideSelector } from './plan.ts'
import { addProducts, addValues, Ones, Records, TakenValues } from './taken-values.ts'

/** Up to so many cells, a term is read off cells of more atoms than its own. */
const manyCells = 2 ** 18

/** Pairs of terms beyond which counting all of them together beats making cells of the small ones. */
const manyPairs = 16

/** Zones are ids, and no other ids are more. */
const usualIds = 300

/** The name of the target among quantities. */
const target = 'duration'

/** The name of a numeric term among quantities: equal names are equal values. */
const nameOf = ({ of, steps }: NumericTerm): string => JSON.stringify([of, steps])

/** A value of each ride that is summed. */
interface Quantity {
  /** Undefined for the target. */
  readonly term: NumericTerm | undefined
  readonly taken: TakenValues
  /** Whether every value taken so far was a whole number. */
  whole: boolean
}

/** Cells to be summed: of which atoms, and what. */
interface Draft {
  readonly atoms: readonly Atom[]
  readonly names: Set<string>
}

/** Two terms whose pairs of levels are too many to be cells of a table. */
type OpenCross = readonly [CategoricalTerm, CategoricalTerm]

/** The fewest cells that tell atoms and have sums. */
type Source = (atoms: readonly Atom[], sums: readonly string[]) => Cells

/** Sums plans that take the same rides, batch by batch. */
export class SelectionSums {
  private readonly plans: readonly Plan[]
  private readonly terms: BatchTerms
  private readonly selector: RideSelector
  private readonly quantities = new Map<string, Quantity>()
  /** Pairs of quantities whose products are summed, and quantities alone. */
  private readonly factors: readonly (readonly [string] | readonly [string, string])[]
  private readonly totals: Sums
  private readonly ones: Ones
  private readonly cells: readonly ReturnType<typeof openCells>[]
  /** By names of quantities: what cells sum. */
  private readonly summed = new Map<string, Summed>()
  /** Terms of open crosses, each once. */
  private readonly crossed: readonly CategoricalTerm[]
  private readonly crosses: ReadonlyMap<string, OpenCross>
  /** Undefined where there are none. */
  private readonly counts: PairCounts | undefined
  /** By open cross: what was counted, once it is in order. */
  private readonly counted = new Map<number, CrossCells>()
  private n = 0

  /** @param plans at least one, all of one `selectionKey` */
  constructor(plans: readonly Plan[], batch: BatchTerms) {
    this.plans = plans
    this.terms = batch
    const { loops } = batch
    this.selector = new RideSelector(plans[0] as Plan, batch)
    this.ones = new Ones(loops)
    this.quantities.set(target, { term: undefined, taken: new TakenValues(loops), whole: true })
    for (const term of plans.flatMap(({ features }) => features.numeric)) {
      this.quantities.set(nameOf(term), { term, taken: new TakenValues(loops), whole: true })
    }
    this.factors = distinctFactors(plans)
    this.totals = zeroSums(this.factors.length)
    const drafts: Draft[] = []
    const crosses = new Map<string, OpenCross>()
    const demands = demandsOf(plans)
    const isRich = demands.filter(({ pair }) => pair).length > manyPairs
    for (const demand of demands) {
      const { pair } = demand
      if (pair && (isRich || sizeOf(demand.atoms) > manyCells)) crosses.set(crossKey(pair), pair)
      else merge(drafts, demand)
    }
    this.crosses = crosses
    const terms = [...crosses.values()].flat()
    this.crossed = [...new Map(terms.map((term) => [termKey(term), term])).values()]
    const place = new Map(this.crossed.map((term, t) => [termKey(term), t]))
    const pairs = [...crosses.values()].map((pair) => {
      return pair.map((term) => place.get(termKey(term))) as [number, number]
    })
    if (pairs.length > 0) this.counts = new PairCounts(this.crossed.length, pairs, loops)
    const present = presentIn(plans)
    this.cells = drafts.map(({ atoms, names }) =>
      openCells(withoutGaps(atoms, present), this.summedOf([...names]), loops),
    )
  }

  /** What cells sum of each ride; undefined where they count. */
  private summedOf(names: readonly string[]): Summed | undefined {
    if (names.length === 0) return undefined
    const key = JSON.stringify(names)
    const known = this.summed.get(key)
    if (known) return known
    const columns = names.map((name) => (this.quantities.get(name) as Quantity).taken)
    const summed = { names, records: new Records([this.ones, ...columns], this.terms.loops) }
    this.summed.set(key, summed)
    return summed
  }

  /** Adds the rides that the plans take of the batch that the terms have loaded. */
  add(): void {
    const { terms, quantities, ones } = this
    const at = this.selector.take()
    this.n += at.length
    ones.count(at.length)
    for (const quantity of quantities.values()) {
      const { term, taken } = quantity
      taken.take(at.length, (into) =>
        term ? terms.takeUnits(term, into, at) : terms.takeSeconds(into, at),
      )
      quantity.whole &&= taken.whole
    }
    const taken = (name: string): TakenValues => (quantities.get(name) as Quantity).taken
    this.factors.forEach(([a, b], i) => {
      if (b === undefined) addValues(this.totals, i, taken(a))
      else addProducts(this.totals, i, taken(a), taken(b))
    })
    for (const { records } of this.summed.values()) records.take()
    for (const cells of this.cells) cells.add(terms, at)
    this.counts?.add(
      this.crossed.map((term) => terms.levels(term)),
      at,
    )
  }

  /**
   * The sums of each plan, in an order that depends on what was added only.
   *
   * @throws sums_overflow when a column's values are too large to be squared and summed
   */
  finish(): Moments[] {
    settle(this.totals)
    const cells = this.cells.map((open) => open.close(this.terms))
    return this.plans.map((plan) => this.momentsOf(plan, cells))
  }

  private momentsOf(plan: Plan, cells: readonly Cells[]): Moments {
    const { numeric, categorical } = plan.features
    const names = [target, ...numeric.map(nameOf)]
    const source: Source = (atoms, sums) =>
      cells
        .filter((one) => tellsAll(one.atoms, atoms) && sums.every((name) => one.sums.has(name)))
        .reduce((least, one) => (one.counts.length < least.counts.length ? one : least))
    const blocks = categorical.map((term) => {
      return blockOfCells(term, source(term.atoms, term.counted ? [] : names), names)
    })
    const pairs = plan.crosses ? plannedCrosses(categorical) : []
    const known = new Map<Block, Placed>()
    const placed = (block: Block): Placed => {
      const own = known.get(block) ?? placedLevels(block, this.terms.levels(block.term))
      known.set(block, own)
      return own
    }
    const factors = plan.crosses ? names.slice(1) : []
    const squares = this.total(
      factors.flatMap((name, p) => factors.slice(0, p + 1).map((other) => [name, other])),
    )
    const ofTarget = this.total([[target], [target, target]])
    const sums = this.total(names.slice(1).map((name) => [name]))
    const summed = { n: this.n, numeric, target: ofTarget, sums, squares }
    const inexact = new Set(roundedColumns(this.n, squaresByName(summed)))
    if (!this.quantities.get(target)?.whole) inexact.add(target)
    for (const term of numeric)
      if (!this.quantities.get(nameOf(term))?.whole) inexact.add(term.name)
    return {
      rows: this.selector.rows,
      refused: this.selector.refused,
      outside: this.selector.passed - this.n,
      ...summed,
      inexact: [...inexact].sort(),
      products: this.total(factors.map((name) => [name, target])),
      blocks: blocks.map(({ block }) => block),
      crosses: pairs.map(([a, b]) => {
        const [left, right] = [blocks[a] as BlockOfCells, blocks[b] as BlockOfCells]
        return { a, b, ...this.cross(left.block, right.block, source, placed) }
      }),
    }
  }

  /** Totals by their factors. */
  private total(wanted: readonly (readonly string[])[]): Sums {
    const sums = zeroSums(wanted.length)
    wanted.forEach((names, i) => {
      const at = this.factors.findIndex((factors) => factorsKey(factors) === factorsKey(names))
      sums.hi[i] = this.totals.hi[at] as number
      sums.lo[i] = this.totals.lo[at] as number
    })
    return sums
  }

  private cross(
    left: Block,
    right: Block,
    source: Source,
    placed: (block: Block) => Placed,
  ): CrossCells {
    const { counts, counted } = this
    const open = [...this.crosses.keys()].indexOf(crossKey([left.term, right.term]))
    if (counts && open >= 0) {
      const cells = counted.get(open) ?? counts.take(open, placed(left), placed(right))
      counted.set(open, cells)
      return cells
    }
    const cells = source([...left.term.atoms, ...right.term.atoms], [])
    const placesIn = ({ term }: Block): Int32Array =>
      blockOfCells({ ...term, counted: true }, cells, []).places
    return sortedCells(placesIn(left), placesIn(right), cells.counts)
  }
}

/** What cells a plan asks for: of a term, or of a pair of terms. */
interface Demand extends Draft {
  readonly pair: readonly [CategoricalTerm, CategoricalTerm] | undefined
}

/** What plans ask for, the most cells first. */
function demandsOf(plans: readonly Plan[]): Demand[] {
  const demands = plans.flatMap(({ features: { categorical, numeric }, crosses }): Demand[] => {
    const names = [target, ...numeric.map(nameOf)]
    const blocks = categorical.map(({ atoms, counted }): Demand => {
      return { atoms: distinct(atoms), names: new Set(counted ? [] : names), pair: undefined }
    })
    const pairs = (crosses ? plannedCrosses(categorical) : []).map(([a, b]): Demand => {
      const pair = [categorical[a], categorical[b]] as [CategoricalTerm, CategoricalTerm]
      return { atoms: distinct(pair.flatMap(({ atoms }) => atoms)), names: new Set(), pair }
    })
    return [...blocks, ...pairs]
  })
  return demands.sort((a, b) => sizeOf(b.atoms) - sizeOf(a.atoms))
}

/** Adds a demand to cells that tell its own, or as cells of its own. */
function merge(drafts: Draft[], { atoms, names }: Demand): void {
  const host = drafts.find((draft) => {
    const isCheap = sizeOf(draft.atoms) <= manyCells || draft.atoms.length === atoms.length
    return isCheap && tellsAll(draft.atoms, atoms)
  })
  if (!host) drafts.push({ atoms, names })
  else for (const name of names) host.names.add(name)
}

function distinct(atoms: readonly Atom[]): Atom[] {
  return [...new Map(atoms.map((atom) => [baseKey(atom), atom])).values()]
}

/** How many cells there are, about. */
function sizeOf(atoms: readonly Atom[]): number {
  return atoms.reduce((cells, { spec, levels }) => {
    return cells * (spec.kind === 'id' ? Math.min(levels, usualIds) : levels)
  }, 1)
}

/** Keys of atoms that no ride lacks, since a term of a plan or of its gate demands them. */
function presentIn(plans: readonly Plan[]): ReadonlySet<string> {
  const features = plans.flatMap(({ features, gate }) => (gate ? [features, gate] : [features]))
  const atoms = features.flatMap(({ categorical }) => categorical.flatMap((term) => term.atoms))
  return new Set(atoms.filter(({ spec }) => !spec.or_missing).map(baseKey))
}

/** The atoms without a level for what is missing, where nothing is. */
function withoutGaps(atoms: readonly Atom[], present: ReadonlySet<string>): Atom[] {
  return atoms.map((atom) => {
    if (!atom.spec.or_missing || !present.has(baseKey(atom))) return atom
    const { or_missing: _, ...spec } = atom.spec
    return atomOf(spec as AtomSpec)
  })
}

const factorsKey = (names: readonly string[]): string => [...names].sort().join(' * ')

function distinctFactors(plans: readonly Plan[]): SelectionSums['factors'] {
  const all = plans.flatMap(({ features, crosses }) => {
    const names = features.numeric.map(nameOf)
    const singly = [[target] as const, [target, target] as const, ...names.map((a) => [a] as const)]
    if (!crosses) return singly
    const products = names.flatMap((a, p) => names.slice(0, p + 1).map((b) => [a, b] as const))
    return [...singly, ...names.map((name) => [name, target] as const), ...products]
  })
  return [...new Map(all.map((factors) => [factorsKey(factors), factors])).values()]
}

const termKey = ({ atoms }: CategoricalTerm): string => atoms.map(({ key }) => key).join(' ')

const crossKey = (terms: OpenCross): string => terms.map(termKey).join(' x ')

/** The place in a block of each level by number. */
function placedLevels({ codes }: Block, levels: TermLevels): Placed {
  const place = new Map(Array.from(codes, (code, k) => [code, k]))
  const places = Int32Array.from({ length: levels.size }, (_, number) => {
    return place.get(levels.codes[number] as number) ?? -1
  })
  return { places, size: codes.length }
}

/**
 * Moments from the cells of groupings: levels of every term, and pairs of levels, are sums over
 * cells that tell them.
 */

import { type Atom, joinCode } from '../../../atoms.ts'
import type { CategoricalTerm } from '../../../features.ts'
import { addTo, type Sums, settle, zeroSums } from '../../double-double.ts'
import { LevelIndex } from '../../level-index.ts'
import {
  type Block,
  type Cross,
  type Moments,
  plannedCrosses,
  roundedColumns,
  sortedCells,
  squaresByName,
} from '../../moments.ts'
import type { Plan, Refused } from '../../plan.ts'
import type { Cells } from './cells.ts'
import { baseKey, sumName, tells } from './groupings.ts'
import type { Quantity } from './quantity.ts'
import { type Reason, reasons, type Selection } from './selection.ts'

/**
 * The moments of a plan.
 *
 * @param all the cells of every grouping of the selection
 * @param fine keys of quantities with values finer than their unit
 * @throws sums_overflow
 */
export function assemble(
  plan: Plan,
  selection: Selection,
  all: readonly Cells[],
  fine: ReadonlySet<string>,
): Moments {
  const { categorical, numeric } = plan.features
  const { duration } = selection
  const terms = numeric.map((term) => selection.term(term).quantity)
  const others = all.find((cells) => cells.others)?.others as Record<Reason, number>
  const home = all.find(({ sums }) => sums.has(sumName([duration, duration]))) as Cells
  const n = home.counts.reduce((total, count) => total + count, 0)
  const blocks = categorical.map((term) => blockOf(term, all, duration, terms))
  const pairs = plan.crosses ? plannedCrosses(categorical) : []
  const total = (...factors: Quantity[][]): Sums => totals(home, factors.map(sumName))
  const target = total([duration], [duration, duration])
  const squares = total(...terms.flatMap((term, p) => terms.slice(0, p + 1).map((q) => [term, q])))
  const names = [
    ...(fine.has(duration.key) ? ['duration'] : []),
    ...numeric.filter((_, p) => fine.has((terms[p] as Quantity).key)).map(({ name }) => name),
    ...roundedColumns(n, squaresByName(numeric, target, squares)),
  ]
  return {
    rows: reasons.reduce((rows, reason) => rows + others[reason], n),
    refused: refusedOf(others),
    outside: others.outside,
    n,
    inexact: [...new Set(names)].sort(),
    numeric,
    target,
    sums: total(...terms.map((term) => [term])),
    products: total(...terms.map((term) => [term, duration])),
    squares,
    blocks,
    crosses: pairs.map(([a, b]) => crossOf(a, b, blocks, all)),
  }
}

function refusedOf(others: Readonly<Record<Reason, number>>): Refused {
  const { null_time, unparsable_time, below_min, above_max, filtered, null_value } = others
  return { null_time, unparsable_time, below_min, above_max, filtered, null_value }
}

/** Sums over all cells, by name. */
function totals(cells: Cells, names: readonly string[]): Sums {
  const into = zeroSums(names.length)
  names.forEach((name, k) => {
    const { hi, lo } = cells.sums.get(name) as Sums
    for (let i = 0; i < cells.size; i++) {
      addTo(into, k, hi[i] as number)
      addTo(into, k, lo[i] as number)
    }
  })
  settle(into)
  return into
}

/** The grouping with the fewest cells that tells all atoms and has the sums. */
function source(all: readonly Cells[], atoms: readonly Atom[], names: readonly string[]): Cells {
  const able = all.filter((cells) => {
    return (
      atoms.every((atom) => tells(cells.atoms, atom)) && names.every((name) => cells.sums.has(name))
    )
  })
  return able.reduce((least, cells) => (cells.size < least.size ? cells : least))
}

/** The code of a term, by cell. */
function codesOf(term: CategoricalTerm, cells: Cells): Float64Array {
  const parts = term.atoms.map((atom) => partsOf(atom, cells))
  const [first, ...others] = parts
  if (others.length === 0) return first as Float64Array
  const at = new Array<number>(parts.length)
  return Float64Array.from({ length: cells.size }, (_, i) => {
    for (let k = 0; k < parts.length; k++) at[k] = parts[k]?.[i] as number
    return joinCode(term.atoms, at)
  })
}

/** The code of an atom, by cell. */
function partsOf(atom: Atom, cells: Cells): Float64Array {
  const key = baseKey(atom)
  const own = cells.atoms.findIndex((one) => one.key === key)
  if (own < 0) {
    const hours = cells.codes[cells.atoms.findIndex((one) => one.key === 'hour_of_week')]
    return (hours as Float64Array).map((hour) =>
      key === 'hour' ? hour % 24 : Math.floor(hour / 24),
    )
  }
  const codes = cells.codes[own] as Float64Array
  return atom.spec.or_missing ? codes.map((code) => code + 1) : codes
}

function blockOf(
  term: CategoricalTerm,
  all: readonly Cells[],
  duration: Quantity,
  terms: readonly Quantity[],
): Block {
  const names = [duration, ...terms].map((quantity) => sumName([quantity]))
  const cells = source(all, term.atoms, names)
  const byCell = codesOf(term, cells)
  const index = new LevelIndex(term.levels)
  const numbers = Int32Array.from(byCell, (code) => index.of(code))
  const order = Uint32Array.from({ length: index.size }, (_, i) => i)
  order.sort((i, j) => (index.codes[i] as number) - (index.codes[j] as number))
  const places = new Int32Array(index.size)
  order.forEach((number, place) => {
    places[number] = place
  })
  const counts = new Float64Array(index.size)
  const target = zeroSums(index.size)
  const numeric = zeroSums(index.size * terms.length)
  const columns = names.map((name) => cells.sums.get(name) as Sums)
  for (let i = 0; i < cells.size; i++) {
    const place = places[numbers[i] as number] as number
    counts[place] = (counts[place] as number) + (cells.counts[i] as number)
    columns.forEach(({ hi, lo }, k) => {
      const [into, at] = k === 0 ? [target, place] : [numeric, place * terms.length + k - 1]
      addTo(into, at, hi[i] as number)
      if (lo[i] !== 0) addTo(into, at, lo[i] as number)
    })
  }
  settle(target)
  settle(numeric)
  return {
    term,
    codes: Float64Array.from(order, (number) => index.codes[number] as number),
    counts,
    target,
    numeric,
  }
}

function crossOf(a: number, b: number, blocks: readonly Block[], all: readonly Cells[]): Cross {
  const [left, right] = [blocks[a] as Block, blocks[b] as Block]
  const cells = source(all, [...left.term.atoms, ...right.term.atoms], [])
  return { a, b, ...sortedCells(placesOf(left, cells), placesOf(right, cells), cells.counts) }
}

/** Position in the block of each cell's level. */
function placesOf({ term, codes }: Block, cells: Cells): Int32Array {
  const index = new LevelIndex(term.levels)
  for (const code of codes) index.of(code)
  return Int32Array.from(codesOf(term, cells), (code) => index.of(code))
}

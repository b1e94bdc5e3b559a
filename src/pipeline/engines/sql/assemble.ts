/**
 * Moments from the cells of groupings: levels of every term, and pairs of levels, are sums over
 * cells that tell them.
 */

import { type Atom, baseKey, joinCode } from '../../../atoms.ts'
import type { CategoricalTerm } from '../../../features.ts'
import { sortedCells } from '../../cell-sort.ts'
import { addTo, type Sums, settle, zeroSums } from '../../double-double.ts'
import { LevelIndex } from '../../level-index.ts'
import {
  type Block,
  type Cross,
  type Moments,
  plannedCrosses,
  roundedColumns,
  squaresByName,
} from '../../moments.ts'
import type { Plan, Refused } from '../../plan.ts'
import type { Cells, Column, Grouped } from './cells.ts'
import { type GroupAtom, sumName, tellerOf, tells } from './groupings.ts'
import type { Quantity } from './quantity.ts'
import { type Reason, reasons, type Selection } from './selection.ts'
import { binsOfUnits } from './unit-codes.ts'

/**
 * The moments of a plan.
 *
 * @param grouped the results of every grouping of the selection
 * @param fine keys of quantities with values finer than their unit
 * @throws sums_overflow
 */
export function assemble(
  plan: Plan,
  selection: Selection,
  grouped: readonly Grouped[],
  fine: ReadonlySet<string>,
): Moments {
  const { categorical, numeric } = plan.features
  const { duration } = selection
  const terms = numeric.map((term) => selection.term(term).quantity)
  const all = grouped.flatMap(({ cells }) => cells)
  const others = grouped.find((one) => one.others)?.others as Record<Reason, number>
  const home = all.find(({ sums }) => sums.has(sumName([duration, duration]))) as Cells
  const n = home.counts.reduce((total, count) => total + count, 0)
  const blocks = categorical.map((term) => blockOf(term, all, duration, terms))
  const pairs = plan.crosses ? plannedCrosses(categorical) : []
  const total = (...factors: Quantity[][]): Sums => totals(home, factors.map(sumName))
  const target = total([duration], [duration, duration])
  const factors = plan.crosses ? terms : []
  const squares = total(
    ...factors.flatMap((term, p) => factors.slice(0, p + 1).map((other) => [term, other])),
  )
  const sums = total(...terms.map((term) => [term]))
  const names = [
    ...(fine.has(duration.key) ? ['duration'] : []),
    ...numeric.filter((_, p) => fine.has((terms[p] as Quantity).key)).map(({ name }) => name),
    ...roundedColumns(n, squaresByName({ n, numeric, target, sums, squares })),
  ]
  return {
    rows: reasons.reduce((rows, reason) => rows + others[reason], n),
    refused: refusedOf(others),
    outside: others.outside,
    n,
    inexact: [...new Set(names)].sort(),
    numeric,
    target,
    sums,
    products: total(...factors.map((term) => [term, duration])),
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
    const column = cells.sums.get(name) as Column
    for (let i = 0; i < cells.size; i++) addCell(into, k, column, i)
  })
  settle(into)
  return into
}

function addCell(into: Sums, at: number, { hi, lo }: Column, i: number): void {
  addTo(into, at, hi[i] as number)
  if (lo) addTo(into, at, lo[i] as number)
}

/** The cells, the fewest, that tell all atoms and have the sums. */
function source(all: readonly Cells[], atoms: readonly Atom[], names: readonly string[]): Cells {
  const able = all.filter((cells) => {
    const hasSums = names.every((name) => cells.sums.has(name))
    return hasSums && tells(cells.atoms, atoms)
  })
  return able.reduce((least, cells) => (cells.size < least.size ? cells : least))
}

/** The levels of a term that occur, numbered as they come. */
interface Levels {
  /** The number of the level, by cell. */
  readonly numbers: Int32Array
  /** The code of the term, by number. */
  readonly codes: Float64Array
}

/** The code of an atom, by cell. */
function partsOf(atom: Atom, cells: Cells): Float64Array {
  const at = tellerOf(cells.atoms, atom)
  const codes = cells.codes[at] as Float64Array
  const { key, units } = cells.atoms[at] as GroupAtom
  if (units) return binsOfUnits(atom, units, codes)
  if (key === baseKey(atom)) return atom.spec.or_missing ? codes.map((code) => code + 1) : codes
  return codes.map((hour) => (atom.key === 'hour' ? hour % 24 : Math.floor(hour / 24)))
}

/** The levels of a term. Codes are packed first, so that a table does rather than a hash. */
function levelsOf(term: CategoricalTerm, cells: Cells): Levels {
  const parts = term.atoms.map((atom) => partsOf(atom, cells))
  const packed = new Float64Array(cells.size)
  let width = 1
  for (const part of parts) {
    let [min, max] = [Infinity, -Infinity]
    for (const code of part) {
      if (code < min) min = code
      if (code > max) max = code
    }
    const span = cells.size > 0 ? max - min + 1 : 1
    for (let i = 0; i < packed.length; i++) {
      packed[i] = (packed[i] as number) * span + (part[i] as number) - min
    }
    width *= span
  }
  const index = new LevelIndex(width)
  const numbers = new Int32Array(cells.size)
  const codes: number[] = []
  for (let i = 0; i < numbers.length; i++) {
    const number = index.of(packed[i] as number)
    numbers[i] = number
    if (number < codes.length) continue
    codes.push(
      joinCode(
        term.atoms,
        parts.map((part) => part[i] as number),
      ),
    )
  }
  return { numbers, codes: Float64Array.from(codes) }
}

function blockOf(
  term: CategoricalTerm,
  all: readonly Cells[],
  duration: Quantity,
  terms: readonly Quantity[],
): Block {
  const summed = term.counted ? [] : [duration, ...terms]
  const names = summed.map((quantity) => sumName([quantity]))
  const cells = source(all, term.atoms, names)
  const { numbers, codes } = levelsOf(term, cells)
  const order = Uint32Array.from(codes.keys())
  order.sort((i, j) => (codes[i] as number) - (codes[j] as number))
  const places = new Int32Array(codes.length)
  order.forEach((number, place) => {
    places[number] = place
  })
  const counts = new Float64Array(codes.length)
  const target = zeroSums(term.counted ? 0 : codes.length)
  const numeric = zeroSums(term.counted ? 0 : codes.length * terms.length)
  const [seconds, ...columns] = names.map((name) => cells.sums.get(name) as Column)
  for (let i = 0; i < cells.size; i++) {
    const place = places[numbers[i] as number] as number
    counts[place] = (counts[place] as number) + (cells.counts[i] as number)
    if (seconds) addCell(target, place, seconds, i)
    for (let p = 0; p < columns.length; p++) {
      addCell(numeric, place * columns.length + p, columns[p] as Column, i)
    }
  }
  settle(target)
  settle(numeric)
  return {
    term,
    codes: Float64Array.from(order, (number) => codes[number] as number),
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
function placesOf({ term, codes: known }: Block, cells: Cells): Int32Array {
  const { numbers, codes } = levelsOf(term, cells)
  const place = new Map(Array.from(known, (code, k) => [code, k]))
  const places = Int32Array.from(codes, (code) => place.get(code) as number)
  return numbers.map((number) => places[number] as number)
}

/**
 * Sums of rides by cell: a combination of codes of a few atoms. The levels of every term that is
 * made of some of those atoms are sums over cells, and so are pairs of such levels. Knows nothing
 * about which rides are taken.
 */

import { type Atom, baseKey } from '../atoms.ts'
import { type CategoricalTerm, type CategoricalTermSpec, featuresOf } from '../features.ts'
import type { RideBatch } from '../ride.ts'
import type { BatchTerms } from './batch-terms.ts'
import { addTo, type Sums, settle, zeroSums } from './double-double.ts'
import { type Input, inputOfAtom, keyCount, tellsCode } from './input-keys.ts'
import { noKey } from './key-kernels.ts'
import type { TermLevels } from './level-columns.ts'
import { LevelIndex } from './level-index.ts'
import type { Block } from './moments.ts'
import { pieceRides, type RowLoops } from './row-loops.ts'
import { GroupCounts, GroupSums, type Records } from './taken-values.ts'

/** Cells in ascending order of their codes; all have rides. */
export interface Cells {
  readonly atoms: readonly Atom[]
  /** By atom, by cell: its code. */
  readonly parts: readonly Float64Array[]
  readonly counts: Float64Array
  /** Sums by name of the quantity, by cell. */
  readonly sums: ReadonlyMap<string, Sums>
}

/** Sums by cell, batch by batch. */
export interface OpenCells {
  readonly atoms: readonly Atom[]
  /** Adds the rides at the positions `at` of the batch that the terms have loaded. */
  add(terms: BatchTerms, at: Int32Array): void
  /** The cells so far. */
  close(terms: BatchTerms): Cells
}

/** What is summed of each ride: a 1 that counts it, then quantities in the order of their names. */
export interface Summed {
  readonly names: readonly string[]
  /** Has taken the rides of a batch when cells are asked to add them. */
  readonly records: Records
}

/**
 * Begins to sum by cell.
 *
 * @param atoms at least one
 * @param summed with none, rides are counted
 */
export function openCells(
  atoms: readonly Atom[],
  summed: Summed | undefined,
  loops: RowLoops,
): OpenCells {
  const [only] = atoms
  if (summed) return new SummedProduct(atoms, summed, loops)
  const input = atoms.length === 1 && only && inputOfAtom(only.spec)
  return input ? new CountedAtom(only, input, loops) : new CountedProduct(atoms, loops)
}

/** A term of atoms, whose levels are cells. */
function termOf(atoms: readonly Atom[]): CategoricalTerm {
  const spec: CategoricalTermSpec = { name: 'cell', atoms: atoms.map((atom) => atom.spec) }
  return featuresOf({ categorical: [spec], numeric: [] }).categorical[0] as CategoricalTerm
}

/** Rides and sums by combination of codes. */
class SummedProduct implements OpenCells {
  readonly atoms: readonly Atom[]
  private readonly names: readonly string[]
  private readonly term: CategoricalTerm
  private readonly sums: GroupSums
  /** Number of the level of each ride taken of the batch. */
  private readonly levels: Int32Array

  constructor(atoms: readonly Atom[], { names, records }: Summed, loops: RowLoops) {
    this.atoms = atoms
    this.names = names
    this.term = termOf(atoms)
    this.sums = new GroupSums(records, loops)
    this.levels = loops.ints(pieceRides)
  }

  add(terms: BatchTerms, at: Int32Array): void {
    const { numbers, size } = terms.levels(this.term)
    const levels = this.levels.subarray(0, at.length)
    terms.loops.gather(levels, numbers, at)
    this.sums.add(levels, size)
  }

  close(terms: BatchTerms): Cells {
    const { sums, names, atoms } = this
    const { order, ...cells } = cellsOf(atoms, terms.levels(this.term), (level) =>
      sums.count(level),
    )
    return { ...cells, sums: new Map(names.map((name, k) => [name, sums.sums(order, k + 1)])) }
  }
}

/** Rides by combination of codes. */
class CountedProduct implements OpenCells {
  readonly atoms: readonly Atom[]
  private readonly term: CategoricalTerm
  private readonly counts: GroupCounts

  constructor(atoms: readonly Atom[], loops: RowLoops) {
    this.atoms = atoms
    this.term = termOf(atoms)
    this.counts = new GroupCounts(loops)
  }

  add(terms: BatchTerms, at: Int32Array): void {
    const { numbers, size } = terms.levels(this.term)
    this.counts.add(numbers, at, size)
  }

  close(terms: BatchTerms): Cells {
    const { counts, atoms } = this
    const levels = terms.levels(this.term)
    const { order: _, ...cells } = cellsOf(atoms, levels, (level) => counts.count(level))
    return { ...cells, sums: new Map() }
  }
}

/** The levels that have rides as cells, and their numbers. */
function cellsOf(
  atoms: readonly Atom[],
  { codes, size }: TermLevels,
  countOf: (level: number) => number,
): Omit<Cells, 'sums'> & { readonly order: Int32Array } {
  const order = ascending(codes, size).filter((level) => countOf(level) > 0)
  const ordered = Float64Array.from(order, (level) => codes[level] as number)
  const counts = Float64Array.from(order, countOf)
  return { atoms, parts: splitCodes(atoms, ordered), counts, order }
}

/** Numbers of the first `size` codes, all different, by ascending code. */
function ascending(codes: Float64Array, size: number): Int32Array {
  // Sorting numbers is much faster than sorting by a comparison.
  const sorted = codes.slice(0, size).sort()
  const place = new Map<number, number>()
  for (let number = 0; number < size; number++) place.set(codes[number] as number, number)
  const order = new Int32Array(size)
  for (let k = 0; k < size; k++) order[k] = place.get(sorted[k] as number) as number
  return order
}

/** The code of each atom, as `splitCode` has it for one code. */
function splitCodes(atoms: readonly Atom[], codes: Float64Array): Float64Array[] {
  const rest = codes.slice()
  const parts = atoms.map(() => new Float64Array(codes.length))
  for (let k = atoms.length - 1; k >= 0; k--) {
    const { levels } = atoms[k] as Atom
    const part = parts[k] as Float64Array
    for (let i = 0; i < rest.length; i++) {
      const code = rest[i] as number
      const quotient = Math.floor(code / levels)
      part[i] = code - quotient * levels
      rest[i] = quotient
    }
  }
  return parts
}

/** Rides by code of one atom, counted by the keys of what it is computed from. */
class CountedAtom implements OpenCells {
  readonly atoms: readonly Atom[]
  private readonly atom: Atom
  /** By key; below 0 for keys that do not tell the code. */
  private readonly counts: Int32Array
  private readonly late: Int32Array
  /** Codes by key, of those that were met. */
  private readonly codes: Float64Array
  /** Rides whose key does not tell the code, by code. */
  private readonly others = new Map<number, number>()

  constructor(atom: Atom, input: Input, loops: RowLoops) {
    this.atoms = [atom]
    this.atom = atom
    this.counts = loops.ints(keyCount(input))
    this.codes = new Float64Array(keyCount(input))
    this.late = loops.ints(pieceRides)
    this.counts[noKey] = -1
  }

  add(terms: BatchTerms, at: Int32Array): void {
    const { counts } = this
    const keys = terms.keysOf(this.atom) as Int32Array
    const late = terms.loops.countKeys(counts, keys, at, this.late)
    for (let j = 0; j < late; j++) {
      const i = this.late[j] as number
      const key = keys[i] as number
      if ((counts[key] as number) < 0) this.countOne(terms.rides, i)
      else if (tellsCode(this.atom.spec, key)) this.codes[key] = this.atom.code(terms.rides, i)
      else this.tellApart(key, keys, terms.rides, at)
    }
  }

  close(): Cells {
    const { counts, codes, others } = this
    const byCode = new Map(others)
    counts.forEach((count, key) => {
      const code = codes[key] as number
      if (count > 0) byCode.set(code, (byCode.get(code) ?? 0) + count)
    })
    const order = Float64Array.from(byCode.keys()).sort()
    return {
      atoms: this.atoms,
      parts: [order],
      counts: order.map((code) => byCode.get(code) as number),
      sums: new Map(),
    }
  }

  /** Counts the rides of a key that does not tell the code; from now on they come one by one. */
  private tellApart(key: number, keys: Int32Array, rides: RideBatch, at: Int32Array): void {
    for (let j = 0; j < at.length; j++) {
      const i = at[j] as number
      if (keys[i] === key) this.countOne(rides, i)
    }
    this.counts[key] = -1
  }

  private countOne(rides: RideBatch, i: number): void {
    const code = this.atom.code(rides, i)
    this.others.set(code, (this.others.get(code) ?? 0) + 1)
  }
}

/** True when cells of these atoms tell the codes of all of those. */
export function tellsAll(cells: readonly Atom[], atoms: readonly Atom[]): boolean {
  const keys = new Set(cells.map(baseKey))
  return atoms.every((atom) => keys.has(baseKey(atom)))
}

/** Codes of a term, by cell. */
function codesOf(term: CategoricalTerm, { atoms, parts, counts }: Cells): Float64Array {
  const codes = new Float64Array(counts.length)
  for (const atom of term.atoms) {
    const k = atoms.findIndex((one) => baseKey(one) === baseKey(atom))
    const own = parts[k] as Float64Array
    // Nothing is missing where the cells have no level for it.
    const shift = atom.spec.or_missing && !atoms[k]?.spec.or_missing ? 1 : 0
    for (let i = 0; i < codes.length; i++) {
      codes[i] = (codes[i] as number) * atom.levels + (own[i] as number) + shift
    }
  }
  return codes
}

/** Ascending codes, each once, and the place among them of every code given. */
function placed(codes: Float64Array): { codes: Float64Array; places: Int32Array } {
  let ascends = true
  for (let i = 1; i < codes.length; i++) {
    ascends = ascends && (codes[i] as number) > (codes[i - 1] as number)
  }
  const places = new Int32Array(codes.length)
  if (ascends) {
    for (let i = 0; i < places.length; i++) places[i] = i
    return { codes, places }
  }
  const index = new LevelIndex(Number.MAX_SAFE_INTEGER)
  for (let i = 0; i < places.length; i++) places[i] = index.of(codes[i] as number)
  const order = ascending(index.codes, index.size)
  const placeOf = new Int32Array(index.size)
  for (let k = 0; k < order.length; k++) placeOf[order[k] as number] = k
  for (let i = 0; i < places.length; i++) places[i] = placeOf[places[i] as number] as number
  return { codes: index.codes.slice(0, index.size).sort(), places }
}

/** A block, and the place in it of the level of each cell. */
export interface BlockOfCells {
  readonly block: Block
  readonly places: Int32Array
}

/**
 * The levels of a term.
 *
 * @param names quantities: the target, then the numeric terms; they count only where the term is summed
 */
export function blockOfCells(
  term: CategoricalTerm,
  cells: Cells,
  names: readonly string[],
): BlockOfCells {
  const { codes, places } = placed(codesOf(term, cells))
  const counts = new Float64Array(codes.length)
  places.forEach((place, i) => {
    counts[place] = (counts[place] as number) + (cells.counts[i] as number)
  })
  const [target, ...others] = term.counted ? [] : names
  const numeric = zeroSums(codes.length * others.length)
  others.forEach((name, p) => {
    addByPlace(numeric, places, cells.sums.get(name) as Sums, others.length, p)
  })
  const seconds = zeroSums(target === undefined ? 0 : codes.length)
  if (target !== undefined) addByPlace(seconds, places, cells.sums.get(target) as Sums, 1, 0)
  settle(numeric)
  settle(seconds)
  return { block: { term, codes, counts, target: seconds, numeric }, places }
}

/** Adds the sum of every cell to column `p` of its place, (places x width). */
function addByPlace(into: Sums, places: Int32Array, from: Sums, width: number, p: number): void {
  for (let i = 0; i < places.length; i++) {
    const at = (places[i] as number) * width + p
    addTo(into, at, from.hi[i] as number)
    const low = from.lo[i] as number
    if (low !== 0) addTo(into, at, low)
  }
}

/**
 * Which GROUP BYs give the sums of the plans of a selection: few, since the cells of one give the
 * levels of every term that its atoms make up. Knows nothing about SQL text.
 */

import { type Atom, baseKey } from '../../../atoms.ts'
import type { CategoricalTerm } from '../../../features.ts'
import { plannedCrosses } from '../../moments.ts'
import type { Plan } from '../../plan.ts'
import type { Code } from './codes.ts'
import type { Quantity } from './quantity.ts'
import type { Selection } from './selection.ts'
import { areFine, type Units, unitsCode } from './unit-codes.ts'

/** An atom that rides are grouped by; rides that lack it share a group where any do. */
export interface GroupAtom {
  readonly key: string
  readonly code: Code
  /** Whether a ride of the selection can lack it. */
  readonly mayLack: boolean
  /** How many codes occur, about. */
  readonly levels: number
  /** Set where the codes are units of a column, which tell the bins of it. */
  readonly units?: Units
}

/** A sum of a quantity, or of the product of two. */
export type Factors = readonly [Quantity] | readonly [Quantity, Quantity]

/** Equal names mean the same sum. */
export function sumName(factors: readonly Quantity[]): string {
  return factors
    .map(({ key }) => key)
    .sort()
    .join(' * ')
}

/** One query: rides grouped by each of several sets of atoms. */
export interface Grouping {
  /** The atoms of all sets. */
  readonly atoms: readonly GroupAtom[]
  /** Positions of the atoms of each set. */
  readonly sets: readonly (readonly number[])[]
  /** Sums besides the count, by name. */
  readonly sums: ReadonlyMap<string, Factors>
}

/** One set of atoms. */
interface Draft {
  atoms: GroupAtom[]
  sums: Map<string, Factors>
}

/** Up to so many cells a set carries sums that are read off it, rather than grouped anew. */
const manyCells = 2 ** 18

/** Up to so many cells, sets are worth a common query: what they have in common is done once. */
const fewCells = 2 ** 15

/** Zones are ids, and no other ids are more. */
const usualIds = 300

/** Values in few digits: so many distinct ones are usual. */
const usualUnits = 2 ** 12

/** Up to so many sums are carried through every set of a query for the sake of their total. */
const fewSums = 8

/** The position of the atom in a group that tells the code of another, -1 where none does. */
export function tellerOf(group: readonly GroupAtom[], atom: Atom): number {
  const { spec } = atom
  const wanted = baseKey(atom)
  const own = group.findIndex(({ key }) => key === wanted)
  if (own >= 0) return own
  if (spec.kind === 'derived') return group.findIndex(({ key }) => key === 'hour_of_week')
  return spec.kind === 'bin' ? group.findIndex(({ units }) => units && areFine(units, spec)) : -1
}

/** True when the codes of all atoms can be told from those of a group. */
export function tells(group: readonly GroupAtom[], atoms: readonly Atom[]): boolean {
  return atoms.every((atom) => tellerOf(group, atom) >= 0)
}

/**
 * Plans the groupings of a selection, the smallest last.
 *
 * @param hope whether columns may be taken to hold whole units
 */
export function groupingsOf(
  selection: Selection,
  plans: readonly Plan[],
  hope: boolean,
): Grouping[] {
  const own = selection.plans.map((at) => plans[at] as Plan)
  const drafts = covered(own.flatMap((plan) => demandsOf(selection, plan, hope)))
  const large = drafts
    .filter(({ atoms }) => cellsOf(atoms) > fewCells)
    .map((draft) => query([draft]))
  const small = drafts.filter(({ atoms }) => cellsOf(atoms) <= fewCells)
  const queries = small.length > 0 ? [...large, query(small)] : large
  const totals = new Map(own.flatMap((plan) => totalsOf(selection, plan)))
  const host = queries.at(-1)
  const isCheap = host && (host.sets.length === 1 || totals.size <= fewSums)
  if (!isCheap) return [...queries, { atoms: [], sets: [[]], sums: totals }]
  return queries.with(-1, { ...host, sums: new Map([...host.sums, ...totals]) })
}

function query(drafts: readonly Draft[]): Grouping {
  const atoms = new Map(drafts.flatMap((draft) => draft.atoms.map((atom) => [atom.key, atom])))
  const keys = [...atoms.keys()]
  return {
    atoms: [...atoms.values()],
    sets: drafts.map((draft) => draft.atoms.map(({ key }) => keys.indexOf(key))),
    sums: new Map(drafts.flatMap(({ sums }) => [...sums])),
  }
}

/** A term or a pair of terms, and what is summed by its levels. */
interface Demand extends Draft {
  readonly terms: readonly Atom[]
}

function demandsOf(selection: Selection, plan: Plan, hope: boolean): Demand[] {
  const { categorical, numeric } = plan.features
  const quantities = [selection.duration, ...numeric.map((term) => selection.term(term).quantity)]
  const sums = new Map(quantities.map((one): [string, Factors] => [sumName([one]), [one]]))
  const blocks = categorical.map(({ atoms, counted }) => {
    return demand(selection, atoms, counted ? new Map() : new Map(sums), hope)
  })
  const pairs = plan.crosses ? plannedCrosses(categorical) : []
  const crosses = pairs.map(([a, b]) => {
    const atoms = [a, b].flatMap((k) => (categorical[k] as CategoricalTerm).atoms)
    return demand(selection, atoms, new Map(), hope)
  })
  return [...blocks, ...crosses]
}

function demand(
  selection: Selection,
  terms: readonly Atom[],
  sums: Draft['sums'],
  hope: boolean,
): Demand {
  const fine = hope && terms.length === 1 && unitsOf(selection, terms[0] as Atom)
  if (fine) return { terms, atoms: [fine], sums }
  const atoms = new Map<string, GroupAtom>()
  for (const atom of terms) {
    const key = baseKey(atom)
    const code = selection.code(atom)
    const known = code.range[1] - code.range[0] + 1
    const levels = atom.spec.kind === 'id' ? Math.min(known, usualIds) : known
    atoms.set(key, { key, code, mayLack: mayLack(selection, code), levels })
  }
  return { terms, atoms: [...atoms.values()], sums }
}

function mayLack({ implied }: Selection, { exists }: Code): boolean {
  return exists !== undefined && !implied.has(exists.sql)
}

/** Units to group by in place of many bins: comparisons with edges are what takes time. */
function unitsOf(selection: Selection, { spec }: Atom): GroupAtom | undefined {
  const found = spec.kind === 'bin' ? unitsCode(selection.sheet, spec) : undefined
  if (!found) return undefined
  const { code, units } = found
  const key = `units ${units.of} ${units.low} ${units.high}`
  return { key, code, mayLack: mayLack(selection, code), levels: usualUnits, units }
}

function cellsOf(atoms: readonly GroupAtom[]): number {
  return atoms.reduce((cells, { levels }) => cells * (levels + 1), 1)
}

/** Leaves out what can be read off another grouping. */
function covered(demands: readonly Demand[]): Draft[] {
  const byCells = [...demands].sort((a, b) => cellsOf(b.atoms) - cellsOf(a.atoms))
  const drafts: Draft[] = []
  for (const { terms, atoms, sums } of byCells) {
    const hosts = drafts.filter((draft) => {
      const isCheap =
        cellsOf(draft.atoms) <= manyCells || [...sums.keys()].every((k) => draft.sums.has(k))
      return isCheap && tells(draft.atoms, terms)
    })
    const host = hosts.at(-1)
    if (host) for (const [name, factors] of sums) host.sums.set(name, factors)
    else drafts.push({ atoms, sums })
  }
  return drafts
}

/** Sums over all rides: of the target and the terms, and of the products of two of them. */
function totalsOf(selection: Selection, plan: Plan): [string, Factors][] {
  const { duration } = selection
  const terms = plan.features.numeric.map((term) => selection.term(term).quantity)
  const products = terms.flatMap((term, p): Factors[] => [
    [term],
    [term, duration],
    ...terms.slice(0, p + 1).map((other): Factors => [term, other]),
  ])
  const all: Factors[] = [[duration], [duration, duration], ...products]
  return all.map((factors) => [sumName(factors), factors])
}

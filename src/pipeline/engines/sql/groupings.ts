/**
 * Which GROUP BYs give the sums of the plans of a selection: few, since the cells of one give the
 * levels of every term that its atoms make up. Knows nothing about SQL text.
 */

import type { Atom } from '../../../atoms.ts'
import type { CategoricalTerm } from '../../../features.ts'
import { plannedCrosses } from '../../moments.ts'
import type { Plan } from '../../plan.ts'
import type { Code } from './codes.ts'
import type { Quantity } from './quantity.ts'
import type { Selection } from './selection.ts'

/** An atom that rides are grouped by; rides that lack it share a group where any do. */
export interface GroupAtom {
  readonly key: string
  readonly code: Code
  /** Whether a ride of the selection can lack it. */
  readonly mayLack: boolean
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
const fewCells = 2 ** 17

/** Up to so many sums are carried through every set of a query for the sake of their total. */
const fewSums = 8

/** The key of an atom, `or_missing` set aside. */
export function baseKey({ key, spec }: Atom): string {
  return spec.or_missing ? key.slice(0, -1) : key
}

/** True when the code of an atom can be told from a group's. */
export function tells(group: readonly { readonly key: string }[], atom: Atom): boolean {
  const wanted = baseKey(atom)
  const isPart = atom.spec.kind === 'derived'
  return group.some(({ key }) => key === wanted || (isPart && key === 'hour_of_week'))
}

/** Plans the groupings of a selection, the smallest last. */
export function groupingsOf(selection: Selection, plans: readonly Plan[]): Grouping[] {
  const own = selection.plans.map((at) => plans[at] as Plan)
  const drafts = covered(own.flatMap((plan) => demandsOf(selection, plan)))
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

function demandsOf(selection: Selection, plan: Plan): Demand[] {
  const { categorical, numeric } = plan.features
  const quantities = [selection.duration, ...numeric.map((term) => selection.term(term).quantity)]
  const sums = new Map(quantities.map((one): [string, Factors] => [sumName([one]), [one]]))
  const blocks = categorical.map(({ atoms }) => demand(selection, atoms, new Map(sums)))
  const pairs = plan.crosses ? plannedCrosses(categorical) : []
  const crosses = pairs.map(([a, b]) => {
    const atoms = [a, b].flatMap((k) => (categorical[k] as CategoricalTerm).atoms)
    return demand(selection, atoms, new Map())
  })
  return [...blocks, ...crosses]
}

function demand(selection: Selection, terms: readonly Atom[], sums: Draft['sums']): Demand {
  const atoms = new Map<string, GroupAtom>()
  for (const atom of terms) {
    const key = baseKey(atom)
    const code = selection.code(atom)
    const mayLack = code.exists !== undefined && !selection.implied.has(code.exists.sql)
    atoms.set(key, { key, code, mayLack })
  }
  return { terms, atoms: [...atoms.values()], sums }
}

function cellsOf(atoms: readonly GroupAtom[]): number {
  return atoms.reduce((cells, { code: { range } }) => cells * (range[1] - range[0] + 2), 1)
}

/** Leaves out what can be read off another grouping. */
function covered(demands: readonly Demand[]): Draft[] {
  const byCells = [...demands].sort((a, b) => cellsOf(b.atoms) - cellsOf(a.atoms))
  const drafts: Draft[] = []
  for (const { terms, atoms, sums } of byCells) {
    const hosts = drafts.filter((draft) => {
      const isCheap =
        cellsOf(draft.atoms) <= manyCells || [...sums.keys()].every((k) => draft.sums.has(k))
      return isCheap && terms.every((atom) => tells(draft.atoms, atom))
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

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

/** One GROUP BY. */
export interface Grouping {
  readonly atoms: readonly GroupAtom[]
  /** Sums besides the count, by name. */
  readonly sums: ReadonlyMap<string, Factors>
}

interface Draft {
  atoms: GroupAtom[]
  sums: Map<string, Factors>
}

/** Cells that a group's sums can be carried through cheaply: read off rather than grouped anew. */
const manyCells = 2 ** 18

/** Up to so many cells, two groupings by other atoms are one by all of them. */
const jointCells = 2 ** 15

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

/** Plans the groupings of a selection. */
export function groupingsOf(selection: Selection, plans: readonly Plan[]): Grouping[] {
  const wanted = selection.plans.flatMap((at) => demandsOf(selection, plans[at] as Plan))
  const drafts = merged(covered(wanted))
  const smallest = drafts.reduce((least: Draft | undefined, draft) => {
    return least && cellsOf(least.atoms) <= cellsOf(draft.atoms) ? least : draft
  }, undefined)
  const home = smallest ?? { atoms: [], sums: new Map() }
  for (const at of selection.plans) addTotals(home, selection, plans[at] as Plan)
  return smallest ? drafts : [home]
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

/** Makes one grouping of several small ones. */
function merged(drafts: readonly Draft[]): Draft[] {
  const kept: Draft[] = []
  for (const draft of drafts) {
    const host = kept.find(({ atoms }) => cellsOf(atoms) * cellsOf(draft.atoms) <= jointCells)
    if (!host) {
      kept.push(draft)
      continue
    }
    const known = new Set(host.atoms.map(({ key }) => key))
    host.atoms = [...host.atoms, ...draft.atoms.filter(({ key }) => !known.has(key))]
    for (const [name, factors] of draft.sums) host.sums.set(name, factors)
  }
  return kept
}

function addTotals({ sums }: Draft, selection: Selection, plan: Plan): void {
  const add = (...factors: Factors): void => {
    sums.set(sumName(factors), factors)
  }
  const { duration } = selection
  add(duration)
  add(duration, duration)
  const terms = plan.features.numeric.map((term) => selection.term(term).quantity)
  terms.forEach((term, p) => {
    add(term)
    add(term, duration)
    for (const other of terms.slice(0, p + 1)) add(term, other)
  })
}

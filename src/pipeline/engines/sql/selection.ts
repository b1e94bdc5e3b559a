/**
 * Which rides plans take, in SQL: plans that take the same rides share a selection. Conditions
 * stand in the order of `plan.ts`, so that every ride is refused for the first reason met.
 */

import type { Atom } from '../../../atoms.ts'
import type { NumericTerm } from '../../../features.ts'
import type { Filter } from '../../../recipe-schema.ts'
import type { Plan, Refused, Slice } from '../../plan.ts'
import { type Code, type Condition, codeOf, columnFor, finite, present } from './codes.ts'
import { durationOf, type Quantity, type Term, termOf } from './quantity.ts'
import type { Range, Sheet, Value } from './sheet.ts'

/** Why a ride is not summed: a refusal, or one of two that are none. */
export type Reason = keyof Refused | 'outside' | 'unfit'

/** Reasons by their number. */
export const reasons: readonly Reason[] = [
  'null_time',
  'unparsable_time',
  'below_min',
  'above_max',
  'filtered',
  'null_value',
  'outside',
  'unfit',
]

/** The rides that some plans take. */
export interface Selection {
  readonly sheet: Sheet
  /** Positions of the plans. */
  readonly plans: readonly number[]
  readonly slice: Slice
  readonly duration: Quantity
  /** Whether a ride has the times, values and inputs; what terms make of these set aside. */
  readonly candidate: Value
  /** Whether a ride is taken, the slice set aside. */
  readonly kept: Value
  /** Whether it lies inside the slice as well; undefined: all do. */
  readonly inSlice: Value | undefined
  /** True of rides that are not kept, by the number of the reason from 1, in order. */
  readonly refusals: readonly (readonly [condition: string, reason: number])[]
  /** Conditions that hold for all kept rides. */
  readonly implied: ReadonlySet<string>
  /** The code of an atom of its plans. */
  code(atom: Atom): Code
  /** A numeric term of its plans. */
  term(term: NumericTerm): Term
}

/** Everything is known of a ride that is true. */
const always: Value = { sql: 'TRUE', layer: 0 }

/** Units of quantities by key, where they have been found carefully. */
export type Units = ReadonlyMap<string, Value>

/** Groups plans by the rides that they take. */
export function selectionsOf(sheet: Sheet, plans: readonly Plan[]): Selection[] {
  const found = new Map<string, { plan: Plan; at: number[] }>()
  plans.forEach((plan, k) => {
    const { min, max } = plan.target
    const { filters, slice } = plan
    const { terms } = validity(sheet, plan)
    const key = JSON.stringify([min, max, filters, slice, terms, slice.kind === 'rows'], (_, x) =>
      typeof x === 'number' ? String(x) : x,
    )
    const known = found.get(key)
    if (known) known.at.push(k)
    else found.set(key, { plan, at: [k] })
  })
  return [...found.values()].map(({ plan, at }) => selectionOf(sheet, plan, at))
}

/** What a ride needs besides its times and filters. */
interface Validity {
  readonly inputs: readonly Condition[]
  /** Conditions on what terms make of their inputs. */
  readonly exists: readonly Value[]
  /** Where those are not known for sure. */
  readonly unclear: readonly Value[]
  /** All of them, in an order of their own. */
  readonly terms: readonly string[]
}

/** Conditions on the columns and terms of a plan, each once and none that follows from another. */
function validity(sheet: Sheet, plan: Plan, units?: Units): Validity {
  const inputs: Condition[] = plan.required.flatMap((name) =>
    name === 'pickup_datetime' ? [] : [present(sheet, name)],
  )
  const exists: Value[] = []
  const unclear: Value[] = []
  for (const features of [plan.gate, plan.features]) {
    for (const { atoms } of features?.categorical ?? []) {
      for (const atom of atoms) {
        const { exists } = codeOf(sheet, atom.spec, minutesOf(plan))
        if (exists && !atom.spec.or_missing) inputs.push(exists)
      }
    }
    for (const term of features?.numeric ?? []) {
      const of = columnFor(term.of)
      inputs.push(term.steps.length === 0 ? finite(sheet, of) : present(sheet, of))
      const made = termOf(sheet, term, units)
      if (made.exists) exists.push(made.exists)
      if (made.unclear) unclear.push(made.unclear)
    }
  }
  const implied = new Set(inputs.flatMap(({ implies }) => implies))
  const own = distinct(inputs).filter(({ sql }) => !implied.has(sql))
  const results = distinct(exists)
  const terms = [...own, ...results].map(({ sql }) => sql).sort()
  return { inputs: own, exists: results, unclear: distinct(unclear), terms }
}

function distinct<T extends Value>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [value.sql, value])).values()]
}

/** What the durations of a plan's rides lie within, minutes. */
function minutesOf({ target }: Plan): Range {
  return [target.min, target.max]
}

/**
 * The selection of plans that take the same rides.
 *
 * @param plan one of them
 * @param at positions of all
 */
export function selectionOf(
  sheet: Sheet,
  plan: Plan,
  at: readonly number[],
  units?: Units,
): Selection {
  const micros = sheet.micros()
  const { inputs, exists, unclear } = validity(sheet, plan, units)
  const filters = distinct(plan.filters.map((filter) => passes(sheet, filter)))
  const inside = timely(sheet, plan, micros)
  const candidate = all(sheet, [...inside, ...filters, ...inputs])
  const kept = all(sheet, [...inside, ...filters, ...inputs, ...negated(unclear), ...exists])
  const inSlice = sliced(sheet, plan.slice)
  const not = (values: readonly Value[]): string =>
    `NOT coalesce(${values.map(({ sql }) => `(${sql})`).join(' AND ')}, FALSE)`
  const number = (reason: Reason): number => reasons.indexOf(reason) + 1
  const refusals: [string, number][] = []
  const refuse = (condition: string, reason: Reason): void => {
    refusals.push([condition, number(reason)])
  }
  refuse(`${micros.sql} IS NULL`, 'null_time')
  if (sheet.mayBeNoTime()) refuse(`NOT (${sheet.isFinite(micros)})`, 'unparsable_time')
  const { min, max } = plan.target
  if (min > -Infinity) refuse(`${micros.sql} < ${sheet.literal(min * 60e6)}`, 'below_min')
  if (max < Infinity) refuse(`${micros.sql} > ${sheet.literal(max * 60e6)}`, 'above_max')
  if (filters.length > 0) refuse(not(filters), 'filtered')
  if (inputs.length > 0) refuse(not(inputs), 'null_value')
  if (unclear.length > 0) refuse(unclear.map(({ sql }) => sql).join(' OR '), 'unfit')
  if (exists.length > 0) refuse(not(exists), 'null_value')
  if (inSlice) refuse(not([inSlice]), 'outside')
  return {
    sheet,
    plans: at,
    slice: plan.slice,
    duration: durationOf(sheet, minutesOf(plan), units),
    candidate,
    kept,
    inSlice,
    refusals,
    implied: new Set(inputs.flatMap(({ sql, implies }) => [sql, ...implies])),
    code: (atom) => codeOf(sheet, atom.spec, minutesOf(plan)),
    term: (term) => termOf(sheet, term, units),
  }
}

const negated = (values: readonly Value[]): Value[] =>
  values.map(({ sql, layer }) => ({ sql: `NOT (${sql})`, layer }))

/** One condition for many; NULL counts as false wherever it is used. */
export function all(sheet: Sheet, values: readonly Value[]): Value {
  if (values.length === 0) return always
  const sql = values.map((value) => `(${value.sql})`).join(' AND ')
  return sheet.define(sql, ...values)
}

/** Conditions for a duration to be known and within the bounds. */
function timely(sheet: Sheet, { target }: Plan, micros: Value): Value[] {
  const { layer } = micros
  const conditions = [`${micros.sql} IS NOT NULL`]
  if (sheet.mayBeNoTime()) conditions.push(sheet.isFinite(micros))
  if (target.min > -Infinity)
    conditions.push(`${micros.sql} >= ${sheet.literal(target.min * 60e6)}`)
  if (target.max < Infinity) conditions.push(`${micros.sql} <= ${sheet.literal(target.max * 60e6)}`)
  const isBounded = conditions.length > 1
  return conditions.slice(isBounded ? 1 : 0).map((sql) => ({ sql, layer }))
}

function passes(sheet: Sheet, filter: Filter): Value {
  const { sql, layer } = sheet.column(filter.column)
  const { above, at_least, below, at_most } = filter
  const compare = (sign: string, bound: number | undefined): string[] =>
    bound === undefined ? [] : [`${sql} ${sign} ${sheet.literal(bound)}`]
  const conditions = [
    present(sheet, filter.column).sql,
    ...compare('>', above),
    ...compare('>=', at_least),
    ...compare('<', below),
    ...compare('<=', at_most),
  ]
  return { sql: conditions.join(' AND '), layer }
}

function sliced(sheet: Sheet, slice: Slice): Value | undefined {
  if (slice.kind === 'all') return undefined
  // By rows: the cut has been found by then, and stands here as positions in the file.
  const at = slice.kind === 'rows' ? sheet.rowNumber() : sheet.time('pickup')
  const conditions: string[] = []
  if (slice.from > -Infinity) conditions.push(`${at.sql} >= ${sheet.literal(slice.from)}`)
  if (slice.to < Infinity) conditions.push(`${at.sql} < ${sheet.literal(slice.to)}`)
  return conditions.length > 0 ? { sql: conditions.join(' AND '), layer: at.layer } : undefined
}

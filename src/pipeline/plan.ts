/**
 * Which rides are taken and which terms of them: a plan, and its rides one by one.
 * Every pass over rows goes through here, so that all count the same rides.
 */

import type { AtomSpec } from '../atoms.ts'
import { type Features, type FeaturesSpec, featuresOf, specOfFeatures } from '../features.ts'
import { isColumn } from '../measures.ts'
import type { Filter, Recipe, Step } from '../recipe-schema.ts'
import type { ColumnName, InputName, RideBatch } from '../ride.ts'
import { BatchTerms, type TermValues } from './batch-terms.ts'
import type { RideColumns } from './columns.ts'
import { pieceRides, piecesOf } from './row-loops.ts'

/** Which part of the rides that pass everything else is summed. */
export type Slice =
  | { readonly kind: 'all' }
  /** By position among the kept rides, in file order: `from` included, `to` not. */
  | { readonly kind: 'rows'; readonly from: number; readonly to: number }
  /** By time of the pickup, microseconds: `from` included, `to` not. */
  | { readonly kind: 'pickup'; readonly from: number; readonly to: number }

/** What is summed over which rides. */
export interface Plan {
  /** Duration bounds in minutes, both included. */
  readonly target: { readonly min: number; readonly max: number }
  readonly filters: readonly Filter[]
  readonly slice: Slice
  /** A ride that lacks one of these is refused. */
  readonly required: readonly InputName[]
  readonly features: Features
  /** Features that a ride must have as well, so that other terms are summed over the same rides. */
  readonly gate?: Features
  /**
   * Whether products are summed: of numeric terms with each other and with the target, and pairs of
   * levels. A solver needs them, a distribution does not.
   */
  readonly crosses: boolean
}

/** The plan of a recipe over all rides, or over a slice of them. */
export function planOf(recipe: Recipe, features: Features, slice: Slice = { kind: 'all' }): Plan {
  const { target, filters, model } = recipe
  const { required } = features
  // Trees take rides one by one: all there is to sum is which they are, and how long they took.
  const summed = model === 'linear' ? features : noFeatures
  return { target, filters, slice, required, features: summed, crosses: model === 'linear' }
}

const noFeatures = featuresOf({ categorical: [], numeric: [] })

/** A plan as data: what {@link planFrom} compiles, another process or engine can, and a cache is keyed by. */
export interface PlanSpec extends Omit<Plan, 'features' | 'gate'> {
  readonly features: FeaturesSpec
  readonly gate?: FeaturesSpec
}

/** A plan as data. */
export function specOfPlan({ features, gate, ...rest }: Plan): PlanSpec {
  return {
    ...rest,
    features: specOfFeatures(features),
    ...(gate && { gate: specOfFeatures(gate) }),
  }
}

/** The plan that {@link specOfPlan} has written. */
export function planFrom({ features, gate, ...rest }: PlanSpec): Plan {
  return { ...rest, features: featuresOf(features), ...(gate && { gate: featuresOf(gate) }) }
}

/** Other features over the very rides that a plan takes. */
export function beside(plan: Plan, features: Features): Plan {
  return { ...plan, features, gate: plan.features }
}

/**
 * Plans with equal keys take the same rides, and refuse the others for the same reasons. What terms
 * demand of a ride counts, not which terms they are: a distribution of rides that are taken anyway
 * demands nothing.
 */
export function selectionKey({ target, filters, slice, required, features, gate }: Plan): string {
  const demands = new Set<string>(required)
  for (const { categorical, numeric } of gate ? [gate, features] : [features]) {
    for (const { spec, key } of categorical.flatMap(({ atoms }) => atoms)) {
      if (!isAlwaysThere(spec, required)) demands.add(key)
    }
    for (const { of, steps } of numeric) {
      const isThere =
        isColumn(of) && required.includes(of) && steps.length === 1 && steps.every(isTotal)
      if (!isThere) demands.add(JSON.stringify([of, steps]))
    }
  }
  const bound = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? String(value) : value
  return JSON.stringify([target, filters, slice, [...demands].sort()], bound)
}

/** True for an atom that no ride lacks which has a duration and all that is required. */
function isAlwaysThere(spec: AtomSpec, required: readonly InputName[]): boolean {
  if (spec.or_missing) return true
  if (spec.kind === 'id' || spec.kind === 'zone') return false
  if (spec.kind !== 'bin' || spec.of === 'duration') return true
  return spec.of !== 'speed' && isColumn(spec.of) && required.includes(spec.of)
}

/** True for a step that makes a number that can be summed of all but NaN. */
function isTotal(step: Step): boolean {
  if (step === 'is_zero') return true
  if (typeof step === 'string' || 'hinge' in step) return false
  // Units of larger numbers leave the range of a double.
  return Object.values(step)
    .flat()
    .every((at) => Math.abs(at) < 2 ** 900)
}

/** The columns that plans need: required ones and, for features that tolerate it, optional ones. */
export function columnsOf(plans: readonly Plan[]): RideColumns {
  const isColumn = (name: string): name is ColumnName => name !== 'pickup_datetime'
  const required = new Set<ColumnName>()
  const all = new Set<ColumnName>()
  for (const plan of plans) {
    for (const name of plan.required.filter(isColumn)) required.add(name)
    for (const { column } of plan.filters) required.add(column)
    // A gate looks at its terms too, though they are not summed.
    for (const { inputs } of [plan.features, ...(plan.gate ? [plan.gate] : [])]) {
      for (const name of inputs.filter(isColumn)) all.add(name)
    }
  }
  return { required: [...required], optional: [...all].filter((name) => !required.has(name)) }
}

/** Rides left out, by the first reason met, in this order. */
export interface Refused {
  /** Pickup or drop-off time is missing. */
  null_time: number
  /** A time is text that is no time. */
  unparsable_time: number
  /** Shorter than the target's lower bound. */
  below_min: number
  /** Longer than the target's upper bound. */
  above_max: number
  /** A row filter of the recipe does not hold. */
  filtered: number
  /** A column that a term needs is missing or not of its kind. */
  null_value: number
}

/** Receives a ride that is taken: its position, level codes and values by term (reused arrays). */
export type Visit = (i: number, codes: Float64Array, values: Float64Array) => void

/** Goes over rides in order, counts the refused ones, and hands on those that a plan takes. */
export class RideSelector {
  /** Rides seen. */
  rows = 0
  /** Rides that pass, inside the slice or not. */
  passed = 0
  readonly refused: Refused = {
    null_time: 0,
    unparsable_time: 0,
    below_min: 0,
    above_max: 0,
    filtered: 0,
    null_value: 0,
  }
  private readonly plan: Plan
  private readonly terms: BatchTerms
  private readonly positions: Int32Array
  private readonly others: Int32Array

  /** @param terms what {@link take} will be asked with */
  constructor(plan: Plan, terms = new BatchTerms()) {
    this.plan = plan
    this.terms = terms
    this.positions = terms.loops.ints(pieceRides)
    this.others = terms.loops.ints(pieceRides)
  }

  /** Visits the rides of a batch that the plan takes. */
  forEach(rides: RideBatch, visit: Visit): void {
    const { categorical, numeric } = this.plan.features
    const { terms } = this
    const codes = new Float64Array(categorical.length)
    const values = new Float64Array(numeric.length)
    for (const [piece, from] of piecesOf(rides)) {
      terms.load(piece)
      const levels = categorical.map((term) => terms.levels(term))
      for (const i of this.take()) {
        levels.forEach((term, k) => {
          codes[k] = term.codes[term.numbers[i] as number] as number
        })
        numeric.forEach((term, p) => {
          values[p] = term.value(piece, i)
        })
        visit(from + i, codes, values)
      }
    }
  }

  /**
   * Positions of the rides that the plan takes of the batch that its terms have loaded, ascending.
   *
   * @returns an array that the next call uses again
   */
  take(): Int32Array {
    const { terms } = this
    const { rides } = terms
    const { filters, required, features, gate } = this.plan
    this.rows += rides.length
    let at = this.timely()
    for (const filter of filters) {
      const column = rides.columns[filter.column] as Float64Array
      at = this.keep(at, 'filtered', (i) => passes(filter, column[i] as number))
    }
    const all = gate ? [gate, features] : [features]
    for (const name of required) {
      if (name !== 'pickup_datetime') at = this.withValue(at, terms.column(name))
    }
    for (const term of all.flatMap(({ numeric }) => numeric)) {
      if (!terms.hasAll(term)) at = this.withValue(at, terms.units(term))
    }
    for (const term of all.flatMap(({ categorical }) => categorical)) {
      if (term.atoms.every(({ spec }) => isAlwaysThere(spec, required))) continue
      const { numbers, gaps } = terms.levels(term)
      if (gaps) at = this.keep(at, 'null_value', (i) => (numbers[i] as number) >= 0)
    }
    return this.inSlice(at, rides)
  }

  /** Positions of rides with a duration within the bounds. */
  private timely(): Int32Array {
    const { refused, positions, others, terms } = this
    const { rides } = terms
    const { pickup, dropoff, length } = rides
    const [least, most] = [this.plan.target.min * 60e6, this.plan.target.max * 60e6]
    const size = terms.loops.timely(rides, positions, others, least, most)
    for (let k = 0; k < length - size; k++) {
      const i = others[k] as number
      const micros = (dropoff[i] as number) - (pickup[i] as number)
      if (Number.isNaN(pickup[i]) || Number.isNaN(dropoff[i])) refused.null_time++
      else if (!Number.isFinite(micros)) refused.unparsable_time++
      else if (micros < least) refused.below_min++
      else refused.above_max++
    }
    return positions.subarray(0, size)
  }

  /** Those of `at` that hold, closed up in place. */
  private keep(at: Int32Array, reason: keyof Refused, holds: (i: number) => boolean): Int32Array {
    let size = 0
    for (let j = 0; j < at.length; j++) {
      const i = at[j] as number
      if (holds(i)) at[size++] = i
    }
    this.refused[reason] += at.length - size
    return at.subarray(0, size)
  }

  private withValue(at: Int32Array, column: TermValues | undefined): Int32Array {
    if (!column?.gaps) return at
    const { values } = column
    return this.keep(at, 'null_value', (i) => !Number.isNaN(values[i]))
  }

  private inSlice(at: Int32Array, { pickup }: RideBatch): Int32Array {
    const { slice } = this.plan
    const first = this.passed
    this.passed += at.length
    if (slice.kind === 'all') return at
    if (slice.kind === 'rows') {
      const [from, to] = [slice.from, slice.to].map((row) =>
        clamp(Math.ceil(row - first), at.length),
      )
      return at.subarray(from, to)
    }
    let size = 0
    for (const i of at) {
      const time = pickup[i] as number
      if (time >= slice.from && time < slice.to) at[size++] = i
    }
    return at.subarray(0, size)
  }
}

const clamp = (value: number, high: number): number => Math.min(Math.max(value, 0), high)

function passes(filter: Filter, value: number): boolean {
  return (
    !Number.isNaN(value) &&
    (filter.above === undefined || value > filter.above) &&
    (filter.at_least === undefined || value >= filter.at_least) &&
    (filter.below === undefined || value < filter.below) &&
    (filter.at_most === undefined || value <= filter.at_most)
  )
}

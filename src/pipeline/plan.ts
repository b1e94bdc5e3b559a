/**
 * Which rides are taken and which terms of them: a plan, and its rides one by one.
 * Every pass over rows goes through here, so that all count the same rides.
 */

import {
  type CategoricalTerm,
  type Features,
  type FeaturesSpec,
  featuresOf,
  type NumericTerm,
  specOfFeatures,
} from '../features.ts'
import type { Filter, Recipe } from '../recipe.ts'
import type { ColumnName, InputName, RideBatch } from '../ride.ts'
import type { RideColumns } from './columns.ts'

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
  /** Whether pairs of categorical terms are counted: a solver needs them, a profile does not. */
  readonly crosses: boolean
}

/** The plan of a recipe over all rides, or over a slice of them. */
export function planOf(recipe: Recipe, features: Features, slice: Slice = { kind: 'all' }): Plan {
  const { target, filters } = recipe
  return { target, filters, slice, required: features.inputs, features, crosses: true }
}

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

/** The columns that plans need: required ones and, for features that tolerate it, optional ones. */
export function columnsOf(plans: readonly Plan[]): RideColumns {
  const isColumn = (name: string): name is ColumnName => name !== 'pickup_datetime'
  const required = new Set<ColumnName>()
  const all = new Set<ColumnName>()
  for (const plan of plans) {
    for (const name of plan.required.filter(isColumn)) required.add(name)
    for (const { column } of plan.filters) required.add(column)
    for (const name of plan.features.inputs.filter(isColumn)) all.add(name)
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
  private readonly codes: Float64Array
  private readonly values: Float64Array

  constructor(plan: Plan) {
    this.plan = plan
    this.codes = new Float64Array(plan.features.categorical.length)
    this.values = new Float64Array(plan.features.numeric.length)
  }

  /** Visits the rides of a batch that the plan takes. */
  forEach(rides: RideBatch, visit: Visit): void {
    this.rows += rides.length
    for (let i = 0; i < rides.length; i++) {
      const reason = this.refusal(rides, i)
      if (reason) this.refused[reason]++
      else if (this.inSlice(rides, i)) visit(i, this.codes, this.values)
    }
  }

  private refusal(rides: RideBatch, i: number): keyof Refused | undefined {
    const { target, filters, required } = this.plan
    const pickup = rides.pickup[i] as number
    const dropoff = rides.dropoff[i] as number
    if (Number.isNaN(pickup) || Number.isNaN(dropoff)) return 'null_time'
    const micros = dropoff - pickup
    if (!Number.isFinite(micros)) return 'unparsable_time'
    if (micros < target.min * 60e6) return 'below_min'
    if (micros > target.max * 60e6) return 'above_max'
    for (const filter of filters) {
      const value = (rides.columns[filter.column] as Float64Array)[i] as number
      if (!passes(filter, value)) return 'filtered'
    }
    for (const name of required) {
      if (name !== 'pickup_datetime' && Number.isNaN(rides.columns[name]?.[i])) return 'null_value'
    }
    return this.compute(rides, i) ? undefined : 'null_value'
  }

  private compute(rides: RideBatch, i: number): boolean {
    const { gate } = this.plan
    if (gate?.categorical.some((term) => term.code(rides, i) < 0)) return false
    if (gate?.numeric.some((term) => Number.isNaN(term.value(rides, i)))) return false
    const { categorical, numeric } = this.plan.features
    for (let k = 0; k < categorical.length; k++) {
      const code = (categorical[k] as CategoricalTerm).code(rides, i)
      if (code < 0) return false
      this.codes[k] = code
    }
    for (let p = 0; p < numeric.length; p++) {
      const value = (numeric[p] as NumericTerm).value(rides, i)
      if (Number.isNaN(value)) return false
      this.values[p] = value
    }
    return true
  }

  private inSlice(rides: RideBatch, i: number): boolean {
    const { slice } = this.plan
    const position = this.passed++
    if (slice.kind === 'all') return true
    const at = slice.kind === 'rows' ? position : (rides.pickup[i] as number)
    return at >= slice.from && at < slice.to
  }
}

function passes(filter: Filter, value: number): boolean {
  return (
    !Number.isNaN(value) &&
    (filter.above === undefined || value > filter.above) &&
    (filter.at_least === undefined || value >= filter.at_least) &&
    (filter.below === undefined || value < filter.below) &&
    (filter.at_most === undefined || value <= filter.at_most)
  )
}

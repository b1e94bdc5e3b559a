/**
 * What is summed, in fixed-point units: the duration in seconds and the numeric terms, each as an
 * expression with a bound. Most files hold what fits: whole units, and no logarithm within an
 * error of two units. That is checked ride by ride, and only where it fails for one, all of them
 * are gone over again {@link Quantity.careful | carefully}.
 */

import { type NumericTerm, transformScale } from '../../../features.ts'
import { columnFor } from './codes.ts'
import type { Range, Sheet, Value } from './sheet.ts'
import { applyStep, type Chain, chainOf } from './steps.ts'

/** What sums are made of. */
export interface Summand {
  /** Equal keys mean the same. */
  readonly key: string
  /** In fixed-point units, DOUBLE. */
  readonly units: Value
  /** No absolute value is larger. */
  readonly bound: number
  /** Every value is a multiple of this; 0 where some have finer digits than their unit. */
  readonly quantum: number
  /** True for what official files have in few digits: its sums are likely to be small. */
  readonly isRaw: boolean
}

/** Something to be summed. Bound and quantum hold where {@link Quantity.fits} does. */
export interface Quantity extends Summand {
  /** True where the units are whole, known, and within the bound; undefined: always. */
  readonly fits: Value | undefined
  /** What holds for every value. */
  careful(): Careful
}

/** Units of any value, good or bad. */
export interface Careful {
  /** DOUBLE; what has finer digits than its unit is not whole. */
  readonly units: Value
  /** Where units depend on the last bits of a logarithm. */
  readonly unclear:
    | {
        readonly flag: Value
        /** What they are computed from. */
        readonly input: Value
        /** Their value for an input, NaN where it has none. */
        readonly exact: (input: number) => number
      }
    | undefined
}

/** A numeric term in SQL. */
export interface Term {
  readonly quantity: Quantity
  /** True where a ride whose input is present has the term; undefined: always. */
  readonly exists: Value | undefined
  /** True where {@link exists} is not known for sure; undefined: never. */
  readonly unclear: Value | undefined
}

/** Beyond this, units are not taken for granted where nothing is known of a column. */
const assumed = 2 ** 31

/**
 * The duration in seconds.
 *
 * @param range the bounds of the rides that are summed, minutes
 * @param known the units by key, where they have been found {@link Quantity.careful | carefully}
 */
export function durationOf(
  sheet: Sheet,
  range: Range,
  known?: ReadonlyMap<string, Value>,
): Quantity {
  const micros = sheet.micros()
  const units = sheet.define(`${micros.sql} / ${sheet.literal(1e6)}`, micros)
  const [min, max] = sheet.microsRange()
  const [low, high] = [Math.max(min / 1e6, range[0] * 60), Math.min(max / 1e6, range[1] * 60)]
  const check = checked(sheet, units, [low, high], `floor(${units.sql}) = ${units.sql}`)
  return {
    key: 'duration',
    units,
    bound: check.bound,
    fits: known?.has('duration') ? undefined : check.fits,
    quantum: 1,
    isRaw: true,
    careful: () => ({ units, unclear: undefined }),
  }
}

/** A bound, and a check where something is not known beforehand. */
function checked(
  sheet: Sheet,
  units: Value,
  [min, max]: Range,
  also: string | undefined,
): Pick<Quantity, 'fits' | 'bound'> {
  const known = Math.max(Math.abs(min), Math.abs(max))
  const isKnown = known < 2 ** 52
  const [low, high] = [sheet.literal(-assumed), sheet.literal(assumed)]
  const checks = [
    ...(also ? [also] : []),
    ...(isKnown ? [] : [`${units.sql} >= ${low} AND ${units.sql} <= ${high}`]),
  ]
  return {
    fits: checks.length > 0 ? { sql: checks.join(' AND '), layer: units.layer } : undefined,
    bound: isKnown ? Math.ceil(known) + 1 : assumed,
  }
}

/**
 * A numeric term.
 *
 * @param units its units by key, where they have been found {@link Quantity.careful | carefully}
 */
export function termOf(sheet: Sheet, term: NumericTerm, units?: ReadonlyMap<string, Value>): Term {
  const made = term.steps.length === 0 ? rawTerm(sheet, term) : steppedTerm(sheet, term)
  const known = units?.get(made.quantity.key)
  if (!known) return made
  const exists = made.exists && finiteUnits(sheet, known)
  return {
    quantity: { ...made.quantity, units: known, fits: undefined },
    exists,
    unclear: undefined,
  }
}

function finiteUnits(sheet: Sheet, units: Value): Value {
  return { sql: sheet.isFinite(units), layer: units.layer }
}

const keyOf = ({ of, steps }: NumericTerm): string => JSON.stringify([of, steps])

const scaled = (sheet: Sheet, value: Value, scale: number): Value =>
  scale === 1 ? value : sheet.define(`${value.sql} * ${sheet.literal(scale)}`, value)

function rawTerm(sheet: Sheet, term: NumericTerm): Term {
  const { scale } = term
  const of = columnFor(term.of)
  const value = sheet.double(of)
  const { range, isInteger } = sheet.column(of)
  const [min, max] = [range[0] * scale, range[1] * scale]
  const product = scaled(sheet, value, scale)
  const isWhole = isInteger && Math.max(-min, max) < 2 ** 52
  const half = sheet.literal(0.5)
  const nearest = isWhole ? product : sheet.define(`floor(${product.sql} + ${half})`, product)
  const by = sheet.literal(scale)
  const fits = isWhole ? undefined : `${nearest.sql} / ${by} = ${value.sql}`
  const quantity: Quantity = {
    key: keyOf(term),
    units: nearest,
    ...checked(sheet, nearest, [min, max], fits),
    quantum: 1,
    isRaw: true,
    careful() {
      const large = sheet.literal(2 ** 52)
      // A double beyond 2^52 is whole, and adding a half to it could change it.
      const whole = sheet.define(
        `CASE WHEN abs(${product.sql}) < ${large} THEN floor(${product.sql} + ${half}) ELSE ${product.sql} END`,
        product,
      )
      const units = sheet.define(
        `CASE WHEN ${whole.sql} / ${by} = ${value.sql} THEN ${whole.sql} ELSE ${product.sql} END`,
        whole,
        product,
        value,
      )
      return { units, unclear: undefined }
    },
  }
  return { quantity, exists: undefined, unclear: undefined }
}

function steppedTerm(sheet: Sheet, term: NumericTerm): Term {
  const { steps } = term
  const of = columnFor(term.of)
  const input = sheet.double(of)
  const first = chainOf(input, sheet.column(of).range)
  const chain = steps.reduce((at: Chain, step) => applyStep(sheet, at, step), first)
  const unitsOf = (end: Value): Value => {
    const [scale, half] = [sheet.literal(transformScale), sheet.literal(0.5)]
    return sheet.define(`floor(${end.sql} * ${scale} + ${half})`, end)
  }
  const [low, high] = [unitsOf(chain.low), unitsOf(chain.high)]
  const isExact = low === high
  const layer = Math.max(low.layer, high.layer)
  const [min, max] = [chain.range[0] * transformScale, chain.range[1] * transformScale]
  const { fits, bound } = checked(
    sheet,
    low,
    [min, max],
    isExact ? undefined : `${low.sql} = ${high.sql}`,
  )
  const different = `NOT coalesce(${low.sql} = ${high.sql}, ${low.sql} IS NULL AND ${high.sql} IS NULL)`
  const unclear = isExact ? undefined : { sql: different, layer }
  const quantity: Quantity = {
    key: keyOf(term),
    units: low,
    fits: fits && { sql: fits.sql, layer },
    bound,
    quantum: chain.isFlag ? transformScale : 1,
    isRaw: false,
    careful: () => ({
      units: low,
      unclear: unclear && { flag: unclear, input, exact: exactly(term) },
    }),
  }
  const isSure = !chain.isPartial && Math.max(-min, max) < 2 ** 1000
  return {
    quantity,
    exists: isSure ? undefined : finiteUnits(sheet, low),
    unclear: isSure ? undefined : unclear,
  }
}

function exactly(term: NumericTerm): (input: number) => number {
  return (value) => {
    const column = Float64Array.of(value)
    const rides = { length: 1, pickup: column, dropoff: column, columns: { [term.of]: column } }
    return Math.floor(term.value(rides, 0) * transformScale + 0.5)
  }
}

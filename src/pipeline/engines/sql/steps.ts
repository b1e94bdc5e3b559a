/**
 * The steps of a numeric term in SQL, as `features.ts` defines them, with what is known of the
 * result: its range, and whether a present value can become a missing one.
 *
 * SQL has no log1p that rounds as JavaScript's does. A value that went through one is kept as a
 * pair of expressions that it lies between: ln(1 + x) -+ 1e-12. 1 + x rounds by 2^-53 of itself,
 * ln and Math.log1p err by at most a unit in the last place of values up to 745: together less
 * than 5e-13. Where both ends of a pair come out the same, so does the true value, since every
 * step here is monotone or, like `between`, tells when its pair straddles a bound.
 */

import type { Step } from '../../../recipe-schema.ts'
import type { Range, Sheet, Value } from './sheet.ts'

/** A value on its way through the steps. */
export interface Chain {
  /** The value, or what it is not below. */
  readonly low: Value
  /** The same as {@link low} where the value is exact, else what it is not above. */
  readonly high: Value
  /** NULL where a present input has no such logarithm or root; otherwise never for a present one. */
  readonly isPartial: boolean
  readonly range: Range
  /** True when the value is 0 or 1. */
  readonly isFlag: boolean
}

/** How far a logarithm in SQL may be off, with room to spare. */
const logError = 1e-12

/** The value that all steps begin with. */
export function chainOf(value: Value, range: Range): Chain {
  return { low: value, high: value, isPartial: false, range, isFlag: false }
}

/** Applies one step. NULL stays NULL where the chain is partial. */
export function applyStep(sheet: Sheet, chain: Chain, step: Step): Chain {
  const [min, max] = chain.range
  if (step === 'log1p') return log1p(sheet, chain)
  if (step === 'sqrt') {
    const isPartial = chain.isPartial || min < 0
    const root = (x: string): string =>
      min < 0 ? `CASE WHEN ${x} >= 0 THEN sqrt(${x}) END` : `sqrt(${x})`
    const range: Range = [Math.sqrt(Math.max(min, 0)), Math.sqrt(Math.max(max, 0))]
    return { ...both(sheet, chain, root), isPartial, range, isFlag: false }
  }
  if (step === 'is_zero') return between(sheet, chain, 0, 0, true)
  if ('clip' in step) {
    const [low, high] = step.clip
    const [l, h] = [sheet.literal(low), sheet.literal(high)]
    const clip = (x: string): string =>
      `CASE WHEN ${x} < ${l} THEN ${l} WHEN ${x} > ${h} THEN ${h} ELSE ${x} END`
    const clamp = (x: number): number => Math.min(Math.max(x, low), high)
    return { ...chain, ...both(sheet, chain, clip), range: [clamp(min), clamp(max)], isFlag: false }
  }
  if ('hinge' in step) {
    const at = sheet.literal(step.hinge)
    const hinge = (x: string): string =>
      `CASE WHEN ${x} > ${at} THEN ${x} - ${at} ${otherwise(sheet, chain, x)} END`
    const range: Range = [Math.max(0, min - step.hinge), Math.max(0, max - step.hinge)]
    return { ...chain, ...both(sheet, chain, hinge), range, isFlag: false }
  }
  if ('between' in step) return between(sheet, chain, ...step.between, false)
  return between(sheet, chain, ...step.is_between, true)
}

/** 0 for what is present. */
function otherwise(sheet: Sheet, chain: Chain, x: string): string {
  const zero = sheet.literal(0)
  return chain.isPartial ? `WHEN ${x} IS NOT NULL THEN ${zero}` : `ELSE ${zero}`
}

/** The same expression of both ends. */
function both(
  sheet: Sheet,
  { low, high }: Chain,
  of: (x: string) => string,
): Pick<Chain, 'low' | 'high'> {
  const lower = sheet.define(of(low.sql), low)
  return { low: lower, high: low === high ? lower : sheet.define(of(high.sql), high) }
}

function log1p(sheet: Sheet, chain: Chain): Chain {
  const [min, max] = chain.range
  const isPartial = chain.isPartial || min < -1
  const log = (x: string): string => {
    const value = sheet.dialect.log1p(x)
    if (min > -1) return value
    return `CASE WHEN ${x} > -1 THEN ${value} WHEN ${x} = -1 THEN ${sheet.literal(-Infinity)} END`
  }
  const { low, high } = both(sheet, chain, log)
  const error = sheet.literal(logError)
  return {
    low: sheet.define(`${low.sql} - ${error}`, low),
    high: sheet.define(`${high.sql} + ${error}`, high),
    isPartial,
    range: [Math.log1p(Math.max(min, -1)) - logError, Math.log1p(Math.max(max, -1)) + logError],
    isFlag: false,
  }
}

/** The value, or 1, where it lies between two bounds, both included; else 0. */
function between(sheet: Sheet, chain: Chain, from: number, to: number, isFlag: boolean): Chain {
  const { low, high } = chain
  const [f, t] = [sheet.literal(from), sheet.literal(to)]
  const range: Range = isFlag
    ? [0, 1]
    : [Math.min(0, Math.max(chain.range[0], from)), Math.max(0, Math.min(chain.range[1], to))]
  const inside = `${low.sql} >= ${f} AND ${high.sql} <= ${t}`
  const end = (x: Value, unclear: string): Value => {
    const straddles =
      low === high ? '' : `WHEN ${high.sql} >= ${f} AND ${low.sql} <= ${t} THEN ${unclear}`
    const then = isFlag ? sheet.literal(1) : x.sql
    return sheet.define(
      `CASE WHEN ${inside} THEN ${then} ${straddles} ${otherwise(sheet, chain, x.sql)} END`,
      low,
      high,
    )
  }
  const lower = end(low, sheet.literal(-Infinity))
  const higher = low === high ? lower : end(high, sheet.literal(Infinity))
  return { ...chain, low: lower, high: higher, range, isFlag }
}

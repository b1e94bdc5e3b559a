/**
 * How a sum is taken so that it is exact, and as cheap as that allows: as a DOUBLE while nothing
 * on the way can pass 2^53, else as wide integers. Values with finer digits than their unit are
 * summed as wide integers too, of a power of two that keeps 90 bits of the largest.
 */

import type { Summand } from './quantity.ts'
import type { Dialect } from './runner.ts'

/** How one sum is written, and how its results are read. */
export interface Accumulator {
  /** The aggregate, of expressions that are guarded already. */
  readonly sql: string
  /** The result is so many powers of two too large. */
  readonly exponent: number
  /** Exact only if the sums of squares turn out to be small, see {@link isExact}. */
  readonly isHopeful: boolean
}

/** Bits of the largest value that are kept of one that is not whole. */
const keptBits = 90

/**
 * The sum of a product of one or two factors.
 *
 * @param rows an upper bound of their number
 * @param hope whether to take for granted what {@link isExact} has to confirm afterwards
 * @param guard keeps an expression from failing on rows that do not count
 */
export function accumulatorOf(
  dialect: Dialect,
  factors: readonly Summand[],
  rows: number,
  hope: boolean,
  guard: (sql: string) => string,
): Accumulator {
  const product = (of: (factor: Summand) => number): number =>
    factors.reduce((all, factor) => all * of(factor), 1)
  const bound = product((factor) => factor.bound)
  const quantum = product((factor) => factor.quantum)
  const sql = factors.map(({ units }) => units.sql).join(' * ')
  const isWhole = factors.every((factor) => factor.quantum > 0 && factor.bound < 2 ** 53)
  if (!isWhole) {
    const exponent = bound > 0 ? Math.min(1000, keptBits - 1 - Math.ceil(Math.log2(bound))) : 0
    const [power, half] = [dialect.number(2 ** exponent), dialect.number(0.5)]
    const scaled = guard(`floor(${sql} * ${power} + ${half})`)
    return { sql: dialect.exactSum([scaled], 2 ** keptBits), exponent, isHopeful: false }
  }
  const isSure = (rows * bound) / quantum < 2 ** 53
  // A square is not hoped for: a few rides of 200,000 miles, as there are, would disappoint.
  const isSquare = factors.length === 2 && factors[0]?.key === factors[1]?.key
  const isHopeful = hope && !isSquare && bound < 2 ** 53 && factors.every(({ isRaw }) => isRaw)
  if (isSure || isHopeful) return { sql: `sum(${sql})`, exponent: 0, isHopeful: !isSure }
  const guarded = factors.map(({ units }) => guard(units.sql))
  const largest = Math.max(...factors.map((factor) => factor.bound))
  return { sql: dialect.exactSum(guarded, largest), exponent: 0, isHopeful: false }
}

/**
 * Whether a hopeful sum of whole numbers was exact. Each partial sum of |a b| is at most
 * sqrt(sum of a^2 x sum of b^2), and one of |a| at most the sum of a^2; a sum of squares that comes
 * out small was small all along, and exact.
 *
 * @param squares the sum of squares of each factor, over all rides
 */
export function isExact(squares: readonly number[]): boolean {
  const [first = 0, second = first] = squares
  return Math.sqrt(first) * Math.sqrt(second) < 2 ** 52
}

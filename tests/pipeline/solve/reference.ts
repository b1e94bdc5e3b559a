/**
 * Least squares without rounding, as a reference: a dense matrix of whole numbers, its normal
 * equations solved in exact fractions, doubles made at the very end. Slow, for small designs.
 * Shares nothing with the solvers of `src/`: no sums, no elimination order, no tolerance.
 */

import { eliminated, type Fraction, fromNumber, gcd, toNumber } from './rational.ts'

/** One column of the dense matrix; a value is `units / scale`. */
export interface DenseColumn {
  readonly name: string
  readonly scale: bigint
  /** By ride. */
  readonly units: readonly bigint[]
}

/** A dense least squares problem. */
export interface Dense {
  readonly columns: readonly DenseColumn[]
  /** Durations in whole seconds, by ride. */
  readonly seconds: readonly bigint[]
  /** Penalty on the squares of the slopes, minutes per value; the intercept has none. */
  readonly l2: number
}

/** The exact answer, in minutes. */
export interface Exact {
  /** Rank of [1 X], the intercept counted; with a penalty, all columns and the intercept. */
  readonly rank: number
  readonly intercept: number
  /** Slopes by name of the column, minutes per value. */
  readonly slopes: ReadonlyMap<string, number>
  /** By ride. */
  readonly predictions: readonly number[]
  /** Root mean squared error on the rides themselves. */
  readonly rmse: number
  /** Vectors that span the null space of [1 X]: slopes in the order of the columns, then the intercept. */
  readonly nullSpace: readonly (readonly number[])[]
  /**
   * The shares of the columns' squared lengths that lie outside the columns before them (and the
   * intercept, taken first), multiplied: no pivot of those columns is below it in any order.
   */
  readonly independence: number
}

const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n)
const dot = (a: readonly bigint[], b: readonly bigint[]): bigint =>
  sum(a.map((value, i) => value * (b[i] as bigint)))

/** Divides whole numbers by what they have in common. */
function primitive(values: readonly bigint[]): bigint[] {
  const common = values.reduce(gcd, 0n)
  return values.map((value) => (common > 1n ? value / common : value))
}

/**
 * Solves exactly: the least squares solution whose slopes have the least norm, the intercept free
 * and not counted, or with a penalty the ridge solution.
 */
export function solveExactly({ columns, seconds, l2 }: Dense): Exact {
  // The intercept stands first here, so that no column is dependent for want of it.
  const all = [seconds.map(() => 1n), ...columns.map(({ units }) => units)]
  const scales = [0n, ...columns.map(({ scale }) => scale)]
  const size = all.length
  const penalty = fromNumber(l2)
  const gram = all.map((a, i) => all.map((b, j) => normal(dot(a, b), i === j ? scales[i] : 0n)))
  const right = all.map((a) => dot(a, seconds) * penalty.bottom)

  function normal(product: bigint, scale = 0n): bigint {
    return product * penalty.bottom + penalty.top * scale * scale
  }

  const {
    rows,
    columns: pivots,
    pivot,
    met,
  } = eliminated(
    gram.map((row, i) => [...row, right[i] as bigint]),
    size,
  )
  const free = Array.from({ length: size }, (_, i) => i).filter((i) => !pivots.includes(i))
  const basis = free.map((f) => {
    const vector = new Array<bigint>(size).fill(0n)
    vector[f] = pivot
    pivots.forEach((column, r) => {
      vector[column] = -(rows[r]?.[f] as bigint)
    })
    return primitive(vector)
  })
  const one = new Array<bigint>(size).fill(0n)
  pivots.forEach((column, r) => {
    one[column] = rows[r]?.[size] as bigint
  })
  const [tops, bottom] = leastNorm(one, pivot, basis, scales)

  const fitted = seconds.map((_, k) => sum(tops.map((top, i) => top * (all[i]?.[k] as bigint))))
  const errors = fitted.map((value, k) => (seconds[k] as bigint) * bottom - value)
  const squared: Fraction = {
    top: dot(errors, errors),
    bottom: bottom * bottom * BigInt(seconds.length) * 3600n,
  }
  const minutes = (top: bigint): number => toNumber({ top, bottom: bottom * 60n })
  return {
    rank: pivots.length,
    intercept: minutes(tops[0] as bigint),
    slopes: new Map(
      columns.map(({ name, scale }, i) => [name, minutes((tops[i + 1] as bigint) * scale)]),
    ),
    predictions: fitted.map(minutes),
    rmse: Math.sqrt(toNumber(squared)),
    nullSpace: basis.map(([intercept, ...slopes]) => [
      ...slopes.map((value, i) => Number(value * (scales[i + 1] as bigint))),
      Number(intercept),
    ]),
    independence: met.reduce((product, { top, bottom: before }, r) => {
      const own = gram[pivots[r] as number]?.[pivots[r] as number] as bigint
      return product * toNumber({ top, bottom: before * own })
    }, 1),
  }
}

/** Takes from a solution, `tops / bottom` in units, its part along `basis` measured in values. */
function leastNorm(
  tops: readonly bigint[],
  bottom: bigint,
  basis: readonly (readonly bigint[])[],
  scales: readonly bigint[],
): [bigint[], bigint] {
  if (basis.length === 0) return [[...tops], bottom]
  const inValues = (vector: readonly bigint[]): bigint[] =>
    vector.map((value, i) => value * (scales[i] as bigint))
  const vectors = basis.map(inValues)
  const solution = inValues(tops)
  const system = vectors.map((v) => [...vectors.map((w) => dot(v, w)), dot(v, solution)])
  const { rows, pivot } = eliminated(system, vectors.length)
  const nearest = tops.map((top, i) => {
    const along = sum(rows.map((row, k) => (row.at(-1) as bigint) * (basis[k]?.[i] as bigint)))
    return top * pivot - along
  })
  const [denominator, ...numerators] = primitive([bottom * pivot, ...nearest])
  return [numerators, denominator as bigint]
}

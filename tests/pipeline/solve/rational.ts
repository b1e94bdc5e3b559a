/**
 * Exact linear algebra on whole numbers of any size: what the solvers are held against.
 * Shares nothing with `src/`.
 */

/** An exact fraction; the denominator may be negative, never 0. */
export interface Fraction {
  readonly top: bigint
  readonly bottom: bigint
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value)
const bits = (value: bigint): number => value.toString(2).length

/** Greatest common divisor, never negative. */
export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [abs(a), abs(b)]
  while (y > 0n) [x, y] = [y, x % y]
  return x
}

/** The nearest double, give or take one unit in its last place. */
export function toNumber({ top, bottom }: Fraction): number {
  if (top === 0n) return 0
  const [a, b] = [abs(top), abs(bottom)]
  // A quotient of at least 64 bits: what the division cuts off does not show in 53.
  const shift = Math.max(0, 64 + bits(b) - bits(a))
  const quotient = Number((a << BigInt(shift)) / b)
  const sign = top < 0n === bottom < 0n ? 1 : -1
  // In two steps: 2^-shift alone may be below the smallest double.
  const half = Math.floor(shift / 2)
  return sign * quotient * 2 ** -half * 2 ** -(shift - half)
}

/** The exact value of a finite double. */
export function fromNumber(value: number): Fraction {
  let [top, exponent] = [value, 0]
  while (!Number.isInteger(top)) {
    top *= 2
    exponent++
  }
  return { top: BigInt(top), bottom: 1n << BigInt(exponent) }
}

/** The sum of two fractions, reduced. */
export function plus(a: Fraction, b: Fraction): Fraction {
  return reduced(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom)
}

/** The product of two fractions, reduced. */
export function by(a: Fraction, b: Fraction): Fraction {
  return reduced(a.top * b.top, a.bottom * b.bottom)
}

function reduced(top: bigint, bottom: bigint): Fraction {
  const common = gcd(top, bottom)
  return common === 0n ? { top: 0n, bottom: 1n } : { top: top / common, bottom: bottom / common }
}

/** A matrix whose pivot columns hold `pivot` once and 0 elsewhere. */
export interface Eliminated {
  /** The rows with a pivot, in the order of `columns`. */
  readonly rows: readonly bigint[][]
  /** The column of each row's pivot, ascending. */
  readonly columns: readonly number[]
  /** The value of every pivot: the common denominator of what is read off the rows. */
  readonly pivot: bigint
  /** What each pivot was when it was met, relative to the one before: a ratio of minors. */
  readonly met: readonly Fraction[]
}

/**
 * Gauss-Jordan elimination without fractions (E. H. Bareiss, Mathematics of Computation 22, 1968):
 * every division is exact.
 *
 * @param matrix rows of whole numbers; not changed
 * @param width pivots are taken from the columns before this one
 */
export function eliminated(matrix: readonly (readonly bigint[])[], width: number): Eliminated {
  const rows = matrix.map((row) => [...row])
  const columns: number[] = []
  const met: Fraction[] = []
  let last = 1n
  for (let c = 0; c < width; c++) {
    const r = columns.length
    const found = rows.findIndex((row, i) => i >= r && row[c] !== 0n)
    if (found < 0) continue
    const chosen = rows[found] as bigint[]
    rows[found] = rows[r] as bigint[]
    rows[r] = chosen
    const pivot = chosen[c] as bigint
    rows.forEach((row, i) => {
      if (i === r) return
      const factor = row[c] as bigint
      for (let j = 0; j < row.length; j++) {
        row[j] = (pivot * (row[j] as bigint) - factor * (chosen[j] as bigint)) / last
      }
    })
    met.push({ top: pivot, bottom: last })
    columns.push(c)
    last = pivot
  }
  return { rows: rows.slice(0, columns.length), columns, pivot: last, met }
}

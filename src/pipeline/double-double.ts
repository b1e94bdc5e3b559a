/**
 * Arithmetic on pairs of doubles whose unevaluated sum carries 106 bits: sums of integers are
 * exact in any order (see {@link addTo} for how large), sums of reals lose nothing that a double
 * could show.
 * Formulas: T. J. Dekker, "A floating-point technique for extending the available precision",
 * Numerische Mathematik 18 (1971); D. E. Knuth, TAOCP vol. 2, 4.2.2 (the error of a sum).
 */

/** Many sums side by side: sum `i` is `hi[i] + lo[i]`, with `hi[i]` the nearest double once settled. */
export interface Sums {
  readonly hi: Float64Array
  readonly lo: Float64Array
}

/** `length` sums, all zero. */
export function zeroSums(length: number): Sums {
  return { hi: new Float64Array(length), lo: new Float64Array(length) }
}

/**
 * Adds a double to sum `i`. Exact while everything is an integer and the number of additions times
 * the largest sum on the way stays below 2^106: ten million rides with sums up to 8e24.
 */
export function addTo(sums: Sums, i: number, value: number): void {
  const { hi, lo } = sums
  const a = hi[i] as number
  const s = a + value
  const b = s - a
  hi[i] = s
  lo[i] = (lo[i] as number) + (a - (s - b) + (value - b))
}

const splitter = 2 ** 27 + 1

/** What `a * b` loses to rounding: `a * b` plus this is the exact product (no overflow assumed). */
export function productError(a: number, b: number, product: number): number {
  const ta = splitter * a
  const ah = ta - (ta - a)
  const al = a - ah
  const tb = splitter * b
  const bh = tb - (tb - b)
  const bl = b - bh
  return ah * bh - product + ah * bl + al * bh + al * bl
}

/** Adds the exact product of two doubles to sum `i`. */
export function addProductTo(sums: Sums, i: number, a: number, b: number): void {
  const product = a * b
  addTo(sums, i, product)
  // Integers with a product below 2^53 lose nothing: the common case, spared the error term. Their
  // product alone does not tell: 3 x (1/3) rounds to 1.
  const small = product > -9007199254740992 && product < 9007199254740992
  if (small && Number.isInteger(a) && Number.isInteger(b)) return
  addTo(sums, i, productError(a, b, product))
}

/** Makes every `hi` the nearest double of its sum: equal sums then have equal words. */
export function settle(sums: Sums): void {
  const { hi, lo } = sums
  for (let i = 0; i < hi.length; i++) {
    const a = hi[i] as number
    const b = lo[i] as number
    const s = a + b
    hi[i] = s
    const c = s - a
    lo[i] = a - (s - c) + (b - c)
  }
}

/** A pair divided by a double, as a pair: relative error about 2^-104. */
export function dividePair(hi: number, lo: number, by: number): [number, number] {
  const q = hi / by
  const product = q * by
  const rest = (hi - product - productError(q, by, product) + lo) / by
  const s = q + rest
  return [s, q - s + rest]
}

/** Adds the product of two pairs to sum `i`. */
export function addPairsProductTo(
  sums: Sums,
  i: number,
  ah: number,
  al: number,
  bh: number,
  bl: number,
): void {
  const product = ah * bh
  addTo(sums, i, product)
  const lo = sums.lo
  lo[i] = (lo[i] as number) + productError(ah, bh, product) + (ah * bl + al * bh)
}

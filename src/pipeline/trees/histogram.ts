/**
 * Histograms of gradients: one double a bin that holds two whole numbers, the sum of the fixed-point
 * gradients times 2^k and the number of rows. Sums of whole numbers up to 2^53 are exact in any
 * order, so that neither threads nor subtraction change a bit. Knows nothing about splits.
 */

/** Bits that the count of rows takes. */
export const countBits = (rows: number): number => Math.ceil(Math.log2(rows + 1))

/**
 * The exponent e of the fixed point: gradients are rounded to multiples of 2^-e, the finest for
 * which sums stay exact: with a sum S of absolute gradients over n rows, S 2^e + n / 2 is below
 * 2^(53 - k). A gradient is off by at most 2^-(e + 1), at either sign: for 3 million rows by at most
 * 1/710 of the mean absolute gradient, for 70,000 rows by 1/980,000 of it.
 *
 * @param sum of the absolute gradients
 * @param largest of them
 * @param rows that were drawn
 * @param most rows that the counts are for, see {@link countBits}
 */
export function quantumExponent(sum: number, largest: number, rows: number, most: number): number {
  if (largest === 0) return 0
  const room = 2 ** (53 - countBits(most)) - rows
  const exponent = Math.floor(Math.log2(room / sum))
  // Single gradients are kept in 32 bits.
  return Math.min(exponent, 29 - Math.ceil(Math.log2(largest)), 1000)
}

/** Takes a child's histogram from its parent's, which becomes the other child's. */
export function subtract(parent: Float64Array, child: Float64Array): void {
  for (let i = 0; i < parent.length; i++) parent[i]! -= child[i]!
}

/** The normal distribution, as far as densities on an interval need it. Knows nothing else. */

const root = Math.sqrt(2 * Math.PI)

/** The density of the standard normal distribution. */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / root
}

/**
 * The probability that a standard normal number lies between two others, to 1.5e-7.
 *
 * @param to not below `from`
 */
export function normalMass(from: number, to: number): number {
  if (from >= 0) return upperTail(from) - upperTail(to)
  if (to <= 0) return upperTail(-to) - upperTail(-from)
  return 1 - upperTail(-from) - upperTail(to)
}

/** The probability of more than `z`, for `z` of 0 or more: Abramowitz and Stegun 26.2.17. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const sum = -0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))
  return normalDensity(z) * t * (0.31938153 + t * sum)
}

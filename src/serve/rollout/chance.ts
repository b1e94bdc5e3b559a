/**
 * What chance gives: tails and quantiles that judge counts. Knows nothing about rides.
 */

/** The natural logarithm of n!, by Stirling's series where n is not small; within 1e-10. */
export function logFactorial(n: number): number {
  if (n < 16) {
    let product = 1
    for (let i = 2; i <= n; i++) product *= i
    return Math.log(product)
  }
  const x = n + 1
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series
}

/**
 * Probability of at least `hits` among `n` when each is one with probability `p`: the exact
 * binomial tail.
 */
export function binomialTail(hits: number, n: number, p: number): number {
  if (hits <= 0) return 1
  if (hits > n || p <= 0) return 0
  if (p >= 1) return 1
  // Below the mean the tail is nearly all: the rest is quicker and as exact.
  if (hits <= n * p) return 1 - binomialTail(n - hits + 1, n, 1 - p)
  const choose = logFactorial(n) - logFactorial(hits) - logFactorial(n - hits)
  let term = Math.exp(choose + hits * Math.log(p) + (n - hits) * Math.log1p(-p))
  let tail = 0
  for (let k = hits; k <= n && term > tail * 1e-16; k++) {
    tail += term
    term *= ((n - k) / (k + 1)) * (p / (1 - p))
  }
  return Math.min(1, tail)
}

/**
 * The t that 95 % of Student's distribution lie within, both ways, by the expansion of Cornish and
 * Fisher around the normal quantile; within 1e-5 from 29 degrees of freedom on.
 *
 * @param degrees of freedom, at least 29
 */
export function studentT95(degrees: number): number {
  const z = 1.959963984540054
  const v = degrees
  const first = (z ** 3 + z) / 4
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384
  return z + first / v + second / v ** 2 + third / v ** 3
}

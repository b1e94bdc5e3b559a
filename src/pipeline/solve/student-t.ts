/**
 * Student's t distribution: its tails, and what lies beyond them, by the incomplete beta function.
 * Knows nothing about what is tested.
 */

/** Below this the series of Stirling is not used: recurrences lead up to it. */
const stirlingFrom = 20

/** What Stirling's formula lacks: ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2), x large. */
function stirlingRest(x: number): number {
  const square = 1 / (x * x)
  const terms = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360]
  return terms.reduceRight((sum, term) => sum * square + term, 0) / x
}

/** ln Gamma(x) for x > 0. */
export function logGamma(x: number): number {
  let shift = 0
  let at = x
  for (; at < stirlingFrom; at++) shift += Math.log(at)
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + stirlingRest(at) - shift
}

/** ln(Gamma(a + b) / Gamma(a)), without what large values would cancel. */
function logGammaRise(a: number, b: number): number {
  let shift = 0
  let at = a
  for (; at < stirlingFrom; at++) shift += Math.log((at + b) / at)
  const rise = (at - 0.5) * Math.log1p(b / at) + b * Math.log(at + b) - b
  return rise + stirlingRest(at + b) - stirlingRest(at) - shift
}

/**
 * The regularised incomplete beta function I_x(a, b).
 *
 * @param a above 0
 * @param b above 0
 * @param x from 0 to 1
 * @param rest 1 - x, where the caller has it without cancellation
 */
export function incompleteBeta(a: number, b: number, x: number, rest = 1 - x): number {
  if (!(x > 0)) return 0
  if (!(rest > 0)) return 1
  const [large, small] = a > b ? [a, b] : [b, a]
  // Near 1 the logarithm of x is that of what it lacks: a large power would show the rounding of x.
  const logs = [x, rest].map((value, k) => {
    return value > 0.5 ? Math.log1p(-(k === 0 ? rest : x)) : Math.log(value)
  }) as [number, number]
  const front = Math.exp(a * logs[0] + b * logs[1] + logGammaRise(large, small) - logGamma(small))
  // The fraction converges fast below the mean, and by symmetry above it.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(a, b, x)) / a
  return 1 - (front * betaFraction(b, a, rest)) / b
}

// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300
  let c = 1
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / notZero(1 + even * d)
    c = notZero(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / notZero(1 + odd * d)
    c = notZero(1 + odd / c)
    const step = d * c
    fraction *= step
    if (Math.abs(step - 1) < 1e-16) break
  }
  return fraction

  function notZero(value: number): number {
    return Math.abs(value) < tiny ? tiny : value
  }
}

/**
 * The two-sided p-value of a t statistic: the share of the distribution that is farther from 0.
 *
 * @param degrees degrees of freedom, above 0
 */
export function twoSidedP(t: number, degrees: number): number {
  if (Number.isNaN(t) || !(degrees > 0)) return Number.NaN
  const square = t * t
  if (square === Number.POSITIVE_INFINITY) return 0
  const total = degrees + square
  return incompleteBeta(degrees / 2, 0.5, degrees / total, square / total)
}

/**
 * The t that a share of the distribution lies within: half of the rest is above it.
 *
 * @param level share within -t and t, above 0 and below 1, as 0.95
 * @param degrees degrees of freedom, above 0
 */
export function studentQuantile(level: number, degrees: number): number {
  const outside = 1 - level
  let [low, high] = [0, 1]
  while (twoSidedP(high, degrees) > outside) [low, high] = [high, 2 * high]
  // Bisection down to neighbouring doubles: at most some 60 steps, and nothing that can diverge.
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (twoSidedP(middle, degrees) > outside) low = middle
    else high = middle
  }
}

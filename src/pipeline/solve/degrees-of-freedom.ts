/**
 * Effective number of coefficients of ridges: the trace of the map from durations to fitted values,
 * the intercept counted. Exactly from a factor, or estimated from random vectors for many strengths
 * at once. Knows nothing about what it is for.
 */

import { solveDirect } from './direct.ts'
import { factor, inverseDiagonal, remaining } from './elimination.ts'
import { type Gram, multiply } from './gram.ts'
import { randomSigns } from './random-signs.ts'
import { dot } from './vectors.ts'

/** Degrees of freedom by strength. */
export interface Degrees {
  readonly values: readonly number[]
  /** `exact`: from a factor; `estimated`: from random vectors. */
  readonly method: 'exact' | 'estimated'
  /** Standard error of each estimate; 0 where exact. */
  readonly standardErrors: readonly number[]
}

/** How degrees of freedom are found. */
export interface DegreesOptions {
  /** Default `auto`: exactly where all factors together are cheap. */
  readonly method?: 'auto' | 'exact' | 'estimated'
  /** Random vectors, at least 2; default 8. */
  readonly probes?: number
  /** Of the random vectors, a whole number; default 1. */
  readonly seed?: number
}

/** Multiplications that exact traces may take before `auto` estimates. */
const exactBudget = 2e9
const maxSteps = 300
/** A change of an estimate below this share of all columns in ten steps ends them. */
const settled = 1e-5

/**
 * Degrees of freedom of ridges.
 *
 * @param gram of the system, whose own penalty is not looked at
 * @param strengths l2, 0 or above
 * @throws solve_too_large when a strength is 0 and the design too large to tell its rank
 */
export function degreesOfFreedom(
  gram: Gram,
  strengths: readonly number[],
  { method = 'auto', probes = 8, seed = 1 }: DegreesOptions = {},
): Degrees {
  const cost = strengths.length * remaining(gram.system) ** 3
  if (method === 'exact' || (method === 'auto' && cost <= exactBudget)) {
    return {
      values: strengths.map((l2) => exactDegrees(gram, l2)),
      method: 'exact',
      standardErrors: strengths.map(() => 0),
    }
  }
  return estimate(gram, strengths, probes, seed)
}

function exactDegrees({ system, size }: Gram, l2: number): number {
  if (l2 === 0) return solveDirect({ ...system, l2: 0 }).rank
  const diagonal = inverseDiagonal(factor({ ...system, l2 }))
  // The intercept has no penalty, so that it counts in full.
  return size - l2 * diagonal.subarray(0, size - 1).reduce((sum, value) => sum + value, 0)
}

// For a random vector z of signs, z'(A + l2)^-1 z is the trace of the inverse on average (M. F.
// Hutchinson, Communications in Statistics 19, 1990), and the tridiagonal matrix of a Lanczos run
// from z gives it for every strength (G. H. Golub & G. Meurant, Matrices, Moments and Quadrature).
function estimate(gram: Gram, strengths: readonly number[], probes: number, seed: number): Degrees {
  const sign = randomSigns(seed)
  const found = Array.from({ length: probes }, () => probe(gram, strengths, sign))
  const values = strengths.map((_, k) => {
    return found.reduce((sum, one) => sum + (one[k] as number), 0) / probes
  })
  const standardErrors = strengths.map((_, k) => {
    const squares = found.reduce((sum, one) => {
      return sum + ((one[k] as number) - (values[k] as number)) ** 2
    }, 0)
    return Math.sqrt(squares / (probes - 1) / probes)
  })
  return { values, method: 'estimated', standardErrors }
}

/** Degrees of freedom by strength as one random vector shows them. */
function probe(gram: Gram, strengths: readonly number[], sign: () => number): number[] {
  const slopes = gram.size - 1
  const { system, diagonal } = gram
  const means = meansOf(gram)
  let before = new Float64Array(gram.size)
  let now = new Float64Array(gram.size)
  for (let i = 0; i < slopes; i++) {
    now[i] = sign() / Math.sqrt(slopes)
  }
  const centre = (v: Float64Array): void => {
    v[system.interceptAt] = -dot(means, v)
  }
  const alphas: number[] = []
  const betas: number[] = []
  const least = Math.min(...strengths.filter((l2) => l2 > 0))
  let last = 0
  let next = new Float64Array(gram.size)
  for (let step = 1; step <= Math.min(maxSteps, slopes); step++) {
    centre(now)
    multiply(gram, now, next)
    next[system.interceptAt] = 0
    now[system.interceptAt] = 0
    const alpha = dot(now, next)
    const beta = betas.at(-1) ?? 0
    let norm = 0
    for (let i = 0; i < slopes; i++) {
      const value = (next[i] as number) - alpha * (now[i] as number) - beta * (before[i] as number)
      next[i] = value
      norm += value * value
    }
    alphas.push(alpha)
    norm = Math.sqrt(norm)
    if (!(norm > 1e-14 * (diagonal[system.interceptAt] as number))) break
    betas.push(norm)
    for (let i = 0; i < slopes; i++) next[i] = (next[i] as number) / norm
    ;[before, now, next] = [now, next, before]
    if (step % 10 > 0) continue
    const value = least * firstOfInverse(alphas, betas, least)
    if (Math.abs(value - last) < settled) break
    last = value
  }
  return strengths.map((l2) => {
    return gram.size - slopes * l2 * firstOfInverse(alphas, betas, l2)
  })
}

/** Mean of every column but the intercept. */
function meansOf({ system, diagonal, size }: Gram): Float64Array {
  const means = new Float64Array(size - 1)
  for (let i = 0; i < system.numericAt; i++) means[i] = (diagonal[i] as number) / system.n
  for (let p = 0; p < system.numericCount; p++) {
    means[system.numericAt + p] = (system.numericSums.hi[p] as number) / system.n
  }
  return means
}

/** The first entry of (T + l2)^-1 for a tridiagonal T, as a continued fraction from its end. */
function firstOfInverse(alphas: readonly number[], betas: readonly number[], l2: number): number {
  let rest = 0
  for (let k = alphas.length - 1; k >= 0; k--) {
    const beta = k < alphas.length - 1 ? (betas[k] as number) : 0
    rest = 1 / ((alphas[k] as number) + l2 - beta * beta * rest)
  }
  return rest
}

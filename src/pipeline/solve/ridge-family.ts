/**
 * Ridge solutions of one system for many strengths. They lie close to a small space: what solving
 * for a few strengths has found is combined for the others (Galerkin), the residual of each is
 * looked at, and the space grows where one is too large. Squared errors are then small quadratic
 * forms. Knows nothing about moments.
 */

import { conjugateGradients, solveIteratively } from './cg.ts'
import { choleskyPivoted, choleskySolve } from './cholesky.ts'
import { directLimit, solveDirect } from './direct.ts'
import { backsolve, type Factored, factor, remaining } from './elimination.ts'
import { type Gram, multiply } from './gram.ts'
import { randomSigns } from './random-signs.ts'
import { rareSystemOf } from './rare-columns.ts'
import { type Products, ReducedErrors } from './reduced-errors.ts'
import type { System } from './system.ts'
import { addCombination, dots, wideDot } from './vectors.ts'
import { squaredErrors, type Yardstick } from './yardstick.ts'

/** Columns after elimination up to which factors are made, and conjugate gradients taken beyond. */
export const familyFactorLimit = 1_500

/** What may be left of the right-hand side: an RMSE then has ten digits and more. */
const tolerance = 1e-9
/** So many times as strong as the strength of one factor is that of the next. */
const factorReach = 600
/** Times in a row that the space may grow without halving a residual. */
const maxIdle = 6
/** Random sums that stand for a residual: their mean square tells its length within a third. */
const sketches = 8

/**
 * Squared errors of the ridge of every strength on several sets of rides.
 *
 * @param gram of the system that is fitted, whose own penalty is not looked at
 * @param strengths l2, 0 or above
 * @param yardsticks rides to measure on
 * @returns by yardstick and strength, minutes^2
 * @throws solve_failed when rounding hides a penalty, solve_too_large for strength 0
 */
export function ridgeErrors(
  gram: Gram,
  strengths: readonly number[],
  yardsticks: readonly Yardstick[],
): Float64Array[] {
  const out = yardsticks.map(() => new Float64Array(strengths.length))
  const order = [...strengths.keys()].filter((k) => (strengths[k] as number) > 0)
  const alone = [...strengths.keys()].filter((k) => strengths[k] === 0)
  order.sort((i, j) => (strengths[i] as number) - (strengths[j] as number))
  if (order.length > 0) {
    const ends = [order[0], order.at(-1)].map((k) => strengths[k as number] as number)
    const family = new RidgeFamily(gram, ends as [number, number])
    const measures = yardsticks.map((yardstick) => {
      const own = yardstick.gram === gram ? family.products : undefined
      return new ReducedErrors(yardstick, family.basis, own)
    })
    for (const place of bisecting(order.length)) {
      const k = order[place] as number
      const shares = family.solve(strengths[k] as number)
      measures.forEach((measure, m) => {
        if (shares) (out[m] as Float64Array)[k] = measure.of(shares)
      })
      if (!shares) alone.push(k)
    }
  }
  for (const k of alone) {
    const coefficients = solveAlone({ ...gram.system, l2: strengths[k] as number })
    yardsticks.forEach((yardstick, m) => {
      ;(out[m] as Float64Array)[k] = squaredErrors(yardstick, coefficients)
    })
  }
  return out
}

/** The solution for one strength with residuals of 106 bits. */
function solveAlone(system: System): Float64Array {
  const wide = system.l2 > 0 && remaining(system) > directLimit
  return (wide ? solveIteratively(system) : solveDirect(system)).coefficients
}

/** 0 to length - 1, every one once: the ends, then the middles of ever smaller gaps. */
function bisecting(length: number): number[] {
  const found = new Set<number>([0, length - 1])
  let step = 1
  while (step < length) step *= 2
  for (; step >= 1; step /= 2) for (let i = 0; i < length; i += step) found.add(i)
  return [...found]
}

/** Solves one system for any strengths, one after the other; each makes the next ones cheaper. */
class RidgeFamily {
  /** Directions that solutions are combined of. */
  readonly basis: Float64Array[] = []
  /** The same times `scale`: orthonormal. */
  private readonly scaled: Float64Array[] = []
  private readonly images: Float64Array[] = []
  /** Products of the basis with its images and with the right-hand side. */
  readonly products: Products = { gram: [], right: [] }
  /** Products of its slopes with each other, rows of the lower triangle. */
  private readonly slopes: Float64Array[] = []
  /** By strength: those that a factor is made for when it is wanted first. */
  private readonly factors: { readonly l2: number; factored: Factored | undefined }[]
  /** Lengths of the columns, a typical penalty included. */
  private readonly scale: Float64Array
  private readonly gram: Gram
  private readonly rhs: Float64Array
  private readonly sketch: Sketch

  constructor(gram: Gram, [low, high]: readonly [number, number]) {
    this.gram = gram
    this.rhs = gram.system.rhs.hi
    const count = Math.max(1, Math.ceil(Math.log(high / low) / Math.log(factorReach)))
    // The strongest has one of its own: a weaker one would be far from it for long.
    this.factors = Array.from({ length: count }, (_, k) => {
      return { l2: low * (high / low) ** ((k + 1) / count), factored: undefined }
    })
    const typical = Math.sqrt(low * high)
    this.scale = gram.diagonal.map((diagonal) => Math.sqrt(diagonal + typical))
    this.sketch = new Sketch(gram.diagonal, low, this.rhs)
    const intercept = new Float64Array(gram.size)
    intercept[gram.size - 1] = 1
    this.grow(intercept)
  }

  /**
   * The solution for a strength.
   *
   * @param l2 above 0
   * @returns what it has of each direction of the basis; undefined where rounding keeps the space
   *   from holding it well enough
   */
  solve(l2: number): Float64Array | undefined {
    const { diagonal } = this.gram
    const size = Math.sqrt(
      this.rhs.reduce((sum, value, i) => sum + value ** 2 / ((diagonal[i] as number) + l2), 0),
    )
    let [mark, idle] = [Number.POSITIVE_INFINITY, 0]
    for (;;) {
      const shares = this.combine(l2)
      const residual = size > 0 ? this.sketch.residual(shares, l2) / size : 0
      if (residual <= tolerance) return shares
      const better = residual < 0.5 * mark
      idle = better ? 0 : idle + 1
      if (better) mark = residual
      // Written so that a NaN ends it too.
      if (!(residual < Number.POSITIVE_INFINITY) || idle > maxIdle) return undefined
      const left = this.rhs.slice()
      addCombination(left, this.images, shares, -1)
      const last = left[left.length - 1] as number
      addCombination(left, this.basis, shares, -l2)
      left[left.length - 1] = last
      if (!this.grow(this.correct(l2, left, (0.1 * tolerance) / residual))) return undefined
    }
  }

  /** The best solution in the space. */
  private combine(l2: number): Float64Array {
    const k = this.basis.length
    const matrix = new Float64Array(k * k)
    const { gram, right } = this.products
    const rows = gram.map((row, i) => {
      const slopes = this.slopes[i] as Float64Array
      return row.map((value, j) => value + l2 * (slopes[j] as number))
    })
    const scale = rows.map((row, i) => 1 / Math.sqrt(row[i] as number))
    rows.forEach((row, i) => {
      row.forEach((value, j) => {
        matrix[i * k + j] = value * (scale[i] as number) * (scale[j] as number)
      })
    })
    const scaled = Float64Array.from(right, (value, i) => value * (scale[i] as number))
    const shares = choleskySolve(choleskyPivoted(matrix, k, 1e-15), scaled)
    return shares.map((share, i) => share * (scale[i] as number))
  }

  /** What nearly solves the system for a residual. */
  private correct(l2: number, left: Float64Array, reduction: number): Float64Array {
    const { gram } = this
    if (remaining(gram.system) > familyFactorLimit) {
      return conjugateGradients(rareSystemOf(gram, l2), left, reduction).delta
    }
    const away = (one: { readonly l2: number }): number => Math.abs(Math.log(one.l2 / l2))
    const nearest = this.factors.reduce((best, one) => (away(one) < away(best) ? one : best))
    nearest.factored ??= factor({ ...gram.system, l2: nearest.l2 })
    return backsolve(nearest.factored, left)
  }

  /** Adds a direction to the space; false where it is there already. */
  private grow(direction: Float64Array): boolean {
    const { basis, scaled, images, gram } = this
    const unit = direction.map((value, i) => value * (this.scale[i] as number))
    normalise(unit)
    addCombination(unit, scaled, dots(scaled, unit), -1)
    let left = normalise(unit)
    // Where little was left, rounding shows: twice is enough (B. N. Parlett, The Symmetric
    // Eigenvalue Problem, 6.9).
    if (left < 0.1) {
      addCombination(unit, scaled, dots(scaled, unit), -1)
      left = normalise(unit)
    }
    if (!(left > 1e-3)) return false
    for (let i = 0; i < unit.length; i++) {
      direction[i] = (unit[i] as number) / (this.scale[i] as number)
    }
    scaled.push(unit)
    const image = new Float64Array(gram.size)
    multiply(gram, direction, image)
    basis.push(direction)
    images.push(image)
    const slopes = direction.subarray(0, gram.size - 1)
    this.products.gram.push(dots(basis, image))
    this.products.right.push(wideDot(direction, this.rhs))
    this.slopes.push(dots(basis, slopes))
    this.sketch.add(direction, image)
    return true
  }
}

/** Residuals of combinations of directions, seen through a few random sums of them. */
class Sketch {
  private readonly weights: Float64Array[]
  private readonly right: number[]
  /** By direction: random sums of its image, and of its slopes. */
  private readonly images: number[][] = []
  private readonly slopes: number[][] = []

  constructor(diagonal: Float64Array, l2: number, rhs: Float64Array) {
    const sign = randomSigns(1)
    this.weights = Array.from({ length: sketches }, () => {
      return diagonal.map((value) => sign() / Math.sqrt(value + l2))
    })
    this.right = this.weights.map((weight) => wideDot(weight, rhs))
  }

  add(direction: Float64Array, image: Float64Array): void {
    const slopes = direction.subarray(0, direction.length - 1)
    this.images.push(this.weights.map((weight) => wideDot(weight, image)))
    this.slopes.push(this.weights.map((weight) => wideDot(slopes, weight)))
  }

  /** Length of what a combination leaves, coordinates weighed by the diagonal. */
  residual(shares: Float64Array, l2: number): number {
    let squares = 0
    this.right.forEach((right, s) => {
      let left = right
      for (let k = 0; k < shares.length; k++) {
        const image = this.images[k]?.[s] as number
        left -= (shares[k] as number) * (image + l2 * (this.slopes[k]?.[s] as number))
      }
      squares += left * left
    })
    return Math.sqrt(squares / sketches)
  }
}

/** Gives a vector the length 1; returns the length that it had. */
function normalise(vector: Float64Array): number {
  const length = Math.sqrt(wideDot(vector, vector))
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / length
  return length
}

/**
 * Squared errors of combinations of a few directions: quadratic forms as small as the directions
 * are few. Knows nothing about where the directions come from.
 */

import { multiply } from './gram.ts'
import { addCombination, dots, wideDot } from './vectors.ts'
import { placed, squaredErrors, type Yardstick } from './yardstick.ts'

/** Relative error that a sum of squared errors may have before it is summed in full. */
const enough = 1e-11

/** Products of directions with what a Gram matrix makes of them, and with its right-hand side. */
export interface Products {
  /** Rows of the lower triangle. */
  readonly gram: Float64Array[]
  readonly right: number[]
}

/** Measures combinations of directions, of which there may be more at every call. */
export class ReducedErrors {
  private readonly yardstick: Yardstick
  private readonly basis: readonly Float64Array[]
  private readonly placed: Float64Array[] = []
  private readonly products: Products

  /**
   * @param basis directions in the coordinates that were fitted; may grow
   * @param products of the directions, where the caller has them: as many as there are directions
   */
  constructor(yardstick: Yardstick, basis: readonly Float64Array[], products?: Products) {
    this.yardstick = yardstick
    this.basis = basis
    this.products = products ?? { gram: [], right: [] }
  }

  /**
   * Sum of squared errors, minutes^2.
   *
   * @param shares what the combination has of each direction
   */
  of(shares: Float64Array): number {
    const { gram, right } = this.products
    while (gram.length < this.basis.length) this.grow()
    const { targetSquares } = this.yardstick.system
    let sum = targetSquares.hi
    let size = sum
    for (let i = 0; i < shares.length; i++) {
      const row = gram[i] as Float64Array
      let form = (row[i] as number) * (shares[i] as number)
      let absolute = form
      for (let j = 0; j < i; j++) {
        const part = 2 * (row[j] as number) * (shares[j] as number)
        form += part
        absolute += Math.abs(part)
      }
      const [share, target] = [shares[i] as number, 2 * (right[i] as number)]
      sum += share * (form - target)
      size += Math.abs(share) * (Math.abs(absolute) + Math.abs(target))
    }
    if (size * 2 ** -50 < enough * sum) return sum
    const coefficients = new Float64Array(this.basis[0]?.length ?? 0)
    addCombination(coefficients, this.basis, shares, 1)
    return squaredErrors(this.yardstick, coefficients)
  }

  private grow(): void {
    const { yardstick, basis, placed: known } = this
    const direction = placed(yardstick, basis[known.length] as Float64Array)
    const image = new Float64Array(direction.length)
    multiply(yardstick.gram, direction, image)
    known.push(direction)
    this.products.gram.push(dots(known, image))
    this.products.right.push(wideDot(direction, yardstick.system.rhs.hi))
  }
}

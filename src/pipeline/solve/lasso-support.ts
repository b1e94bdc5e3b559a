/**
 * The slopes of a lasso that are not 0, solved as the linear system that they are once their signs
 * are known. Knows nothing about how the support was found, or whether it is the right one.
 */

import { isRidecastError } from '../../errors.ts'
import { solveIteratively } from './cg.ts'
import type { Centred, State } from './descent.ts'
import { decompose, directLimit } from './direct.ts'
import { remaining } from './elimination.ts'
import { restrict } from './restrict.ts'
import type { System } from './system.ts'
import { addScaled } from './vectors.ts'

/**
 * Moves the slopes that are not 0 to where they would be best with their signs, or towards it until
 * the first one reaches 0.
 *
 * @returns whether they got there
 */
export function solveSupport(problem: Centred, { slopes }: State, l1: number, l2: number): boolean {
  for (;;) {
    const support = Int32Array.from(slopes.keys()).filter((j) => slopes[j] !== 0)
    if (support.length === 0) return true
    const found = bestOn(problem.system, support, slopes, l1, l2)
    if (!found) return false
    if (found.nullSpace.length === 0) return moveTo(slopes, support, found.target)
    dropDependent(slopes, support, found.nullSpace)
  }
}

/** Moves slopes towards a target, all the way or until the first one reaches 0. */
function moveTo(slopes: Float64Array, support: Int32Array, target: Float64Array): boolean {
  let share = 1
  let stops = -1
  support.forEach((j, k) => {
    const [now, then] = [slopes[j] as number, target[k] as number]
    if (now * then > 0) return
    const reach = now / (now - then)
    if (stops < 0 || reach < share) [share, stops] = [reach, j]
  })
  support.forEach((j, k) => {
    const [now, then] = [slopes[j] as number, target[k] as number]
    slopes[j] = stops < 0 ? then : now + share * (then - now)
  })
  if (stops >= 0) slopes[stops] = 0
  return stops < 0
}

/**
 * Slopes of columns that depend on each other move along a null vector without changing what is
 * fitted: in the direction in which their absolute values add up to less, until one is 0.
 */
function dropDependent(
  slopes: Float64Array,
  support: Int32Array,
  nullSpace: readonly Float64Array[],
): void {
  const vectors = nullSpace.map((vector) => vector.slice(0, support.length))
  vectors.forEach((vector, v) => {
    let growth = 0
    support.forEach((j, k) => {
      growth += Math.sign(slopes[j] as number) * (vector[k] as number)
    })
    const way = growth > 0 ? -1 : 1
    const most = vector.reduce((high, value) => Math.max(high, Math.abs(value)), 0)
    let [step, stops] = [Number.POSITIVE_INFINITY, -1]
    support.forEach((j, k) => {
      const by = way * (vector[k] as number)
      const reach = -(slopes[j] as number) / by
      const moves = Math.abs(by) > 1e-9 * most
      if (moves && reach >= 0 && reach < step) [step, stops] = [reach, k]
    })
    if (stops < 0) return
    support.forEach((j, k) => {
      slopes[j] = (slopes[j] as number) + step * way * (vector[k] as number)
    })
    slopes[support[stops] as number] = 0
    // The others leave that slope alone.
    for (const other of vectors.slice(v + 1)) {
      addScaled(other, vector, -(other[stops] as number) / (vector[stops] as number))
      other[stops] = 0
    }
  })
}

/** What a support is solved by. */
interface SupportSolution {
  /** By position in the support. */
  readonly target: Float64Array
  /** What the columns of the support depend on each other by. */
  readonly nullSpace: readonly Float64Array[]
}

/** Solves the support as a linear system, undefined where its columns are too close to dependent. */
function bestOn(
  system: System,
  support: Int32Array,
  slopes: Float64Array,
  l1: number,
  l2: number,
): SupportSolution | undefined {
  const small = restrict(system, support, l2)
  support.forEach((j, k) => {
    small.rhs.hi[k] = (small.rhs.hi[k] as number) - l1 * Math.sign(slopes[j] as number)
  })
  try {
    if (remaining(small) <= directLimit) {
      const { solution, nullSpace } = decompose(small)
      return { target: solution.coefficients, nullSpace }
    }
    return l2 > 0 ? { target: solveIteratively(small).coefficients, nullSpace: [] } : undefined
  } catch (error) {
    if (isRidecastError(error, 'solve_failed')) return undefined
    throw error
  }
}

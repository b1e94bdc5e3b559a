/**
 * Builds moments from rides, batch by batch. What comes out does not depend on their order.
 */

import type { RideBatch } from '../ride.ts'
import { BatchTerms } from './batch-terms.ts'
import type { Moments } from './moments.ts'
import { type Plan, selectionKey } from './plan.ts'
import { SelectionSums } from './selection-sums.ts'

/**
 * The first rides are added in short pieces. A compiler that meets a long loop first compiles it in
 * the middle of its first run, before it has seen what follows the loop; V8 keeps that code, and
 * leaves it for the interpreter at the end of every batch.
 */
const shortPieces = 32
const shortPiece = 64

/** Sums rides by several plans, batch by batch. */
export class MomentsBuilder {
  private readonly terms = new BatchTerms()
  /** By selection: its sums, and which plans they are of. */
  private readonly selections: readonly { readonly sums: SelectionSums; readonly of: number[] }[]
  private readonly plans: number
  /** Short pieces that were added. */
  private pieces = 0

  constructor(plans: readonly Plan[]) {
    this.plans = plans.length
    const groups = new Map<string, number[]>()
    plans.forEach((plan, k) => {
      const key = selectionKey(plan)
      groups.set(key, [...(groups.get(key) ?? []), k])
    })
    this.selections = [...groups.values()].map((of) => ({
      of,
      sums: new SelectionSums(
        of.map((k) => plans[k] as Plan),
        this.terms,
      ),
    }))
  }

  /** Adds the rides of a batch that the plans take. */
  add(rides: RideBatch): void {
    let from = 0
    while (this.pieces < shortPieces && from < rides.length) {
      const to = Math.min(rides.length, from + shortPiece)
      this.addPiece(part(rides, from, to))
      this.pieces++
      from = to
    }
    if (from < rides.length) this.addPiece(from === 0 ? rides : part(rides, from, rides.length))
  }

  private addPiece(rides: RideBatch): void {
    this.terms.load(rides)
    for (const { sums } of this.selections) sums.add()
  }

  /**
   * The sums of each plan, in the order of the plans.
   *
   * @throws sums_overflow when a column's values are too large to be squared and summed
   */
  finish(): Moments[] {
    const moments = new Array<Moments>(this.plans)
    for (const { sums, of } of this.selections) {
      sums.finish().forEach((one, k) => {
        moments[of[k] as number] = one
      })
    }
    return moments
  }
}

function part({ pickup, dropoff, columns }: RideBatch, from: number, to: number): RideBatch {
  const own = Object.entries(columns).map(([name, values]) => [name, values.subarray(from, to)])
  return {
    length: to - from,
    pickup: pickup.subarray(from, to),
    dropoff: dropoff.subarray(from, to),
    columns: Object.fromEntries(own),
  }
}

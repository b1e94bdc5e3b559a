/**
 * Builds moments from rides, batch by batch. What comes out does not depend on their order.
 */

import type { RideBatch } from '../ride.ts'
import { BatchTerms } from './batch-terms.ts'
import type { Moments } from './moments.ts'
import { type Plan, selectionKey } from './plan.ts'
import { piecesOf } from './row-loops.ts'
import { SelectionSums } from './selection-sums.ts'

/** Sums rides by several plans, batch by batch. */
export class MomentsBuilder {
  private readonly terms = new BatchTerms()
  /** By selection: its sums, and which plans they are of. */
  private readonly selections: readonly { readonly sums: SelectionSums; readonly of: number[] }[]
  private readonly plans: number

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
    for (const [piece] of piecesOf(rides)) {
      this.terms.load(piece)
      for (const { sums } of this.selections) sums.add()
    }
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

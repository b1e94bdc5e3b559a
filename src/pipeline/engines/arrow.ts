/**
 * The engine that is always there: Parquet decoded by parquet-wasm into Arrow columns, summed in
 * this process.
 */

import { BatchTerms } from '../batch-terms.ts'
import type { Moments } from '../moments.ts'
import { MomentsBuilder } from '../moments-builder.ts'
import { columnsOf } from '../plan.ts'
import { readRides } from '../rides.ts'
import type { Engine } from './engine.ts'

/** Opens the engine, see {@link Engine}. */
export async function openArrowEngine(): Promise<Engine> {
  return {
    name: 'arrow',
    async sum(path, taxi, plans, progress = () => {}): Promise<Moments[]> {
      const terms = new BatchTerms()
      const builders = plans.map((plan) => new MomentsBuilder(plan, terms))
      const told = (done: number, total: number): void => progress(done, total, path)
      for await (const rides of readRides(path, taxi, columnsOf(plans), told)) {
        terms.load(rides)
        for (const builder of builders) builder.addLoaded()
      }
      return builders.map((builder) => builder.finish())
    },
    async close() {},
  }
}

/**
 * The engine that is always there: Parquet decoded by parquet-wasm into Arrow columns, summed in
 * this process.
 */

import type { ColumnName } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { MomentsBuilder } from '../moments-builder.ts'
import type { Plan } from '../plan.ts'
import { type RideColumns, readRides } from '../rides.ts'
import type { Engine } from './engine.ts'

/** The columns that plans need: required ones and, for features that tolerate it, optional ones. */
export function columnsOf(plans: readonly Plan[]): RideColumns {
  const isColumn = (name: string): name is ColumnName => name !== 'pickup_datetime'
  const required = new Set<ColumnName>()
  const all = new Set<ColumnName>()
  for (const plan of plans) {
    for (const name of plan.required.filter(isColumn)) required.add(name)
    for (const { column } of plan.filters) required.add(column)
    for (const name of plan.features.inputs.filter(isColumn)) all.add(name)
  }
  return { required: [...required], optional: [...all].filter((name) => !required.has(name)) }
}

/** See {@link Engine}. */
export const arrowEngine: Engine = {
  name: 'arrow',
  async sum(files, taxi, plans, progress = () => {}): Promise<Moments[]> {
    const builders = plans.map((plan) => new MomentsBuilder(plan))
    for (const path of files) {
      const told = (done: number, total: number): void => progress(done, total, path)
      for await (const rides of readRides(path, taxi, columnsOf(plans), told)) {
        for (const builder of builders) builder.add(rides)
      }
    }
    return builders.map((builder) => builder.finish())
  },
}

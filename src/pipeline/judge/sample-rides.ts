/** Some rides of trip files in memory, each as likely as any other. Knows no model. */

import { RidecastError } from '../../errors.ts'
import type { Features } from '../../features.ts'
import type { ColumnName, RideBatch } from '../../ride.ts'
import { type Plan, RideSelector } from '../plan.ts'
import type { MeasuredFile } from '../residuals.ts'
import { type ReadingEffects, rowColumns, takeRides } from '../ride-table.ts'
import { readRides } from '../rides.ts'
import { Reservoir } from './reservoir.ts'

/** How a sample is drawn. */
export interface SampleOptions extends ReadingEffects {
  /** Rides that are kept at most, default 10,000. */
  readonly size?: number
  /** Default 1; the same one keeps the same rides. */
  readonly seed?: number
}

/**
 * Draws a sample of the rides that a plan takes, with the inputs of features. Takes 8 bytes for each
 * value that is kept.
 *
 * @param files trip files; a slice by rows counts in each by itself
 * @throws source_empty when no ride is taken; source_columns, source_column_type, source_truncated;
 *   the reason of the signal
 */
export async function sampleRides(
  files: readonly MeasuredFile[],
  plan: Plan,
  features: Features,
  { size = 10_000, seed = 1, progress = () => {}, signal }: SampleOptions = {},
): Promise<RideBatch> {
  const names = features.inputs.filter((name): name is ColumnName => name !== 'pickup_datetime')
  const room = (): Float64Array => new Float64Array(size)
  const [pickup, dropoff] = [room(), room()]
  const columns = names.map(room)
  const reservoir = new Reservoir(size, seed)
  for (const { source, taxi } of files) {
    const selector = new RideSelector(plan)
    const told = (done: number, total: number): void => progress(done, total, source.path)
    for await (const rides of readRides(source.path, taxi, rowColumns(plan, features), told)) {
      signal?.throwIfAborted()
      const read = names.map((name) => rides.columns[name] as Float64Array)
      selector.forEach(rides, (i) => {
        const place = reservoir.next()
        if (place < 0) return
        pickup[place] = rides.pickup[i] as number
        dropoff[place] = rides.dropoff[i] as number
        for (let k = 0; k < names.length; k++) columns[k]![place] = read[k]![i] as number
      })
    }
  }
  const { length } = reservoir
  if (length === 0) {
    const paths = files.map(({ source }) => source.path).join(', ')
    const text = `no ride of ${paths} passes the filters of the model: expected at least one to sample`
    throw new RidecastError('source_empty', text)
  }
  const byName = Object.fromEntries(names.map((name, k) => [name, columns[k] as Float64Array]))
  const whole = { length: size, pickup, dropoff, columns: byName }
  return takeRides(
    whole,
    Int32Array.from({ length }, (_, i) => i),
  )
}

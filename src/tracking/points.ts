/** Points of metrics as every store takes them. Knows nothing about stores. */

import { RidecastError } from '../errors.ts'
import { checkName } from './names.ts'
import type { NamedPoint } from './tracker.ts'

/** Values of one moment as points; a time that is none becomes '', which {@link checkedPoint} refuses. */
export function pointsOf(
  values: Readonly<Record<string, number>>,
  step: number,
  at: Date,
): NamedPoint[] {
  const time = Number.isNaN(at.getTime()) ? '' : at.toISOString()
  return Object.entries(values).map(([name, value]) => ({ name, value, step, time }))
}

/**
 * A copy of a point that can be kept.
 *
 * @throws RidecastError `run_write_refused` for a name that is none, a step that is not whole, a time
 *   that cannot be read
 */
export function checkedPoint({ name, value, step, time }: Readonly<NamedPoint>): NamedPoint {
  checkName('metric', name)
  if (Number.isSafeInteger(step) && !Number.isNaN(Date.parse(time))) {
    return { name, value, step, time }
  }
  throw new RidecastError(
    'run_write_refused',
    `metric ${name} needs a whole number as step and a valid time, found step ${step} and ` +
      `time ${JSON.stringify(time)}`,
  )
}

/** The gate on the worst slice of the rides. Knows nothing about how slices are made. */

import { InvalidArgumentError, Option } from 'commander'
import { usualSupport } from '../pipeline/judge/support.ts'

/** A slice with enough rides. */
export interface JudgedSlice {
  /** For people. */
  readonly slice: string
  readonly rmse: number
  readonly n: number
}

/** The flag `--worst`. */
export function worstOption(when: string): Option {
  return new Option(
    '--worst <minutes>',
    `${when} the RMSE that no slice of ${usualSupport} rides may exceed`,
  ).argParser((text) => {
    const value = Number(text)
    if (value > 0 && Number.isFinite(value)) return value
    throw new InvalidArgumentError('expected a number above 0')
  })
}

/**
 * Why the gate is closed; undefined where it is open, or there is none.
 *
 * @param worst of the slices with enough rides; null where none has, which no gate lets pass
 * @param allowed minutes
 */
export function gateRefusal(
  worst: JudgedSlice | null,
  allowed: number | undefined,
): string | undefined {
  if (allowed === undefined) return undefined
  if (!worst) return `no slice has ${usualSupport} rides to hold to ${allowed} minutes`
  if (worst.rmse <= allowed) return undefined
  return `its worst slice, ${worst.slice}, has an RMSE of ${worst.rmse.toFixed(3)} over ${worst.n} rides, above ${allowed}`
}

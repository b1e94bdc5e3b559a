/**
 * The quick way from a parsed row to a checked ride, for batches: it takes the plain cases, by the
 * same domains as the schema, and leaves all others to it. What it takes, the schema takes, with the
 * same result; a test holds that. Knows nothing about faults.
 */

import type { RideRequest } from '../../predictor.ts'
import { parseWallClock } from '../../ride.ts'
import { domainOf } from '../../ride-domain.ts'
import type { Field } from '../ride-fields.ts'

/** A number out of a value, NaN where this is no plain case. */
type Read = (value: unknown) => number

/** What makes checked rides of values; undefined where the schema has to look. */
export function quickRides(fields: readonly Field[]): (value: unknown) => RideRequest | undefined {
  const parts = fields.map(({ name, required }) => ({ name, required, read: readerOf(name) }))
  return (value) => {
    if (typeof value !== 'object' || value === null) return undefined
    const ride: Record<string, number> = {}
    for (const { name, required, read } of parts) {
      const said = (value as Record<string, unknown>)[name]
      if (said === undefined && !required) continue
      const number = read(said)
      if (Number.isNaN(number)) return undefined
      ride[name] = number
    }
    return ride as unknown as RideRequest
  }
}

function readerOf(name: Field['name']): Read {
  const domain = domainOf(name)
  if (domain.kind === 'time') return timeReader()
  const { from = Number.NEGATIVE_INFINITY } = domain
  if (domain.kind === 'id') {
    const { to } = domain
    return (value) => {
      return Number.isInteger(value) && (value as number) >= from && (value as number) <= to
        ? (value as number)
        : Number.NaN
    }
  }
  return (value) => {
    return Number.isFinite(value) && (value as number) >= from ? (value as number) : Number.NaN
  }
}

/** Rides that follow each other often begin in the same minute. */
function timeReader(): Read {
  let text = ''
  let micros = Number.NaN
  return (value) => {
    if (typeof value !== 'string') return Number.NaN
    if (value !== text) {
      text = value
      micros = parseWallClock(value)
    }
    return micros
  }
}

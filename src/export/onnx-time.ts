/**
 * Parts of the pickup time as ONNX operations on 64-bit integers, to the bit what `atoms.ts` and
 * `measures.ts` compute. Mod takes the sign of the divisor, so this is right before 1970 too, where Div
 * would round up. Knows nothing about terms.
 */

import { isHoliday } from '../holidays.ts'
import { type DerivedName, hourMicros } from '../ride.ts'
import { mlDomain } from './onnx-graph.ts'
import { tensor, tensorAttribute } from './onnx-proto.ts'
import type { OnnxRide } from './onnx-ride.ts'

/** An input that holds this instead of a pickup time has none: what NumPy calls not a time. */
export const noTime = -(2n ** 63n)

/** A part of the pickup time. */
export type TimePart = DerivedName | 'minute_of_day'

const hoursOfWeek = 168
const dayMicros = 24 * hourMicros

/** Days that are looked up among the holidays, both included: 1900-01-01 to 2199-12-31. */
const holidayRange = [Date.UTC(1900, 0, 1), Date.UTC(2199, 11, 31)].map((time) => {
  return time / 86_400_000
}) as [number, number]

/** A part of the pickup time, an int64; -1 where there is no time. */
export function timePart(ride: OnnxRide, name: TimePart): string {
  return ride.once(`time ${name}`, () => {
    const { graph } = ride
    const part = partOfTime(ride, name)
    const missing = graph.add('Equal', `${name}/is_missing`, ['pickup_datetime', graph.int(noTime)])
    return graph.add('Where', `${name}/code`, [missing, graph.int(-1), part])
  })
}

/** The part, and anything where there is no time. */
function partOfTime(ride: OnnxRide, name: TimePart): string {
  const { graph } = ride
  switch (name) {
    case 'hour':
      return graph.add('Mod', 'hour/of_day', [hours(ride), graph.int(24)])
    case 'weekday':
      return graph.add('Div', 'weekday/from_monday', [fromMonday(ride), graph.int(24)])
    case 'hour_of_week':
      return fromMonday(ride)
    case 'quarter_hour':
      return graph.add('Div', name, [microsOfDay(ride), graph.int(hourMicros / 4)])
    case 'minute_of_day':
      return graph.add('Div', name, [microsOfDay(ride), graph.int(60e6)])
    case 'weekend': {
      const saturday = graph.int(5 * 24)
      const reached = graph.add('GreaterOrEqual', `${name}/from_saturday`, [
        fromMonday(ride),
        saturday,
      ])
      return ride.cast(reached, 'int64', name)
    }
    case 'holiday':
      return holiday(ride)
  }
}

/** Whole hours since the last Thursday 0:00, the weekday of 1970-01-01. */
function hours(ride: OnnxRide): string {
  return ride.once('hours', () => {
    const { graph } = ride
    const week = graph.int(hoursOfWeek * hourMicros)
    const micros = graph.add('Mod', 'pickup_datetime/micros_of_week', ['pickup_datetime', week])
    return graph.add('Div', 'pickup_datetime/hours', [micros, graph.int(hourMicros)])
  })
}

/** Whole hours since Monday 0:00: weeks begin 72 hours before Thursday. */
function fromMonday(ride: OnnxRide): string {
  return ride.once('hours from monday', () => {
    const { graph } = ride
    const later = graph.add('Add', 'pickup_datetime/hours_later', [hours(ride), graph.int(72)])
    return graph.add('Mod', 'pickup_datetime/hours_from_monday', [later, graph.int(hoursOfWeek)])
  })
}

function microsOfDay(ride: OnnxRide): string {
  return ride.once('micros of day', () => {
    const { graph } = ride
    const day = graph.int(dayMicros)
    return graph.add('Mod', 'pickup_datetime/micros_of_day', ['pickup_datetime', day])
  })
}

function holiday(ride: OnnxRide): string {
  const { graph } = ride
  const midnight = graph.add('Sub', 'pickup_datetime/midnight', [
    'pickup_datetime',
    microsOfDay(ride),
  ])
  const day = graph.add('Div', 'pickup_datetime/day', [midnight, graph.int(dayMicros)])
  const [first, last] = holidayRange
  const days = Array.from({ length: last - first + 1 }, (_, k) => first + k).filter(isHoliday)
  const ones = days.map(() => 1)
  return graph.add('LabelEncoder', 'holiday', [day], {
    domain: mlDomain,
    attributes: [
      tensorAttribute('keys_tensor', tensor('keys', 'int64', [days.length], days)),
      tensorAttribute('values_tensor', tensor('values', 'int64', [days.length], ones)),
      tensorAttribute('default_tensor', tensor('default', 'int64', [1], [0])),
    ],
  })
}

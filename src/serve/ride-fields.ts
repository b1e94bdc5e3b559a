/**
 * The fields of a ride in a request: what a model needs, checked at the edge, every fault at once.
 * Knows nothing about HTTP statuses.
 */

import { z } from 'zod'
import type { RideRequest } from '../predictor.ts'
import {
  type ColumnName,
  type InputName,
  maxId,
  maxZone,
  parseWallClock,
  rideColumns,
} from '../ride.ts'
import type { Fault } from './problem.ts'

/** What a request says about a field, for people and for `GET /model`. */
export interface FieldDescription {
  readonly name: InputName
  readonly required: boolean
  /** What it means and in which unit. */
  readonly meaning: string
}

type Check = (value: unknown) => number | Omit<Fault, 'pointer'>

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}

/** Ids may come as text: many clients read them from files that hold nothing else. */
function idCheck(low: number, high: number): Check {
  const expected = `expected a whole number from ${low} to ${high}`
  return (value) => {
    const isText = typeof value === 'string' && /^\d{1,9}$/.test(value)
    if (typeof value !== 'number' && !isText) {
      return { code: 'wrong_type', message: `${expected}, found ${shown(value)}` }
    }
    const id = Number(value)
    if (!Number.isInteger(id))
      return { code: 'wrong_type', message: `${expected}, found ${shown(value)}` }
    if (id < low || id > high) return { code: 'out_of_range', message: `${expected}, found ${id}` }
    return id
  }
}

function numberCheck(low: number): Check {
  const expected = low === 0 ? 'expected a number from 0' : 'expected a number'
  return (value) => {
    if (typeof value !== 'number') {
      return { code: 'wrong_type', message: `${expected}, found ${shown(value)}` }
    }
    if (!Number.isFinite(value) || value < low) {
      return {
        code: 'out_of_range',
        message: `${expected}, found ${Number.isFinite(value) ? value : 'one beyond what a double holds'}`,
      }
    }
    return value
  }
}

const timeCheck: Check = (value) => {
  const expected = 'expected a time on the local clock without a zone, such as 2021-02-03T08:15'
  if (typeof value !== 'string') {
    return { code: 'wrong_type', message: `${expected}, found ${shown(value)}` }
  }
  const micros = parseWallClock(value)
  return Number.isNaN(micros)
    ? { code: 'malformed', message: `${expected}, found ${shown(value)}` }
    : micros
}

function checkOf(name: InputName): Check {
  if (name === 'pickup_datetime') return timeCheck
  if (name === 'PULocationID' || name === 'DOLocationID') return idCheck(1, maxZone)
  if (rideColumns[name].kind === 'id') return idCheck(0, maxId)
  return numberCheck(rideColumns[name].afterRide ? Number.NEGATIVE_INFINITY : 0)
}

function field(name: InputName, required: boolean): z.ZodType<number | undefined, unknown> {
  const check = checkOf(name)
  return z.unknown().transform((value, context) => {
    if (value === undefined || value === null) {
      if (required)
        context.issues.push({
          code: 'custom',
          input: value,
          message: 'expected a value, found none',
          params: { code: 'missing' },
        })
      return undefined
    }
    const result = check(value)
    if (typeof result === 'number') return result
    context.issues.push({
      code: 'custom',
      input: value,
      message: result.message,
      params: { code: result.code },
    })
    return undefined
  })
}

/** The fields of a model's rides and the check of a body against them. */
export interface RideFields {
  readonly descriptions: readonly FieldDescription[]
  /** The ride in a parsed body, or everything that is wrong with it. Fields it does not know are ignored. */
  parse(body: unknown): RideRequest | readonly Fault[]
}

/** The fields that a model computed from `inputs` asks for: zones always, a time never. */
export function rideFields(inputs: readonly InputName[]): RideFields {
  const always: InputName[] = ['PULocationID', 'DOLocationID', 'trip_distance', 'pickup_datetime']
  const names = [...new Set([...always, ...inputs])]
  const isRequired = (name: InputName): boolean => {
    return name !== 'pickup_datetime' && (name.endsWith('LocationID') || inputs.includes(name))
  }
  const schema = z.object(
    Object.fromEntries(names.map((name) => [name, field(name, isRequired(name))])),
    'expected an object with the fields of a ride',
  )
  return {
    descriptions: names.map((name) => ({
      name,
      required: isRequired(name),
      meaning:
        name === 'pickup_datetime'
          ? 'wall-clock time of the pickup, YYYY-MM-DDTHH:MM; averaged over the week when absent'
          : rideColumns[name as ColumnName].unit,
    })),
    parse(body) {
      const result = schema.safeParse(body)
      if (result.success) return result.data as unknown as RideRequest
      return result.error.issues.map((issue): Fault => {
        const name = issue.path[0]
        const params = (issue as { params?: { code?: Fault['code'] } }).params
        return {
          code: params?.code ?? 'wrong_type',
          pointer: name === undefined ? '' : `/${String(name)}`,
          message: name === undefined ? issue.message : `${String(name)}: ${issue.message}`,
        }
      })
    },
  }
}

/**
 * What a request may say about a ride: the fields of a model's inputs, their zod schema, and every
 * fault of a body at once. Knows nothing about statuses.
 */

import { z } from 'zod'
import { assumable, type RideRequest } from '../predictor.ts'
import { type InputName, parseWallClock, rideColumns } from '../ride.ts'
import { domainOf } from '../ride-domain.ts'
import type { Fault } from './problem.ts'

/** A field of the body. */
export interface Field {
  readonly name: InputName
  /** What it is in JSON; an integer may also come as text. */
  readonly type: 'integer' | 'number' | 'string'
  /** What it means, for people. */
  readonly unit: string
  /** True when a ride without it is refused. */
  readonly required: boolean
  /** True when it may be left out although the model needs it: it is assumed, with a warning. */
  readonly assumable: boolean
}

interface Rule {
  readonly schema: z.ZodType<number>
  /** Reads on from "<field> must be". */
  readonly text: string
  /** What is wrong with a value that the schema refuses. */
  code(value: unknown): Fault['code']
}

const ids = (low: number, high: number, text: string): Rule => {
  const number = z.int().min(low).max(high)
  const digits = /^(0|[1-9]\d{0,8})$/
  return {
    // Clients that read ids from files often have them as text.
    schema: z.union([number, z.string().regex(digits).transform(Number).pipe(number)]),
    text: `${text} from ${low} to ${high}`,
    code(value) {
      if (typeof value === 'string') return digits.test(value) ? 'out_of_range' : 'malformed'
      return Number.isInteger(value) ? 'out_of_range' : 'wrong_type'
    },
  }
}

const quantities = (schema: z.ZodType<number>, text: string): Rule => ({
  schema,
  text,
  code: (value) => (typeof value === 'number' ? 'out_of_range' : 'wrong_type'),
})

const time: Rule = {
  schema: z.string().transform(parseWallClock).pipe(z.number()),
  text: 'a wall-clock time such as 2021-02-03T08:15',
  code: (value) => (typeof value === 'string' ? 'malformed' : 'wrong_type'),
}

const known = new Map<InputName, Rule>()

/** The rule of an input; made once, since a body with faults asks for it again. */
function ruleOf(name: InputName): Rule {
  const rule = known.get(name) ?? ruleFor(name)
  known.set(name, rule)
  return rule
}

/** What an input can hold at all: trip files are held to the same. */
function ruleFor(name: InputName): Rule {
  const domain = domainOf(name)
  if (domain.kind === 'time') return time
  if (domain.kind === 'id') {
    return ids(domain.from, domain.to, domain.zone ? 'a taxi zone, an integer' : 'an integer')
  }
  const { from } = domain
  if (from === undefined) return quantities(z.number(), 'a finite number')
  return quantities(z.number().min(from), `a finite number of ${domain.unit} from ${from}`)
}

/**
 * The fields of a ride for a model: both zones, distance and time in any case, and whatever else
 * the model is computed from. Required are the zones, and what the model cannot do without and the
 * predictor does not assume.
 *
 * @param inputs what the model is computed from
 * @param needed those that it cannot do without
 */
export function fieldsOf(
  inputs: readonly InputName[],
  needed: readonly InputName[] = inputs,
): Field[] {
  const always: InputName[] = ['PULocationID', 'DOLocationID', 'trip_distance', 'pickup_datetime']
  return [...new Set([...always, ...inputs])].map((name): Field => {
    const isAssumable = assumable.some((one) => one === name)
    const isZone = name === 'PULocationID' || name === 'DOLocationID'
    const required = isZone || (needed.includes(name) && !isAssumable)
    const rest = { required, assumable: isAssumable && inputs.includes(name) }
    if (name === 'pickup_datetime') {
      const unit = 'time of the pickup on the local clock, without a zone'
      return { name, type: 'string', unit, ...rest }
    }
    const { kind, unit } = rideColumns[name]
    return { name, type: kind === 'id' ? 'integer' : 'number', unit, ...rest }
  })
}

/** The schema of a body with these fields; it ignores others, and takes null for absent. */
export function rideSchema(fields: readonly Field[]): z.ZodType<RideRequest> {
  const shape = fields.map(({ name, required }) => {
    const { schema } = ruleOf(name)
    return [name, required ? schema : schema.nullish().transform((value) => value ?? undefined)]
  })
  return z.object(Object.fromEntries(shape)) as unknown as z.ZodType<RideRequest>
}

/** What a body is checked by. */
export interface RideCheck {
  readonly fields: readonly Field[]
  readonly schema: z.ZodType<RideRequest>
  /** As {@link quickCheck} makes it. */
  readonly quick: (body: unknown) => RideRequest | undefined
}

/** The checked ride of a body, or everything that is wrong with it. */
export function rideOf(
  body: unknown,
  { quick, schema, fields }: RideCheck,
): RideRequest | readonly Fault[] {
  const ride = quick(body)
  if (ride !== undefined) return ride
  const faults = faultsOf(body, fields)
  return faults.length > 0 ? faults : schema.parse(body)
}

/** Tells a ride of {@link rideOf} from faults. */
export function isRide(found: RideRequest | readonly Fault[]): found is RideRequest {
  return !Array.isArray(found)
}

/**
 * A check that takes rides as nearly all are sent, by the same domains as the schema and to the same
 * result, and leaves everything else to the schema: ten times as fast.
 *
 * @returns the checked ride; undefined where the schema has to say
 */
export function quickCheck(fields: readonly Field[]): (body: unknown) => RideRequest | undefined {
  const parts = fields.map(({ name, required }) => ({ name, required, read: readerOf(name) }))
  return (body) => {
    if (typeof body !== 'object' || body === null) return undefined
    const ride: Record<string, number> = {}
    for (const { name, required, read } of parts) {
      const said = (body as Record<string, unknown>)[name]
      if (said === undefined && !required) continue
      const number = read(said)
      if (Number.isNaN(number)) return undefined
      ride[name] = number
    }
    return ride as unknown as RideRequest
  }
}

/** A number out of a value, NaN where the schema has to look. */
type Read = (value: unknown) => number

const readers = new Map<InputName, Read>()

/** The reader of an input, made once. */
function quickReaderOf(name: InputName): Read {
  const reader = readers.get(name) ?? readerOf(name)
  readers.set(name, reader)
  return reader
}

function readerOf(name: InputName): Read {
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

/** Everything that is wrong with a body, in the order of the fields; nothing where it is a ride. */
export function faultsOf(body: unknown, fields: readonly Field[]): Fault[] {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    const message = `body must be a JSON object, found ${shown(body)}`
    return [{ code: 'wrong_type', pointer: '#', message }]
  }
  return fields.flatMap(({ name, required }): Fault[] => {
    const pointer = `#/${name}`
    const value: unknown = (body as Record<string, unknown>)[name]
    const rule = ruleOf(name)
    if (value === undefined || value === null) {
      if (!required) return []
      const message = `${name} is missing: expected ${rule.text}`
      return [{ code: 'missing', pointer, message }]
    }
    // The quick reader first: most fields of a body with faults have none.
    if (!Number.isNaN(quickReaderOf(name)(value))) return []
    // Of a number it has the last word; a text may be an id.
    if (typeof value !== 'number' && rule.schema.safeParse(value).success) return []
    const message = `${name} must be ${rule.text}, found ${shown(value)}${hint(name, value)}`
    return [{ code: rule.code(value), pointer, message }]
  })
}

/** A value from outside, short enough to be repeated. */
function shown(value: unknown): string {
  if (typeof value === 'string') {
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`
  }
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function hint(name: InputName, value: unknown): string {
  const zoned = typeof value === 'string' && /\d\s*(Z|[+-]\d\d:?\d\d)$/i.test(value)
  return name === 'pickup_datetime' && zoned
    ? ': leave the zone out and give the time that clocks in New York show'
    : ''
}

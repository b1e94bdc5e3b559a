/**
 * A data contract: what the trip files of a fleet are expected to hold, as data a person edits.
 * Reads YAML and checks its shape. Knows nothing about files or how their rides are measured; what
 * a value can be at all stands in `ride-domain.ts`.
 */

import { z } from 'zod'
import { messageOf, RidecastError } from './errors.ts'
import { isMonth, type Month } from './month.ts'
import { taxis } from './ride.ts'
import { parseYaml } from './yaml-text.ts'

/** The version of the format; contracts of another version are not read. */
export const contractFormat = 1

/** What is measured over a whole file, and in which unit; each may have bands by period. */
export const measures = {
  rides_per_day: 'rides a day, of files that hold a whole month',
  neighbour_ratio: 'rides a day / their median in the months around it, in the same folder',
  empty_days: 'days of the month without a ride',
  thin_days: 'days of the month with less than a twentieth of the median day',
  outside_month: 'share of pickups outside the month that the file is named after',
  unreadable_times: 'share of rows without a readable pickup and drop-off',
  backwards: 'share of rides that end before they begin',
  over_three_hours: 'share of rides that take longer than three hours',
  kept: 'share of rows that take 1 to 60 minutes, which the plain recipe keeps',
  median_minutes: 'minutes, the median of rides of 1 to 60',
  median_miles: 'miles, the median of rides of 1 to 60 minutes that move',
  median_mph: 'miles per hour, the median of rides of 1 to 60 minutes that move',
  zone_concentration: 'how much more the pickups cluster in few zones than the drop-offs do',
  quietest_hour: 'hour of the day in the middle of the four with the fewest pickups',
  duplicates: 'share of rows that repeat another row exactly',
} as const

/** The name of a measure. */
export type MeasureName = keyof typeof measures

/** All measures. */
export const measureNames = Object.keys(measures) as MeasureName[]

const month = z.custom<Month>((text) => typeof text === 'string' && isMonth(text), {
  message: 'expected a month such as 2021-01',
})
const share = z.number().min(0).max(1)
const end = z.number().nullable()
const band = z
  .tuple([end, end])
  .refine(([low, high]) => low === null || high === null || low <= high, 'expected [low, high]')

const period = z.strictObject({
  from: month.optional(),
  to: month.optional(),
  warn: band.optional(),
  error: band.optional(),
})

const limits = z.strictObject({ warn: share.optional(), error: share.optional() })

const range = z.strictObject({ from: z.number().optional(), below: z.number().optional() })

const column = z.strictObject({
  type: z.enum(['id', 'number', 'time', 'text']),
  required: z.enum(['error', 'warn', 'no']).default('warn'),
  since: month.optional(),
  until: month.optional(),
  missing: limits.default({}),
  values: z.array(z.int().nonnegative()).optional(),
  range: range.default({}),
  unexpected: limits.default({}),
  most_common: limits.default({}),
})

const contractSchema = z.strictObject({
  format: z.literal(contractFormat),
  fleet: z.enum(taxis),
  description: z.string().default(''),
  columns: z.record(z.string(), column),
  measures: z.partialRecord(z.enum(measureNames), z.array(period).min(1)).default({}),
})

/** A contract as it is checked: every default filled in. */
export type Contract = z.output<typeof contractSchema>
/**
 * What a column is expected to be. Its key is the canonical name, `pickup` or `dropoff` for the
 * two times, or the name in the file for one that no recipe can use.
 */
export type ColumnContract = Contract['columns'][string]
/** Shares of rows from which on something is a warning or an error: above it, not at it. */
export type Limits = z.output<typeof limits>
/** A lower and an upper bound, both included; null where there is none. */
export type Band = z.output<typeof band>
/** What is expected in some months, both included; without ends in all of them. */
export type Period = z.output<typeof period>

/**
 * Reads a contract from YAML text.
 *
 * @param label how errors call it, a name or a path
 * @throws contract_invalid with every fault
 */
export function parseContract(text: string, label: string): Contract {
  let value: unknown
  try {
    value = parseYaml(text)
  } catch (error) {
    const what = (messageOf(error).split('\n')[0] as string).replace(/:$/, '')
    throw new RidecastError('contract_invalid', `contract ${label} is not YAML: ${what}`, {
      cause: error,
    })
  }
  const result = contractSchema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message }) => {
    return path.length > 0 ? `${path.join('.')}: ${message}` : message
  })
  throw new RidecastError(
    'contract_invalid',
    `contract ${label} is not valid: ${[...new Set(faults)].join('; ')}`,
    { cause: result.error },
  )
}

/**
 * The period that holds for a month: the first one that contains it. A file of no known month is
 * held to the first period without ends, if there is one.
 */
export function periodFor(
  periods: readonly Period[] | undefined,
  at: Month | undefined,
): Period | undefined {
  return periods?.find(({ from, to }) => {
    if (at === undefined) return from === undefined && to === undefined
    return (from === undefined || at >= from) && (to === undefined || at <= to)
  })
}

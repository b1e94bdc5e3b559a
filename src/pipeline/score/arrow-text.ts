/**
 * Values of Arrow columns as text formats have them: numbers to the last digit, times on the wall
 * clock. Knows nothing about rides.
 */

import {
  type Data,
  DataType,
  type Date_,
  DateUnit,
  type Timestamp,
  TimeUnit,
  type Vector,
} from 'apache-arrow'
import { RidecastError } from '../../errors.ts'

/** A value; null where it is missing or no number. */
export type TextValue = string | number | bigint | boolean | null

/**
 * The values of a column by position.
 *
 * @param path how errors call the file
 * @throws source_column_type for a type that trip files do not have
 */
export function valuesOf(vector: Vector, name: string, path: string): (i: number) => TextValue {
  const { type } = vector
  if (DataType.isNull(type)) return () => null
  if (DataType.isFloat(type)) {
    return (i) => {
      const value = vector.get(i) as number | null
      return value !== null && Number.isFinite(value) ? value : null
    }
  }
  const isPlain = [DataType.isInt, DataType.isBool, DataType.isUtf8, DataType.isLargeUtf8]
  if (isPlain.some((is) => is(type))) return (i) => vector.get(i) as TextValue
  const data = vector.data[0] as Data
  if (DataType.isTimestamp(type)) return timestamps(vector, data as Data<Timestamp>)
  if (DataType.isDate(type)) return dates(vector, data as Data<Date_>)
  throw new RidecastError(
    'source_column_type',
    `column ${name} of ${path} cannot be written as text: expected numbers, times, dates, texts or flags, found ${type}`,
  )
}

const perSecond: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
}

/** `2021-02-03T08:15:30`, with a fraction only where there is one, and Z where the column has a zone. */
function timestamps(vector: Vector, { values, type }: Data<Timestamp>): (i: number) => TextValue {
  const units = perSecond[type.unit]
  const digits = String(units).length - 1
  const zone = type.timezone ? 'Z' : ''
  const ticks = values as unknown as BigInt64Array
  return (i) => {
    if (!vector.isValid(i)) return null
    const time = ticks[i] as bigint
    const rest = ((time % units) + units) % units
    const date = new Date(Number((time - rest) / units) * 1000)
    // Beyond what a Date holds: the number itself is the only honest text.
    if (Number.isNaN(date.getTime())) return String(time)
    const fraction = rest === 0n ? '' : `.${String(rest).padStart(digits, '0')}`
    return `${date.toISOString().slice(0, -5)}${fraction}${zone}`
  }
}

function dates(vector: Vector, { values, type }: Data<Date_>): (i: number) => TextValue {
  const isDays = type.unit === DateUnit.DAY
  return (i) => {
    if (!vector.isValid(i)) return null
    const millis = isDays ? Number(values[i]) * 86_400_000 : Number(vector.get(i))
    return new Date(millis).toISOString().slice(0, 10)
  }
}

/**
 * What can be wrong with a trip file, as stable codes: those of TensorFlow Data Validation where
 * one fits, others in their style. Knows nothing about how it is found.
 */

import type { ErrorCode } from '../../errors.ts'

/** Codes of anomalies, each with what it says; docs/contract.md lists them all. */
export const anomalyCodes = {
  SCHEMA_MISSING_COLUMN: 'a column of the contract is not in the file',
  SCHEMA_NEW_COLUMN: 'the file has a column that the contract does not know',
  UNEXPECTED_DATA_TYPE: 'a column has another type than the contract says',
  FEATURE_TYPE_NOT_PRESENT: 'a column has no value in any row',
  FEATURE_TYPE_LOW_FRACTION_PRESENT: 'a column lacks its value in too many rows',
  FEATURE_TYPE_LOW_UNIQUE: 'a column is dead: one value in nearly all rows',
  ENUM_TYPE_UNEXPECTED_VALUES: 'an id column has ids that are not allowed',
  FLOAT_TYPE_SMALL_FLOAT: 'a quantity lies below its range',
  FLOAT_TYPE_BIG_FLOAT: 'a quantity lies above its range',
  FLOAT_TYPE_HAS_NAN: 'a quantity has values that are not numbers, beside missing ones',
  INT_TYPE_SMALL_INT: 'a whole number lies below its range',
  INT_TYPE_BIG_INT: 'a whole number lies above its range',
  DATASET_LOW_NUM_EXAMPLES: 'the month has fewer rides than it ever has',
  DATASET_HIGH_NUM_EXAMPLES: 'the month has more rides than it ever has',
  COMPARATOR_LOW_NUM_EXAMPLES: 'the month has far fewer rides than the months around it',
  COMPARATOR_HIGH_NUM_EXAMPLES: 'the month has far more rides than the months around it',
  NO_DATA_IN_SPAN: 'days of the month have no rides, or hardly any',
  DATASET_DUPLICATE_EXAMPLES: 'rows repeat other rows exactly',
  DATASET_LOW_KEPT_SHARE: 'too few rides take 1 to 60 minutes',
  DATASET_HIGH_KEPT_SHARE: 'all rides take 1 to 60 minutes, as if they had been filtered',
  TIME_NOT_READABLE: 'rows lack a readable pickup or drop-off time',
  TIME_OUTSIDE_MONTH: 'pickups lie outside the month that the file is named after',
  TIME_DROPOFF_BEFORE_PICKUP: 'rides end before they begin',
  TIME_LONG_RIDES: 'too many rides take longer than three hours',
  TIME_OF_DAY_SHIFTED: 'the quiet hours of the night come at another time of the day',
  RIDE_DURATION_LOW: 'rides are too short in time',
  RIDE_DURATION_HIGH: 'rides are too long in time',
  RIDE_DISTANCE_LOW: 'rides are too short in miles',
  RIDE_DISTANCE_HIGH: 'rides are too long in miles',
  RIDE_SPEED_LOW: 'rides are too slow: distance or time has another unit',
  RIDE_SPEED_HIGH: 'rides are too fast: distance or time has another unit',
  ZONES_SWAPPED: 'pickup and drop-off zones look exchanged',
} as const

/** The code of an anomaly; a file that cannot be read at all has the code of that error. */
export type AnomalyCode = keyof typeof anomalyCodes | Extract<ErrorCode, `source_${string}`>

/** `error`: the file is refused. `warn`: worth a look. */
export type Severity = 'error' | 'warn'

/** Something that is not as the contract expects. */
export interface Anomaly {
  readonly code: AnomalyCode
  readonly severity: Severity
  /** True for an error that was let pass by its code; its severity is `warn` then. */
  readonly allowed?: true
  /** The column, as the file spells it; undefined when it is about the whole file. */
  readonly column: string | undefined
  /** How many rows, or days, it is about; undefined where that cannot be said. */
  readonly count: number | undefined
  /** Their share of all, 0 to 1; undefined where that cannot be said. */
  readonly share: number | undefined
  readonly expected: string
  readonly found: string
  /** Some of what was found, the most frequent first. */
  readonly examples: readonly string[]
  /** A sentence for people, without a full stop. */
  readonly message: string
}

/** The errors first, then in the order they were found. */
export function worstFirst(anomalies: readonly Anomaly[]): Anomaly[] {
  const rank = ({ severity }: Anomaly): number => (severity === 'error' ? 0 : 1)
  return [...anomalies].sort((a, b) => rank(a) - rank(b))
}

/** Anomalies with the errors of some codes turned into warnings that say so. */
export function allowing(anomalies: readonly Anomaly[], codes: ReadonlySet<string>): Anomaly[] {
  return anomalies.map((anomaly) => {
    if (anomaly.severity !== 'error' || !codes.has(anomaly.code)) return anomaly
    return { ...anomaly, severity: 'warn', allowed: true }
  })
}

/** A share in per cent with two significant digits, such as `0.034 %`. */
export function shareText(share: number): string {
  const percent = share * 100
  if (percent === 0 || percent === 100) return `${percent} %`
  // 99.99 % is not 100 %.
  if (percent > 99) return `${Math.floor(percent * 1000) / 1000} %`
  return `${Number(percent.toPrecision(percent < 10 ? 2 : 3))} %`
}

/** A count with thousands set apart. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

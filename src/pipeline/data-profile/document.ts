/**
 * What a profile of trip files holds: the one document that `--json` prints and the page shows.
 * Knows nothing about how the numbers are made or drawn. The page's bundle imports it too.
 */

/** Version of the document; a change that breaks a reader raises it. */
export const dataProfileFormat = 1

/** A profile of one month, or of two with their comparison. */
export interface DataProfile {
  readonly format: 'ridecast-data-profile'
  readonly version: typeof dataProfileFormat
  /** One, or two: the second is compared with the first. */
  readonly months: readonly MonthProfile[]
  /** Null for one month. */
  readonly comparison: Comparison | null
}

/** One trip file. */
export interface MonthProfile {
  /** `green 2021-01`, a file name or an address. */
  readonly label: string
  readonly taxi: string
  /** `YYYY-MM`; null when the name of the file states none. */
  readonly month: string | null
  /** Name of the file, without its folder. */
  readonly file: string
  readonly bytes: number
  /** SHA-256 of the file, 64 hexadecimal digits. */
  readonly sha256: string
  readonly rows: number
  /** In the order of the file. */
  readonly columns: readonly ColumnProfile[]
  readonly rides: RidesProfile
  /** What a person should know first, the most striking first. */
  readonly findings: readonly Finding[]
}

/** A sentence about the data with the number it rests on. */
export interface Finding {
  readonly code:
    | 'missing'
    | 'empty'
    | 'absurd'
    | 'negative'
    | 'constant'
    | 'outside_month'
    | 'unparsable'
    | 'unknown_zone'
    | 'unlisted_zone'
    | 'not_kept'
    | 'backwards'
    | 'zero'
  /** Columns as the file spells them; empty when it is about rides as a whole. */
  readonly columns: readonly string[]
  /** Rows that it is about. */
  readonly count: number
  /** Of all rows, 0 to 1. */
  readonly share: number
  readonly text: string
}

/** What every column has. */
interface Column {
  /** As the file spells it. */
  readonly name: string
  /** The same for one meaning in files of all fleets and years: the canonical name in lower case. */
  readonly key: string
  /** Type in the file, as Arrow writes it. */
  readonly type: string
  /** What one unit means; null when nobody says. */
  readonly unit: string | null
  readonly rows: number
  /** Rows without a value. */
  readonly nulls: number
  /** Rows whose value is the floating-point NaN. */
  readonly nan: number
  readonly distinct: Distinct
}

/** How many different values there are. */
export interface Distinct {
  readonly count: number
  /** Standard error of an estimate, relative to it; null where every value was counted. */
  readonly relative_error: number | null
}

/** Any column. */
export type ColumnProfile = NumberColumn | IdColumn | TextColumn | TimeColumn | UnreadColumn

/** A quantity. */
export interface NumberColumn extends Column, NumberSummary {
  readonly kind: 'number'
}

/** A category by number. */
export interface IdColumn extends Column {
  readonly kind: 'id'
  /** The commonest, at most {@link topMost}. */
  readonly top: readonly TopValue[]
  /** Null when there is no value. */
  readonly range: { readonly min: number; readonly max: number } | null
}

/** Text and truth values. */
export interface TextColumn extends Column {
  readonly kind: 'text'
  readonly top: readonly TopValue[]
  /** Rows with a text of no characters. */
  readonly blank: number
  /** Characters of the longest. */
  readonly longest: number
  /** False when there were too many to count each: `top` is of those that came first. */
  readonly top_exact: boolean
}

/** Moments on the wall clock, without a zone. */
export interface TimeColumn extends Column {
  readonly kind: 'time'
  /** `YYYY-MM-DDTHH:MM:SS`; null when there is none. */
  readonly earliest: string | null
  readonly latest: string | null
  /** Rows whose text is no time. */
  readonly unparsable: number
  /** Rows outside the file's month; null when the month is not known. */
  readonly outside_month: { readonly before: number; readonly after: number } | null
  /** Rows by day of the month, the first day first; empty when the month is not known. */
  readonly by_day: readonly number[]
}

/** A column without values, or of a type that no trip file has. */
export interface UnreadColumn extends Column {
  readonly kind: 'empty' | 'unread'
}

/** At most so many values of an id or text are listed. */
export const topMost = 12

/** A value with the number of its rows. */
export interface TopValue {
  readonly value: string | number
  /** What the value stands for, such as the name of a zone. */
  readonly label?: string
  readonly count: number
}

/** The probabilities of the quantiles. */
export const quantileLevels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const

/** Finite numbers and how they lie. Where there are none, all are null or 0. */
export interface NumberSummary {
  /** How many finite values there are. */
  readonly count: number
  /** Plus and minus infinity. */
  readonly infinite: number
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  /** Standard deviation, divided by n - 1; null for fewer than two values. */
  readonly std: number | null
  readonly zeros: number
  readonly negatives: number
  /** At {@link quantileLevels}, between the two nearest values as they lie; empty without values. */
  readonly quantiles: readonly number[]
  /**
   * Greatest relative error of a quantile; 0 where every value was counted. Bins, fences and drift
   * rest on the same counts.
   */
  readonly quantile_error: number
  readonly histogram: Histogram | null
  readonly outliers: Outliers | null
}

/** Bins of one width over the bulk of the values. */
export interface Histogram {
  /** Lower edge of the first bin. */
  readonly start: number
  readonly width: number
  /** A value on an edge belongs to the bin above it. */
  readonly counts: readonly number[]
  /** True when every bin holds one whole number and nothing between. */
  readonly whole: boolean
  /** Values that lie left of all bins. */
  readonly below: number
  /** Values that lie right of all bins. */
  readonly above: number
}

/** What lies far out. */
export interface Outliers {
  /** 1.5 quartile distances out (Tukey); null when the quartiles are one value. */
  readonly fences: { readonly low: number; readonly high: number } | null
  /** Values beyond the fences. */
  readonly beyond_low: number
  readonly beyond_high: number
  /** Beyond this no taxi ride is believed; null where nobody says. */
  readonly plausible: { readonly low: number; readonly high: number } | null
  /** Values below and above what is plausible. */
  readonly absurd_low: number
  readonly absurd_high: number
  /** The least and the greatest values, outermost first, where they lie beyond fences or reason. */
  readonly lowest: readonly TopValue[]
  readonly highest: readonly TopValue[]
}

/** What is known about rides as such. */
export interface RidesProfile {
  /** Rides with both times, of 1 to 60 minutes, both included: what the plain recipe takes. */
  readonly kept: number
  /** Of all rows, why a ride is not kept. */
  readonly not_kept: {
    readonly without_time: number
    readonly backwards: number
    readonly under_a_minute: number
    readonly over_an_hour: number
  }
  /** Of all rides with both times, minutes. */
  readonly duration: NumberSummary
  /** Of kept rides of 0.01 to 100 miles, miles per hour; null for files without distance. */
  readonly speed: NumberSummary | null
  /** Kept rides by hour of the week, 168 values, Monday from midnight to one first. */
  readonly hour_of_week: {
    readonly rides: readonly number[]
    /** Minutes; null where there was no ride. */
    readonly mean: readonly (number | null)[]
    readonly median: readonly (number | null)[]
  }
  /** All rows by zone, ascending; zones that no ride touches are left out. Null without zones. */
  readonly zones: readonly ZoneProfile[] | null
  /** Rows without a pickup or a drop-off zone, or with a number that is no zone. */
  readonly without_zone: { readonly pickup: number; readonly dropoff: number }
  /** The commonest ways between zones, of all rows. */
  readonly flows: readonly Flow[]
  /** Kept rides by half mile; null without distance. */
  readonly by_distance: readonly DistanceBin[] | null
  readonly correlations: Correlations | null
}

/** One zone. */
export interface ZoneProfile {
  readonly id: number
  readonly pickups: number
  readonly dropoffs: number
  /** Mean minutes of the kept rides from here; null where there is none. */
  readonly mean_minutes: number | null
}

/** Rides from one zone to another. */
export interface Flow {
  readonly from: number
  readonly to: number
  readonly rides: number
  /** Mean minutes of the kept ones. */
  readonly mean_minutes: number | null
}

/** Durations of kept rides of about one distance. */
export interface DistanceBin {
  /** Miles; included. */
  readonly from: number
  /** Miles; not included. */
  readonly to: number
  readonly rides: number
  /** Minutes. */
  readonly p10: number
  readonly median: number
  readonly p90: number
}

/** How numbers go together, over kept rides of plausible distance. */
export interface Correlations {
  readonly rides: number
  /** Names as in the file; `duration` is made of the times. */
  readonly names: readonly string[]
  /** Pearson's, by row and column in the order of the names; null where one does not vary. */
  readonly pearson: readonly (readonly (number | null)[])[]
  /** Spearman's, by ranks. */
  readonly spearman: readonly (readonly (number | null)[])[]
  /** Rides that Spearman's rests on: every n-th one, all where there are few. */
  readonly sampled: number
}

/** The second month beside the first. */
export interface Comparison {
  /** Columns of both months, those that moved most first. */
  readonly drift: readonly ColumnDrift[]
  /** Columns of one month only, as it spells them. */
  readonly only_first: readonly string[]
  readonly only_second: readonly string[]
  /** What changed most, in words. */
  readonly findings: readonly string[]
}

/** How much one column moved. */
export interface ColumnDrift {
  /** See {@link ColumnProfile}; `duration` and `speed` are made of others. */
  readonly key: string
  /** As the second file spells it. */
  readonly name: string
  /**
   * Population stability index over the bins, shares below 0.0001 taken as that: below 0.1 is
   * commonly called stable, above 0.25 a shift.
   */
  readonly psi: number
  /** Jensen-Shannon distance over the bins, 0 (the same) to 1 (nothing in common). */
  readonly js: number
  /** Number of bins, that of missing values included. */
  readonly bins: number
  /** What the bins are, for people. */
  readonly over: string
}

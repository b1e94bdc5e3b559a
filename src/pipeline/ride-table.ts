/**
 * Rides in memory, column by column: what is trained on rows rather than on sums. Knows nothing about
 * how.
 */

import type { Features } from '../features.ts'
import type { ColumnName, RideBatch } from '../ride.ts'
import { openDecoder } from './parquet-decoder.ts'
import { type Plan, RideSelector } from './plan.ts'
import { readRides } from './rides.ts'
import type { TripFile } from './summing.ts'

/** What reading is told and tells. */
export interface ReadingEffects {
  /** Told (rides read, rides in the file, its path). */
  readonly progress?: (done: number, total: number, path: string) => void
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal
}

/**
 * Reads the rides that a plan takes, in the order of the files. Takes 8 bytes for each value.
 *
 * @param features whose inputs are read; those that are not required may be missing
 * @param rows at least as many rides as the plan takes
 * @throws source_columns, source_column_type, source_truncated, the reason of the signal
 */
export async function readTable(
  files: readonly TripFile[],
  plan: Plan,
  features: Features,
  rows: number,
  { progress = () => {}, signal }: ReadingEffects = {},
): Promise<RideBatch> {
  const names = features.inputs.filter((name): name is ColumnName => name !== 'pickup_datetime')
  const room = (): Float64Array => new Float64Array(rows)
  const [pickup, dropoff] = [room(), room()]
  const columns = Object.fromEntries(names.map((name) => [name, room()]))
  let length = 0
  for (const { source, taxi } of files) {
    const selector = new RideSelector(plan)
    const told = (done: number, total: number): void => progress(done, total, source.path)
    for await (const rides of readRides(source.path, taxi, rowColumns(plan, features), told)) {
      signal?.throwIfAborted()
      selector.forEach(rides, (i) => {
        pickup[length] = rides.pickup[i] as number
        dropoff[length] = rides.dropoff[i] as number
        for (const name of names) {
          ;(columns[name] as Float64Array)[length] = (rides.columns[name] as Float64Array)[
            i
          ] as number
        }
        length++
      })
    }
  }
  const whole = { length, pickup, dropoff, columns }
  return length === rows
    ? whole
    : takeRides(
        whole,
        Int32Array.from({ length }, (_, i) => i),
      )
}

/** Rides in files, those included that no plan takes. */
export async function countRows(files: readonly TripFile[]): Promise<number> {
  let rows = 0
  for (const { source } of files) {
    const decoder = await openDecoder(source.path)
    rows += await decoder.run((file) => file.metadata().fileMetadata().numRows())
    decoder.close()
  }
  return rows
}

/** The columns of a pass over rows: what a plan demands, and what features can do without. */
export function rowColumns(
  { filters, required }: Plan,
  features: Features,
): { required: ColumnName[]; optional: ColumnName[] } {
  const isColumn = (name: string): name is ColumnName => name !== 'pickup_datetime'
  const needed = new Set([...required.filter(isColumn), ...filters.map(({ column }) => column)])
  return {
    required: [...needed],
    optional: features.inputs.filter(isColumn).filter((name) => !needed.has(name)),
  }
}

/** Some rides of a table, in the order of their positions. */
export function takeRides({ pickup, dropoff, columns }: RideBatch, at: Int32Array): RideBatch {
  const take = (values: Float64Array): Float64Array => {
    const out = new Float64Array(at.length)
    for (let k = 0; k < at.length; k++) out[k] = values[at[k] as number] as number
    return out
  }
  return {
    length: at.length,
    pickup: take(pickup),
    dropoff: take(dropoff),
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, take(values)]),
    ),
  }
}

/** The rides on some days of the month, by the clock on the wall. */
export function ridesOnDays(rides: RideBatch, isWanted: (day: number) => boolean): RideBatch {
  const at = new Int32Array(rides.length)
  let size = 0
  for (let i = 0; i < rides.length; i++) {
    if (isWanted(new Date((rides.pickup[i] as number) / 1000).getUTCDate())) at[size++] = i
  }
  return takeRides(rides, at.subarray(0, size))
}

/**
 * The earlier rides by pickup time, and the later ones, each in their order.
 *
 * @param share of the later ones, a little more where some begin at the same moment
 */
export function partByPickup(
  rides: RideBatch,
  share: number,
): [earlier: RideBatch, later: RideBatch] {
  const { pickup, length } = rides
  const at = pickup.slice(0, length).sort()[Math.floor((1 - share) * length)] as number
  const every = Array.from({ length }, (_, i) => i)
  const part = (late: boolean): RideBatch =>
    takeRides(rides, Int32Array.from(every.filter((i) => (pickup[i] as number) >= at === late)))
  return [part(false), part(true)]
}

/** Durations in minutes. */
export function minutesOf({ pickup, dropoff, length }: RideBatch): Float64Array {
  return Float64Array.from(
    { length },
    (_, i) => ((dropoff[i] as number) - (pickup[i] as number)) / 60e6,
  )
}

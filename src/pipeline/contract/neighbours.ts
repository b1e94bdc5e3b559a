/** The whole months around a file: their rows. Knows nothing about where such files lie. */

import { basename } from 'node:path'
import { type Month, nextMonth, previousMonth } from '../../month.ts'
import type { Taxi } from '../../ride.ts'

/** How far to look, in months, to either side. */
const reach = 2

/** True when a file's name says that it holds a whole month of a fleet, and nothing else. */
export function isWholeMonth(path: string, taxi: Taxi, month: Month | undefined): boolean {
  return month !== undefined && basename(path).toLowerCase() === `${taxi}_tripdata_${month}.parquet`
}

/** A month near a file, and its rows. */
export interface Neighbour {
  readonly month: Month
  readonly rows: number
}

/**
 * The months up to two before and after a file that are there too.
 *
 * @param rowsOf the rows of a file by its base name; undefined for one that is not there or unreadable
 */
export async function neighboursOf(
  taxi: Taxi,
  month: Month,
  rowsOf: (name: string) => Promise<number | undefined>,
): Promise<Neighbour[]> {
  const months = [month]
  for (let k = 0; k < reach; k++) {
    months.unshift(previousMonth(months[0] as Month))
    months.push(nextMonth(months.at(-1) as Month))
  }
  const found: Neighbour[] = []
  for (const one of months) {
    if (one === month) continue
    const rows = await rowsOf(`${taxi}_tripdata_${one}.parquet`)
    if (rows) found.push({ month: one, rows })
  }
  return found
}

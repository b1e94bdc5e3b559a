/** The whole months around a file, in its folder: their rows, from their footers. */

import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Month, nextMonth, previousMonth } from '../../month.ts'
import type { Taxi } from '../../ride.ts'
import { footerOf, type ReadFooter } from './footer.ts'

/** How far to look, in months, to either side. */
const reach = 2

/** True when a file's name says that it holds a whole month of a fleet, and nothing else. */
export function isWholeMonth(path: string, taxi: Taxi, month: Month | undefined): boolean {
  return month !== undefined && basename(path).toLowerCase() === `${taxi}_tripdata_${month}.parquet`
}

/** The months up to two before and after that lie beside a file; unreadable ones are left out. */
export async function neighboursOf(
  path: string,
  taxi: Taxi,
  month: Month,
  read: ReadFooter = footerOf,
): Promise<{ month: Month; rows: number }[]> {
  const months = [month]
  for (let k = 0; k < reach; k++) {
    months.unshift(previousMonth(months[0] as Month))
    months.push(nextMonth(months.at(-1) as Month))
  }
  const found: { month: Month; rows: number }[] = []
  for (const one of months) {
    const beside = join(dirname(path), `${taxi}_tripdata_${one}.parquet`)
    if (one === month || !existsSync(beside)) continue
    const footer = await read(beside).catch(() => undefined)
    if (footer && footer.rows > 0) found.push({ month: one, rows: footer.rows })
  }
  return found
}

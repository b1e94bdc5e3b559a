/**
 * One pass over all columns of a trip file: every column and the rides counted. Knows nothing about
 * how the counts are told.
 */

import { basename } from 'node:path'
import type { RecordBatch, Vector } from 'apache-arrow'
import type { Month } from '../../month.ts'
import { parseWallClock, type Taxi } from '../../ride.ts'
import { type Cells, cellsOf } from './cells.ts'
import {
  addCells,
  type ColumnCounts,
  type ColumnFacts,
  columnCounts,
  factsOf,
} from './column-counts.ts'
import { type ColumnFile, openColumns } from './read-columns.ts'
import { type RideCells, RideCounts } from './ride-counts.ts'

/** A trip file on disk, as `obtain` of `source.ts` gives it. */
export interface ProfileSource {
  readonly path: string
  readonly label: string
  readonly month: Month | undefined
  readonly bytes: number
  readonly sha256: string
}

/** What was counted in a file. */
export interface CountedMonth {
  readonly label: string
  readonly taxi: Taxi
  readonly month: Month | undefined
  /** Name of the file. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly rows: number
  readonly columns: readonly ColumnCounts[]
  readonly rides: RideCounts
}

/**
 * Reads a file and counts it; the order of its rows does not matter beyond samples and estimates.
 *
 * @param progress called with (rows read, rows in the file)
 * @throws source_truncated
 */
export async function countMonth(
  source: ProfileSource,
  taxi: Taxi,
  progress: (done: number, total: number) => void = () => {},
): Promise<CountedMonth> {
  const file = await openColumns(source.path)
  try {
    const { path, label, month, bytes, sha256 } = source
    const counted = await countRows(file, taxi, progress)
    return { label, taxi, month, file: basename(path), bytes, sha256, rows: file.rows, ...counted }
  } finally {
    file.close()
  }
}

async function countRows(
  file: ColumnFile,
  taxi: Taxi,
  progress: (done: number, total: number) => void,
): Promise<Pick<CountedMonth, 'columns' | 'rides'>> {
  const facts = factsOf(file.fields, taxi)
  let columns: ColumnCounts[] | undefined
  let rides: RideCounts | undefined
  let done = 0
  for await (const batch of file.batches()) {
    const cells = facts.map((_, k) => cellsOf(childAt(batch, k)))
    columns ??= facts.map((one, k) => columnCounts(one, (cells[k] as Cells).kind))
    columns.forEach((column, k) => {
      addCells(column, cells[k] as Cells)
    })
    rides ??= new RideCounts(numericNames(columns))
    rides.add(rideCells(batch.numRows, columns, cells))
    done += batch.numRows
    progress(done, file.rows)
  }
  // A file without rows: columns without values.
  columns ??= facts.map((one) => columnCounts(one, kindOfType(one)))
  return { columns, rides: rides ?? new RideCounts(numericNames(columns)) }
}

const childAt = (batch: RecordBatch, k: number): Vector => batch.getChildAt(k) as Vector

function kindOfType({ type }: ColumnFacts): Cells['kind'] {
  if (/^(Timestamp|Date)/.test(type)) return 'time'
  if (/^(U?int|Float|Decimal)/i.test(type)) return 'number'
  if (/utf8|bool/i.test(type)) return 'text'
  return type === 'Null' ? 'empty' : 'unread'
}

const isNumeric = (column: ColumnCounts): boolean => column.kind === 'number'

const numericNames = (columns: readonly ColumnCounts[]): string[] =>
  columns.filter(isNumeric).map(({ name }) => name)

function rideCells(
  length: number,
  columns: readonly ColumnCounts[],
  cells: readonly Cells[],
): RideCells {
  const find = (role: ColumnFacts['role']): Cells | undefined =>
    cells[columns.findIndex((column) => column.role === role)]
  const numbers = (role: ColumnFacts['role']): Float64Array | undefined => {
    const found = find(role)
    return found?.kind === 'number' ? found.values : undefined
  }
  return {
    length,
    pickup: microsOf(find('pickup'), length),
    dropoff: microsOf(find('dropoff'), length),
    from: numbers('PULocationID'),
    to: numbers('DOLocationID'),
    miles: numbers('trip_distance'),
    numbers: cells.flatMap((one, k) => {
      return one.kind === 'number' && isNumeric(columns[k] as ColumnCounts) ? [one.values] : []
    }),
  }
}

function microsOf(cells: Cells | undefined, length: number): Float64Array {
  if (cells?.kind === 'time') return cells.values
  if (cells?.kind !== 'text') return new Float64Array(length).fill(Number.NaN)
  return Float64Array.from(cells.values, (text) => {
    return text === null ? Number.NaN : parseWallClock(text)
  })
}

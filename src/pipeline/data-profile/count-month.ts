/**
 * One pass over all columns of a trip file: every column and the rides counted. Knows nothing about
 * how the counts are told.
 */

import { basename } from 'node:path'
import type { RecordBatch, Vector } from 'apache-arrow'
import type { Month } from '../../month.ts'
import { parseWallClock, type Taxi } from '../../ride.ts'
import { type Cells, cellsOf, kindOfType } from './cells.ts'
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
  const kinds = file.fields.map(({ type }) => kindOfType(type))
  const columns = factsOf(file.fields, taxi).map((one, k) => {
    return columnCounts(one, kinds[k] as Cells['kind'])
  })
  const rides = new RideCounts(columns.filter(isNumeric).map(({ name }) => name))
  let done = 0
  for await (const batch of file.batches()) {
    const cells = columns.map((_, k) => cellsOf(childAt(batch, k)))
    columns.forEach((column, k) => {
      addCells(column, cells[k] as Cells)
    })
    rides.add(rideCells(batch.numRows, columns, cells))
    done += batch.numRows
    progress(done, file.rows)
  }
  return { columns, rides }
}

const childAt = (batch: RecordBatch, k: number): Vector => batch.getChildAt(k) as Vector

const isNumeric = (column: ColumnCounts): boolean => column.kind === 'number'

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
